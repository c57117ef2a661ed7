import type { LiveError } from "./types.js";

/** The error as an exception, with all its fields. */
export function failure(error: LiveError): Error & LiveError {
  return Object.assign(new Error(error.message), error);
}
