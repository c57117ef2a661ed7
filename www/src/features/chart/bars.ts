import type { CandleSeries } from "@spark/live-core";
import { i18n } from "../../i18n";
import {
  formatBarTime,
  formatChange,
  formatCount,
  formatPercent,
  formatPrice,
  formatVolume,
} from "../../lib/format";
import { intervalInWords, lengthOf } from "../../lib/intervals";

/** One bar, as the legend and the summary read it. */
export interface Bar {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  closed: boolean;
  /** Close of the bar before; its own open where there is none. */
  before: number;
}

/** The bar at an index, or null outside the series. */
export function barAt(series: CandleSeries, index: number): Bar | null {
  const time = series.openTime[index];
  const open = series.open[index];
  const high = series.high[index];
  const low = series.low[index];
  const close = series.close[index];
  const volume = series.volume[index];
  if (
    time === undefined ||
    open === undefined ||
    high === undefined ||
    low === undefined ||
    close === undefined ||
    volume === undefined
  ) {
    return null;
  }
  const closed = series.closed[index] === 1;
  return { time, open, high, low, close, volume, closed, before: series.close[index - 1] ?? open };
}

/** Change of a bar against the close before it, in the quote's unit and in percent. */
export function changeOf(bar: Bar): { change: number; percent: number } {
  const change = bar.close - bar.before;
  return { change, percent: bar.before === 0 ? 0 : (change / bar.before) * 100 };
}

/** A bar in one sentence, for a screen reader. */
export function describeBar(bar: Bar, interval: string): string {
  const { change, percent } = changeOf(bar);
  const words = i18n.t("market:chart.bar", {
    time: formatBarTime(bar.time, lengthOf(interval)),
    open: formatPrice(bar.open),
    high: formatPrice(bar.high),
    low: formatPrice(bar.low),
    close: formatPrice(bar.close),
    change: formatChange(change),
    percent: formatPercent(percent),
    volume: formatVolume(bar.volume),
  });
  return bar.closed ? words : `${words}, ${i18n.t("market:chart.forming")}`;
}

/** What a chart shows, in words: span, first and last close, extremes. Empty for an empty series. */
export function summarize(series: CandleSeries): string {
  const first = barAt(series, 0);
  const last = barAt(series, series.length - 1);
  if (!first || !last) return "";
  let top = first;
  let bottom = first;
  for (let i = 1; i < series.length; i += 1) {
    const bar = barAt(series, i);
    if (bar && bar.high > top.high) top = bar;
    if (bar && bar.low < bottom.low) bottom = bar;
  }
  const when = (bar: Bar) => formatBarTime(bar.time, lengthOf(series.interval));
  const percent = first.close === 0 ? 0 : ((last.close - first.close) / first.close) * 100;
  return i18n.t("market:chart.summary", {
    symbol: series.symbol,
    bars: formatCount(series.length),
    interval: intervalInWords(series.interval),
    from: when(first),
    to: when(last),
    first: formatPrice(first.close),
    last: formatPrice(last.close),
    percent: formatPercent(percent),
    high: formatPrice(top.high),
    highAt: when(top),
    low: formatPrice(bottom.low),
    lowAt: when(bottom),
  });
}
