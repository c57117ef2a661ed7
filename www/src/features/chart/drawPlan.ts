import type { CandleSeries } from "@spark/live-core";

/** What must be drawn to go from the bars on the screen to the newest ones. */
export type DrawPlan =
  /** Other bars: hand over all of them. */
  | { kind: "replace" }
  /** The same bars up to `from`; those from there on changed or are new. */
  | { kind: "update"; from: number }
  | { kind: "nothing" };

/** Newest bars that may change one by one. */
const OPEN_BARS = 3;

/**
 * Compares what is drawn with what is to be drawn. `changedFrom` of the series is a hint against the
 * series before it, and a render may have skipped that one, so the bars before it are compared too:
 * five hundred of them cost microseconds. Bars that fell out at the old end stay on the screen until
 * the next replacement.
 */
export function planDraw(drawn: CandleSeries | null, next: CandleSeries): DrawPlan {
  if (drawn === next) return { kind: "nothing" };
  if (!drawn || drawn.length === 0 || next.length === 0) return { kind: "replace" };
  if (drawn.symbol !== next.symbol || drawn.interval !== next.interval) return { kind: "replace" };

  const shift = indexOfTime(drawn.openTime, next.openTime[0] ?? Number.NaN);
  const shared = drawn.length - shift;
  if (shift < 0 || shared > next.length) return { kind: "replace" };

  let same = 0;
  while (same < shared && sameBar(drawn, same + shift, next, same)) same += 1;
  // Around the end of a bar the one before still changes; further back it is cheaper to hand over all of them.
  if (same < shared - OPEN_BARS) return { kind: "replace" };
  // A bar that came late stands between others: the chart has no place for it that it could fill by itself.
  for (let i = same; i < shared; i += 1) {
    if (drawn.openTime[i + shift] !== next.openTime[i]) return { kind: "replace" };
  }
  return same === next.length ? { kind: "nothing" } : { kind: "update", from: same };
}

/** Index of a time in an ascending column, or -1. */
export function indexOfTime(times: Float64Array, time: number): number {
  let low = 0;
  let high = times.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = times[middle] ?? Number.NaN;
    if (found === time) return middle;
    if (found < time) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function sameBar(a: CandleSeries, i: number, b: CandleSeries, j: number): boolean {
  return (
    a.openTime[i] === b.openTime[j] &&
    a.open[i] === b.open[j] &&
    a.high[i] === b.high[j] &&
    a.low[i] === b.low[j] &&
    a.close[i] === b.close[j] &&
    a.volume[i] === b.volume[j]
  );
}
