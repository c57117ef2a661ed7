import type { Question, Refusal } from "../answer.js";
import { askAnew } from "../ask-anew.js";
import type { Engine } from "../engine.js";
import type { Envelope } from "../envelope.js";
import type { LiveError } from "../types.js";

/** What the gateway tells of a conversation. */
export interface SessionState {
  sessionId: string;
  /** The answer that is running; null without one. */
  answerId: string | null;
}

/** A refusal as an exception: it has the fields of its {@link LiveError}, and keeps the rest to itself. */
export class Refused extends Error {
  readonly #refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.error.message);
    Object.assign(this, refusal.error);
    this.#refusal = refusal;
  }

  /** What is known of something that was thrown. */
  static of(thrown: unknown): Refusal {
    if (thrown instanceof Refused) return thrown.#refusal;
    return { error: { code: "INTERNAL", message: String(thrown) }, isTransient: false };
  }
}

/** A refusal by this client itself, by default one that another attempt would meet again. */
export function refused(error: LiveError, isTransient = false): Refused {
  return new Refused({ error, isTransient });
}

/**
 * Asks the gateway for something of the copilot, and hands back the envelope of its answer, whose data has a text as that
 * field.
 *
 * @throws a {@link Refused}.
 */
export async function call<T>(
  engine: Engine,
  path: string,
  expected: string,
  field: keyof T,
  question: Question = { method: "POST" },
): Promise<Envelope<T>> {
  if (engine.isClosed) throw refused({ code: "NETWORK", message: "the client is closed" }, true);
  const isWell = (data: Partial<T>) => typeof data[field] === "string";
  const read = (bytes: Uint8Array) => engine.readAnswer<T>(bytes, expected, expected, isWell);
  const answer = await askAnew(engine, path, new AbortController(), read, question);
  if ("error" in answer) throw new Refused(answer);
  return answer.value;
}

/** A request with a body. */
export function posted(body: unknown, headers: Record<string, string> = {}): Question {
  return {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  };
}

/** Opens a conversation. Returns its id. */
export async function beginSession(engine: Engine): Promise<string> {
  const { data } = await call<SessionState>(engine, "api/copilot/sessions", "copilot.session", "sessionId");
  return data.sessionId;
}

/** Asks for a conversation, which opens its channel where the gateway was started anew. */
export async function lookAt(engine: Engine, sessionId: string | null): Promise<SessionState> {
  const question = { method: "GET" };
  const path = sessionPath(sessionId);
  return (await call<SessionState>(engine, path, "copilot.session", "sessionId", question)).data;
}

/** Says something in a conversation. Returns the id of the answer. */
export async function say(engine: Engine, sessionId: string | null, message: string): Promise<string> {
  const path = "api/copilot/chat";
  const question = posted({ sessionId, message });
  const { data } = await call<SessionState>(engine, path, "copilot.accepted", "answerId", question);
  return data.answerId as string;
}

/** Ends the answer that is running in a conversation. Returns whether there was one. */
export async function endAnswer(engine: Engine, sessionId: string | null): Promise<boolean> {
  const path = `${sessionPath(sessionId)}/stop`;
  const { data } = await call<SessionState & { stopping: boolean }>(
    engine,
    path,
    "copilot.stopping",
    "sessionId",
  );
  return data.stopping;
}

function sessionPath(sessionId: string | null): string {
  return `api/copilot/sessions/${encodeURIComponent(sessionId ?? "")}`;
}
