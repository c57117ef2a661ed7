import type { CandleSeries, LiveError } from "@spark/live-core";
import { i18n } from "../../i18n";

/** What is wrong with bars that are shown all the same, in a sentence or two. */
export function troubleWords({ hasHistory }: Pick<CandleSeries, "hasHistory">, error: LiveError): string {
  const what = hasHistory ? i18n.t("market:chart.stale") : i18n.t("market:chart.noHistory");
  return `${what} ${asSentence(error.message)}`.trimEnd();
}

/** A message as a sentence; empty when there is none. */
export function asSentence(text: string): string {
  const trimmed = text.trim().replace(/\.$/, "");
  return trimmed === "" ? "" : `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
}
