import type {
  BacktestParams,
  CandleSeries,
  Channel,
  ChannelStats,
  Confirmed,
  Continuity,
  CopilotSession,
  CopilotState,
  HealthState,
  Job,
  JobHandle,
  JobState,
  LinkState,
  LiveClient,
  LiveError,
  LiveStats,
  PagedRows,
  Price,
  Proposal,
  Readable,
  ResultLink,
  ResultPart,
  Snap,
  Staleness,
  SymbolsState,
  Transport,
} from "@spark/live-core";

import { type CopilotCall, fakeCopilot } from "./fakeCopilot";

/** One bar, from a file or made up. */
export interface FakeBar {
  openTime: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** What a {@link FakeClient} starts with. */
export interface FakeMarket {
  source?: string;
  /** Bars by symbol. The last third is yet to come. */
  bars: Record<string, FakeBar[]>;
}

const PENDING: Snap<never> = {
  value: undefined,
  freshness: "pending",
  continuity: "unknown",
  gap: null,
  cause: null,
  seq: 0,
  ts: 0,
  error: null,
};

const QUIET: CopilotState = { sessionId: null, status: "idle", messages: [], proposal: null, error: null };

const NO_ROWS: PagedRows<never> = {
  status: "ready",
  length: 0,
  total: 0,
  hasMore: false,
  isLoading: false,
  error: null,
  resultHash: null,
  rows: [],
  row: () => undefined,
  loadMore: () => {},
  retry: () => {},
  refresh: () => {},
};

const MISSING: JobState<never> = {
  status: "missing",
  job: undefined,
  error: { code: "JOB_NOT_FOUND", message: "the fake client runs no backtests" },
  isEnded: true,
  updates: "none",
};

/** What a page can have done with backtests, each by hand. */
export interface FakeDesk {
  propose: (params: BacktestParams) => Promise<Proposal<BacktestParams>>;
  confirm: () => Promise<Confirmed>;
  link: (jobId: string) => Promise<ResultLink>;
}

/** Rows that are all there. */
export function fakeRows(rows: readonly unknown[], change: Partial<PagedRows<never>> = {}): PagedRows<never> {
  const held = rows as readonly never[];
  return {
    ...NO_ROWS,
    length: held.length,
    total: held.length,
    rows: held,
    row: (at) => held[at],
    resultHash: "ab",
    ...change,
  };
}

function refused(): Promise<never> {
  return Promise.reject(Object.assign(new Error("the fake client has no gateway"), { code: "NETWORK" }));
}

class Cell<T> implements Readable<T> {
  readonly #callbacks = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;
  readonly getServer = (): T => this.#value;
  readonly subscribe = (callback: () => void): (() => void) => {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  };

  /** The same as an object that can be spread. */
  readable(): Readable<T> {
    return { get: this.get, getServer: this.getServer, subscribe: this.subscribe };
  }

  set(value: T): void {
    this.#value = value;
    for (const callback of [...this.#callbacks]) callback();
  }
}

interface Feed {
  bars: FakeBar[];
  /** Index of the bar that forms, and which of its four prints comes next. */
  at: number;
  print: number;
  seq: number;
  receivedAt: number;
  error: LiveError | null;
  price: Cell<Snap<Price>>;
  staleness: Cell<Staleness>;
  age: Cell<number>;
  candles: Map<number, Cell<Snap<CandleSeries>>>;
}

/**
 * A client without a gateway: a person or a test moves it by hand. For the page's own tests and for
 * looking at each of its states; it is no part of the build.
 */
export class FakeClient implements LiveClient {
  readonly link: Cell<LinkState>;
  /** What the person in front of it says: a conversation, pages of rows, the gateway's parts, counters. */
  readonly conversation = new Cell<CopilotState>(QUIET);
  readonly copilotCalls: CopilotCall[] = [];
  readonly copilotAnswers: { reject: Error | null } = { reject: null };
  #session: CopilotSession | undefined;
  readonly pages = new Cell<PagedRows<never>>(NO_ROWS);
  /** What comes of a form, and of the wish for a link. */
  readonly desk: FakeDesk = { propose: refused, confirm: refused, link: refused };
  readonly #jobs = new Map<string, Cell<JobState<never>>>();
  readonly #results = new Map<string, Cell<PagedRows<never>>>();
  readonly parts = new Cell<HealthState>({ status: "pending", value: undefined, error: null });
  channelStats: ChannelStats[] = [];
  readonly #symbols: Cell<SymbolsState>;
  readonly #feeds = new Map<string, Feed>();
  readonly #market: FakeMarket;
  #judged: Pick<Staleness, "freshness" | "cause"> = { freshness: "fresh", cause: null };

  constructor(market: FakeMarket, transport: Transport = "websocket") {
    this.#market = market;
    this.link = new Cell<LinkState>({
      status: "idle",
      transport,
      since: 0,
      attempt: 0,
      retryAt: null,
      sessionId: null,
      error: null,
    });
    this.#symbols = new Cell<SymbolsState>({ status: "pending", value: undefined, error: null });
    for (const [symbol, bars] of Object.entries(market.bars)) {
      this.#feeds.set(symbol, {
        bars,
        at: Math.floor((bars.length * 2) / 3),
        print: 0,
        seq: 0,
        receivedAt: Number.NaN,
        error: null,
        price: new Cell<Snap<Price>>(PENDING),
        staleness: new Cell<Staleness>({ freshness: "pending", ageMs: null, cause: null }),
        age: new Cell(Number.NaN),
        candles: new Map(),
      });
    }
  }

  // What the page calls.

  symbols(): Readable<SymbolsState> {
    return this.#symbols;
  }

  channel(name: string): Channel<never> {
    const feed = this.#feed(name.slice("price:".length));
    const channel: Channel<Price> = {
      get: feed.price.get,
      getServer: feed.price.getServer,
      subscribe: feed.price.subscribe,
      select: () => {
        throw new Error("the fake client has no select");
      },
      retain: () => () => {},
      onEvent: () => {
        throw new Error("the fake client has no envelopes");
      },
      staleness: feed.staleness,
      age: () => feed.age,
    };
    // The page asks for price channels by name only, and gets prices.
    return channel as unknown as Channel<never>;
  }

  candles(symbol: string, _interval: string, options: { limit?: number } = {}): Readable<Snap<CandleSeries>> {
    const feed = this.#feed(symbol);
    const limit = options.limit ?? 500;
    const known = feed.candles.get(limit);
    if (known) return known;
    const made = new Cell<Snap<CandleSeries>>(this.#candleSnap(symbol, feed, limit));
    feed.candles.set(limit, made);
    return made;
  }

  job(id: string): JobHandle<never> {
    return { ...this.#job(id).readable(), cancel: refused, downloadLink: () => this.desk.link(id) };
  }

  jobs(): Readable<PagedRows<Job>> {
    return this.pages as Cell<PagedRows<Job>>;
  }

  backtestResult(jobId: string, part: ResultPart): Readable<PagedRows<never>> {
    return this.#result(jobId, part);
  }

  copilot(): CopilotSession {
    this.#session ??= fakeCopilot(this.conversation.readable(), this.copilotCalls, this.copilotAnswers);
    return this.#session;
  }

  proposeBacktest(params: BacktestParams): Promise<Proposal<BacktestParams>> {
    return this.desk.propose(params);
  }

  confirmBacktest(): Promise<Confirmed> {
    return this.desk.confirm();
  }

  health(): Readable<HealthState> {
    return this.parts;
  }

  dehydrate(): never {
    throw new Error("the fake client is in a browser");
  }

  stats(): LiveStats {
    const counters = {
      frames: 0,
      bytes: 0,
      accepted: 0,
      rejected: 0,
      ignored: 0,
      merged: 0,
      dropped: 0,
      gaps: 0,
    };
    const work = { generation: 0, flushes: 0, connects: 1, restarts: 0, historyRequests: 0 };
    return { ...counters, ...work, channels: this.channelStats };
  }

  close(): void {}

  // What the person in front of it calls.

  /** Tells the list of symbols. */
  listSymbols(names = Object.keys(this.#market.bars)): void {
    const symbols = names.map((symbol) => {
      const bars = this.#market.bars[symbol] ?? [];
      return {
        symbol,
        intervals: ["1d"],
        bars: bars.length,
        firstTime: bars[0]?.openTime ?? null,
        lastTime: bars.at(-1)?.openTime ?? null,
        skippedRows: 0,
        lastClose: bars.at(-1)?.close ?? null,
      };
    });
    const value = { source: this.#market.source ?? "replay", symbols };
    this.#symbols.set({ status: "ready", value, error: null });
  }

  /** Fails to tell it. */
  failSymbols(error: LiveError): void {
    this.#symbols.set({ ...this.#symbols.get(), status: "error", error });
  }

  setLink(change: Partial<LinkState>): void {
    this.link.set({ ...this.link.get(), since: Date.now(), ...change });
  }

  /** Judges every channel anew, as the gateway or an outage would. */
  judge(freshness: Staleness["freshness"], cause: Staleness["cause"] = null): void {
    this.#judged = { freshness, cause };
    for (const [symbol, feed] of this.#feeds) this.#show(symbol, feed);
  }

  /** Says whether something of a symbol's prices may be missing. */
  prove(symbol: string, continuity: Continuity): void {
    const { price } = this.#feed(symbol);
    price.set({ ...price.get(), continuity });
  }

  /** Refuses a symbol's channels. */
  refuse(symbol: string, error: LiveError): void {
    const feed = this.#feed(symbol);
    feed.error = error;
    this.#show(symbol, feed);
  }

  /** Lets something be wrong with a symbol's candles that are shown all the same, with history or without. */
  spoil(symbol: string, error: LiveError, hasHistory: boolean): void {
    for (const cell of this.#feed(symbol).candles.values()) {
      const snap = cell.get();
      cell.set({ ...snap, value: snap.value && { ...snap.value, hasHistory }, error });
    }
  }

  /** The next print of a symbol. */
  tick(symbol: string): void {
    const feed = this.#feed(symbol);
    feed.print += 1;
    if (feed.print > 4) {
      feed.print = 1;
      feed.at = Math.min(feed.at + 1, feed.bars.length - 1);
    }
    feed.seq += 1;
    feed.receivedAt = Date.now();
    this.#show(symbol, feed);
  }

  /** Lets the ages grow. */
  renewAges(): void {
    for (const feed of this.#feeds.values()) feed.age.set(Date.now() - feed.receivedAt);
  }

  /** Says how a backtest stands. */
  setJob(id: string, state: JobState<unknown>): void {
    this.#job(id).set(state as JobState<never>);
  }

  /** Says what a part of its result has. */
  setResult(
    id: string,
    part: ResultPart,
    rows: readonly unknown[],
    change: Partial<PagedRows<never>> = {},
  ): void {
    this.#result(id, part).set(fakeRows(rows, change));
  }

  #job(id: string): Cell<JobState<never>> {
    const known = this.#jobs.get(id) ?? new Cell<JobState<never>>(MISSING);
    this.#jobs.set(id, known);
    return known;
  }

  #result(id: string, part: ResultPart): Cell<PagedRows<never>> {
    const key = `${id} ${part}`;
    const known = this.#results.get(key) ?? new Cell<PagedRows<never>>(NO_ROWS);
    this.#results.set(key, known);
    return known;
  }

  #feed(symbol: string): Feed {
    const feed = this.#feeds.get(symbol);
    if (!feed) throw new Error(`the fake client has no ${symbol}`);
    return feed;
  }

  #show(symbol: string, feed: Feed): void {
    const { freshness, cause } =
      feed.seq === 0 ? { freshness: "pending" as const, cause: null } : this.#judged;
    const bar = forming(feed);
    const before = feed.bars[feed.at - 1]?.close ?? bar.open;
    const change = bar.close - before;
    const value: Price | undefined =
      feed.seq === 0
        ? undefined
        : {
            symbol,
            price: bar.close,
            bid: null,
            ask: null,
            volume: bar.volume,
            change,
            changePct: (change / before) * 100,
            marketTime: bar.openTime,
          };
    feed.price.set({
      value,
      freshness,
      cause,
      continuity: "proven",
      gap: null,
      seq: feed.seq,
      ts: feed.seq === 0 ? 0 : feed.receivedAt,
      error: feed.error,
    });
    feed.staleness.set({ freshness, cause, ageMs: feed.seq === 0 ? null : Date.now() - feed.receivedAt });
    feed.age.set(Date.now() - feed.receivedAt);
    for (const [limit, cell] of feed.candles) cell.set(this.#candleSnap(symbol, feed, limit));
  }

  #candleSnap(symbol: string, feed: Feed, limit: number): Snap<CandleSeries> {
    if (feed.seq === 0) return feed.error ? { ...PENDING, error: feed.error } : PENDING;
    const { freshness, cause } = this.#judged;
    const bars = [...feed.bars.slice(0, feed.at), forming(feed)];
    const shown = bars.slice(-limit);
    const column = (key: keyof FakeBar): Float64Array => Float64Array.from(shown, (bar) => bar[key]);
    const value: CandleSeries = {
      symbol,
      interval: "1d",
      length: shown.length,
      openTime: column("openTime"),
      open: column("open"),
      high: column("high"),
      low: column("low"),
      close: column("close"),
      volume: column("volume"),
      closed: Uint8Array.from(shown, (_, i) => (i === shown.length - 1 && feed.print < 4 ? 0 : 1)),
      changedFrom: shown.length - 1,
      hasHistory: shown.length === bars.length,
    };
    return { ...PENDING, value, freshness, cause, seq: feed.seq, ts: feed.receivedAt };
  }
}

/** The bar that forms, after the prints so far. */
function forming(feed: Feed): FakeBar {
  const bar = feed.bars[feed.at] ?? { openTime: 0, open: 0, high: 0, low: 0, close: 0, volume: 0 };
  const [second, third] = bar.close >= bar.open ? [bar.low, bar.high] : [bar.high, bar.low];
  const prints = [bar.open, second, third, bar.close].slice(0, Math.max(1, feed.print));
  return {
    openTime: bar.openTime,
    open: bar.open,
    high: Math.max(...prints),
    low: Math.min(...prints),
    close: prints.at(-1) ?? bar.open,
    volume: Math.floor((bar.volume * prints.length) / 4),
  };
}
