import { backoffMs } from "../backoff.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import type { Envelope } from "../envelope.js";
import { failure } from "../failure.js";
import { Value } from "../readable.js";
import type { LiveError } from "../types.js";
import { call, confirm, newKey, posted, propose } from "./proposals.js";
import { Transcript } from "./transcript.js";
import type { CopilotState, ProposalPart } from "./types.js";

/** How long a question waits for the channel, over which the answer's token comes, before it is sent all the same. */
const CHANNEL_WITHIN_MS = 3_000;
/** How long a confirmation waits for what comes of it. */
const OUTCOME_WITHIN_MS = 20_000;
/** How long the channel outlives its last watcher. */
const LINGER_MS = 30_000;

const nothing = (): void => {};

/** Codes that say that there is no such conversation, or none of this person's. */
const MISSING = new Set(["NOT_FOUND", "FORBIDDEN", "PARAMS_INVALID"]);

interface Session {
  sessionId: string;
  state: "idle" | "answering";
}

/**
 * One conversation: its channel, what was said on it, and the tokens of its cards, which are kept here and shown to
 * nobody.
 */
export class Conversation {
  readonly state: Value<CopilotState>;
  readonly #engine: Engine;
  readonly #initial: CopilotState;
  readonly #keys = new Map<string, string>();
  readonly #tokens = new Map<string, string>();
  #transcript: Transcript;
  #sessionId: string | null;
  #entry: Entry | null = null;
  #release = nothing;
  #cancelExpiry = nothing;
  #cancelRetry = nothing;
  #watchers = 0;
  #cancelLinger = nothing;
  /** Those who wait for something that changes with what is heard. */
  readonly #waiting = new Set<() => void>();
  #failures = 0;
  /** Moves with {@link Conversation.clear}: what was asked for before is no longer of interest. */
  #age = 0;
  #isKnown = false;
  #isMissing = false;
  #isStopping = false;
  #isSending = false;
  #isPublishDue = false;
  #opening: Promise<void> | null = null;
  #error: LiveError | null = null;

  constructor(engine: Engine, sessionId: string | null, initial: CopilotState) {
    this.#engine = engine;
    this.#initial = initial;
    this.#sessionId = sessionId;
    this.#transcript = this.#newTranscript();
    this.state = new Value(initial);
    engine.link.subscribe(() => {
      if (engine.isClosed) this.#letGo();
    });
  }

  /** Somebody looks at it. Returns what ends that. */
  watch(): () => void {
    this.#watchers += 1;
    this.#cancelLinger();
    if (this.#sessionId !== null && !this.#entry) void this.#reopen();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#watchers -= 1;
      if (this.#watchers > 0) return;
      this.#cancelLinger = this.#engine.clock.after(LINGER_MS, () => this.#letGo());
    };
  }

  /** Says something. */
  async ask(message: string): Promise<void> {
    const text = message.trim();
    for (const { id, role, status, ...said } of this.#transcript.messages()) {
      if (role === "user" && status === "failed" && "text" in said && said.text === text) {
        this.#transcript.forget(id);
      }
    }
    const id = this.#transcript.say(text);
    const age = this.#age;
    this.#isSending = true;
    this.#show(null);
    try {
      await this.#open();
      if (age !== this.#age) return;
      await this.#say({ message: text });
      if (age === this.#age) this.#sent(null);
    } catch (error) {
      if (age === this.#age) {
        this.#transcript.notSent(id, errorOf(error));
        this.#sent(errorOf(error));
      }
      throw error;
    }
  }

  /** Confirms a card; one that has expired or failed is proposed anew, for the person to look at again. */
  async confirm(proposalId?: string): Promise<void> {
    const card = this.#card(proposalId);
    const id = card.proposal.proposalId;
    const isOver = card.status === "expired" || (card.status === "failed" && card.jobId === null);
    if (isOver) return this.#renew(card);
    if (card.status === "confirming") return;
    const before = card.jobId;
    const change = (to: Partial<Omit<ProposalPart, "kind">>) => {
      this.#transcript.changeCard(id, to);
      this.#show(null);
    };
    change({ status: "confirming", error: null });
    try {
      const token = this.#tokens.get(id) ?? (await this.#tokenOf(card));
      const jobId = await this.#confirmWith(token, id);
      change({ status: "confirmed", jobId });
    } catch (thrown) {
      const error = errorOf(thrown);
      if (error.code === "TOKEN_EXPIRED") {
        this.#tokens.delete(id);
        change({ status: "expired" });
      } else {
        const isOpen = error.code === "NETWORK" || error.code === "STORE_UNAVAILABLE";
        change({
          status: isOpen ? "waiting" : "failed",
          error,
          jobId: before ?? this.#transcript.card(id)?.jobId ?? error.jobId ?? null,
        });
      }
      throw thrown;
    }
  }

  /** Puts a card away. */
  decline(proposalId?: string): void {
    const { proposal } = this.#card(proposalId);
    this.#tokens.delete(proposal.proposalId);
    this.#transcript.changeCard(proposal.proposalId, { status: "declined", error: null });
    this.#show(null);
  }

  /** Ends the answer that is being given. */
  async stop(): Promise<void> {
    if (this.#sessionId === null || !this.#transcript.isAnswering) return;
    this.#isStopping = true;
    this.#show(null);
    try {
      await call(this.#engine, `${this.#path()}/stop`, "copilot.stopping", () => true);
    } catch (error) {
      this.#isStopping = false;
      this.#show(errorOf(error));
      throw error;
    }
  }

  /** Begins anew. */
  clear(): void {
    this.#age += 1;
    this.#letGo();
    this.#tokens.clear();
    this.#keys.clear();
    this.#transcript = this.#newTranscript();
    this.#sessionId = null;
    this.#opening = null;
    this.#isKnown = false;
    this.#isMissing = false;
    this.#isStopping = false;
    this.#isSending = false;
    this.#error = null;
    this.state.set(
      this.#initial.sessionId === null
        ? this.#initial
        : { ...this.#initial, sessionId: null, status: "idle" },
    );
  }

  #newTranscript(): Transcript {
    return new Transcript({
      proposed: (proposalId, token) => {
        if (token !== undefined) this.#tokens.set(proposalId, token);
      },
      toLocal: (gatewayMs) => this.#toLocal(gatewayMs),
    });
  }

  #path(): string {
    return `api/copilot/sessions/${encodeURIComponent(this.#sessionId ?? "")}`;
  }

  /** Opens a conversation, if there is none yet, and its channel. */
  #open(): Promise<void> {
    this.#opening ??= this.#openAnew().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openAnew(): Promise<void> {
    if (this.#sessionId === null) {
      const age = this.#age;
      const { data } = await call<Session>(
        this.#engine,
        "api/copilot/sessions",
        "copilot.session",
        ({ sessionId }) => typeof sessionId === "string",
      );
      if (age !== this.#age) return;
      this.#sessionId = data.sessionId;
      this.#isKnown = true;
    }
    if (!this.#entry) this.#listen();
    await this.#heard(() => this.#entry?.isAcked === true, CHANNEL_WITHIN_MS);
  }

  /** Finds out whether there is such a conversation, which opens its channel after a restart, and listens to it. */
  async #reopen(): Promise<void> {
    const age = this.#age;
    this.#cancelRetry();
    this.#show(this.#error);
    try {
      await call<Session>(this.#engine, this.#path(), "copilot.session", () => true, { method: "GET" });
    } catch (thrown) {
      if (age !== this.#age || this.#engine.isClosed) return;
      const error = errorOf(thrown);
      if (MISSING.has(error.code)) this.#isMissing = true;
      else {
        const { clock, retry } = this.#engine;
        this.#failures += 1;
        const delayMs = backoffMs(this.#failures, clock.random(), retry);
        this.#cancelRetry = clock.after(delayMs, () => void this.#reopen());
      }
      this.#show(error);
      return;
    }
    if (age !== this.#age) return;
    this.#failures = 0;
    this.#error = null;
    if (!this.#entry) this.#listen();
    else if (this.#entry.isRefused) {
      this.#entry.isRefused = false;
      this.#entry.error = null;
      this.#engine.renew(this.#entry);
      this.#engine.touch(this.#entry);
    }
  }

  #listen(): void {
    const held = this.#engine.hold(`copilot:${this.#sessionId}`, this.#engine.preferTransport ?? "sse", {
      maxHz: null,
      lingerMs: 0,
      historyLimit: 0,
    });
    if (!held) return;
    // It is heard from its beginning.
    this.#transcript.restart();
    const untap = this.#engine.tap(held.entry, (envelope) => this.#take(envelope));
    const unwatch = held.entry.listeners.add(() => this.#channelChanged());
    this.#entry = held.entry;
    this.#release = () => {
      untap();
      unwatch();
      held.release();
    };
    this.#show(this.#error);
  }

  #letGo(): void {
    this.#release();
    this.#release = nothing;
    this.#entry = null;
    this.#cancelExpiry();
    this.#cancelRetry();
    this.#cancelLinger();
  }

  #take(envelope: Envelope<unknown>): void {
    this.#transcript.take(envelope);
    if (!this.#transcript.isAnswering) this.#isStopping = false;
    this.#isKnown = true;
    // All that a flush brings is shown at once.
    if (this.#isPublishDue) return;
    this.#isPublishDue = true;
    queueMicrotask(() => {
      this.#isPublishDue = false;
      this.#show(this.#error);
    });
  }

  #channelChanged(): void {
    const entry = this.#entry;
    if (!entry) return;
    if (entry.isAcked) this.#isKnown = true;
    // The gateway may have been started anew, and know of the conversation when it is asked.
    if (entry.isRefused && entry.error) void this.#reopenLater();
    this.#show(this.#error);
  }

  #reopenLater(): void {
    const { clock, retry } = this.#engine;
    this.#failures += 1;
    this.#cancelRetry();
    this.#cancelRetry = clock.after(
      backoffMs(this.#failures, clock.random(), retry),
      () => void this.#reopen(),
    );
  }

  /** Sends a message, with what it confirms. Returns the answer's id. */
  async #say(message: { message?: string; confirmationToken?: string }): Promise<string> {
    const { data } = await call<{ answerId: string }>(
      this.#engine,
      "api/copilot/chat",
      "copilot.accepted",
      ({ answerId }) => typeof answerId === "string",
      posted({ sessionId: this.#sessionId, ...message }),
    );
    return data.answerId;
  }

  #sent(error: LiveError | null): void {
    this.#isSending = false;
    this.#show(error);
  }

  /** Confirms in the conversation where what comes of it can be heard, and else by itself. */
  async #confirmWith(token: string, proposalId: string): Promise<string> {
    const key = this.#keys.get(proposalId) ?? newKey(this.#engine);
    this.#keys.set(proposalId, key);
    const isHeard = this.#entry?.isAcked === true && this.#engine.link.get().status === "connected";
    if (isHeard && !this.#transcript.isAnswering) {
      let answerId: string | null = null;
      try {
        answerId = await this.#say({ confirmationToken: token });
      } catch (error) {
        // It is being answered, by another page of this person's.
        if (errorOf(error).code !== "RATE_LIMITED") throw error;
      }
      if (answerId !== null) {
        const outcome = () => this.#outcome(answerId);
        if (await this.#heard(() => outcome() !== null, OUTCOME_WITHIN_MS)) {
          const { jobId, error } = outcome() ?? {};
          if (jobId) return jobId;
          throw failure(error ?? { code: "INTERNAL", message: "the confirmation was not carried out" });
        }
      }
    }
    return (await confirm(this.#engine, token, key)).jobId;
  }

  /** What came of the confirmation that an answer began with; null while that is not told. */
  #outcome(answerId: string): { jobId?: string; error?: LiveError } | null {
    const answer = this.#transcript.messages().find(({ id }) => id === answerId);
    if (answer?.role !== "assistant") return null;
    const step = answer.parts.find((part) => part.kind === "tool");
    if (step?.kind === "tool" && step.status !== "running") {
      const { jobId, message } = (step.data ?? {}) as Partial<Record<string, unknown>>;
      if (step.status === "done" && typeof jobId === "string") return { jobId };
      const code = step.errorCode ?? "INTERNAL";
      const text = typeof message === "string" ? message : code;
      return { error: { code, message: text, ...(typeof jobId === "string" && { jobId }) } };
    }
    return answer.status === "answering" ? null : { ...(answer.error && { error: answer.error }) };
  }

  /** Proposes the same anew, for a card whose token this page was never told, or no longer has. */
  async #tokenOf({ proposal }: ProposalPart): Promise<string> {
    const { proposal: again, token } = await propose(this.#engine, proposal.params);
    if (again.paramsHash !== proposal.paramsHash) {
      throw failure({ code: "CONFIRM_REFUSED", message: "what would run is no longer what the card shows" });
    }
    this.#tokens.set(proposal.proposalId, token);
    return token;
  }

  async #renew({ proposal }: ProposalPart): Promise<void> {
    const old = proposal.proposalId;
    const { proposal: again, token } = await propose(this.#engine, proposal.params);
    this.#tokens.delete(old);
    this.#tokens.set(again.proposalId, token);
    this.#transcript.changeCard(old, { proposal: again, status: "waiting", error: null });
    this.#show(null);
  }

  #card(proposalId: string | undefined): ProposalPart {
    const id = proposalId ?? this.state.get().proposal?.proposal.proposalId;
    const card = id === undefined ? undefined : this.#transcript.card(id);
    if (card) return card;
    throw failure({
      code: "PARAMS_INVALID",
      message: "nothing is proposed by that name",
      field: "proposalId",
      reason: "is not known",
    });
  }

  /** Waits until something holds that changes with what is heard. False when it does not in time. */
  #heard(holds: () => boolean, withinMs: number): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isSo: boolean) => {
        cancel();
        this.#waiting.delete(look);
        resolve(isSo);
      };
      const cancel = this.#engine.clock.after(withinMs, () => end(false));
      const look = () => {
        if (holds()) end(true);
      };
      this.#waiting.add(look);
    });
  }

  /** The gateway's time by this machine's clock, as the channel's newest envelope tells. */
  #toLocal(gatewayMs: number): number {
    const name = `copilot:${this.#sessionId}`;
    const { ts } = this.#engine.snap(name, 0);
    const ageMs = this.#engine.ageMs(name);
    if (ageMs === null || ts === 0) return gatewayMs;
    return Math.round(gatewayMs - ts + this.#engine.clock.wallNow() - ageMs);
  }

  /** Cards past their time are so from then on. */
  #expire(): void {
    const now = this.#engine.clock.wallNow();
    let next = Number.POSITIVE_INFINITY;
    for (const { proposal, status } of this.#transcript.cards()) {
      if (status !== "waiting") continue;
      if (proposal.expiresAt > now) next = Math.min(next, proposal.expiresAt);
      else this.#transcript.changeCard(proposal.proposalId, { status: "expired" });
    }
    this.#cancelExpiry();
    this.#cancelExpiry = nothing;
    if (next !== Number.POSITIVE_INFINITY && !this.#engine.isClosed) {
      this.#cancelExpiry = this.#engine.clock.after(next - now + 1, () => this.#show(this.#error));
    }
  }

  #show(error: LiveError | null): void {
    this.#error = error;
    this.#expire();
    const messages = this.#transcript.messages();
    const proposal =
      this.#transcript.cards().findLast(({ status }) => status === "waiting" || status === "confirming") ??
      null;
    const shown = { sessionId: this.#sessionId, status: this.#status(), messages, proposal, error };
    const last = this.state.get();
    const isSame = (Object.keys(shown) as (keyof CopilotState)[]).every((key) =>
      Object.is(shown[key], last[key]),
    );
    if (!isSame) this.state.set(shown);
    for (const look of [...this.#waiting]) look();
  }

  #status(): CopilotState["status"] {
    if (this.#isMissing) return "missing";
    if (this.#isStopping) return "stopping";
    if (this.#isSending) return "sending";
    if (this.#transcript.isAnswering) return "answering";
    return this.#sessionId !== null && !this.#isKnown ? "loading" : "idle";
  }
}

function errorOf(thrown: unknown): LiveError {
  const { code, message, field, reason, jobId } = thrown as Partial<LiveError>;
  return {
    code: code ?? "INTERNAL",
    message: message ?? String(thrown),
    ...(field !== undefined && { field }),
    ...(reason !== undefined && { reason }),
    ...(jobId !== undefined && { jobId }),
  };
}
