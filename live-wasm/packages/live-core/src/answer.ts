import type { LiveError } from "./types.js";

/** Why an HTTP request brought nothing, and whether another attempt may help. */
export interface Refusal {
  error: LiveError;
  isTransient: boolean;
}

/** Reads the error envelope of an answer; anything else, such as a proxy's page, by its status alone. */
export function refusal(status: number, bytes: Uint8Array, channel?: string): Refusal {
  const isTransient = status >= 500 || status === 408 || status === 429;
  let error: LiveError = { code: "INTERNAL", message: `the gateway answered ${status}` };
  if (channel !== undefined) error = { ...error, channel };
  try {
    const { errorCode, data } = JSON.parse(new TextDecoder().decode(bytes)) as {
      errorCode?: unknown;
      data?: { message?: unknown; field?: unknown };
    };
    if (typeof errorCode === "string") error = { ...error, code: errorCode };
    if (typeof data?.message === "string") error = { ...error, message: data.message };
    if (typeof data?.field === "string") error = { ...error, field: data.field };
  } catch {
    // Not an envelope: the status says enough.
  }
  return { error, isTransient };
}

/** What a failure says of itself. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
