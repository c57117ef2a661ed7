import type { EquityRow } from "@spark/live-core";

/** One point of a curve: a time in seconds, strictly growing, and a value. */
export interface Point {
  time: number;
  equity: number;
  drawdown: number;
}

/** What a curve comes to, for a sentence about it. */
export interface CurveFacts {
  first: number;
  last: number;
  low: number;
  high: number;
  drawdown: number;
}

/** The most points that are drawn: twice the pixels of a 4K screen would be no sharper. */
export const POINTS_MAX = 4_000;

/**
 * The curve in at most `most` points. Of each stretch of bars its lowest and its highest equity stay, in their order, and
 * the deepest drawdown of the stretch goes with its lowest: no fall gets lost, however long the backtest.
 */
export function thinned(
  length: number,
  row: (at: number) => EquityRow | undefined,
  most = POINTS_MAX,
): Point[] {
  const points: Point[] = [];
  const stretch = Math.max(1, Math.ceil((2 * length) / most));
  for (let from = 0; from < length; from += stretch) {
    const to = Math.min(length, from + stretch);
    let [lowAt, highAt, deepest] = [from, from, 0];
    for (let at = from; at < to; at += 1) {
      const bar = row(at);
      if (!bar) continue;
      if (bar.equity < (row(lowAt)?.equity ?? 0)) lowAt = at;
      if (bar.equity > (row(highAt)?.equity ?? 0)) highAt = at;
      deepest = Math.max(deepest, bar.drawdown);
    }
    for (const at of lowAt === highAt ? [lowAt] : [Math.min(lowAt, highAt), Math.max(lowAt, highAt)]) {
      const bar = row(at);
      if (!bar) continue;
      const drawdown = at === lowAt ? deepest : bar.drawdown;
      points.push({ time: Math.floor(bar.openTime / 1_000), equity: bar.equity, drawdown });
    }
  }
  return points;
}

/** What the points come to; null without any. */
export function factsOf(points: readonly Point[]): CurveFacts | null {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return null;
  let [low, high, drawdown] = [first.equity, first.equity, 0];
  for (const point of points) {
    low = Math.min(low, point.equity);
    high = Math.max(high, point.equity);
    drawdown = Math.max(drawdown, point.drawdown);
  }
  return { first: first.equity, last: last.equity, low, high, drawdown };
}
