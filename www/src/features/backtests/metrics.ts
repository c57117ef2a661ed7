import type { MetricsRow } from "@spark/live-core";
import type { TFunction } from "i18next";
import { formatCount, formatNumber, formatPrice, formatRatio, MISSING } from "../../lib/format";
import { DAY } from "../../lib/intervals";

/** The metrics in the order in which they are shown, what is asked first at the beginning, with how each is written. */
export const METRICS = {
  totalReturn: "part",
  finalEquity: "money",
  cagr: "part",
  maxDrawdown: "fall",
  sharpe: "number",
  sortino: "number",
  calmar: "number",
  volatility: "part",
  maxDrawdownDurationMs: "time",
  winRate: "part",
  profitFactor: "number",
  exposure: "part",
  trades: "count",
  bars: "count",
  fees: "money",
} as const satisfies Partial<Record<keyof MetricsRow, string>>;

/** A metric's name. */
export type Metric = keyof typeof METRICS;

/** All of them. */
export const METRIC_NAMES = Object.keys(METRICS) as Metric[];

/** A metric as it is written; a dash where it is not defined. */
export function formatMetric(
  t: TFunction<"backtests">,
  name: Metric,
  value: number | null | undefined,
): string {
  if (value === null || value === undefined) return MISSING;
  switch (METRICS[name]) {
    case "part":
      return formatRatio(value);
    case "fall":
      return formatRatio(0 - value);
    case "money":
      return formatPrice(value);
    case "number":
      return formatNumber(value);
    case "count":
      return formatCount(value);
    case "time": {
      const days = Math.round(value / DAY);
      return t("metrics.days", { count: days, shown: formatCount(days) });
    }
  }
}

/** The name of a metric, if a column of a sweep is one. */
export function metricOf(column: string): Metric | null {
  return METRIC_NAMES.find((name) => name === column) ?? null;
}
