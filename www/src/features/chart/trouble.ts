import type { CandleSeries, LiveError } from "@spark/live-core";

/** What is wrong with bars that are shown all the same, in a sentence or two. */
export function troubleWords({ hasHistory }: Pick<CandleSeries, "hasHistory">, error: LiveError): string {
  const what = hasHistory
    ? "These bars may be incomplete or out of date."
    : "The history did not come, only live bars are shown.";
  return `${what} ${asSentence(error.message)}`.trimEnd();
}

/** A message as a sentence; empty when there is none. */
export function asSentence(text: string): string {
  const trimmed = text.trim().replace(/\.$/, "");
  return trimmed === "" ? "" : `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
}
