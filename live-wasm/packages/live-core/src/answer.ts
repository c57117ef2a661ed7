import type { Clock } from "./clock.js";
import { type Envelope, PROTOCOL_VERSION } from "./envelope.js";
import type { LiveError } from "./types.js";

/** How long the gateway may take for an answer. */
const ANSWER_WITHIN_MS = 15_000;

/** Why an HTTP request brought nothing, and whether another attempt may help. */
export interface Refusal {
  error: LiveError;
  isTransient: boolean;
}

/** What a request needs of its owner. */
export interface Asker {
  readonly clock: Clock;
  readonly fetch: typeof globalThis.fetch;
  /** Address of the gateway, ending in a slash. */
  base(): URL;
}

/**
 * Asks the gateway, for a time, and reads the answer. `path` is below the gateway's address. Returns why
 * there is none; the reader's exception is a reason too. Aborting `abort` ends it early.
 */
export async function ask<T>(
  { clock, fetch, base }: Asker,
  path: string,
  abort: AbortController,
  read: (bytes: Uint8Array) => T,
): Promise<{ value: T } | Refusal> {
  let isLate = false;
  const cancel = clock.after(ANSWER_WITHIN_MS, () => {
    isLate = true;
    abort.abort();
  });
  try {
    const response = await fetch(new URL(path, base()), { signal: abort.signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return response.ok ? { value: read(bytes) } : refusal(response.status, bytes);
  } catch (error) {
    const message = isLate ? "the answer did not come in time" : failureText(error);
    return { error: { code: "NETWORK", message }, isTransient: true };
  } finally {
    cancel();
  }
}

/** Reads the error envelope of an answer; anything else, such as a proxy's page, by its status alone. */
function refusal(status: number, bytes: Uint8Array): Refusal {
  const isTransient = status >= 500 || status === 408 || status === 429;
  const error = readRefusal(bytes) ?? { code: "INTERNAL", message: `the gateway answered ${status}` };
  return { error, isTransient };
}

/** The error that an envelope tells; null when the bytes are no envelope of an error. */
export function readRefusal(bytes: Uint8Array): LiveError | null {
  try {
    const { v, ok, errorCode, data } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<
      Envelope<unknown>
    >;
    if (v !== PROTOCOL_VERSION || ok !== false || typeof errorCode !== "string") return null;
    const { message, field } = (data ?? {}) as { message?: unknown; field?: unknown };
    return {
      code: errorCode,
      message: typeof message === "string" ? message : errorCode,
      ...(typeof field === "string" ? { field } : {}),
    };
  } catch {
    return null;
  }
}

/** What a failure says of itself. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
