import { describe, expect, it } from "vitest";
import { start } from "./connection-harness.js";

describe("a stream's connection", () => {
  it("names the channels in its address and opens one new stream for many changes", () => {
    const { owner, clock, gateway, connection, greet } = start("sse");
    greet();
    for (const name of ["price:GOOG", "price:IBM"]) {
      owner.channels = [...owner.channels, { name, maxHz: null }];
      connection.wantedChanged();
    }
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
    expect(gateway.line.request.channels.map(({ name }) => name)).toEqual([
      "price:AAPL",
      "price:GOOG",
      "price:IBM",
    ]);
  });

  it("opens none when the set is the same", () => {
    const { clock, gateway, connection, greet } = start("sse");
    greet();
    connection.wantedChanged();
    clock.advance(1_000);
    expect(gateway.lines).toHaveLength(1);
    connection.renew();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
  });

  it("keeps the old stream until the new one is open, and stays connected meanwhile", () => {
    const { owner, clock, gateway, connection, greet } = start("sse");
    greet();
    owner.channels = [{ name: "price:IBM", maxHz: null }];
    connection.wantedChanged();
    clock.advance(50);
    const [old, next] = gateway.lines;
    expect(old?.isClosedByClient).toBe(false);
    expect(connection.state.status).toBe("connected");
    next?.open();
    expect(old?.isClosedByClient).toBe(true);
    expect(connection.state.status).toBe("connected");
    expect(owner.happened).not.toContain("lost");
    clock.advance(10_000);
    expect(connection.state.status).toBe("disconnected");
  });

  it("waits as long as the stream asked for", () => {
    const { owner, clock, gateway, connection, greet } = start("sse");
    greet();
    owner.hint = 1_234;
    clock.advance(6_000);
    gateway.line.close();
    expect((connection.state.retryAt ?? 0) - clock.wallNow()).toBe(1_234);
  });

  it("does not repeat a request that was refused, but sends another one", () => {
    const { owner, clock, gateway, connection } = start("sse");
    gateway.line.close({ status: 404, reason: "CHANNEL_UNKNOWN" });
    clock.advance(600_000);
    expect(gateway.lines).toHaveLength(1);
    expect(connection.state).toMatchObject({ status: "disconnected", retryAt: null });
    owner.channels = [{ name: "price:IBM", maxHz: null }];
    connection.wantedChanged();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
  });

  it("comes back after an answer that promises better times, or is not the gateway's", () => {
    const answers = [
      { status: 503, reason: "OVERLOADED" },
      { status: 429, reason: "RATE_LIMITED" },
      { status: 401, reason: "AUTH_EXPIRED" },
      { status: 502 },
      { status: 403, reason: "the gateway answered 403" },
      { status: 404, reason: "the gateway answered 404" },
    ];
    for (const why of answers) {
      const { clock, gateway, connection } = start("sse");
      gateway.line.close(why);
      expect(connection.state.retryAt, why.reason).not.toBeNull();
      clock.advance(30_000);
      expect(gateway.lines.length, why.reason).toBeGreaterThan(1);
    }
  });

  it("is refused for good with the words that the gateway had for it", () => {
    const { gateway, connection } = start("sse");
    connection.complain({ code: "BAD_REQUEST", message: "names no channel", field: "channels" });
    gateway.line.close({ status: 400, reason: "BAD_REQUEST" });
    expect(connection.state).toMatchObject({
      retryAt: null,
      error: { code: "BAD_REQUEST", message: "names no channel", field: "channels" },
    });
  });

  it("starts over with the same channels though the set is looked at meanwhile", () => {
    const { clock, gateway, connection, greet } = start("sse");
    greet();
    connection.renew();
    connection.wantedChanged();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
    gateway.line.open();
    connection.greeted("s-2", 15_000);
    connection.wantedChanged();
    clock.advance(5_000);
    expect(gateway.lines).toHaveLength(2);
  });
});

describe("a stream that is to take over", () => {
  /** Connected over one stream, with a second one on its way. */
  function replacing() {
    const setup = start("sse");
    setup.greet();
    setup.clock.advance(6_000);
    setup.owner.channels = [{ name: "price:IBM", maxHz: null }];
    setup.connection.wantedChanged();
    setup.clock.advance(50);
    expect(setup.gateway.lines).toHaveLength(2);
    const [old, next] = setup.gateway.lines;
    if (!old || !next) throw new Error("there are no two streams");
    return { ...setup, old, next };
  }

  it("leaves the one that runs alone when it cannot be opened, and is tried again, ever less often", () => {
    const { owner, clock, gateway, connection, old } = replacing();
    const delays: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const failedAt = clock.now();
      const { length } = gateway.lines;
      gateway.line.close({ status: 503, reason: "OVERLOADED" });
      // A look at the set does not shorten the wait.
      connection.wantedChanged();
      while (gateway.lines.length === length && clock.now() - failedAt < 60_000) clock.advance(50);
      delays.push(clock.now() - failedAt);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000]);
    expect(connection.state).toMatchObject({ status: "connected", attempt: 0, error: null });
    expect(old.isClosedByClient).toBe(false);
    expect(owner.happened).not.toContain("lost");
    gateway.line.open();
    expect(old.isClosedByClient).toBe(true);
    connection.greeted("s-2", 15_000);
    clock.advance(20_000);
    expect(gateway.lines).toHaveLength(6);
    expect(connection.state.status).toBe("connected");
  });

  it("is tried again no sooner than the gateway asks for", () => {
    const { clock, gateway } = replacing();
    gateway.line.close({ status: 429, reason: "RATE_LIMITED", retryAfterMs: 5_000 });
    clock.advance(5_249);
    expect(gateway.lines).toHaveLength(2);
    clock.advance(1);
    expect(gateway.lines).toHaveLength(3);
  });

  it("is given up when it does not open in time", () => {
    const { clock, gateway, connection, old, next } = replacing();
    clock.advance(9_999);
    expect(next.isClosedByClient).toBe(false);
    clock.advance(1);
    expect(next.isClosedByClient).toBe(true);
    expect(old.isClosedByClient).toBe(false);
    clock.advance(250);
    expect(gateway.lines).toHaveLength(3);
    expect(connection.state.status).toBe("connected");
  });

  it("is not asked for again when it is refused for good, until the set is another one", () => {
    const { owner, clock, gateway, connection, old, next } = replacing();
    next.close({ status: 404, reason: "CHANNEL_UNKNOWN" });
    connection.wantedChanged();
    clock.advance(10_000);
    expect(gateway.lines).toHaveLength(2);
    expect(connection.state).toMatchObject({ status: "connected", error: { code: "CHANNEL_UNKNOWN" } });
    expect(old.isClosedByClient).toBe(false);
    owner.channels = [{ name: "price:GOOG", maxHz: null }];
    connection.wantedChanged();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(3);
  });

  it("leaves the one that runs alone when it cannot even be begun", () => {
    const { owner, clock, connection } = replacing();
    owner.open = () => {
      throw new Error("no more streams");
    };
    owner.channels = [{ name: "price:GOOG", maxHz: null }];
    connection.wantedChanged();
    clock.advance(50);
    expect(connection.state.status).toBe("connected");
    owner.open = owner.gateway.open;
    clock.advance(250);
    expect(owner.gateway.line.request.channels.map(({ name }) => name)).toEqual(["price:GOOG"]);
  });

  it("does not end when the one before it was to end", () => {
    const { clock, connection, next } = replacing();
    connection.draining(4_000);
    next.open();
    connection.greeted("s-2", 15_000);
    clock.advance(5_000);
    expect(connection.state).toMatchObject({ status: "connected", error: null });
    next.close();
    expect((connection.state.retryAt ?? 0) - clock.wallNow()).toBe(250);
  });

  it("is forgotten with the one that runs", () => {
    const { clock, connection, old, next } = replacing();
    old.close();
    expect(next.isClosedByClient).toBe(true);
    expect(connection.state.status).toBe("disconnected");
    connection.close();
    expect(clock.waiting).toBe(0);
  });
});
