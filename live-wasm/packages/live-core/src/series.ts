import type { CandleSeries } from "./types.js";

/** Numbers of a bar as the core gives them: openTime, open, high, low, close, volume, closed. */
const BAR_NUMBERS = 7;

const COLUMNS = ["openTime", "open", "high", "low", "close", "volume"] as const;

/** The symbol and the interval of a candles channel: the interval is its last segment. */
export function candleNames(channel: string): { symbol: string; interval: string } {
  const name = channel.slice(channel.indexOf(":") + 1);
  const dot = name.lastIndexOf(".");
  return { symbol: name.slice(0, Math.max(0, dot)), interval: name.slice(dot + 1) };
}

/**
 * Turns rows into columns. `changedFrom` is against the series that was seen before, so that a reader who
 * skipped some in between still draws all that is new. The same series again when nothing differs.
 */
export function toSeries(
  channel: string,
  rows: Float64Array,
  hasHistory: boolean,
  previous: CandleSeries | undefined,
): CandleSeries {
  const length = Math.floor(rows.length / BAR_NUMBERS);
  const changedFrom = previous ? firstDifference(rows, length, previous) : 0;
  if (
    previous &&
    changedFrom === length &&
    previous.length === length &&
    previous.hasHistory === hasHistory
  ) {
    return previous;
  }
  const column = (offset: number) => {
    const values = new Float64Array(length);
    for (let i = 0; i < length; i += 1) values[i] = rows[i * BAR_NUMBERS + offset] ?? Number.NaN;
    return values;
  };
  return {
    ...candleNames(channel),
    length,
    openTime: column(0),
    open: column(1),
    high: column(2),
    low: column(3),
    close: column(4),
    volume: column(5),
    closed: Uint8Array.from(column(6)),
    changedFrom,
    hasHistory,
  };
}

function firstDifference(rows: Float64Array, length: number, previous: CandleSeries): number {
  const shared = Math.min(length, previous.length);
  for (let i = 0; i < shared; i += 1) {
    const at = i * BAR_NUMBERS;
    if (rows[at + 6] !== previous.closed[i]) return i;
    for (let c = 0; c < COLUMNS.length; c += 1) {
      const name = COLUMNS[c];
      if (name && rows[at + c] !== previous[name][i]) return i;
    }
  }
  return shared;
}
