import type { TFunction } from "i18next";
import type en from "../i18n/en";

/** A code that the page has words for. */
export type ExplainedCode = keyof (typeof en)["errors"]["codes"];

/** What a code means, in the page's language. */
export interface ErrorWords {
  title: string;
  what: string;
  todo: string;
}

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
