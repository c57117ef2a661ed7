import { PENDING } from "./entry.js";
import type { CandleSeries, Dehydrated, DehydratedSeries, DehydratedValue, Snap } from "./types.js";

const COLUMNS = ["openTime", "open", "high", "low", "close", "volume", "closed"] as const;

/** What a page needs of one channel to begin with the value that a server rendered. */
export function dehydrate(snap: Snap<unknown>): DehydratedValue | null {
  if (snap.value === undefined) return null;
  const { seq, ts, value } = snap;
  return { seq, ts, value: isSeries(value) ? flat(value) : value };
}

/** The values that a client starts with; each is one object for as long as the client lives. */
export class Hydration {
  readonly #channels: Dehydrated["channels"];
  readonly #snaps = new Map<string, Snap<unknown>>();

  constructor(initial: Dehydrated | undefined) {
    this.#channels = initial?.channels ?? {};
  }

  /** The channel's first value: `pending`, since nobody has judged it here. */
  snap(name: string): Snap<unknown> {
    const known = this.#snaps.get(name);
    if (known) return known;
    const { value, seq, ts } = (Object.hasOwn(this.#channels, name) && this.#channels[name]) || PENDING;
    const snap = value === undefined ? PENDING : Object.freeze({ ...PENDING, seq, ts, value: full(value) });
    if (snap !== PENDING) this.#snaps.set(name, snap);
    return snap;
  }
}

function isSeries(value: unknown): value is CandleSeries {
  return (value as CandleSeries | null)?.openTime instanceof Float64Array;
}

function flat(series: CandleSeries): DehydratedSeries {
  const columns = COLUMNS.map((name) => [...series[name]]);
  return { symbol: series.symbol, interval: series.interval, hasHistory: series.hasHistory, columns };
}

function full(value: unknown): unknown {
  const { symbol, interval, hasHistory, columns } = value as Partial<DehydratedSeries>;
  if (!Array.isArray(columns) || columns.length !== COLUMNS.length) return value;
  const [openTime, open, high, low, close, volume] = columns.map((column) => Float64Array.from(column));
  const closed = Uint8Array.from(columns.at(-1) ?? []);
  const length = closed.length;
  return {
    symbol,
    interval,
    length,
    openTime,
    open,
    high,
    low,
    close,
    volume,
    closed,
    changedFrom: 0,
    hasHistory,
  };
}
