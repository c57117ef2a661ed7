import type { ask, Question, Refusal } from "./answer.js";
import type { Engine } from "./engine.js";

/** Codes of a refusal that another token may get over. */
const WANTS_TOKEN = new Set(["UNAUTHENTICATED", "AUTH_EXPIRED"]);

/**
 * Asks the gateway as {@link ask} does, once more with a new token when the one that was at hand is refused: a page that
 * holds no line renews none.
 */
export async function askAnew<T>(
  engine: Engine,
  path: string,
  abort: AbortController,
  read: (bytes: Uint8Array, status: number) => T,
  question: Question = {},
): Promise<{ value: T } | Refusal> {
  const { credentials } = engine;
  const answer = await engine.ask(engine, path, abort, read, question);
  const isRefused = "error" in answer && WANTS_TOKEN.has(answer.error.code);
  if (!isRefused || !credentials.isUsed || abort.signal.aborted) return answer;
  try {
    await credentials.token("rejected", 1);
  } catch {
    return answer;
  }
  return engine.ask(engine, path, abort, read, question);
}
