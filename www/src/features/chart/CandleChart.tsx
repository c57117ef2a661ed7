import { useComputedColorScheme, VisuallyHidden } from "@mantine/core";
import type { CandleSeries } from "@spark/live-core";
import { type KeyboardEvent, useEffect, useEffectEvent, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { intervalInWords, lengthOf } from "../../lib/intervals";
import { readPalette } from "../../lib/palette";
import { barAt, describeBar } from "./bars";
import classes from "./CandleChart.module.css";
import { ChartController } from "./ChartController";
import { keyAction } from "./chartKeys";
import { indexOfTime } from "./drawPlan";

/** Properties of {@link CandleChart}. */
export interface CandleChartProps {
  series: CandleSeries;
  /** Newest bars to show; Infinity for all. A change shows them anew. */
  span: number;
  /** Id of the text that says what the chart shows. */
  describedBy: string;
  /** Open time of the bar that is pointed at, by pointer or key; null: none. */
  onInspect: (openTime: number | null) => void;
  /** More old bars would be welcome. */
  onOldestInView: () => void;
  /** Whether the newest bar is in view. */
  onNewestInView: (inView: boolean) => void;
  /** Moves by one for each wish to see the newest bar again. */
  newestWish: number;
}

/**
 * Candles over volume. With the keyboard it is one tab stop: left and right go from bar to bar, which is
 * read out, plus and minus zoom, Escape lets go.
 */
export function CandleChart(props: CandleChartProps) {
  const { t } = useTranslation("market");
  const { series, span, describedBy, newestWish } = props;
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<ChartController | null>(null);
  /** Open time of the bar that is pointed at: an index would be another bar after the next one closes. */
  const cursor = useRef<number | null>(null);
  const [spoken, setSpoken] = useState("");
  const scheme = useComputedColorScheme("light");

  const onInspect = useEffectEvent((openTime: number | null) => {
    cursor.current = openTime;
    props.onInspect(openTime);
  });
  const onOldestInView = useEffectEvent(() => props.onOldestInView());
  const onNewestInView = useEffectEvent((inView: boolean) => props.onNewestInView(inView));

  useLayoutEffect(() => {
    if (!box.current) return;
    const made = new ChartController(box.current, readPalette(box.current), {
      onInspect: (openTime) => onInspect(openTime),
      onOldestInView: () => onOldestInView(),
      onNewestInView: (inView) => onNewestInView(inView),
    });
    chart.current = made;
    return () => {
      chart.current = null;
      made.destroy();
    };
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the palette is read from the page, and the scheme says when it is another one
  useEffect(() => {
    if (box.current) chart.current?.setPalette(readPalette(box.current));
  }, [scheme]);

  const lengthMs = lengthOf(series.interval);
  useLayoutEffect(() => chart.current?.setBarLength(lengthMs), [lengthMs]);
  useLayoutEffect(() => chart.current?.draw(series), [series]);

  const showSpan = useEffectEvent(() => chart.current?.showNewest(span));
  // biome-ignore lint/correctness/useExhaustiveDependencies: shown anew for another span, not for each bar
  useLayoutEffect(() => showSpan(), [span]);

  // Whoever asked for all bars gets those that come later too; a view that was scrolled by hand stays.
  const oldest = series.openTime[0] ?? Number.NaN;
  const oldestShown = useRef(oldest);
  useLayoutEffect(() => {
    if (oldest < oldestShown.current && span === Number.POSITIVE_INFINITY) showSpan();
    oldestShown.current = oldest;
  }, [oldest, span]);

  useEffect(() => {
    if (newestWish > 0) chart.current?.scrollToNewest();
  }, [newestWish]);

  const point = (index: number | null): void => {
    const bar = index === null ? null : barAt(series, index);
    cursor.current = bar?.time ?? null;
    chart.current?.moveCursor(bar ? index : null);
    props.onInspect(bar?.time ?? null);
    setSpoken(bar ? describeBar(bar, series.interval) : "");
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = cursor.current === null ? -1 : indexOfTime(series.openTime, cursor.current);
    const action = keyAction(event, at < 0 ? null : at, series.length);
    if (!action) return;
    event.preventDefault();
    if (action.kind === "zoom") chart.current?.zoom(action.factor);
    else point(action.index);
  };

  return (
    <div className={classes.frame}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would be a form */}
      <div
        ref={box}
        className={classes.canvas}
        role="group"
        aria-roledescription={t("chart.role")}
        aria-label={t("chart.keys", { symbol: series.symbol, interval: intervalInWords(series.interval) })}
        aria-describedby={describedBy}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move through the bars
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={() => point(null)}
        data-testid="chart"
        data-bars={series.length}
        data-interval={series.interval}
      />
      <VisuallyHidden aria-live="polite">{spoken}</VisuallyHidden>
    </div>
  );
}
