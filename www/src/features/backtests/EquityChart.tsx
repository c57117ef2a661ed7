import { useComputedColorScheme } from "@mantine/core";
import type { MouseEventParams } from "lightweight-charts";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { formatBacktestTime, formatPrice, formatRatio } from "../../lib/format";
import type { Point } from "./curve";
import classes from "./EquityChart.module.css";
import { draw, type EquityCanvas, makeCanvas, paint, speak } from "./equityCanvas";

/** Properties of {@link EquityChart}. */
export interface EquityChartProps {
  points: readonly Point[];
  /** What it shows, in a sentence. */
  name: string;
}

/** The equity over its drawdown, on one axis of time, with the numbers of the point that is pointed at, else of the last. */
export function EquityChart({ points, name }: EquityChartProps) {
  const { i18n } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<EquityCanvas | null>(null);
  /** Whether somebody has moved or zoomed it: then it is theirs, and is not fitted anew when more of it comes. */
  const isTouched = useRef(false);
  const [pointed, setPointed] = useState<Point | null>(null);
  const scheme = useComputedColorScheme("light");

  useLayoutEffect(() => {
    if (!box.current) return;
    const made = makeCanvas(box.current);
    canvas.current = made;
    const onMove = ({ time, seriesData }: MouseEventParams): void => {
      const value = (series: typeof made.equity | typeof made.drawdown): number | undefined =>
        (seriesData.get(series) as { value: number } | undefined)?.value;
      const [equity, drawdown] = [value(made.equity), value(made.drawdown)];
      if (typeof time !== "number" || equity === undefined || drawdown === undefined) setPointed(null);
      else setPointed({ time, equity, drawdown: 0 - drawdown });
    };
    made.chart.subscribeCrosshairMove(onMove);
    return () => {
      canvas.current = null;
      made.chart.remove();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the page, and the scheme says when they are others
  useEffect(() => {
    if (box.current && canvas.current) paint(canvas.current, box.current);
  }, [scheme]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: numbers are written anew in another language
  useLayoutEffect(() => {
    if (canvas.current) speak(canvas.current);
  }, [i18n.language]);

  useLayoutEffect(() => {
    if (!canvas.current) return;
    draw(canvas.current, points);
    if (!isTouched.current) canvas.current.chart.timeScale().fitContent();
  }, [points]);

  return (
    <div className={classes.plot}>
      <Legend point={pointed ?? points.at(-1)} />
      <div
        ref={box}
        className={classes.canvas}
        role="img"
        aria-label={name}
        onPointerDown={() => {
          isTouched.current = true;
        }}
        data-testid="equity-chart"
        data-points={points.length}
      />
    </div>
  );
}

/** The numbers of one point, in the colours of their curves. The chart's name says what counts to whoever does not see it. */
function Legend({ point }: { point: Point | undefined }) {
  const { t } = useTranslation("backtests");
  if (!point) return null;
  return (
    <div className={classes.legend} aria-hidden="true" data-testid="equity-legend">
      <span className={classes.when}>{formatBacktestTime(point.time * 1_000)}</span>
      <span className={classes.entry} data-curve="equity">
        {t("equity.title")} <b>{formatPrice(point.equity)}</b>
      </span>
      <span className={classes.entry} data-curve="drawdown">
        {t("equity.drawdown")} <b>{formatRatio(0 - point.drawdown)}</b>
      </span>
    </div>
  );
}
