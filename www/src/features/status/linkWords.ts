import type { LinkState, SymbolsState } from "@spark/live-core";
import { i18n } from "../../i18n";

/** The state of the link in words. */
export interface LinkWords {
  /** One or two words. */
  label: string;
  /** What is being done about it; empty when there is nothing to do. */
  detail: string;
  /** `good`: values can come. `waiting`: the first line is being opened. `bad`: the line was lost. */
  tone: "good" | "waiting" | "bad";
}

/**
 * Words for a link at a moment (`nowMs`, milliseconds since the Unix epoch). While no line is asked for, the
 * list of symbols is all that is known of the gateway, so its state speaks. A line that is tried again
 * stays "Disconnected" until it holds: a word that flips with each attempt tells nobody anything.
 */
export function linkWords(link: LinkState, list: SymbolsState["status"], nowMs: number): LinkWords {
  switch (link.status) {
    case "connected":
      return { label: i18n.t("status:link.connected"), detail: "", tone: "good" };
    case "idle":
      return idleWords(list);
    case "connecting":
      if (link.attempt === 0) return { label: i18n.t("status:link.connecting"), detail: "", tone: "waiting" };
      return {
        label: i18n.t("status:link.disconnected"),
        detail: i18n.t("status:link.tryNow", { attempt: link.attempt + 1 }),
        tone: "bad",
      };
    case "disconnected":
      return { label: i18n.t("status:link.disconnected"), detail: nextTry(link, nowMs), tone: "bad" };
    case "closed":
      return { label: i18n.t("status:link.closed"), detail: "", tone: "bad" };
  }
}

/** What a screen reader is told when the link changes; null: nothing, as for each attempt in a row. */
export function linkAnnouncement(before: LinkWords["tone"], now: LinkWords["tone"]): string | null {
  if (before === now) return null;
  if (now === "bad") return i18n.t("status:link.saidLost");
  if (now === "good")
    return before === "bad" ? i18n.t("status:link.saidAgain") : i18n.t("status:link.saidConnected");
  return null;
}

function idleWords(list: SymbolsState["status"]): LinkWords {
  switch (list) {
    case "pending":
      return { label: i18n.t("status:link.connecting"), detail: "", tone: "waiting" };
    case "error":
      return { label: i18n.t("status:link.disconnected"), detail: i18n.t("status:link.again"), tone: "bad" };
    case "ready":
      return { label: i18n.t("status:link.idle"), detail: i18n.t("status:link.nothing"), tone: "waiting" };
  }
}

function nextTry(link: LinkState, nowMs: number): string {
  if (link.retryAt === null) return "";
  const seconds = Math.max(0, Math.ceil((link.retryAt - nowMs) / 1000));
  return i18n.t("status:link.tryIn", { attempt: link.attempt + 1, seconds });
}
