import type { Transport } from "./types.js";

/**
 * What the client needs of the generated bindings. The client depends on this alone; the generated class
 * satisfies it by its shape, which a type test holds.
 */
export interface CoreBinding {
  free(): void;
  /** Starts to hold a channel that arrives on that link. Throws an `Error` whose message is a JSON object when the name is bad. */
  open(name: string, link: number): number;
  /** Drops what is held of a channel, which `open` starts anew under the same number. */
  forget(id: number): void;
  /** Address of an input buffer of at least `len` bytes. */
  inputPtr(len: number): number;
  /** Takes `len` bytes of newline-separated envelopes. Returns {@link Flag}s. */
  ingestFrame(len: number, nowMs: number, link: number): number;
  /** Takes a piece of an event stream. Returns {@link Flag}s. */
  ingestSse(len: number, nowMs: number, link: number): number;
  /** Takes the page of `len` bytes that answers a poll. Returns {@link Flag}s. */
  ingestPoll(len: number, nowMs: number, link: number): number;
  /** Goes on after {@link Flag.full}. Returns {@link Flag}s. */
  ingestMore(nowMs: number): number;
  /** Where the last answer to a poll says that the channels stand. */
  pollCursor(link: number): string | undefined;
  /** `epoch:seq` of the last envelope that was taken in of a channel. */
  since(id: number): string | undefined;
  /** Begins or ends to keep every envelope of a channel for {@link CoreBinding.takeEvents}. */
  tap(id: number, on: boolean): void;
  /** Forgets where a channel stands of which each envelope counts; true when it has to be taken anew. */
  startOver(id: number): boolean;
  /** A JSON array of the envelopes kept, which are forgotten; undefined for none. */
  takeEvents(id: number): string | undefined;
  /** Leaves merged, dropped, gaps, delivered, effectiveHz, maxHz of a channel. */
  readCounts(id: number): void;
  /** Bounds the age at which a channel is stale, below what the gateway says. */
  tighten(id: number, staleMs: number): void;
  /** The `retry:` of a link's event stream in milliseconds, -1 before one was seen. */
  sseRetryMs(link: number): number;
  linkUp(nowMs: number, link: number): void;
  linkDown(link: number): void;
  /** Makes pending values visible. Returns how many channels changed. */
  flush(nowMs: number): number;
  changed(): Uint32Array;
  /** When some channel's freshness changes by time alone; Infinity: never. */
  nextChangeMs(): number;
  /** A JSON array of {@link Notice}s, drained by the call. */
  notices(): string;
  /** Address of 16 doubles in which the reads below leave their numbers. */
  scratchPtr(): number;
  readHead(id: number): number;
  readTick(id: number): number;
  readBars(id: number, limit: number): Float64Array;
  readData(id: number): string | undefined;
  /** Takes a page of history of `len` bytes. Returns the rows taken; throws like `open`. */
  historyPage(id: number, len: number): number;
  counters(): string;
}

/** What a call that takes bytes in says about them. */
export const Flag = {
  /** Something waits for a flush. */
  dirty: 1,
  /** Notices wait. */
  notices: 2,
  /** Flush at once: a terminal state. */
  urgent: 4,
  /** A frame was too large and refused whole. */
  refused: 8,
  /** No more can be held before a flush: flush, then go on with `ingestMore`. */
  full: 16,
  /** The answer to a poll cannot be read. */
  unreadable: 32,
} as const;

/** What the connection must act on. */
export type Notice =
  | { kind: "hello"; sessionId: string; serverTime: number; heartbeatMs: number }
  | {
      kind: "ack";
      id?: number;
      channel: string;
      epoch: string;
      head: number;
      resumed: boolean;
      mode: string;
      /** Why the position could not be resumed. */
      code?: string;
    }
  | { kind: "auth"; state: "ok" | "expiring" | "expired" | "revoked"; expiresAt?: number; graceMs?: number }
  | { kind: "ackCommand"; id: number }
  | {
      kind: "error";
      code: string;
      message: string;
      channel?: string;
      id?: number;
      field?: string;
      reason?: string;
      retryAfterMs?: number;
    }
  | {
      kind: "failed";
      code: string;
      message: string;
      channel: string;
      seq: number;
      field?: string;
      reason?: string;
    }
  | { kind: "resync"; channel: string; reason: string }
  | { kind: "behind"; channel: string; last: number; head: number }
  | { kind: "overrun"; channel: string }
  | { kind: "dropped"; channel: string; dropped: number; fromSeq: number; toSeq: number; side: string }
  | { kind: "drain"; reconnectAfterMs: number }
  | { kind: "rejected"; code: string; field: string; reason: string; at: number };

/** The core's number for each transport. */
export const LINK: Record<Transport, number> = { websocket: 0, sse: 1, polling: 2 };

/** What the core counts. */
export interface CoreCounters {
  frames: number;
  bytes: number;
  accepted: number;
  rejected: number;
  ignored: number;
  merged: number;
  dropped: number;
  gaps: number;
  generation: number;
}

/** Nothing counted yet. */
export const NO_COUNTERS: CoreCounters = {
  frames: 0,
  bytes: 0,
  accepted: 0,
  rejected: 0,
  ignored: 0,
  merged: 0,
  dropped: 0,
  gaps: 0,
  generation: 0,
};

/** One instance of the module with its own memory. */
export interface CoreInstance {
  readonly memory: WebAssembly.Memory;
  readonly core: CoreBinding;
}
