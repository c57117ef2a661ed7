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

type Unit = keyof (typeof en)["market"]["units"];

const UNIT_NAMES: Record<string, Unit> = { s: "second", m: "minute", h: "hour", d: "day", w: "week" };

/** Where nothing was chosen: days of a replay, minutes of what happens now. */
const PREFERRED: Record<string, Interval[]> = { replay: ["1d"] };
const PREFERRED_LIVE: Interval[] = ["1m"];

/** Lengths that have a name of their own. */
const NAMED = ["1s", "1m", "1h", "1d", "1w"] as const;

const SPANS: Record<string, [string, number][]> = {
  "1s": [["1 min", 60], ["3 min", 180], ["10 min", 600]],
  "1m": [["1H", 60], ["3H", 180], ["12H", 720]],
  "5m": [["6H", 72], ["12H", 144], ["2D", 576]],
  "15m": [["12H", 48], ["1D", 96], ["1W", 672]],
  "1h": [["2D", 48], ["1W", 168], ["1M", 720]],
  "4h": [["1W", 42], ["1M", 180], ["3M", 540]],
  "1d": [["3M", 63], ["6M", 126], ["1Y", 252]],
  "1w": [["1Y", 52], ["2Y", 104], ["5Y", 260]],
}; // biome-ignore format: a line an interval reads better

const SPAN_UNITS: Record<string, Unit> = {
  min: "minute",
  H: "hour",
  D: "day",
  W: "week",
  M: "month",
  Y: "year",
};

const OTHER_SPANS: [string, number][] = [["50", 50], ["150", 150], ["500", 500]]; // biome-ignore format: as above

/** Length of an interval in milliseconds; NaN for a text that is none. */
export function lengthOf(interval: string): number {
  const unit = UNITS[interval.slice(-1)] ?? Number.NaN;
  return Number(interval.slice(0, -1)) * unit;
}

/** An interval in words: `Daily`, `5-minute`. */
export function intervalName(interval: string): string {
  const named = NAMED.find((name) => name === interval);
  if (named) return i18n.t(`market:intervals.${named}`);
  const unit = UNIT_NAMES[interval.slice(-1)];
  return i18n.t("market:intervals.other", {
    count: Number(interval.slice(0, -1)),
    unit: unit ? i18n.t(`market:units.${unit}`) : "",
  });
}

/** The length of an interval in words: `1 day`, `5 minutes`. */
export function intervalWords(interval: string): string {
  return amount(Number(interval.slice(0, -1)), UNIT_NAMES[interval.slice(-1)] ?? "candle");
}

/** The spans that a chart of an interval offers, from the shortest. */
export function spansOf(interval: string): Span[] {
  const spans = (SPANS[interval] ?? OTHER_SPANS).map(([label, bars]) => ({
    label,
    words: spanWords(label),
    bars,
  }));
  return [
    ...spans,
    {
      label: i18n.t("market:intervals.all"),
      words: i18n.t("market:intervals.allWords"),
      bars: Number.POSITIVE_INFINITY,
    },
  ];
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

function spanWords(label: string): string {
  const count = Number.parseInt(label, 10);
  return amount(count, SPAN_UNITS[label.slice(String(count).length).trim()] ?? "candle");
}

function amount(count: number, unit: Unit): string {
  return i18n.t(`market:amounts.${unit}`, { count });
}
