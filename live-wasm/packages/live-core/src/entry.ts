import type { Envelope } from "./envelope.js";
import { Listeners } from "./readable.js";
import type { WantedChannel } from "./transport/transport.js";
import type { LiveError, Snap, Staleness, Transport } from "./types.js";

/** What one holder of a channel asks for. */
export interface Hold {
  /** Most envelopes a second; null: as fast as it goes; undefined: as the others have it, the transport too. */
  maxHz: number | null | undefined;
  /** How long the subscription outlives this holder when it was the last, in milliseconds. */
  lingerMs: number;
  /** Bars of history; 0: none. */
  historyLimit: number;
}

/** Somebody who wants every envelope. */
export interface Tap {
  call: (envelope: Envelope<unknown>) => void;
  /** The call that hears all, while the other one leaves out what was told before. */
  whole?: (envelope: Envelope<unknown>) => void;
}

/** What a channel's value is decoded to. */
export type EntryKind = "price" | "candles" | "json";

/** One way to look at a channel's value, rebuilt when the channel's version moved. */
export interface View {
  version: number;
  snap: Snap<unknown>;
}

/** The value before there is one. One object for all, so that it is equal by reference. */
export const PENDING: Snap<never> = Object.freeze({
  value: undefined,
  freshness: "pending",
  continuity: "unknown",
  gap: null,
  cause: null,
  seq: 0,
  ts: 0,
  error: null,
});

/** The staleness that goes with {@link PENDING}. */
export const STALENESS_PENDING: Staleness = Object.freeze({ freshness: "pending", ageMs: null, cause: null });

/** A channel that is held, or lingers after its last holder. */
export class Entry {
  readonly name: string;
  readonly kind: EntryKind;
  /** What stands after the namespace: the symbol of a price. */
  readonly symbol: string;
  transport: Transport;
  readonly holds = new Set<Hold>();
  readonly listeners = new Listeners();
  /** Those who want every envelope, before merging. */
  readonly taps = new Set<Tap>();
  /** What it starts with: a value that a server rendered, or {@link PENDING}. */
  readonly initial: Snap<unknown>;
  /** The views of its value, by the number of bars; 0 is the whole. */
  readonly views = new Map<number, View>();
  staleness: { version: number; value: Staleness } = { version: -1, value: STALENESS_PENDING };
  /** Moves whenever what can be seen of the channel changed. */
  version = 0;
  /** The core's number for it; -1 while there is no core, or when the name is bad. */
  id = -1;
  /** Why the gateway, or the core, would not have it. */
  error: LiveError | null = null;
  /** Why its history cannot be had. */
  historyError: LiveError | null = null;
  /** True while it is not to be asked for again. */
  isRefused = false;
  /** True while the present line carries it. */
  isAcked = false;
  /** Acknowledgements so far, but those with which each poll only goes on. */
  acks = 0;
  /** True from a restart of the core until the new one has a value: what is seen is the old one's. */
  isOrphan = false;
  mode: string | null = null;
  /** Prevents the end that the linger leads to. */
  cancelLinger: (() => void) | null = null;
  /** Ends the wait before it may be asked for again; null while it may. */
  cancelRetry: (() => void) | null = null;
  /** Refusals in a row that a later attempt may get over. */
  refusals = 0;
  /** An error that stands where a value should, until one with a greater `seq` comes. */
  failure: { seq: number; error: LiveError } | null = null;
  /** When its value was born, on the client's clock; null before the first value. */
  bornMs: number | null = null;
  #lastHz: number | null = null;

  constructor(name: string, transport: Transport, initial: Snap<unknown>) {
    this.name = name;
    this.initial = initial;
    this.transport = transport;
    this.symbol = name.slice(name.indexOf(":") + 1);
    this.kind = name.startsWith("price:") ? "price" : name.startsWith("candles:") ? "candles" : "json";
  }

  /** What to ask the gateway for: the fastest of its holders, or of the last one that said. */
  wanted(): WantedChannel {
    const rates = [...this.holds].flatMap(
      ({ maxHz }) => maxHz ?? (maxHz === null ? Number.POSITIVE_INFINITY : []),
    );
    if (rates.length > 0) {
      const fastest = Math.max(...rates);
      this.#lastHz = fastest === Number.POSITIVE_INFINITY ? null : fastest;
    }
    return { name: this.name, maxHz: this.#lastHz };
  }

  /** The most bars of history that a holder asks for; 0: none does. */
  historyLimit(): number {
    return Math.max(0, ...[...this.holds].map(({ historyLimit }) => historyLimit));
  }

  /** The views that somebody has read or may read: see {@link Entry.views}. */
  limits(): Set<number> {
    return new Set([...this.views.keys(), ...[...this.holds].map(({ historyLimit }) => historyLimit)]);
  }

  /** It may be asked for again. */
  askNow(): void {
    this.cancelRetry?.();
    this.cancelRetry = null;
  }

  /** Marks it as not to be had. */
  refuse(error: LiveError): void {
    this.error = error;
    this.isRefused = true;
    this.isAcked = false;
  }
}
