/** Bounds of the delay before the next attempt, in milliseconds. */
export interface RetryBounds {
  minMs: number;
  maxMs: number;
}

/** The bounds that the protocol names. */
export const DEFAULT_RETRY: RetryBounds = { minMs: 500, maxMs: 30_000 };

/**
 * Full jitter: anything from nothing to a ceiling that starts at `minMs` and doubles with each failed
 * attempt up to `maxMs`. `attempt` counts from 1, `random` is of [0, 1).
 */
export function backoffMs(attempt: number, random: number, { minMs, maxMs }: RetryBounds): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** Math.min(Math.max(0, attempt - 1), 30));
  return random * ceiling;
}
