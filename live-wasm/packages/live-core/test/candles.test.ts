import { afterEach, describe, expect, it } from "vitest";
import type { CandleOptions, CandleSeries, LiveClient } from "../src/types.js";
import { ack, bar, envelope, page, refusal, settle, setUp, until } from "./harness.js";

const DAY = 86_400_000;
const clients: LiveClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

interface Request {
  url: URL;
  signal: AbortSignal;
  answer(body: unknown, status?: number): void;
  fail(error: Error): void;
}

/** A client that watches candles of AAPL, whose history requests wait for the test's answers. */
async function watching(options: CandleOptions = {}) {
  const requests: Request[] = [];
  const setup = setUp({
    fetch: (input, init) =>
      new Promise((resolve, reject) => {
        const signal = init?.signal;
        if (!signal) throw new Error("a request that cannot be cancelled");
        signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        requests.push({
          url: new URL(String(input)),
          signal,
          answer: (body, status = 200) => resolve(new Response(JSON.stringify(body), { status })),
          fail: reject,
        });
      }),
  });
  clients.push(setup.client);
  const candles = setup.client.candles("AAPL", "1d", options);
  const release = candles.subscribe(() => {});
  await until(() => setup.gateway.lines.length > 0, "a line");
  setup.gateway.line.greet();
  const { clock } = setup;
  const value = (): CandleSeries => {
    clock.draw();
    const series = candles.get().value;
    if (!series) throw new Error("there is no series");
    return series;
  };
  const request = (at: number): Request => {
    const found = requests[at];
    if (!found) throw new Error(`there is no request ${at}`);
    return found;
  };
  return { ...setup, candles, requests, request, release, value };
}

describe("candles", () => {
  it("ask for history once the subscription is confirmed, not before", async () => {
    const { gateway, requests, request } = await watching({ limit: 3 });
    await settle();
    expect(requests).toHaveLength(0);
    gateway.line.ackAll();
    expect(requests).toHaveLength(1);
    expect(request(0).url.href).toBe(
      "http://gateway.test/base/api/market/candles?symbol=AAPL&interval=1d&limit=3",
    );
  });

  it("put history under the live bars", async () => {
    const { gateway, request, candles, value } = await watching();
    gateway.line.ackAll();
    gateway.line.say(bar("AAPL", 1, 4 * DAY, 12));
    expect(value()).toMatchObject({ length: 1, hasHistory: false });
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY, 3 * DAY]));
    await settle();
    expect(value()).toMatchObject({
      symbol: "AAPL",
      interval: "1d",
      length: 4,
      changedFrom: 0,
      hasHistory: true,
    });
    expect(Array.from(value().openTime)).toEqual([1, 2, 3, 4].map((day) => day * DAY));
    expect(Array.from(value().close)).toEqual([1.5, 1.5, 1.5, 12]);
    expect(Array.from(value().closed)).toEqual([1, 1, 1, 0]);
    expect(candles.get().error).toBeNull();
  });

  it("say from which bar on the series differs", async () => {
    const { gateway, request, value } = await watching();
    gateway.line.ackAll();
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    gateway.line.say(bar("AAPL", 1, 3 * DAY, 12));
    expect(value()).toMatchObject({ length: 3, changedFrom: 0 });
    gateway.line.say(bar("AAPL", 2, 3 * DAY, 13));
    expect(value()).toMatchObject({ length: 3, changedFrom: 2 });
    gateway.line.say(bar("AAPL", 3, 3 * DAY, 13, true), bar("AAPL", 4, 4 * DAY, 9));
    expect(value()).toMatchObject({ length: 4, changedFrom: 2 });
    const last = value();
    expect(value()).toBe(last);
  });

  it("say it against the series that was read last, also when some were not", async () => {
    const { gateway, request, clock, value } = await watching();
    gateway.line.ackAll();
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    value();
    gateway.line.say(bar("AAPL", 1, 3 * DAY, 12));
    clock.draw();
    gateway.line.say(bar("AAPL", 2, 4 * DAY, 12));
    expect(value()).toMatchObject({ length: 4, changedFrom: 2 });
  });

  it("keep the series while only its freshness changes", async () => {
    const { gateway, request, candles, value } = await watching();
    gateway.line.ackAll();
    gateway.line.say(bar("AAPL", 1, 3 * DAY, 12));
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    const series = value();
    gateway.line.close();
    expect(candles.get()).toMatchObject({ freshness: "disconnected", cause: "transport" });
    expect(candles.get().value).toBe(series);
  });

  it("hold the newest bars up to the limit", async () => {
    const { gateway, request, value } = await watching({ limit: 2 });
    gateway.line.ackAll();
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    gateway.line.say(bar("AAPL", 1, 3 * DAY, 12));
    expect(Array.from(value().openTime)).toEqual([2 * DAY, 3 * DAY]);
  });

  it("show a failure of the history without losing the live bar, and try again", async () => {
    const { gateway, clock, request, requests, candles, value } = await watching();
    gateway.line.ackAll();
    gateway.line.say(bar("AAPL", 1, 3 * DAY, 12));
    request(0).fail(new Error("connection refused"));
    await settle();
    expect(value().length).toBe(1);
    expect(candles.get().error).toEqual({
      code: "NETWORK",
      message: "connection refused",
      channel: "candles:AAPL.1d",
    });
    clock.advance(250);
    expect(requests).toHaveLength(2);
    request(1).answer(refusal("OVERLOADED", "", { message: "too busy" }), 503);
    await settle();
    clock.draw();
    expect(candles.get().error).toMatchObject({ code: "OVERLOADED", message: "too busy" });
    clock.advance(500);
    request(2).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    expect(value().length).toBe(3);
    expect(candles.get().error).toBeNull();
  });

  it("do not try again what the gateway calls wrong", async () => {
    const { gateway, clock, request, requests, candles } = await watching();
    gateway.line.ackAll();
    request(0).answer(refusal("PARAMS_INVALID", "", { message: "no such symbol", field: "symbol" }), 422);
    await settle();
    clock.advance(600_000);
    expect(requests).toHaveLength(1);
    expect(candles.get().error).toMatchObject({ code: "PARAMS_INVALID", field: "symbol" });
  });

  it("take a malformed page for a failure", async () => {
    const { gateway, clock, request, requests, candles } = await watching();
    gateway.line.ackAll();
    request(0).answer({ rows: "none" });
    await settle();
    clock.draw();
    expect(candles.get().error).not.toBeNull();
    clock.advance(250);
    expect(requests).toHaveLength(2);
  });

  it("give up on a page that does not come", async () => {
    const { gateway, clock, request, requests, candles } = await watching();
    gateway.line.ackAll();
    clock.advance(14_999);
    expect(request(0).signal.aborted).toBe(false);
    clock.advance(1);
    await settle();
    expect(candles.get().error?.message).toBe("the answer did not come in time");
    clock.advance(250);
    expect(requests).toHaveLength(2);
  });

  it("ask again after a reconnection that could not resume, and not after one that could", async () => {
    const { gateway, client, clock, request, requests } = await watching();
    gateway.line.ackAll();
    request(0).answer(page("AAPL", [1 * DAY]));
    await settle();
    for (const [resumed, expected] of [
      [true, 1],
      [false, 2],
    ] as const) {
      gateway.line.close();
      clock.advance((client.link.get().retryAt ?? 0) - clock.wallNow());
      gateway.line.greet();
      gateway.line.ackAll(resumed);
      expect(requests).toHaveLength(expected);
    }
  });

  it("ask again when the channel starts over, and replace what they held", async () => {
    const { gateway, request, requests, value } = await watching();
    gateway.line.ackAll();
    gateway.line.say(bar("AAPL", 1, 9 * DAY, 12));
    request(0).answer(page("AAPL", [7 * DAY, 8 * DAY]));
    await settle();
    expect(value().length).toBe(3);
    gateway.line.say(
      envelope("system.resync", "candles:AAPL.1d", 0, {
        epoch: "epoch002",
        reason: "the replay starts over",
      }),
      bar("AAPL", 1, 5 * DAY, 3),
    );
    expect(requests).toHaveLength(2);
    request(1).answer(page("AAPL", [3 * DAY, 4 * DAY]));
    await settle();
    expect(Array.from(value().openTime)).toEqual([3, 4, 5].map((day) => day * DAY));
  });

  it("cancel what is under way when the line is lost or nobody watches", async () => {
    const { gateway, request, clock, release } = await watching();
    gateway.line.ackAll();
    gateway.line.close();
    expect(request(0).signal.aborted).toBe(true);
    clock.advance(250);
    gateway.line.greet();
    gateway.line.ackAll();
    release();
    clock.advance(1_000);
    expect(request(1).signal.aborted).toBe(true);
  });

  it("ask for more when a holder wants more", async () => {
    const { gateway, client, request, requests } = await watching({ limit: 2 });
    gateway.line.say(ack("candles:AAPL.1d"));
    request(0).answer(page("AAPL", [1 * DAY, 2 * DAY]));
    await settle();
    const more = client.candles("AAPL", "1d", { limit: 10 });
    more.subscribe(() => {});
    expect(requests).toHaveLength(2);
    expect(request(1).url.searchParams.get("limit")).toBe("10");
    client.candles("AAPL", "1d", { limit: 5 }).subscribe(() => {});
    expect(requests).toHaveLength(2);
  });
});
