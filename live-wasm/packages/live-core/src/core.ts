import { failureText } from "./answer.js";
import { type CoreBinding, type CoreCounters, type CoreInstance, Flag, type Notice } from "./binding.js";
import { causeOf, continuityOf, freshnessOf } from "./names.js";
import type { Framing } from "./transport/transport.js";
import type { Cause, Continuity, Freshness, LiveError } from "./types.js";

/** Where the numbers of a read lie: see {@link CoreBinding.scratchPtr}. */
const SCRATCH_NUMBERS = 16;

/** An event stream can be cut anywhere, so a large piece goes in by parts and the input buffer stays small. */
const MAX_PIECE_BYTES = 65_536;

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
  #scratch = new Float64Array(0);

  constructor({ core, memory }: CoreInstance) {
    this.binding = core;
    this.#memory = memory;
  }

  /** Takes a chunk in. Returns the flags of all its parts. */
  ingest(chunk: Uint8Array, framing: Framing, nowMs: number, link: number): number {
    if (framing === "envelopes") {
      this.#copyIn(chunk);
      return this.binding.ingestFrame(chunk.length, nowMs, link);
    }
    let flags = 0;
    for (let start = 0; start < chunk.length; start += MAX_PIECE_BYTES) {
      const piece = chunk.subarray(start, start + MAX_PIECE_BYTES);
      this.#copyIn(piece);
      flags |= this.binding.ingestSse(piece.length, nowMs, link);
    }
    return flags;
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
