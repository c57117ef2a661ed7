import type { CandleSeries } from "@spark/live-core";
import { useState } from "react";

/**
 * The words for a series, renewed when a bar closes or other bars are shown rather than with each price:
 * a screen reader that is reading them is not interrupted, and a tick costs nothing.
 */
export function useSummary(
  series: CandleSeries | undefined,
  words: (series: CandleSeries) => string,
  language: string,
): string {
  const key = series
    ? `${language} ${series.symbol} ${series.length} ${series.openTime[series.length - 1]}`
    : "";
  const [kept, setKept] = useState({ key: "", text: "" });
  if (kept.key === key) return kept.text;
  const next = { key, text: series ? words(series) : "" };
  setKept(next);
  return next.text;
}
