import { describe, expect, it } from "vitest";
import { backoffMs } from "../src/backoff.js";
import { Connection, type ConnectionOwner } from "../src/connection.js";
import type { LinkState } from "../src/types.js";
import { Owner, start } from "./connection-harness.js";
import { hello } from "./harness.js";

describe("the delay before the next attempt", () => {
  it("is anything below a ceiling that doubles from the least to the most", () => {
    const bounds = { minMs: 500, maxMs: 30_000 };
    const ceilings = [1, 2, 3, 4, 5, 6, 7, 8, 100].map((attempt) => backoffMs(attempt, 1, bounds));
    expect(ceilings).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    expect(backoffMs(5, 0, bounds)).toBe(0);
    expect(backoffMs(5, 0.25, bounds)).toBe(2_000);
  });
});

describe("the time of a message", () => {
  const message = new Uint8Array(1);

  it("is its event's on the same clock, and never before that of the message ahead of it", () => {
    const { owner, clock, gateway, greet } = start();
    greet();
    owner.heardAt.length = 0;
    clock.eventTime = (timeStamp) => timeStamp + 1_000;
    for (const timeStamp of [5, 7, 6, undefined]) gateway.line.bytes(message, "envelopes", timeStamp);
    expect(owner.heardAt).toEqual([1_005, 1_007, 1_007, 1_007]);
  });

  it("is now where events bear another clock's time", () => {
    const { owner, clock, gateway, greet } = start();
    greet();
    clock.advance(50);
    gateway.line.bytes(message, "envelopes", 123_456);
    expect(owner.heardAt.at(-1)).toBe(clock.now());
  });
});

describe("a connection", () => {
  it("is connected after the hello, not before", () => {
    const { connection, gateway } = start();
    expect(connection.state).toMatchObject({ status: "connecting", attempt: 0, sessionId: null });
    gateway.line.open();
    expect(connection.state.status).toBe("connecting");
    connection.greeted("s-1", 15_000);
    expect(connection.state).toMatchObject({
      status: "connected",
      sessionId: "s-1",
      error: null,
      retryAt: null,
    });
  });

  it("says when the status changed, by the wall clock", () => {
    const { connection, clock, greet } = start();
    const opened = connection.state.since;
    clock.advance(3_000);
    greet();
    expect(connection.state.since).toBe(opened + 3_000);
  });

  const endings: [string, (s: ReturnType<typeof start>) => void][] = [
    ["a close", ({ gateway }) => gateway.line.close({ code: 1006 })],
    ["a line that cannot be opened", ({ gateway }) => gateway.line.close()],
    ["a hello that does not come", ({ clock }) => clock.advance(10_000)],
  ];
  for (const [name, end] of endings) {
    it(`tries again after ${name}`, () => {
      const setup = start();
      const { connection, clock, gateway, owner } = setup;
      end(setup);
      expect(connection.state).toMatchObject({
        status: "disconnected",
        attempt: 1,
        error: { code: "NETWORK" },
      });
      expect(connection.state.retryAt).toBe(clock.wallNow() + 250);
      expect(owner.happened).toContain("lost");
      clock.advance(249);
      expect(gateway.lines).toHaveLength(1);
      clock.advance(1);
      expect(gateway.lines).toHaveLength(2);
      expect(connection.state).toMatchObject({ status: "connecting", retryAt: null });
    });
  }

  it("waits longer with each failure, and forgets them once a line has held", () => {
    const { connection, clock, gateway, greet } = start();
    const delays: number[] = [];
    for (let round = 0; round < 8; round += 1) {
      gateway.line.close();
      const delay = (connection.state.retryAt ?? 0) - clock.wallNow();
      delays.push(delay);
      clock.advance(delay);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    greet();
    expect(connection.state.attempt).toBe(0);
    clock.advance(5_000);
    gateway.line.close();
    expect(connection.state.attempt).toBe(1);
  });

  it("goes on waiting longer when the gateway greets and hangs up", () => {
    const { connection, clock, gateway, greet } = start();
    for (let round = 1; round <= 4; round += 1) {
      greet();
      gateway.line.close();
      expect(connection.state.attempt).toBe(round);
      clock.advance((connection.state.retryAt ?? 0) - clock.wallNow());
    }
  });

  it("takes silence of two heartbeats and 5 s for a dead line", () => {
    const { connection, clock, gateway, greet } = start();
    greet(2_000);
    clock.advance(8_000);
    gateway.line.say(hello());
    clock.advance(8_999);
    expect(connection.state.status).toBe("connected");
    clock.advance(1);
    expect(connection.state).toMatchObject({
      status: "disconnected",
      error: { message: "the line went silent" },
    });
    expect(gateway.lines[0]?.isClosedByClient).toBe(true);
  });

  it("hears nothing of a line that it gave up", () => {
    const { owner, clock, gateway, greet } = start();
    greet();
    clock.advance(60_000);
    const [dead] = gateway.lines;
    const before = owner.happened.length;
    dead?.close();
    dead?.open();
    expect(owner.happened).toHaveLength(before);
  });

  it("does not come back after a close of 40xx", () => {
    const { connection, clock, gateway, greet } = start();
    greet();
    gateway.line.close({ code: 4002, reason: "UNAUTHENTICATED" });
    clock.advance(600_000);
    expect(gateway.lines).toHaveLength(1);
    expect(connection.state).toMatchObject({
      status: "disconnected",
      retryAt: null,
      error: { code: "UNAUTHENTICATED" },
    });
  });

  it("comes back after a close of 40xx for another set of channels, a wake or a network", () => {
    const occasions: Record<string, (s: ReturnType<typeof start>) => void> = {
      "another set": ({ owner, connection, clock }) => {
        owner.channels = [...owner.channels, { name: "price:GOOG", maxHz: null }];
        connection.wantedChanged();
        clock.advance(50);
      },
      "a wake": ({ connection }) => connection.network("wake"),
      "a network": ({ connection }) => connection.network("online"),
    };
    for (const [name, happen] of Object.entries(occasions)) {
      const setup = start();
      const { owner, connection, clock, gateway, greet } = setup;
      greet();
      // Asked for by a command.
      owner.channels = [...owner.channels, { name: "price:IBM", maxHz: null }];
      connection.wantedChanged();
      gateway.line.close({ code: 4002, reason: "UNAUTHENTICATED" });
      connection.wantedChanged();
      connection.network("offline");
      clock.advance(600_000);
      expect(gateway.lines, name).toHaveLength(1);
      happen(setup);
      expect(gateway.lines, name).toHaveLength(2);
      expect(connection.state.status, name).toBe("connecting");
    }
  });

  it("comes back with a delay after a close of 41xx", () => {
    const { clock, gateway, greet } = start();
    greet();
    gateway.line.close({ code: 4107 });
    clock.advance(250);
    expect(gateway.lines).toHaveLength(2);
  });

  it("stays away from a gateway that is being stopped until the time it named", () => {
    const { clock, gateway, connection, greet } = start();
    greet();
    connection.draining(4_000);
    clock.advance(1_000);
    gateway.line.close({ code: 4200 });
    clock.advance(2_999);
    expect(gateway.lines).toHaveLength(1);
    clock.advance(1_000);
    expect(gateway.lines).toHaveLength(2);
  });

  it("leaves a gateway that is being stopped when the gateway does not hang up itself", () => {
    const { clock, gateway, connection, greet } = start();
    greet();
    connection.draining(4_000);
    clock.advance(4_000);
    expect(gateway.lines[0]?.isClosedByClient).toBe(true);
    expect(connection.state.error?.code).toBe("DRAINING");
  });

  it("stays away for as long as the gateway asks for, and no longer than an hour", () => {
    const { clock, gateway, connection } = start();
    const away = () => (connection.state.retryAt ?? 0) - clock.wallNow();
    connection.holdOff(7_000);
    connection.holdOff(3_000);
    gateway.line.close({ status: 503 });
    expect(away()).toBe(7_250);
    clock.advance(7_250);
    gateway.line.close({ status: 503, retryAfterMs: 9_000 });
    expect(away()).toBe(9_500);
    clock.advance(9_500);
    gateway.line.close({ status: 503, retryAfterMs: 1e12 });
    expect(away()).toBe(3_601_000);
  });

  it("tries at once when the machine is online again", () => {
    const { clock, gateway, connection } = start();
    for (let round = 0; round < 6; round += 1) {
      gateway.line.close();
      clock.advance(30_000);
    }
    gateway.line.close();
    const before = gateway.lines.length;
    connection.network("online");
    expect(gateway.lines).toHaveLength(before + 1);
    gateway.line.close();
    expect(connection.state.attempt).toBe(1);
  });

  it("waits out what the gateway asked for though the machine wakes, and a random time more", () => {
    for (const ask of ["drain", "refusal"]) {
      const { clock, gateway, connection, greet } = start();
      greet();
      if (ask === "drain") connection.draining(4_000);
      gateway.line.close(ask === "drain" ? { code: 4200 } : { code: 4106, retryAfterMs: 4_000 });
      for (const event of ["wake", "online"] as const) {
        clock.advance(1_000);
        connection.network(event);
      }
      expect((connection.state.retryAt ?? 0) - clock.wallNow(), ask).toBe(2_250);
      expect(connection.state).toMatchObject({ status: "disconnected", attempt: 0 });
      clock.advance(2_249);
      expect(gateway.lines, ask).toHaveLength(1);
      clock.advance(1);
      expect(gateway.lines, ask).toHaveLength(2);
      gateway.line.close();
      connection.network("wake");
      expect(gateway.lines, ask).toHaveLength(3);
    }
  });

  it("asks a silent line for a sign of life after a wake, and gives it up when none comes", () => {
    const { clock, gateway, connection, greet } = start();
    greet();
    clock.advance(4_000);
    connection.network("wake");
    expect(gateway.line.sent("ping")).toHaveLength(1);
    clock.advance(5_000);
    expect(connection.state.status).toBe("disconnected");
  });

  it("keeps a line that gives a sign of life after a wake", () => {
    const { clock, gateway, connection, greet } = start();
    greet();
    clock.advance(4_000);
    connection.network("wake");
    gateway.line.say(hello());
    clock.advance(6_000);
    expect(connection.state.status).toBe("connected");
    expect(gateway.lines).toHaveLength(1);
  });

  it("opens anew after a sleep that the wall clock alone has seen", () => {
    const { clock, connection, greet } = start();
    greet();
    clock.wallOffset += 3_600_000;
    connection.network("wake");
    expect(connection.state.status).toBe("disconnected");
  });

  it("survives a wall clock that jumps while the line speaks", () => {
    const { clock, gateway, connection, greet } = start();
    greet();
    clock.wallOffset += 3_600_000;
    clock.advance(5_000);
    expect(gateway.line.sent("ping")).toHaveLength(1);
    gateway.line.say(hello());
    clock.advance(20_000);
    expect(connection.state.status).toBe("connected");
  });

  it("rests when nothing is wanted any more, after a while", () => {
    const { owner, clock, gateway, connection, greet } = start();
    greet();
    owner.channels = [];
    connection.wantedChanged();
    clock.advance(9_999);
    expect(connection.state.status).toBe("connected");
    clock.advance(1);
    expect(connection.state).toMatchObject({ status: "idle", sessionId: null });
    expect(gateway.line.isClosedByClient).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it("leaves no timer behind when it is closed, in whatever state", () => {
    const states: ((s: ReturnType<typeof start>) => void)[] = [
      () => {},
      ({ greet }) => greet(),
      ({ gateway }) => gateway.line.close(),
      ({ greet, connection }) => {
        greet();
        connection.draining(1_000);
      },
    ];
    for (const reach of states) {
      const setup = start();
      reach(setup);
      setup.connection.close();
      expect(setup.clock.waiting).toBe(0);
      expect(setup.connection.state.status satisfies LinkState["status"]).toBe("closed");
    }
  });

  it("reports an address that cannot be opened instead of throwing", () => {
    const owner = new Owner();
    const broken: ConnectionOwner = Object.assign(owner, {
      open: () => {
        throw new Error("mixed content");
      },
    });
    const connection = new Connection("websocket", broken);
    connection.wantedChanged();
    expect(connection.state).toMatchObject({ status: "disconnected", error: { message: "mixed content" } });
  });
});
