import type { LiveError } from "@spark/live-core";
import type { TFunction } from "i18next";
import type en from "../i18n/en";

/** A code that the page has words for. */
export type ExplainedCode = keyof (typeof en)["errors"]["codes"];

type Reason = keyof (typeof en)["errors"]["view"]["reasons"];

/** What a code means, in the page's language. */
export interface ErrorWords {
  title: string;
  what: string;
  todo: string;
}

/** The gateway's words for what is wrong with a field, by the page's names for them. */
const REASONS: Record<string, Reason> = {
  "is missing": "missing",
  "is not a number within its range": "range",
  "is not a whole number within its range": "whole",
  "is not a day": "day",
  "is before from": "order",
  "is not served": "served",
  "has too many combinations": "many",
  "has no combination that is one": "none",
  "is there twice": "twice",
  "is not known": "unknown",
};

/** The words for a code; null for one that the page does not know. */
export function errorWords(t: TFunction<"errors">, code: string): ErrorWords | null {
  if (!t(`codes.${code as ExplainedCode}.title`, { defaultValue: "" })) return null;
  const known = code as ExplainedCode;
  return {
    title: t(`codes.${known}.title`),
    what: t(`codes.${known}.what`),
    todo: t(`codes.${known}.todo`),
  };
}

/** What is wrong with the field that an error names; null where the page has no words for it. */
export function reasonWords(t: TFunction<"errors">, { reason }: LiveError): string | null {
  const known = reason === undefined ? undefined : REASONS[reason];
  return known ? t(`view.reasons.${known}`) : null;
}

/** What is to be said of an error beside its code. */
export interface ErrorDetail {
  text: string;
  /** Of the gateway's own sentence, which is English whatever the page speaks. */
  lang: "en" | undefined;
}

/**
 * Which field is at fault and what is wrong with it, or why a job failed: in the gateway's own sentence only where the page
 * has no words. Null where the code says it all.
 */
export function errorDetail(t: TFunction<"errors">, error: LiveError): ErrorDetail | null {
  const { code, field, message } = error;
  const reason = reasonWords(t, error);
  if (field !== undefined && reason !== null)
    return { text: t("view.field", { field, reason }), lang: undefined };
  const isNeeded = field !== undefined || code === "JOB_FAILED" || !errorWords(t, code);
  return isNeeded ? { text: asSentence(message), lang: "en" } : null;
}

/** A message as a sentence; empty when there is none. */
export function asSentence(text: string): string {
  const trimmed = text.trim().replace(/\.$/, "");
  return trimmed === "" ? "" : `${trimmed.charAt(0).toUpperCase()}${trimmed.slice(1)}.`;
}
