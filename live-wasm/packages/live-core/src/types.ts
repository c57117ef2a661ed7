import type { Clock } from "./clock.js";
import type { BacktestParams, Confirmed, CopilotSession, Proposal } from "./copilot/types.js";
import type { Envelope } from "./envelope.js";
import type {
  Job,
  JobHandle,
  JobOptions,
  PagedRows,
  PageOptions,
  ResultPart,
  ResultRows,
} from "./jobs/types.js";
import type { NetworkStatus } from "./network.js";
import type { TransportFactory } from "./transport/transport.js";

/** How envelopes reach the page. */
export type Transport = "websocket" | "sse" | "polling";

/** A channel's name: `namespace:segment(.segment)*`. */
export type ChannelName = `${string}:${string}`;

/** The length of a bar, such as `1m`, `4h` or `1d`. */
export type Interval = `${number}${"s" | "m" | "h" | "d" | "w"}`;

/** What can be told about a value's age: nothing yet, current, too old, or no line to the gateway. */
export type Freshness = "pending" | "fresh" | "stale" | "disconnected";

/** Whether values of the channel may have been missed. */
export type Continuity = "proven" | "gap" | "unknown";

/** Why a value is not fresh: the feed is silent, the line is, or the gateway's own link is unproven. */
export type Cause = "source" | "transport" | "broker";

/** Why something was refused or failed. */
export interface LiveError {
  /** A code of the catalogue, or one of the client's own: `CORE_RESTARTED`, `CORE_UNAVAILABLE`, `NETWORK`, `ABORTED`. */
  code: string;
  /** One sentence for a person. */
  message: string;
  /** The field that was wrong, where one was. */
  field?: string;
  /** A short stable word for what was wrong with it. */
  reason?: string;
  /** The channel it concerns; absent when it is the whole connection. */
  channel?: string;
  /** The job it concerns, such as the one that a confirmation has started before. */
  jobId?: string;
}

/** A value that changes and can be watched. The shape that `useSyncExternalStore` takes. */
export interface Readable<T> {
  /** The present value. O(1), and the same reference until the next flush that changes it. */
  get(): T;
  /** The value to render on a server and to hydrate with. Always the same reference. */
  getServer(): T;
  /** Calls back after each change, and returns the function that undoes it. */
  subscribe(callback: () => void): () => void;
}

/**
 * A channel's value with all that is known about it. It carries no age, which would be another one at
 * every read: see {@link Channel.age}.
 */
export interface Snap<T> {
  /** The newest value; kept while the line is down. Undefined before the first one. */
  value: T | undefined;
  freshness: Freshness;
  continuity: Continuity;
  /** The sequence numbers that are missing, both ends included; null unless `continuity` is `gap`. */
  gap: { from: number; to: number } | null;
  /** What fell silent; null while the value is fresh. */
  cause: Cause | null;
  /** Sequence number of the envelope that brought the value; 0 before the first. */
  seq: number;
  /** Source time of that envelope, milliseconds since the Unix epoch; 0 before the first. */
  ts: number;
  /** Why the channel, or its history, cannot be had. Null when all is well. */
  error: LiveError | null;
}

/** The state of the link to the gateway. */
export interface LinkState {
  /** `idle`: nothing is asked for. `disconnected`: there is no line; see `retryAt`. `closed`: by `close()`. */
  status: "idle" | "connecting" | "connected" | "disconnected" | "closed";
  /** The transport that this is about; null while idle. */
  transport: Transport | null;
  /** When the status last changed, milliseconds since the Unix epoch; 0 before the first change. */
  since: number;
  /** Failed attempts in a row; 0 once a line has held. */
  attempt: number;
  /** When the next attempt starts, milliseconds since the Unix epoch; null when none is planned. */
  retryAt: number | null;
  /** The gateway's name for this session; null before its hello. */
  sessionId: string | null;
  /** What ended the last line; null while all is well. */
  error: LiveError | null;
}

/** The newest price of a symbol, as on `price:<symbol>`. */
export interface Price {
  symbol: string;
  price: number;
  bid: number | null;
  ask: number | null;
  volume: number;
  /** Against the close before, in the quote's unit. */
  change: number;
  /** The same in percent. */
  changePct: number;
  /** The market's own time, milliseconds since the Unix epoch; in a replay that is then, not now. */
  marketTime: number;
}

/** Bars of one symbol and interval, oldest first, one column an array. A new object for each change. */
export interface CandleSeries {
  symbol: string;
  interval: string;
  /** Number of bars; the length of every column. */
  length: number;
  /** Milliseconds since the Unix epoch, ascending. */
  openTime: Float64Array;
  open: Float64Array;
  high: Float64Array;
  low: Float64Array;
  close: Float64Array;
  volume: Float64Array;
  /** 1 where the bar is final. */
  closed: Uint8Array;
  /** Index of the first bar that differs from the previous series; 0: draw everything again. */
  changedFrom: number;
  /** True once history is under the live bars; false while only those are held. */
  hasHistory: boolean;
}

/** One symbol that the gateway serves, as of the moment it was asked. */
export interface SymbolInfo {
  symbol: string;
  /** Lengths of bars that its candles come in. */
  intervals: string[];
  /** Closed bars that there are by now. */
  bars: number;
  /** Open times of the first and the last of them, milliseconds since the Unix epoch; null without bars. */
  firstTime: number | null;
  lastTime: number | null;
  /** Rows of its file that could not be used. */
  skippedRows: number;
  /** Close of the last bar; null without bars. */
  lastClose: number | null;
}

/** What the gateway serves. */
export interface SymbolList {
  /** The kind of feed, such as `replay`. */
  source: string;
  symbols: SymbolInfo[];
}

/** The list of symbols, and how the last attempt to get it went. */
export interface SymbolsState {
  /** `error`: the last attempt failed, and another one follows. */
  status: "pending" | "ready" | "error";
  /** The newest list; kept when a later attempt fails. */
  value: SymbolList | undefined;
  error: LiveError | null;
}

/** The parts of the gateway by their names, such as `broker`, `source` and `tokenStore`: whether each works. */
export type GatewayHealth = Record<string, { ok: boolean } & Record<string, unknown>>;

/** How the gateway is, and how the last attempt to hear of it went. */
export interface HealthState {
  /** `error`: the last attempt failed, or the gateway says that it cannot deliver; another one follows. */
  status: "pending" | "ready" | "error";
  /** What was heard last. */
  value: GatewayHealth | undefined;
  error: LiveError | null;
}

/** How far a channel's value can be trusted right now. */
export interface Staleness {
  freshness: Freshness;
  /**
   * Milliseconds from the value's own time, its `ts` brought to this machine's clock, to the last flush; null
   * before the first value.
   */
  ageMs: number | null;
  cause: Cause | null;
}

/** What a channel of each namespace holds. Other namespaces can be added by declaration merging. */
export interface ChannelData {
  price: Price;
  candles: CandleSeries;
}

/** The value of a channel, by its namespace; `unknown` where the namespace is not in {@link ChannelData}. */
export type DataOf<K extends string> = K extends `${infer N}:${string}`
  ? N extends keyof ChannelData
    ? ChannelData[N]
    : unknown
  : unknown;

/** How a channel is to be had. The first holder's transport and the fastest holder's rate count. */
export interface ChannelOptions {
  /** Most envelopes a second, 0.01 to 1,000; the gateway merges the rest. Absent: as fast as the channel goes. */
  maxHz?: number;
  /** Absent: the client's `preferTransport`, else the namespace's own default. */
  transport?: Transport;
  /** How long the subscription outlives its last holder, in milliseconds. Default 1,000. */
  lingerMs?: number;
}

/** {@link ChannelOptions} for candles. */
export interface CandleOptions extends ChannelOptions {
  /** The newest bars to hold, history and live together: 1 to 5,000, default 500. */
  limit?: number;
}

/** One channel. Watching it subscribes; the last watcher's leaving unsubscribes, after a linger. */
export interface Channel<T> extends Readable<Snap<T>> {
  /** A part of it: changes are told only when the part differs, by `Object.is` or `equal`. */
  select<S>(pick: (snap: Snap<T>) => S, equal?: (a: S, b: S) => boolean): Readable<S>;
  /** Holds the subscription without watching. Returns the release, which may be called twice. */
  retain(): () => void;
  /**
   * Calls back for every envelope in order, each once, before merging, with the flush that shows it. Holds
   * the channel. The value of a `lossless` channel is made of these: the first who listens to one, or to an
   * `event` channel, hears it from its beginning, as far as the gateway holds it. The token of a proposal stays inside
   * the client.
   */
  onEvent(callback: (envelope: Envelope<T>) => void): () => void;
  /** How far the value can be trusted. Watching it holds the channel. */
  readonly staleness: Readable<Staleness>;
  /**
   * Milliseconds since the value's own time, its `ts` brought to this machine's clock; null before the first
   * value. Renewed every `everyMs` (default 1,000), also while the line is down; after {@link LiveClient.close}
   * and while nobody watches, when it is read.
   */
  age(everyMs?: number): Readable<number | null>;
}

/** Something for the developer rather than the person in front of the page. */
export interface LiveReport {
  /** `rejected`: an envelope broke a rule. `restarted`: the WebAssembly module trapped. `refused`: a frame was too large. */
  kind: "rejected" | "restarted" | "refused";
  code: string;
  message: string;
  field?: string;
  reason?: string;
}

/** One channel in {@link LiveStats}. */
export interface ChannelStats {
  channel: string;
  /** The mode that the gateway named; null before its answer. */
  mode: string | null;
  freshness: Freshness;
  /** Holders right now; 0 while it lingers. */
  subscribers: number;
  seq: number;
  transport: Transport;
  /** Replaced by a newer one before anyone saw them, at either end. */
  merged: number;
  /** Lost to a full queue, at either end. */
  dropped: number;
  /** Times that something was found missing. */
  gaps: number;
  delivered: number;
  /** Envelopes a second that the gateway last told of; null before it did. */
  effectiveHz: number | null;
  /** The bound of the rate that the gateway keeps; null for none. */
  maxHz: number | null;
}

/** Counters since the client was made. */
export interface LiveStats {
  /** Frames taken in, and their bytes. */
  frames: number;
  bytes: number;
  /** Envelopes delivered, refused, out of order or unheld, merged before anyone saw them, and lost. */
  accepted: number;
  rejected: number;
  ignored: number;
  merged: number;
  dropped: number;
  gaps: number;
  /** Moves by one with every flush that changed something. */
  generation: number;
  /** Flushes that ran; lines that were opened; restarts of the WebAssembly module; history pages asked for. */
  flushes: number;
  connects: number;
  restarts: number;
  historyRequests: number;
  channels: ChannelStats[];
}

/** Why a token is asked for: to begin, since the present one ends soon, or since it was rejected. */
export type AuthReason = "initial" | "expiring" | "rejected";

/** Bars of one symbol as plain arrays. */
export interface DehydratedSeries {
  symbol: string;
  interval: string;
  hasHistory: boolean;
  /** openTime, open, high, low, close, volume, closed. */
  columns: number[][];
}

/** One channel's value as JSON can carry it. */
export interface DehydratedValue {
  seq: number;
  ts: number;
  /** The value; of candles a {@link DehydratedSeries}. */
  value: unknown;
}

/** Values that a server rendered, for the page to begin with. */
export interface Dehydrated {
  v: 1;
  channels: Record<string, DehydratedValue>;
}

/** What {@link LiveClient} is made from. */
export interface LiveClientOptions {
  /** Where the gateway is, without the `api/…` part. Relative addresses are resolved against the page. */
  url: string | URL;
  /**
   * Gives a token, before every attempt and again when the present one ends soon. Absent: the client asks as
   * nobody, which a gateway may refuse. A rejection counts as a failed attempt.
   */
  auth?: (context: { reason: AuthReason; attempt: number; signal: AbortSignal }) => Promise<{
    token: string;
    expiresAt?: number;
  }>;
  /** Delay before the next attempt: full jitter below a ceiling that doubles from `minMs` to `maxMs` (500 and 30,000). */
  retry?: { minMs?: number; maxMs?: number };
  /** When changes become visible: with the display's frames (default; every 250 ms while hidden), or by a timer. */
  flush?: "frame" | { everyMs: number };
  /** Age in milliseconds at which a channel, or each of a namespace, is stale; may only tighten what the gateway says. */
  stale?: Readonly<Record<string, { staleMs: number }>>;
  /**
   * What a hidden page does: `keep` shows changes every 250 ms (default), `slow` every second, `suspend` as
   * well lets go of its lines after 30 s and goes on where they stood when the page is seen again.
   */
  hidden?: "keep" | "slow" | "suspend";
  /** Values to begin with, from {@link LiveClient.dehydrate} on a server. They are `pending` until live ones come. */
  initial?: Dehydrated;
  /** WebSocket frames: `auto` and `binary` ask for bytes, `text` for strings. */
  frames?: "auto" | "binary" | "text";
  /** Transport of the channels whose holder names none. */
  preferTransport?: Transport;
  /** Time and randomness; another one in tests. */
  clock?: Clock;
  /** Whether the machine is online, the page visible; another one in tests. */
  network?: NetworkStatus;
  /** How lines are opened; another one in tests. */
  transport?: TransportFactory;
  /**
   * For history, symbols, jobs, results and a token to go on with on a line that takes no commands: the page's own
   * `fetch` unless given. Streams and polls go by `transport`.
   */
  fetch?: typeof globalThis.fetch;
  /** Takes what a developer should know. Default: a warning on the console, in development, once for each kind. */
  onReport?: (report: LiveReport) => void;
}

/** One line to the gateway and all that is held of it. */
export interface LiveClient {
  /** The state of the link. Watching it opens nothing. */
  readonly link: Readable<LinkState>;
  /** A channel by name. Cheap, and opens nothing until it is watched or retained. */
  channel<K extends ChannelName>(name: K, options?: ChannelOptions): Channel<DataOf<K>>;
  /** Bars of a symbol: the live channel with its history under it. */
  candles(symbol: string, interval: Interval, options?: CandleOptions): Readable<Snap<CandleSeries>>;
  /**
   * The symbols that the gateway serves. Asked for when first watched, again while that fails, and again
   * after the line was lost and is back, since another gateway may serve others.
   */
  symbols(): Readable<SymbolsState>;
  /** How the gateway's parts are. Asked for every 5 s while it is watched. */
  health(): Readable<HealthState>;
  /**
   * A job, followed to its end: by its channel, by default over long polling, and while that brings nothing by asking
   * for the job itself. `P` is the type of its parameters.
   */
  job<P = unknown>(id: string, options?: JobOptions): JobHandle<P>;
  /** One's own jobs, from the newest on, in pages. As of when they were asked for: see {@link PagedRows.refresh}. */
  jobs(options?: PageOptions): Readable<PagedRows<Job>>;
  /** A part of the result of a backtest, in pages. Where the job has not ended it waits for that. */
  backtestResult<K extends ResultPart>(
    jobId: string,
    part: K,
    options?: PageOptions,
  ): Readable<PagedRows<ResultRows[K]>>;
  /**
   * A conversation with the copilot: a new one, or one that was begun before. Opens nothing until it is watched or
   * something is asked. Each call makes a session of its own; those in one conversation share what is heard of it.
   */
  copilot(options?: { sessionId?: string | null }): CopilotSession;
  /** Proposes a backtest, without the copilot. Nothing runs until it is confirmed. Rejects with the fields of a {@link LiveError}. */
  proposeBacktest(params: BacktestParams): Promise<Proposal<BacktestParams>>;
  /**
   * Confirms what {@link LiveClient.proposeBacktest} of this client has proposed. May be repeated: the same confirmation
   * starts one job. Rejects as that does, such as with `TOKEN_EXPIRED`.
   */
  confirmBacktest(proposal: Proposal): Promise<Confirmed>;
  /** The values that are held, to send to a page that begins with them. */
  dehydrate(): Dehydrated;
  /** Counters and what is held, for tests and tools. */
  stats(): LiveStats;
  /** Ends the line, frees the WebAssembly memory, keeps the last values readable. May be called twice. */
  close(): void;
}
