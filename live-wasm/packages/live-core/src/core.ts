import { failureText } from "./answer.js";
import { type CoreBinding, type CoreCounters, type CoreInstance, Flag, type Notice } from "./binding.js";
import type { Envelope } from "./envelope.js";
import { causeOf, continuityOf, freshnessOf } from "./names.js";
import type { Framing } from "./transport/transport.js";
import type { Cause, Continuity, Freshness, LiveError, Snap } from "./types.js";

/** Where the numbers of a read lie: see {@link CoreBinding.scratchPtr}. */
const SCRATCH_NUMBERS = 16;

/** An event stream can be cut anywhere, so a large piece goes in by parts and the input buffer stays small. */
const MAX_PIECE_BYTES = 65_536;

/** The call that takes in each kind of chunk. */
const INGEST = {
  envelopes: "ingestFrame",
  "event-stream": "ingestSse",
  page: "ingestPoll",
} as const;

/** What was counted of one channel since it was opened. */
export interface ChannelCounts {
  /** Replaced by a newer one before anyone saw them, at either end. */
  merged: number;
  dropped: number;
  gaps: number;
  delivered: number;
  /** Envelopes a second that the gateway last told; null before it did. */
  effectiveHz: number | null;
  /** The bound that the gateway keeps; null for none. */
  maxHz: number | null;
}

/** What is known about a channel besides its value. */
export interface Head {
  /** False before the first value. */
  hasValue: boolean;
  seq: number;
  ts: number;
  /** When the value was born, on the clock that the core is given. */
  bornMs: number;
  freshness: Freshness;
  cause: Cause | null;
  continuity: Continuity;
  gap: Snap<unknown>["gap"];
}

/** True when the module is beyond use: it trapped, or its stack or memory ran out. */
export function isTrap(error: unknown): boolean {
  return error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
}

/** Reads the error that a binding threw: its message is a JSON object. */
export function bindingError(error: unknown, channel?: string): LiveError {
  const text = failureText(error);
  const named = channel === undefined ? {} : { channel };
  try {
    return { ...(JSON.parse(text) as LiveError), ...named };
  } catch {
    return { code: "INTERNAL", message: text, ...named };
  }
}

/** The WebAssembly core with its memory: bytes in, values out. Translates and decides nothing. */
export class Core {
  readonly binding: CoreBinding;
  readonly #memory: WebAssembly.Memory;
  #bytes = new Uint8Array(0);
  #inputAt = 0;
  #inputLength = 0;
  /** What is left of the chunk under way. */
  #left: Uint8Array = new Uint8Array(0);
  #isFull = false;
  #scratch = new Float64Array(0);

  constructor({ core, memory }: CoreInstance) {
    this.binding = core;
    this.#memory = memory;
  }

  /**
   * Takes a chunk in. Returns the flags of its parts; with {@link Flag.full} among them there is more of it,
   * to be taken in after a flush by {@link Core.more}.
   */
  ingest(chunk: Uint8Array, framing: Framing, nowMs: number, link: number): number {
    this.#left = chunk;
    this.#isFull = false;
    return this.more(framing, nowMs, link);
  }

  /** Goes on with the chunk under way. */
  more(framing: Framing, nowMs: number, link: number): number {
    let flags = this.#isFull ? this.binding.ingestMore(nowMs) : 0;
    while (!(flags & Flag.full) && this.#left.length > 0) {
      const length = framing === "event-stream" ? MAX_PIECE_BYTES : this.#left.length;
      const piece = this.#left.subarray(0, length);
      this.#left = this.#left.subarray(piece.length);
      this.#copyIn(piece);
      flags |= this.binding[INGEST[framing]](piece.length, nowMs, link);
    }
    this.#isFull = (flags & Flag.full) !== 0;
    return flags;
  }

  /** The envelopes of a tapped channel that came since they were last taken. */
  events(id: number): Envelope<unknown>[] {
    const text = this.binding.takeEvents(id);
    return text === undefined ? [] : (JSON.parse(text) as Envelope<unknown>[]);
  }

  /** What was counted of a channel. */
  counts(id: number): ChannelCounts {
    this.binding.readCounts(id);
    const [merged = 0, dropped = 0, gaps = 0, delivered = 0, effectiveHz, maxHz] = this.#numbers();
    const optional = (hz = Number.NaN) => (Number.isNaN(hz) ? null : hz);
    return { merged, dropped, gaps, delivered, effectiveHz: optional(effectiveHz), maxHz: optional(maxHz) };
  }

  /** Takes a page of candle history. Returns the rows taken. */
  historyPage(id: number, page: Uint8Array): number {
    this.#copyIn(page);
    return this.binding.historyPage(id, page.length);
  }

  /** The notices that wait, if the flags say so. */
  notices(flags: number): Notice[] {
    return flags & Flag.notices ? (JSON.parse(this.binding.notices()) as Notice[]) : [];
  }

  /** What is known about the channel besides its value. */
  head(id: number): Head {
    const hasValue = this.binding.readHead(id) === 1;
    const n = this.#numbers();
    return {
      hasValue,
      seq: n[0] ?? 0,
      ts: n[1] ?? 0,
      bornMs: n[2] ?? Number.NaN,
      freshness: freshnessOf(n[3]),
      cause: causeOf(n[4]),
      continuity: continuityOf(n[5]),
      gap: n[6] ? { from: n[6], to: n[7] ?? 0 } : null,
    };
  }

  /** The seven numbers of the channel's price, or null when its value is no price. Valid until the next read. */
  tick(id: number): Float64Array | null {
    return this.binding.readTick(id) === 1 ? this.#numbers() : null;
  }

  /** The channel's newest bars, seven numbers each, and whether history is among them. 0: all. */
  bars(id: number, limit: number): { rows: Float64Array; hasHistory: boolean } {
    const rows = this.binding.readBars(id, limit);
    return { rows, hasHistory: this.#numbers()[1] === 1 };
  }

  /** What the core has counted. */
  counters(): CoreCounters {
    return JSON.parse(this.binding.counters()) as CoreCounters;
  }

  #copyIn(bytes: Uint8Array): void {
    // The buffer stays where it is while nothing asks for a larger one. A rare large piece is not kept.
    if (bytes.length > this.#inputLength) {
      this.#inputAt = this.binding.inputPtr(bytes.length);
      this.#inputLength = bytes.length > MAX_PIECE_BYTES ? 0 : bytes.length;
    }
    // The call may have grown the memory, which leaves older views without one.
    if (this.#bytes.buffer !== this.#memory.buffer) this.#bytes = new Uint8Array(this.#memory.buffer);
    this.#bytes.set(bytes, this.#inputAt);
  }

  #numbers(): Float64Array {
    const at = this.binding.scratchPtr();
    if (this.#scratch.buffer !== this.#memory.buffer || this.#scratch.byteOffset !== at) {
      this.#scratch = new Float64Array(this.#memory.buffer, at, SCRATCH_NUMBERS);
    }
    return this.#scratch;
  }
}
