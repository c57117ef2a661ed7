import { type Question, readAnswer } from "../answer.js";
import { askAnew } from "../ask-anew.js";
import type { Engine } from "../engine.js";
import { failure } from "../failure.js";
import type { BacktestParams, Confirmed, Proposal } from "./types.js";

/** A proposal with what confirms it. Only in here and in what sends it. */
export interface Secret {
  proposal: Proposal;
  token: string;
}

/** What `startBacktest` answers. */
interface Proposed {
  proposalId: string;
  confirmationToken: string;
  paramsHash: string;
  expiresAt: number;
  preview: { tool: string; summary: string; combinations: number; bars: number; params: unknown };
}

/** Asks the gateway for something of the copilot, and hands back the answer's data. Throws an error with all its fields. */
export async function call<T>(
  engine: Engine,
  path: string,
  expected: string,
  isWell: (data: Partial<T>) => boolean,
  question: Question = { method: "POST" },
): Promise<{ data: T; ts: number }> {
  if (engine.isClosed) throw failure({ code: "NETWORK", message: "the client is closed" });
  const read = (bytes: Uint8Array) => {
    const data = readAnswer<T>(bytes, expected, expected, isWell);
    const { ts } = JSON.parse(new TextDecoder().decode(bytes)) as { ts: number };
    return { data, ts };
  };
  const answer = await askAnew(engine, path, new AbortController(), read, question);
  if ("error" in answer) throw failure(answer.error);
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

/** Has the gateway propose what a tool takes. */
export async function propose(engine: Engine, params: unknown): Promise<Secret> {
  const { data, ts } = await call<Proposed>(
    engine,
    "api/copilot/tools/startBacktest",
    "backtest.proposed",
    ({ confirmationToken, preview }) => typeof confirmationToken === "string" && typeof preview === "object",
    posted(params),
  );
  const { proposalId, confirmationToken: token, paramsHash, expiresAt, preview } = data;
  // The answer is as old as its way was long, which is never much.
  const here = expiresAt - ts + engine.clock.wallNow();
  return { proposal: { ...preview, proposalId, paramsHash, expiresAt: here }, token };
}

/** Confirms by a token. The same key makes the same confirmation of several attempts. */
export async function confirm(engine: Engine, token: string, key: string): Promise<Confirmed> {
  const { data } = await call<Confirmed>(
    engine,
    "api/copilot/tools/confirmBacktest",
    "backtest.accepted",
    ({ jobId }) => typeof jobId === "string",
    posted({ confirmationToken: token }, { "idempotency-key": key }),
  );
  return { jobId: data.jobId, state: data.state, replayed: data.replayed };
}

/** Names a confirmation, so that it can be repeated when its answer was lost. */
export function newKey(engine: Engine): string {
  const part = () =>
    Math.floor(engine.clock.random() * 0x1_0000_0000)
      .toString(16)
      .padStart(8, "0");
  return `confirm-${part()}${part()}${part()}`;
}

/** Proposals of a form, with their tokens. */
export class Proposals {
  readonly #engine: Engine;
  readonly #secrets = new WeakMap<Proposal, { token: string; key: string }>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Proposes a backtest. */
  async propose(params: BacktestParams): Promise<Proposal<BacktestParams>> {
    const { proposal, token } = await propose(this.#engine, params);
    const shown = Object.freeze(proposal as Proposal<BacktestParams>);
    this.#secrets.set(shown, { token, key: newKey(this.#engine) });
    return shown;
  }

  /** Confirms one of them. */
  async confirm(proposal: Proposal): Promise<Confirmed> {
    const secret = this.#secrets.get(proposal);
    if (!secret) throw failure({ code: "TOKEN_INVALID", message: "this client has not proposed that" });
    return confirm(this.#engine, secret.token, secret.key);
  }
}
