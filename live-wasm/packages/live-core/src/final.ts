import type { ErrorCode } from "./envelope.js";

/**
 * Codes of a line or a channel that the catalogue says never to try again after. A test holds them against
 * it; the catalogue itself would be a kilobyte.
 */
const FINAL = new Set<string>([
  "BAD_ENVELOPE",
  "UNSUPPORTED_VERSION",
  "BAD_REQUEST",
  "NOT_FOUND",
  "UNAUTHENTICATED",
  "SUBJECT_MISMATCH",
  "AUTH_REVOKED",
  "FORBIDDEN",
  "CHANNEL_UNKNOWN",
  "CHANNEL_INVALID",
  "SUBSCRIPTION_LIMIT",
  "PAYLOAD_TOO_LARGE",
  "PARAMS_INVALID",
] satisfies ErrorCode[]);

/** True when asking again would be answered the same. A code that is not known may pass. */
export function isFinalCode(code: string): boolean {
  return FINAL.has(code);
}
