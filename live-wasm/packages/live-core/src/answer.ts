import type { Clock } from "./clock.js";
import { type Envelope, PROTOCOL_VERSION } from "./envelope.js";
import type { LiveError } from "./types.js";

/** How long the gateway may take for an answer. */
const ANSWER_WITHIN_MS = 15_000;

/** Why an HTTP request brought nothing, and whether another attempt may help. */
export interface Refusal {
  error: LiveError;
  isTransient: boolean;
  /** No other attempt before that many milliseconds, if the gateway said so. */
  retryAfterMs?: number;
}

/** What a request may have besides its address. */
export interface Question extends RequestInit {
  /** How long the gateway may take for the answer, in milliseconds. Default 15,000. */
  withinMs?: number;
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
 * there is none; the reader's exception is a reason too. Aborting `abort` ends it early. A reader that asked by
 * `if-none-match` is told of the status: 304 has nothing to read.
 */
export async function ask<T>(
  asker: Asker,
  path: string,
  abort: AbortController,
  read: (bytes: Uint8Array, status: number) => T,
  { withinMs = ANSWER_WITHIN_MS, ...init }: Question = {},
): Promise<{ value: T } | Refusal> {
  let isLate = false;
  const cancel = asker.clock.after(withinMs, () => {
    isLate = true;
    abort.abort();
  });
  try {
    const response = await asker.fetch(new URL(path, asker.base()), { ...init, signal: abort.signal });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const { ok, status } = response;
    return ok || status === 304 ? { value: read(bytes, status) } : refusal(response, bytes);
  } catch (error) {
    const message = isLate ? "the answer did not come in time" : failureText(error);
    return { error: { code: "NETWORK", message }, isTransient: true };
  } finally {
    cancel();
  }
}

/** Reads the error envelope of an answer; anything else, such as a proxy's page, by its status alone. */
function refusal({ status, headers }: Response, bytes: Uint8Array): Refusal {
  const isTransient = status >= 500 || status === 408 || status === 429;
  const error = readRefusal(bytes) ?? { code: "INTERNAL", message: `the gateway answered ${status}` };
  const retryAfterMs = retryAfterMsOf(headers) ?? 0;
  return { error, isTransient, retryAfterMs };
}

/**
 * Reads an answer whose envelope is of that event.
 *
 * @throws when it is not, or the data is not `isWell`; the sentence names `what` it should have been.
 */
export function readAnswer<T>(
  bytes: Uint8Array,
  expected: string,
  what: string,
  isWell: (data: Partial<T>) => boolean,
): Envelope<T> {
  const envelope = JSON.parse(new TextDecoder().decode(bytes)) as Envelope<Partial<T> | null>;
  const { v, event, data } = envelope;
  if (v !== PROTOCOL_VERSION || event !== expected || !data || !isWell(data)) {
    throw new Error(`the answer is no ${what}`);
  }
  return envelope as Envelope<T>;
}

/** How long the gateway wants to be left alone; a date, which it never names, counts as nothing. */
export function retryAfterMsOf(headers: Headers): number | undefined {
  return Number(headers.get("retry-after")) * 1_000 || undefined;
}

/** The error that an envelope tells; null when the bytes are no envelope of an error. */
export function readRefusal(bytes: Uint8Array): LiveError | null {
  try {
    const { v, ok, errorCode, data } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<
      Envelope<unknown>
    >;
    if (v !== PROTOCOL_VERSION || ok !== false || typeof errorCode !== "string") return null;
    const { message, field, reason, jobId } = (data ?? {}) as Record<string, unknown>;
    return {
      code: errorCode,
      message: typeof message === "string" ? message : errorCode,
      ...(typeof field === "string" && { field }),
      ...(typeof reason === "string" && { reason }),
      ...(typeof jobId === "string" && { jobId }),
    };
  } catch {
    return null;
  }
}

/** What a failure says of itself. */
export function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
