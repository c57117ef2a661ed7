import type { Staleness } from "@spark/live-core";

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
  switch (freshness) {
    case "fresh":
      return { label: "Fresh", detail: "" };
    case "pending":
      return { label: "Waiting", detail: "for the first price" };
    case "disconnected":
      return { label: "Disconnected", detail: "last known prices" };
    case "stale":
      return { label: "Stale", detail: staleDetail(cause) };
  }
}

function staleDetail(cause: Cause): string {
  switch (cause) {
    case "source":
      return "the feed is silent";
    case "transport":
      return "the gateway is silent";
    case "broker":
      return "the gateway doubts its feed";
    case null:
      return "older than it should be";
  }
}
