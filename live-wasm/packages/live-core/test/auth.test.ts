import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Credentials } from "../src/auth.js";
import { type GuestStorage, guestSession } from "../src/guest.js";
import type { AuthReason, LiveClientOptions, Transport } from "../src/types.js";
import { start } from "./connection-harness.js";
import { settle, setUp, VirtualClock } from "./harness.js";

/** A page that brings `t1`, `t2`, … and writes down why it was asked. */
function page(bring: (count: number) => Promise<{ token: string }> | { token: string } = named) {
  const asked: [AuthReason, number][] = [];
  const auth: NonNullable<LiveClientOptions["auth"]> = async ({ reason, attempt }) => {
    asked.push([reason, attempt]);
    return await bring(asked.length);
  };
  return { asked, auth };
}

const named = (count: number) => ({ token: `t${count}` });

async function startWith(kind: Transport, auth: LiveClientOptions["auth"]) {
  const setup = start(kind, auth);
  await settle();
  return setup;
}

describe("the page's token", () => {
  it("is asked for before every attempt, and a new one opens the line", async () => {
    const { asked, auth } = page();
    const { connection, gateway, clock, greet } = await startWith("sse", auth);
    expect(gateway.line.request.headers()).toEqual({ authorization: "Bearer t1" });
    greet();
    gateway.line.close();
    clock.advance(5_000);
    await settle();
    expect(gateway.lines).toHaveLength(2);
    expect(gateway.line.request.headers()).toEqual({ authorization: "Bearer t2" });
    expect(connection.token).toBe("t2");
    expect(asked).toEqual([
      ["initial", 0],
      ["initial", 1],
    ]);
  });

  it("that does not come is a failed attempt, told and tried again", async () => {
    const { asked, auth } = page((count) =>
      count === 1 ? Promise.reject(new Error("signed out")) : { token: "t" },
    );
    const { connection, gateway, clock } = await startWith("websocket", auth);
    expect(gateway.lines).toHaveLength(0);
    expect(connection.state).toMatchObject({
      status: "disconnected",
      attempt: 1,
      error: { code: "UNAUTHENTICATED", message: "the page brought no token: signed out" },
    });
    clock.advance(5_000);
    await settle();
    expect([gateway.lines.length, asked.length]).toEqual([1, 2]);
  });

  it("that takes too long is a failed attempt, and its page is told to stop", async () => {
    let aborted = false;
    const { connection, clock } = await startWith("websocket", ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    clock.advance(15_000);
    await settle();
    expect(aborted).toBe(true);
    expect(connection.state.error?.message).toBe("the page brought no token: it took too long");
  });

  it("that was rejected is replaced twice, and then nothing more is asked until the page is looked at", async () => {
    const { asked, auth } = page();
    const { connection, gateway, clock } = await startWith("websocket", auth);
    for (let round = 0; round < 5; round += 1) {
      if (connection.phase !== "refused") gateway.line.close({ code: 4002, reason: "UNAUTHENTICATED" });
      clock.advance(5_000);
      await settle();
    }
    expect(asked.map(([reason]) => reason)).toEqual(["initial", "rejected", "rejected"]);
    expect(connection.phase).toBe("refused");
    // Somebody has signed in meanwhile, in another tab.
    connection.network("wake");
    await settle();
    expect(asked.slice(3).map(([reason]) => reason)).toEqual(["rejected"]);
    gateway.line.open();
    connection.greeted("s-1", 15_000);
    expect(connection.state).toMatchObject({ status: "connected", error: null });
  });

  it("that ends soon is replaced on the line that it is for", async () => {
    const { asked, auth } = page();
    const { owner, connection, gateway, greet } = await startWith("websocket", auth);
    greet();
    connection.expiring();
    await settle();
    expect(gateway.line.sent("auth")).toEqual([{ id: 1, cmd: "auth", token: "t2" }]);
    expect(owner.refreshed).toEqual([]);
    expect(asked.at(-1)?.[0]).toBe("expiring");
  });

  it("of a stream is replaced by a request beside it", async () => {
    const { owner, connection, gateway, greet } = await startWith("sse", page().auth);
    greet();
    connection.expiring();
    await settle();
    expect(owner.refreshed).toEqual([["s-1", "t2"]]);
    expect(gateway.line.request.headers()).toEqual({ authorization: "Bearer t2" });
    expect(gateway.lines).toHaveLength(1);
  });

  it("that cannot be replaced is asked for again while the line lives", async () => {
    const { asked, auth } = page((count) =>
      count < 4 && count > 1 ? Promise.reject(new Error("busy")) : named(count),
    );
    const { connection, gateway, clock, greet } = await startWith("websocket", auth);
    greet();
    connection.expiring();
    await settle();
    expect(connection.state.error?.code).toBe("AUTH_EXPIRED");
    for (let round = 0; round < 4; round += 1) {
      clock.advance(5_000);
      await settle();
    }
    expect(gateway.line.sent("auth")).toHaveLength(1);
    expect(connection.state.error?.code).toBe("AUTH_EXPIRED");
    connection.authenticated();
    expect(connection.state).toMatchObject({ status: "connected", error: null });
    clock.advance(5_000);
    await settle();
    expect(asked).toHaveLength(4);
  });

  it("that is the same again is not sent, and the page is asked for a newer one in its time", async () => {
    const { asked, auth } = page((count) => ({ token: count < 4 ? "old" : "new" }));
    const { connection, gateway, clock, greet } = await startWith("websocket", auth);
    greet();
    for (let round = 0; round < 20; round += 1) {
      connection.expiring();
      await settle();
    }
    expect([asked.length, gateway.line.sent("auth")]).toEqual([2, []]);
    for (let round = 0; round < 4; round += 1) {
      clock.advance(5_000);
      await settle();
      if (gateway.line.sent("auth").length > 0) connection.authenticated();
    }
    expect(gateway.line.sent("auth")).toMatchObject([{ token: "new" }]);
    expect(asked).toHaveLength(4);
  });

  it("that ends soon each time is replaced no more often than every five seconds", async () => {
    const { asked, auth } = page();
    const { owner, connection, clock, greet } = await startWith("sse", auth);
    greet();
    for (let round = 0; round < 20; round += 1) {
      connection.expiring();
      await settle();
      connection.authenticated();
    }
    expect([asked.length, owner.refreshed]).toEqual([2, [["s-1", "t2"]]]);
    connection.expiring();
    clock.advance(5_000);
    await settle();
    expect(owner.refreshed.at(-1)).toEqual(["s-1", "t3"]);
  });

  it("that ends soon is replaced also when another set of channels came between", async () => {
    const { auth } = page((count) => ({ token: count < 3 ? "old" : "new" }));
    const { owner, connection, gateway, clock, greet } = await startWith("polling", auth);
    greet();
    connection.expiring();
    owner.channels = [{ name: "price:MSFT", maxHz: null }];
    connection.wantedChanged();
    clock.advance(100);
    gateway.line.open();
    await settle();
    clock.advance(5_000);
    await settle();
    expect([gateway.lines.length, owner.refreshed]).toEqual([2, [["s-1", "new"]]]);
  });

  it("is not waited for by a connection that was closed", async () => {
    let bring = (_: { token: string }) => {};
    const { connection, gateway } = await startWith(
      "websocket",
      () => new Promise((resolve) => (bring = resolve)),
    );
    connection.close();
    bring({ token: "late" });
    await settle();
    expect(gateway.lines).toHaveLength(0);
    expect(connection.state.status).toBe("closed");
  });
});

describe("credentials", () => {
  it("share one answer among lines that ask at the same time", async () => {
    const { asked, auth } = page();
    const credentials = new Credentials(auth, new VirtualClock());
    const [first, second] = await Promise.all([
      credentials.token("initial", 0),
      credentials.token("initial", 0),
    ]);
    expect([first, second, asked.length]).toEqual(["t1", "t1", 1]);
    expect(await credentials.token("initial", 1)).toBe("t2");
    expect(credentials.last).toBe("t2");
  });

  it("refuse what is no token, in a sentence", async () => {
    const auth = async () => ({ token: "" });
    await expect(new Credentials(auth, new VirtualClock()).token("initial", 0)).rejects.toThrow(
      "the page brought no token: `token` is no text",
    );
  });
});

describe("a request beside the lines", () => {
  it("carries the newest token, and gets a first one when there is none", async () => {
    const { asked, auth } = page();
    const sent: (string | null)[] = [];
    const { client } = setUp({
      auth,
      fetch: async (_, init) => {
        sent.push(new Headers(init?.headers).get("authorization"));
        return Response.json({}, { status: 500 });
      },
    });
    client.symbols().subscribe(() => {});
    await settle();
    expect(sent).toEqual(["Bearer t1"]);
    expect(asked).toEqual([["initial", 0]]);
  });
});

describe("a guest", () => {
  const START_MS = 1_700_000_000_000;
  const HOUR_MS = 3_600_000;

  /** A gateway that gives guests tokens for an hour, and knows them for as long; its clock may be another one's. */
  function guests({ aheadMs = 0 } = {}) {
    const requests: (string | null)[] = [];
    const known = new Map<string, number>();
    const gateway = { forgets: () => known.clear(), requests };
    vi.stubGlobal("fetch", async (input: URL, init: RequestInit) => {
      expect(String(input)).toBe("http://gateway.test/sub/api/session");
      const authorization = new Headers(init.headers).get("authorization");
      requests.push(authorization);
      const ts = Date.now() + aheadMs;
      const endsAt = known.get(authorization?.replace("Bearer ", "") ?? "") ?? 0;
      // Clocks may differ a little.
      if (authorization !== null && endsAt + 60_000 <= ts) return new Response(null, { status: 401 });
      const token = `g${requests.length}`;
      known.set(token, ts + HOUR_MS);
      return Response.json({ ts, data: { token, expiresAt: ts + HOUR_MS } });
    });
    return gateway;
  }

  function storage(): GuestStorage {
    const kept = new Map<string, string>();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  }

  const { signal } = new AbortController();
  const ask = (auth: NonNullable<LiveClientOptions["auth"]>, reason: AuthReason) =>
    auth({ reason, attempt: 0, signal });

  beforeEach(() => {
    vi.useFakeTimers({ now: START_MS, toFake: ["Date"] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is another one where its token is not known any more", async () => {
    const gateway = guests();
    const auth = guestSession("http://gateway.test/sub");
    await ask(auth, "initial");
    gateway.forgets();
    expect((await ask(auth, "rejected")).token).toBe("g3");
    expect(gateway.requests).toEqual([null, "Bearer g1", null]);
  });

  it("stays the same one while its token can be renewed, also after a line has refused it", async () => {
    const { requests } = guests();
    const auth = guestSession("http://gateway.test/sub");
    await ask(auth, "initial");
    await ask(auth, "expiring");
    vi.setSystemTime(START_MS + HOUR_MS + 30_000);
    expect((await ask(auth, "rejected")).token).toBe("g3");
    expect(requests).toEqual([null, "Bearer g1", "Bearer g2"]);
  });

  it.each([
    ["behind", 10 * HOUR_MS],
    ["ahead", -10 * HOUR_MS],
  ])("is not lost over a reload by a clock that is %s", async (_what, aheadMs) => {
    const { requests } = guests({ aheadMs });
    const kept = storage();
    await ask(guestSession("http://gateway.test/sub", { storage: kept }), "initial");
    vi.setSystemTime(START_MS + HOUR_MS - 61_000);
    expect((await ask(guestSession("http://gateway.test/sub", { storage: kept }), "initial")).token).toBe(
      "g1",
    );
    expect(requests).toEqual([null]);
    // It ends within the minute: it is renewed, and not handed out to be refused.
    vi.setSystemTime(START_MS + HOUR_MS - 59_000);
    expect((await ask(guestSession("http://gateway.test/sub", { storage: kept }), "initial")).token).toBe(
      "g2",
    );
    expect(requests).toEqual([null, "Bearer g1"]);
  });
});
