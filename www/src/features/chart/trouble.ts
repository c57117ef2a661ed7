import type { CandleSeries, LiveError } from "@spark/live-core";
import type { TFunction } from "i18next";
import { i18n } from "../../i18n";
import { asSentence, errorWords } from "../../lib/errorWords";

/** What is wrong with bars that are shown all the same, in a sentence or two. */
export function troubleWords(
  t: TFunction<"errors">,
  { hasHistory }: Pick<CandleSeries, "hasHistory">,
  error: LiveError,
): string {
  const what = hasHistory ? i18n.t("market:chart.stale") : i18n.t("market:chart.noHistory");
  return `${what} ${causeWords(t, error)}`.trimEnd();
}

/** Why: in the page's words, and in the gateway's own only where the page has none. */
export function causeWords(t: TFunction<"errors">, error: LiveError): string {
  return errorWords(t, error.code)?.what ?? asSentence(error.message);
}
