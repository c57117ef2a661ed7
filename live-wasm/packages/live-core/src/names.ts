import type { Cause, Continuity, Freshness } from "./types.js";

const FRESHNESS: readonly Freshness[] = ["pending", "fresh", "stale", "disconnected"];
const CAUSE: readonly (Cause | null)[] = [null, "source", "transport", "broker"];
const CONTINUITY: readonly Continuity[] = ["unknown", "proven", "gap"];

/** The freshness of that number, as the core gives it. */
export const freshnessOf = (number = 0): Freshness => FRESHNESS[number] ?? "pending";

/** The cause of that number. */
export const causeOf = (number = 0): Cause | null => CAUSE[number] ?? null;

/** The continuity of that number. */
export const continuityOf = (number = 0): Continuity => CONTINUITY[number] ?? "unknown";
