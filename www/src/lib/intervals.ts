import type { Interval, SymbolInfo } from "@spark/live-core";
import { i18n } from "../i18n";
import type en from "../i18n/en";

/** How many bars a span of the chart shows, and what it is called. */
export interface Span {
  label: string;
  /** The label in whole words, to be read out. */
  words: string;
  /** Newest bars; Infinity for all that there are. */
  bars: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** A day in milliseconds. */
export const DAY = 24 * HOUR;

const UNITS: Record<string, number> = { s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

type Words = (typeof en)["market"];
type LengthUnit = keyof Words["lengths"];
type SpanUnit = keyof Words["spans"];

const UNIT_NAMES: Record<string, LengthUnit> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** Where nothing was chosen: days of a replay, minutes of what happens now. */
const PREFERRED: Record<string, Interval[]> = { replay: ["1d"] };
const PREFERRED_LIVE: Interval[] = ["1m"];

/** Lengths that have a name of their own. */
const NAMED = ["1s", "1m", "1h", "1d", "1w"] as const;

const SPANS: Record<string, [number, SpanUnit, bars: number][]> = {
  "1s": [[1, "minute", 60], [3, "minute", 180], [10, "minute", 600]],
  "1m": [[1, "hour", 60], [3, "hour", 180], [12, "hour", 720]],
  "5m": [[6, "hour", 72], [12, "hour", 144], [2, "day", 576]],
  "15m": [[12, "hour", 48], [1, "day", 96], [1, "week", 672]],
  "1h": [[2, "day", 48], [1, "week", 168], [1, "month", 720]],
  "4h": [[1, "week", 42], [1, "month", 180], [3, "month", 540]],
  "1d": [[3, "month", 63], [6, "month", 126], [1, "year", 252]],
  "1w": [[1, "year", 52], [2, "year", 104], [5, "year", 260]],
}; // biome-ignore format: a line an interval reads better

const OTHER_SPANS: [number, SpanUnit, bars: number][] = [[50, "candle", 50], [150, "candle", 150], [500, "candle", 500]]; // biome-ignore format: as above

/** Length of an interval in milliseconds; NaN for a text that is none. */
export function lengthOf(interval: string): number {
  const unit = UNITS[interval.slice(-1)] ?? Number.NaN;
  return Number(interval.slice(0, -1)) * unit;
}

/** An interval in words: `Daily`, `5-minute`. */
export function intervalName(interval: string): string {
  const named = NAMED.find((name) => name === interval);
  if (named) return i18n.t(`market:intervals.${named}`);
  const { count, unit } = partsOf(interval);
  return i18n.t(`market:lengths.${unit}`, { count });
}

/** An interval within a sentence: `daily`, `5-minute`. */
export function intervalInWords(interval: string): string {
  return intervalName(interval).toLocaleLowerCase(i18n.language);
}

/** The length of an interval in words: `1 day`, `5 minutes`. */
export function intervalWords(interval: string): string {
  const { count, unit } = partsOf(interval);
  return i18n.t(`market:amounts.${unit}`, { count });
}

/** An interval in as few letters as the language has for it: `5m`, in Turkish `5dk`. */
export function intervalSign(interval: string): string {
  const { count, unit } = partsOf(interval);
  return unit === "candle" ? interval : i18n.t(`market:signs.${unit}`, { count });
}

/** The spans that a chart of an interval offers, from the shortest. */
export function spansOf(interval: string): Span[] {
  const spans = (SPANS[interval] ?? OTHER_SPANS).map(([count, unit, bars]) => ({
    label: i18n.t(`market:spans.${unit}`, { count }),
    words: i18n.t(`market:amounts.${unit}`, { count }),
    bars,
  }));
  const all = { label: i18n.t("market:intervals.all"), words: i18n.t("market:intervals.allWords") };
  return [...spans, { ...all, bars: Number.POSITIVE_INFINITY }];
}

/** The interval that a symbol is shown in: the wanted one where it has that, else the usual one of the source. */
export function intervalFor(
  info: SymbolInfo | undefined,
  source: string | undefined,
  wanted: string | null,
): Interval {
  const served = (info?.intervals ?? []) as Interval[];
  const candidates = [wanted as Interval, ...(PREFERRED[source ?? ""] ?? PREFERRED_LIVE)];
  return candidates.find((interval) => served.includes(interval)) ?? served[0] ?? "1d";
}

function partsOf(interval: string): { count: number; unit: LengthUnit } {
  return { count: Number(interval.slice(0, -1)), unit: UNIT_NAMES[interval.slice(-1)] ?? "candle" };
}
