import type { Engine } from "../engine.js";
import { call, posted, refused } from "./calls.js";
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

/**
 * Has the gateway propose what a tool takes, within that conversation if one is named: its channel then tells of the
 * confirmation.
 */
export async function propose(engine: Engine, params: unknown, sessionId?: string | null): Promise<Secret> {
  const path = "api/copilot/tools/startBacktest";
  const { data, ts } = await call<Proposed>(
    engine,
    sessionId ? `${path}?sessionId=${encodeURIComponent(sessionId)}` : path,
    "backtest.proposed",
    "confirmationToken",
    posted(params),
  );
  const { proposalId, confirmationToken: token, paramsHash, preview } = data;
  // The answer is as old as its way was long, which is never much.
  const expiresAt = data.expiresAt - ts + engine.clock.wallNow();
  return { proposal: { ...preview, proposalId, paramsHash, expiresAt }, token };
}

/** Confirms by a token. The same key makes the same confirmation of several attempts. */
export async function confirm(engine: Engine, token: string, key: string): Promise<Confirmed> {
  const { data } = await call<Confirmed>(
    engine,
    "api/copilot/tools/confirmBacktest",
    "backtest.accepted",
    "jobId",
    posted({ confirmationToken: token }, { "idempotency-key": key }),
  );
  const { jobId, state, replayed } = data;
  return { jobId, state, replayed };
}

/** Names a confirmation, so that it can be repeated when its answer was lost. */
export function newKey({ clock }: Engine): string {
  const part = () => clock.random().toString(36).slice(2, 12);
  return `confirm-${part()}${part()}`;
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
    if (!secret) throw refused({ code: "TOKEN_INVALID", message: "this client has not proposed that" });
    return confirm(this.#engine, secret.token, secret.key);
  }
}
