import type { ChannelOptions, LiveError, Readable } from "../types.js";
import type { JobProgress } from "../wire/events.js";

/** A job as the gateway last told of it. `P` is the type of its parameters. */
export interface Job<P = unknown> extends JobProgress {
  /** What was confirmed: the parameters, defaults filled in. */
  params: P;
}

/**
 * By which way news of a job come: `live` on its channel, `polling` by asking for it; `none` while neither does, since
 * it has ended, nothing is to be asked in a page that nobody sees, or the last attempt failed.
 */
export type JobUpdates = "live" | "polling" | "none";

/** A job, and how the last attempt to hear of it went; told apart by `status`. */
export type JobState<P = unknown> =
  /** No job is named, or the hook is not enabled. */
  | { status: "idle"; job: undefined; error: null; isEnded: false; updates: "none" }
  /** Nothing is known yet. With an `error` the last attempt failed, and another one follows. */
  | { status: "pending"; job: undefined; error: LiveError | null; isEnded: false; updates: "none" }
  /** It waits or runs. With an `error` this is what was known last, and another attempt follows. */
  | {
      status: "queued" | "running";
      job: Job<P>;
      error: LiveError | null;
      isEnded: false;
      updates: JobUpdates;
    }
  /** It has a result. */
  | { status: "done"; job: Job<P>; error: null; isEnded: true; updates: "none" }
  /** It ended without one; `error` says why. */
  | {
      status: "failed" | "cancelled" | "timeout";
      job: Job<P>;
      error: LiveError;
      isEnded: true;
      updates: "none";
    }
  /** There is no such job, or none any more, or it is somebody else's. Not asked for again. */
  | { status: "missing"; job: Job<P> | undefined; error: LiveError; isEnded: true; updates: "none" };

/** How news of a job are to be had. The first watcher's rate and transport count. */
export type JobOptions = ChannelOptions;

/** A link to the whole result of a job. */
export interface ResultLink {
  /** Absolute; good without a token until `expiresAt`. */
  url: string;
  /** Milliseconds since the Unix epoch. */
  expiresAt: number;
  resultHash: string;
  /** SHA-256 of what the link leads to. */
  blobSha256: string;
  bytes: number;
  contentType: string;
  contentEncoding: string | null;
  filename: string;
}

/** One job. Cheap, and asks nothing until it is watched. */
export interface JobHandle<P = unknown> extends Readable<JobState<P>> {
  /**
   * Asks for it to end; one that waits ends at once, a running one soon after. Resolves to the job as it stands then,
   * also when it has ended before. Rejects with an `Error` that has the fields of a {@link LiveError}.
   */
  cancel(): Promise<Job<P>>;
  /** Asks for a link to its whole result. Rejects as `cancel` does. */
  downloadLink(): Promise<ResultLink>;
}

/** The parts of a backtest's result. */
export type ResultPart = "equity" | "trades" | "metrics";

/** One bar of the equity curve. */
export interface EquityRow {
  /** The bar's, in milliseconds since the Unix epoch. */
  openTime: number;
  equity: number;
  cash: number;
  units: number;
  /** Below the highest equity so far, as a part of it. */
  drawdown: number;
}

/** One trade. The exit is null while it was open at the end. */
export interface TradeRow {
  /** Its number, from 1. */
  n: number;
  /** Negative for a short one. */
  units: number;
  entryBar: number;
  entryTime: number;
  entryPrice: number;
  exitBar: number | null;
  exitTime: number | null;
  exitPrice: number | null;
  pnl: number;
  fees: number;
}

/** What the whole comes to. Null where it is not defined, such as a rate of wins without trades. */
export interface MetricsRow {
  finalEquity: number;
  totalReturn: number;
  cagr: number | null;
  volatility: number | null;
  sharpe: number | null;
  sortino: number | null;
  calmar: number | null;
  maxDrawdown: number;
  maxDrawdownDurationMs: number;
  winRate: number | null;
  profitFactor: number | null;
  exposure: number;
  fees: number;
  trades: number;
  bars: number;
  /** What the bars were adjusted for: the first moment after each split, and new units for an old one. */
  splits: { time: number; ratio: number }[];
  /** Of a sweep: the best parameters, and a row for each combination. */
  sweep?: { best: Record<string, number>; columns: string[]; rows: (number | null)[][] };
}

/** The rows of each part. */
export interface ResultRows {
  equity: EquityRow;
  trades: TradeRow;
  metrics: MetricsRow;
}

/**
 * Rows that come in pages, one after another. A new object for each change, while the rows themselves are stored once:
 * a page that arrives costs its own rows and one render, however many there are before it.
 */
export interface PagedRows<Row = unknown> {
  /**
   * `idle`: nothing is named. `loading`: the first page is under way. `waiting`: for the job's end. `ready`: there is a
   * first page. `failed`: there is none; see `error`.
   */
  readonly status: "idle" | "loading" | "waiting" | "ready" | "failed";
  /** How many rows are held. */
  readonly length: number;
  /** How many there are in all; null before the first page, and where the gateway does not say. */
  readonly total: number | null;
  readonly hasMore: boolean;
  /** True while a page is under way. */
  readonly isLoading: boolean;
  /** Why the last page did not come. What may pass is tried again by itself. */
  readonly error: LiveError | null;
  /** Names the result; other rows have another. Null before the first page, and of what is no result. */
  readonly resultHash: string | null;
  /** All rows that are held; the same array until another page comes. Made when it is read: a long table reads `row`. */
  readonly rows: readonly Row[];
  /** The row at an index; undefined where none is held yet. */
  row(index: number): Row | undefined;
  /**
   * Asks for the next page; with `until`, for one page after another until so many rows are held, in pages as long as
   * they may be. Does nothing while a page is under way but raise that number, nor after an error: see `retry`.
   */
  loadMore(until?: number): void;
  /** Asks at once for what failed. */
  retry(): void;
  /** Asks for the first page again; what is held stays until it is there. */
  refresh(): void;
}

/** How pages are to be had. */
export interface PageOptions {
  /** Rows a page: of a result 1 to 5,000 (default 1,000), of jobs 1 to 200 (default 50). */
  limit?: number;
  /** How long rows and what is under way outlive the last watcher, in milliseconds. Default 1,000. */
  lingerMs?: number;
}
