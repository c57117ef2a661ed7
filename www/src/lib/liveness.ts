import type { Staleness } from "@spark/live-core";
import { i18n } from "../i18n";

type Freshness = Staleness["freshness"];
type Cause = Staleness["cause"];

/** How far a value can be trusted, in a word for a badge and a sentence for who asks. */
export interface LivenessWords {
  /** One word. */
  label: string;
  /** Why, in a few words; empty when there is nothing to explain. */
  detail: string;
}

/** The words of the page for a freshness and its cause. The only place where they are chosen. */
export function livenessWords(freshness: Freshness, cause: Cause): LivenessWords {
  const label = i18n.t(`status:freshness.${freshness}`);
  switch (freshness) {
    case "fresh":
      return { label, detail: "" };
    case "pending":
    case "disconnected":
      return { label, detail: i18n.t(`status:details.${freshness}`) };
    case "stale":
      return { label, detail: i18n.t(`status:causes.${cause ?? "none"}`) };
  }
}
