import { expect, test } from "vitest";
import type { Clock } from "../src/clock.js";
import { LINK_IDLE } from "../src/link.js";
import type { NetworkEvent, NetworkStatus } from "../src/network.js";
import { Value } from "../src/readable.js";
import { readList, Symbols } from "../src/symbols.js";
import type { LinkState } from "../src/types.js";

const AAPL = {
  symbol: "AAPL",
  intervals: ["1d"],
  bars: 10,
  firstTime: 1,
  lastTime: 9,
  skippedRows: 0,
  lastClose: 2.5,
};
const RETRY = { minMs: 500, maxMs: 30_000 };

function envelope(symbols: unknown[], change: object = {}): string {
  const data = { source: "replay", symbols };
  return JSON.stringify({
    v: 1,
    event: "market.symbols",
    channel: "",
    seq: 0,
    ts: 1,
    ok: true,
    errorCode: null,
    data,
    ...change,
  });
}

/** Answers in turn; timers are fired by hand. */
function bench(...answers: (string | number)[]) {
  const timers: { delayMs: number; fire: () => void }[] = [];
  /** Whether the page is seen, and what time it is; both are moved by hand. */
  const page = { hidden: false, now: 0 };
  const watchers = new Set<(event: NetworkEvent) => void>();
  const network: NetworkStatus = {
    hidden: () => page.hidden,
    subscribe: (callback) => {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
  };
  const see = (isSeen: boolean): void => {
    page.hidden = !isSeen;
    for (const watcher of watchers) watcher(isSeen ? "visible" : "hidden");
  };
  const clock: Clock = {
    now: () => page.now,
    wallNow: () => 0,
    random: () => 0.5,
    after: (delayMs, callback) => {
      const timer = { delayMs, fire: callback };
      timers.push(timer);
      return () => timers.splice(timers.indexOf(timer), timers.includes(timer) ? 1 : 0);
    },
    frame: null,
  };
  const asked: string[] = [];
  const link = new Value<LinkState>(LINK_IDLE);
  const fetch: typeof globalThis.fetch = async (input) => {
    asked.push(String(input));
    const answer = answers.shift();
    if (typeof answer === "string") return new Response(answer);
    if (typeof answer === "number")
      return new Response(envelope([], { errorCode: "INTERNAL" }), { status: answer });
    throw new TypeError("no way there");
  };
  const base = () => new URL("http://gateway.test/");
  const symbols = new Symbols({ clock, retry: RETRY, fetch, link, network, base });
  /** Waits for the next change of state. */
  const change = () =>
    new Promise<void>((done) => {
      const release = symbols.subscribe(() => {
        release();
        done();
      });
    });
  return { symbols, asked, timers, link, change, page, see, watchers };
}

test("the list is asked for when it is watched, and not before", async () => {
  const { symbols, asked, change } = bench(envelope([AAPL]));
  expect(symbols.get()).toEqual({ status: "pending", value: undefined, error: null });
  expect(asked).toEqual([]);
  symbols.subscribe(() => {});
  await change();
  expect(asked).toEqual(["http://gateway.test/api/market/symbols"]);
  expect(symbols.get()).toEqual({
    status: "ready",
    value: { source: "replay", symbols: [AAPL] },
    error: null,
  });
});

test("a failure is told and another attempt follows by itself", async () => {
  const { symbols, timers, change } = bench(503, envelope([AAPL]));
  symbols.subscribe(() => {});
  await change();
  expect(symbols.get()).toMatchObject({ status: "error", value: undefined, error: { code: "INTERNAL" } });
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([250]);
  timers[0]?.fire();
  await change();
  expect(symbols.get()).toMatchObject({ status: "ready", error: null });
});

test("the list is asked for again after an outage, and kept while that fails", async () => {
  const { symbols, asked, link, change } = bench(envelope([AAPL]), "not an envelope");
  symbols.subscribe(() => {});
  await change();
  const { value } = symbols.get();
  link.set({ ...LINK_IDLE, status: "connected" });
  expect(asked).toHaveLength(1);
  link.set({ ...LINK_IDLE, status: "disconnected" });
  link.set({ ...LINK_IDLE, status: "connected" });
  await change();
  expect(asked).toHaveLength(2);
  expect(symbols.get().status).toBe("error");
  expect(symbols.get().value).toBe(value);
});

test("nothing is asked once nobody watches", async () => {
  const { symbols, timers, change } = bench(503);
  const release = symbols.subscribe(() => {});
  await change();
  expect(timers).toHaveLength(1);
  release();
  expect(timers).toHaveLength(0);
});

const IBM = { ...AAPL, symbol: "IBM" };

test("symbols that join later are there after half a minute", async () => {
  const { symbols, asked, timers, page, change } = bench(envelope([AAPL]), envelope([AAPL, IBM]));
  symbols.subscribe(() => {});
  await change();
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([30_000]);
  page.now = 30_000;
  timers[0]?.fire();
  await change();
  expect(asked).toHaveLength(2);
  expect(symbols.get().value?.symbols.map(({ symbol }) => symbol)).toEqual(["AAPL", "IBM"]);
});

test("a page that nobody sees does not ask, and asks when it is looked at again", async () => {
  const { symbols, asked, timers, page, see, change } = bench(envelope([AAPL]), envelope([AAPL, IBM]));
  symbols.subscribe(() => {});
  await change();
  see(false);
  page.now = 10_000;
  see(true);
  expect(asked, "the list is not old yet").toHaveLength(1);
  see(false);
  page.now = 90_000;
  timers[0]?.fire();
  expect(asked).toHaveLength(1);
  see(true);
  await change();
  expect(asked).toHaveLength(2);
  expect(symbols.get().value?.symbols).toHaveLength(2);
});

test("whoever watches again gets a list that is kept up to date", async () => {
  const { symbols, asked, timers, page, watchers, change } = bench(envelope([AAPL]), envelope([AAPL, IBM]));
  const release = symbols.subscribe(() => {});
  await change();
  release();
  expect([timers.length, watchers.size], "nobody watches").toEqual([0, 0]);
  page.now = 10_000;
  symbols.subscribe(() => {});
  expect(asked).toHaveLength(1);
  expect(timers.map(({ delayMs }) => delayMs)).toEqual([20_000]);
  page.now = 30_000;
  timers[0]?.fire();
  await change();
  expect(asked).toHaveLength(2);
});

test.each([
  ["another version", envelope([], { v: 2 })],
  ["another event", envelope([], { event: "price.tick" })],
  ["no data", envelope([], { data: null })],
  ["a symbol without a name", envelope([{ bars: 1 }])],
  ["a symbol that is none", envelope([null])],
])("%s is refused", (_what, text) => {
  expect(() => readList(new TextEncoder().encode(text))).toThrow("the answer is no list of symbols");
});
