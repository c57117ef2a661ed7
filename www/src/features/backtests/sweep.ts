import type { MetricsRow } from "@spark/live-core";
import { METRIC_NAMES, METRICS, type Metric, metricOf } from "./metrics";

/** Every combination of a sweep. */
export type SweepResult = NonNullable<MetricsRow["sweep"]>;

/** One combination: its values of what varies, and what it came to; null where it cannot run. */
export type SweepRow = SweepResult["rows"][number];

/** A column of the table: where it is in the rows, and the metric that it is; null of what varies. */
export interface SweepColumn {
  name: string;
  at: number;
  metric: Metric | null;
}

/** By which column the rows are sorted, and which way. */
export interface SweepOrder {
  column: string;
  isDescending: boolean;
}

/** Of these less is better. A drawdown is shown as a fall, below zero, and so is not one of them. */
const LESS_IS_BETTER: readonly Metric[] = ["maxDrawdownDurationMs", "volatility", "fees"];

/** What varies first, then the metrics in the page's order, whatever order they came in. */
export function columnsOf({ columns }: SweepResult): SweepColumn[] {
  const all = columns.map((name, at) => ({ name, at, metric: metricOf(name) }));
  const place = ({ metric }: SweepColumn): number => (metric === null ? -1 : METRIC_NAMES.indexOf(metric));
  return all.sort((a, b) => place(a) - place(b));
}

/** How a column is sorted at first: the best on top. */
export function firstOrder({ name, metric }: SweepColumn): SweepOrder {
  return { column: name, isDescending: metric !== null && !LESS_IS_BETTER.includes(metric) };
}

/** The rows in an order. Those without a value come last, whichever way. */
export function sorted(
  rows: readonly SweepRow[],
  column: SweepColumn | undefined,
  isDescending: boolean,
): SweepRow[] {
  if (!column) return [...rows];
  const isFall = column.metric !== null && METRICS[column.metric] === "fall";
  const sign = isDescending === isFall ? 1 : -1;
  const value = (row: SweepRow): number => row[column.at] ?? Number.NaN;
  return [...rows].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (Number.isNaN(one) || Number.isNaN(other))
      return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
    return sign * (one - other);
  });
}

/** Whether a combination is the best of all, as the gateway says. */
export function isBest({ best, columns }: SweepResult, row: SweepRow): boolean {
  return Object.entries(best).every(([name, value]) => row[columns.indexOf(name)] === value);
}

/** Whether a combination could run; a fast average that is not below the slow one cannot. */
export function hasRun(columns: readonly SweepColumn[], row: SweepRow): boolean {
  return columns.some(({ metric, at }) => metric !== null && row[at] !== null && row[at] !== undefined);
}
