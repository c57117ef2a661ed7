/**
 * Numbers, dates and durations as the page writes them, in the language that it speaks. Within a language a number reads
 * the same in a screenshot, a test and a bug report, whatever the machine's locale. Dates are as in ISO 8601 in all.
 */

import { i18n, language } from "../i18n";
import type { Language } from "../i18n/language";
import { DAY } from "./intervals";

/** Stands where a number is not known. Read out as nothing; say what is missing beside it. */
export const MISSING = "–";

const LOCALES: Record<Language, string> = { en: "en-US", tr: "tr-TR" };
const MINUS = "\u2212";

function formatsOf(locale: string) {
  const places = (least: number, most: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: most });
  return {
    twoPlaces: places(2, 2),
    fourPlaces: places(4, 4),
    compact: new Intl.NumberFormat(locale, {
      notation: "compact",
      minimumFractionDigits: 0,
      maximumFractionDigits: 2,
    }),
    whole: places(0, 0),
    short: places(0, 8),
    percent: new Intl.NumberFormat(locale, {
      style: "percent",
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    }),
    part: new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 }),
    moment: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" }),
  };
}

const made = new Map<Language, ReturnType<typeof formatsOf>>();

/** The formats of the language, made once. */
function formats(): ReturnType<typeof formatsOf> {
  const spoken = language();
  const known = made.get(spoken);
  if (known) return known;
  const fresh = formatsOf(LOCALES[spoken]);
  made.set(spoken, fresh);
  return fresh;
}

/** The language as charts and other libraries want to have it named. */
export function locale(): string {
  return LOCALES[language()];
}

/** A price: two places, four below one unit. */
export function formatPrice(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  const format = Math.abs(value) < 1 && value !== 0 ? formats().fourPlaces : formats().twoPlaces;
  return format.format(value).replace("-", MINUS);
}

/** A difference of prices, always with its sign: `+0.42`, `−1.08`, `0.00`. */
export function formatChange(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return signed(value, formats().twoPlaces.format(Math.abs(value)));
}

/** Percent with two places and its sign, of a value that is in percent. */
export function formatPercent(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return signed(value, formats().percent.format(Math.abs(value) / 100));
}

/** A part of a whole in percent with two places: 0.1234 is `12.34%`. */
export function formatRatio(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return formats().percent.format(value).replace("-", MINUS);
}

/** The same with as few places as it needs: 0.5 is `50%`. */
export function formatPart(value: number): string {
  return formats().part.format(value);
}

/** A number with two places. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return formats().twoPlaces.format(value).replace("-", MINUS);
}

/** When something happened, by this machine's clock and zone. */
export function formatMoment(timeMs: number): string {
  return formats().moment.format(timeMs);
}

/** A time that runs down, `4:07`. */
export function formatCountdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1000));
  return `${Math.floor(seconds / 60)}:${pad(seconds % 60)}`;
}

/** A size in bytes as people say it. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  const step = bytes < 1_000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** step;
  return `${step === 0 ? formats().whole.format(value) : formats().compact.format(value)} ${units[step]}`;
}

/** A volume in few characters: `31.07M`. */
export function formatVolume(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return MISSING;
  return formats().compact.format(value);
}

/** A number with as few places as it needs. */
export function formatShort(value: number): string {
  return formats().short.format(value);
}

/** A count with its thousands apart. */
export function formatCount(value: number): string {
  return formats().whole.format(value);
}

/** The day of a market time (milliseconds since the Unix epoch, UTC) as `2006-11-30`. */
export function formatMarketDate(timeMs: number | null | undefined): string {
  if (timeMs === null || timeMs === undefined || !Number.isFinite(timeMs)) return MISSING;
  return new Date(timeMs).toISOString().slice(0, 10);
}

/**
 * A market time as short as it says anything: a midnight as its day, a time of today as `10:05:07`, another one as
 * `2006-11-30`. In UTC, as all market times here.
 */
export function formatMarketMoment(timeMs: number | null | undefined, nowMs = Date.now()): string {
  const day = formatMarketDate(timeMs);
  if (timeMs === null || timeMs === undefined || day === MISSING || timeMs % DAY === 0) return day;
  return day === formatMarketDate(nowMs) ? new Date(timeMs).toISOString().slice(11, 19) : day;
}

/**
 * A market time with what it is called: `date 2006-11-30` for a midnight, `time 10:05:07 UTC` for one of today,
 * `time 2006-11-30 10:05 UTC` for another.
 */
export function marketMoment(
  timeMs: number | null | undefined,
  nowMs = Date.now(),
): { name: "date" | "time"; text: string } {
  const day = formatMarketDate(timeMs);
  if (timeMs === null || timeMs === undefined || day === MISSING || timeMs % DAY === 0)
    return { name: "date", text: day };
  const isToday = day === formatMarketDate(nowMs);
  const time = new Date(timeMs).toISOString();
  return { name: "time", text: `${isToday ? time.slice(11, 19) : `${day} ${time.slice(11, 16)}`} UTC` };
}

/** When something of a backtest was: its day, with the time where the bars are shorter than one. */
export function formatBacktestTime(timeMs: number): string {
  return formatBarTime(timeMs, timeMs % DAY === 0 ? DAY : 60_000);
}

/** When a bar begins, as exactly as its length asks for: a day, a day with a time, one with seconds. */
export function formatBarTime(timeMs: number | null | undefined, lengthMs: number): string {
  const day = formatMarketDate(timeMs);
  if (timeMs === null || timeMs === undefined || day === MISSING || lengthMs >= DAY) return day;
  return `${day} ${new Date(timeMs).toISOString().slice(11, lengthMs < 60_000 ? 19 : 16)}`;
}

/** Whether a difference, as it is written, is a gain, a loss, or nothing. */
export function directionOf(value: number | null | undefined): "up" | "down" | "flat" {
  if (value === null || value === undefined || !Number.isFinite(value)) return "flat";
  const shown = Math.round(value * 100);
  if (shown === 0) return "flat";
  return shown > 0 ? "up" : "down";
}

/** An age in whole units that only grow: `0 s`, `42 s`, `3 min 05 s`, `2 h 07 min`, `3 d 4 h`. */
export function formatAge(ageMs: number): string {
  if (!Number.isFinite(ageMs)) return MISSING;
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 60) return i18n.t("ages.seconds", { seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return i18n.t("ages.minutes", { minutes, seconds: pad(seconds % 60) });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return i18n.t("ages.hours", { hours, minutes: pad(minutes % 60) });
  return i18n.t("ages.days", { days: Math.floor(hours / 24), hours: hours % 24 });
}

function signed(value: number, magnitude: string): string {
  const direction = directionOf(value);
  if (direction === "flat") return magnitude;
  return direction === "up" ? `+${magnitude}` : `${MINUS}${magnitude}`;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
