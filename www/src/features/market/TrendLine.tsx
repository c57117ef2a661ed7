import type { Interval } from "@spark/live-core";
import { useCandles } from "@spark/live-react";
import { memo } from "react";
import { cx } from "../../lib/cx";
import { directionOf } from "../../lib/format";
import classes from "./TrendLine.module.css";
import { trendPath } from "./trend";

const BARS = { limit: 30 };
const WIDTH = 64;
const HEIGHT = 24;

/** The closes of the last thirty bars as a line. Decoration: the numbers beside it say what counts. */
export const TrendLine = memo(function TrendLine({
  symbol,
  interval,
}: {
  symbol: string;
  interval: Interval;
}) {
  const closes = useCandles(symbol, interval, BARS).value?.close;
  const first = closes?.[0];
  const last = closes?.[closes.length - 1];
  const move = first === undefined || last === undefined ? 0 : last - first;
  return (
    <svg
      data-testid={`trend-${symbol}`}
      className={cx(classes.trend, classes[directionOf(move)])}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <path d={closes ? trendPath(closes, WIDTH, HEIGHT) : ""} vectorEffect="non-scaling-stroke" />
    </svg>
  );
});
