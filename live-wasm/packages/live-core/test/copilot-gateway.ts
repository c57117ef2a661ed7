import type { AssistantMessage, CopilotSession, CopilotState, ProposalPart } from "../src/copilot/types.js";
import type { LiveClientOptions } from "../src/types.js";
import { ack, envelope, type FakeLine, settle, setUp, until } from "./harness.js";

/** A request, as it was asked. */
export interface Asked {
  method: string;
  /** Below `api/copilot/`, with the query. */
  path: string;
  body: Record<string, unknown>;
  /** The idempotency key. */
  key: string | null;
  token: string | null;
}

/** A refusal, as the gateway words it. */
export interface No {
  status: number;
  code: string;
  jobId?: string;
  retryAfterS?: number;
}

/** What becomes of a question: it is refused, it is answered and the answer is lost, or something that is no envelope answers. */
export type Mishap = No | "lost" | { proxy: number };

const HASH = "ab".repeat(32);
const SHOWN = {
  tool: "startBacktest",
  params: { symbol: "AAPL" },
  paramsHash: HASH,
  summary: "one",
  combinations: 1,
  bars: 10,
};

/** How long a proposal can be confirmed. */
export const PROPOSAL_MS = 300_000;

/** The part of a gateway that converses, as a `fetch`. What its channels say a test says. */
export class CopilotGateway {
  readonly asked: Asked[] = [];
  /** What becomes of the next questions to a path, such as `chat`. */
  readonly mishaps = new Map<string, Mishap[]>();
  /** What becomes of every question to a path. */
  readonly always = new Map<string, Mishap>();
  /** Paths whose answers are held back until {@link CopilotGateway.letGo}. */
  readonly holds = new Set<string>();
  /** The answer that is running in every conversation. */
  running: string | null = null;
  /** Jobs by the tokens that have started them, with the keys. */
  readonly used = new Map<string, { jobId: string; key: string | null }>();
  /** What the next proposals say otherwise. */
  proposes: object = {};
  readonly #held: (() => void)[] = [];
  #sessions = 0;
  #answers = 0;
  #proposals = 0;

  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const url = new URL(String(input));
    const headers = new Headers(init?.headers);
    const path = url.pathname.replace("/base/", "").replace("api/copilot/", "");
    const asked: Asked = {
      method: init?.method ?? "GET",
      path: path + url.search,
      body: JSON.parse(String(init?.body ?? "{}")) as Asked["body"],
      key: headers.get("idempotency-key"),
      token: headers.get("authorization"),
    };
    this.asked.push(asked);
    const what = path.replace(/^sessions\/[^/]+/, "session");
    const mishap = this.mishaps.get(what)?.shift() ?? this.always.get(what);
    if (this.holds.has(what)) await new Promise<void>((resolve) => this.#held.push(resolve));
    if (mishap && typeof mishap === "object" && "proxy" in mishap) {
      return new Response("<html>", { status: mishap.proxy });
    }
    if (mishap && mishap !== "lost") return refused(mishap);
    const answer = this.#answer(what, asked);
    if (mishap === "lost") throw new TypeError("the line broke");
    return answer;
  };

  /** Lets the answers go that are held back. */
  letGo(): void {
    this.holds.clear();
    for (const resolve of this.#held.splice(0)) resolve();
  }

  /** The next question to that path has a mishap. */
  next(path: string, ...mishaps: Mishap[]): void {
    this.mishaps.set(path, [...(this.mishaps.get(path) ?? []), ...mishaps]);
  }

  /** What was asked of that path, or of all paths. */
  of(path: string): Asked[] {
    return this.asked.filter((asked) => `${asked.method} ${asked.path}`.startsWith(path));
  }

  #answer(what: string, { path, body, key }: Asked): Response {
    switch (what) {
      case "sessions":
        this.#sessions += 1;
        return answered("copilot.session", session(`chat-${this.#sessions}`, null), 201);
      case "session":
        return answered("copilot.session", session(path.split("/")[1] ?? "", this.running));
      case "session/stop": {
        const data = { sessionId: "", stopping: this.running !== null, answerId: this.running };
        return answered("copilot.stopping", data);
      }
      case "chat": {
        this.#answers += 1;
        const answerId = `ans_${this.#answers}`;
        return answered("copilot.accepted", { sessionId: body.sessionId, answerId, channel: "" }, 202);
      }
      case "tools/startBacktest": {
        this.#proposals += 1;
        const { paramsHash, ...preview } = { ...SHOWN, params: body, ...this.proposes };
        const proposalId = `anew_${this.#proposals}`;
        const confirmationToken = `sct_anew${this.#proposals}`;
        const expiresAt = NOW + PROPOSAL_MS;
        return answered("backtest.proposed", {
          proposalId,
          confirmationToken,
          paramsHash,
          expiresAt,
          preview,
        });
      }
      case "tools/confirmBacktest": {
        const token = String(body.confirmationToken);
        const known = this.used.get(token);
        if (known && known.key !== key)
          return refused({ status: 409, code: "TOKEN_USED", jobId: known.jobId });
        const { jobId } = known ?? { jobId: `job_${this.used.size + 1}` };
        this.used.set(token, { jobId, key });
        return answered("backtest.accepted", { jobId, state: "queued", replayed: known !== undefined }, 202);
      }
      default:
        return refused({ status: 404, code: "NOT_FOUND" });
    }
  }
}

/** The gateway's time. */
const NOW = 1_700_000_001_000;

function session(sessionId: string, answerId: string | null) {
  return { sessionId, channel: `copilot:${sessionId}`, state: answerId ? "answering" : "idle", answerId };
}

function answered(event: string, data: object, status = 200): Response {
  return Response.json(envelope(event, "", 0, data, NOW), { status });
}

function refused({ status, code, jobId, retryAfterS }: No): Response {
  const data = { message: `it is ${code}`, ...(jobId && { jobId }) };
  const body = { ...envelope("system.error", "", 0, data, NOW), ok: false, errorCode: code };
  return Response.json(body, { status, headers: retryAfterS ? { "retry-after": String(retryAfterS) } : {} });
}

/** What a conversation's channel says, in its order. */
export class Said {
  readonly name: string;
  /** All that was said, without tokens, as a history keeps it. */
  readonly kept: ReturnType<typeof envelope>[] = [];
  seq = 0;

  constructor(sessionId: string) {
    this.name = `copilot:${sessionId}`;
  }

  event(event: string, data: object, aside: object = {}) {
    this.seq += 1;
    const said = envelope(event, this.name, this.seq, data, NOW + this.seq);
    this.kept.push(said);
    return { ...said, data: { ...data, ...aside } };
  }

  start(answerId: string, message: string, confirms = false) {
    return this.event("copilot.start", { answerId, message, confirms });
  }

  text(text: string) {
    return this.event("copilot.delta", { text });
  }

  done(answerId: string) {
    return this.event("copilot.done", { answerId, reason: "stop" });
  }

  card(proposalId: string, confirmationToken?: string, expiresAt = NOW + PROPOSAL_MS) {
    const aside = confirmationToken === undefined ? {} : { confirmationToken };
    return this.event("copilot.confirm", { proposalId, ...SHOWN, expiresAt }, aside);
  }

  confirmed(proposalId: string, jobId: string, paramsHash = HASH) {
    return this.event("copilot.confirmed", { proposalId, paramsHash, jobId });
  }

  /** A whole answer. */
  answer(answerId: string, message: string, text: string) {
    return [this.start(answerId, message), this.text(text), this.done(answerId)];
  }

  /** A whole answer with a card. */
  proposal(answerId: string, proposalId: string, token?: string, expiresAt?: number) {
    return [this.start(answerId, "backtest"), this.card(proposalId, token, expiresAt), this.done(answerId)];
  }

  ack(resumed = false, extra: object = {}) {
    const { data, ...head } = ack(this.name, undefined, resumed, null);
    const told = { ...data, mode: "lossless", head: this.seq, ...extra };
    return { ...head, data: told };
  }
}

/** A client and a gateway that converses. */
export function copilotSetUp(options: Partial<LiveClientOptions> = {}) {
  const copilot = new CopilotGateway();
  const setup = setUp({ fetch: copilot.fetch, ...options });
  const opened = async (count: number): Promise<FakeLine> => {
    await settle();
    // Another set of channels is another stream, a little later.
    if (count > 1) setup.clock.advance(50);
    await until(() => setup.gateway.lines.length >= count, `line ${count}`);
    return setup.gateway.line;
  };
  /** Takes the next stream that the client opens up, and says on it what the history has. */
  const takeUp = async (said: Said, count = 1, ...more: object[]): Promise<FakeLine> => {
    const line = await opened(count);
    line.greet();
    line.say(said.ack(), ...said.kept, ...more);
    setup.clock.draw();
    return line;
  };
  /** Says something on the newest stream, and shows it. */
  const say = (...envelopes: object[]): void => {
    setup.gateway.line.say(...envelopes);
    setup.clock.draw();
  };
  return { ...setup, copilot, opened, takeUp, say };
}

/** A conversation that is watched, with its channel had and nothing said in it but what is given. */
export async function conversing(
  options: Partial<LiveClientOptions> = {},
  sessionId: string | null = "chat-0",
) {
  const setup = copilotSetUp(options);
  const session = setup.client.copilot({ sessionId });
  const end = session.subscribe(() => {});
  const said = new Said(sessionId ?? "chat-1");
  if (sessionId !== null) await setup.takeUp(said);
  return { ...setup, session, said, end };
}

/** The answers of a conversation. */
export function answersOf(state: CopilotState): AssistantMessage[] {
  return state.messages.filter((message) => message.role === "assistant");
}

/** What a conversation says, a line for each message. */
export function linesOf(state: CopilotState): string[] {
  return state.messages.map((message) => {
    if (message.role === "user") return `> ${message.text} (${message.status})`;
    const parts = message.parts.map((part) => (part.kind === "text" ? part.text : `[${part.status}]`));
    return `${parts.join("")} (${message.status}${message.isIncomplete ? ", incomplete" : ""})`;
  });
}

/** The cards of a conversation. */
export function cardsOf(session: CopilotSession): ProposalPart[] {
  return answersOf(session.get()).flatMap(({ parts }) => parts.filter((part) => part.kind === "proposal"));
}

/** The code that a call is refused with; null when it is not. */
export function codeOf(call: Promise<unknown>): Promise<string | null> {
  return call.then(
    () => null,
    ({ code }: { code: string }) => code,
  );
}
