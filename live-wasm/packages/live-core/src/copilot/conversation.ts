import type { Engine } from "../engine.js";
import { Value } from "../readable.js";
import type { LiveError } from "../types.js";
import { beginSession, endAnswer, Refused, refused, say } from "./calls.js";
import { Cards } from "./cards.js";
import { Line } from "./line.js";
import { Transcript } from "./transcript.js";
import type { CopilotState } from "./types.js";

/** How long a question waits for the channel, over which the token of a card comes, before it is sent all the same. */
const CHANNEL_WITHIN_MS = 3_000;
/** How long a conversation goes on to be heard after the last use of it. */
const LINGER_MS = 30_000;

const nothing = (): void => {};

/** Where conversations are found by their ids. */
export interface Directory {
  /** This one is used. It has an id. */
  add(conversation: Conversation): void;
  /** It is used no more. */
  remove(conversation: Conversation): void;
}

/**
 * One conversation, which all sessions of a client share that are in it: what was said, what can be confirmed, and how it
 * is heard. That is while it is used, watched or asked for something, and a little longer.
 */
export class Conversation {
  readonly state: Value<CopilotState>;
  readonly #engine: Engine;
  readonly #directory: Directory;
  readonly #transcript: Transcript;
  readonly #cards: Cards;
  readonly #line: Line;
  #sessionId: string | null;
  #watchers = 0;
  /** Those who watch, and what is under way. */
  #uses = 0;
  #cancelLinger = nothing;
  /** Moves when it is left: what is not sent by then is not sent at all. */
  #age = 0;
  #sending = 0;
  #isStopping = false;
  #opening: Promise<void> | null = null;
  /** Why the last call failed. */
  #error: LiveError | null = null;

  constructor(engine: Engine, directory: Directory, initial: CopilotState) {
    this.#engine = engine;
    this.#directory = directory;
    this.#sessionId = initial.sessionId;
    this.state = new Value(initial);
    this.#transcript = new Transcript({
      proposed: (id, token) => this.#cards.told(id, token),
      hasToken: (id) => this.#cards.has(id),
      cardOf: (id) => this.#cards.cardOf(id),
      taken: (error) => {
        if (this.#error === error) this.#error = null;
      },
      missed: () => this.#line.missed(),
      toLocal: (gatewayMs) => this.#line.toLocal(gatewayMs),
    });
    this.#cards = new Cards(engine, this.#transcript, this);
    this.#line = new Line(engine, this.#transcript, this);
  }

  /** Its id; null before it has one. */
  get sessionId(): string | null {
    return this.#sessionId;
  }

  /** Calls back for each change. Returns what ends that, to be called once. */
  watch(callback: () => void): () => void {
    const unwatch = this.state.subscribe(callback);
    const release = this.#use();
    this.#watchers += 1;
    this.#line.open();
    return () => {
      unwatch();
      this.#watchers -= 1;
      release();
    };
  }

  /** Says something. */
  async ask(message: string): Promise<void> {
    const text = message.trim();
    const release = this.#use();
    const age = this.#age;
    const id = this.#transcript.say(text);
    this.#sending += 1;
    this.show(null);
    try {
      await this.#open();
      this.#mustBe(age);
      const answerId = await say(this.#engine, this.#sessionId, text);
      this.#transcript.taken(id, answerId);
      if (age !== this.#age) this.#endAnswer().catch(nothing);
      this.#mustBe(age);
    } catch (thrown) {
      this.#error = Refused.of(thrown).error;
      this.#transcript.notSent(id, this.#error);
      throw thrown;
    } finally {
      this.#sending -= 1;
      this.show();
      release();
    }
  }

  /** Confirms a card: see {@link Cards.confirm}. */
  async confirm(proposalId = this.#waiting): Promise<void> {
    const release = this.#use();
    try {
      await this.#cards.confirm(proposalId);
    } finally {
      release();
    }
  }

  /** Puts a card away. */
  decline(proposalId = this.#waiting): void {
    this.#cards.decline(proposalId);
  }

  /** Ends the answer that is being given. */
  async stop(): Promise<void> {
    if (this.#transcript.answering === null) return;
    const release = this.#use();
    this.#isStopping = true;
    this.show(null);
    try {
      // Where there is nothing to stop, the end is on its way or was lost.
      if (!(await this.#endAnswer())) this.#line.doubt(null);
    } catch (thrown) {
      this.#isStopping = false;
      this.show(Refused.of(thrown).error);
      throw thrown;
    } finally {
      release();
    }
  }

  /** Somebody begins anew. Where nobody else watches, what is under way here ends. */
  leave(): void {
    if (this.#watchers > 0) return;
    this.#age += 1;
    if (this.#transcript.answering !== null) this.#endAnswer().catch(nothing);
    this.letGo();
  }

  /** Hears nothing more until it is used again. */
  letGo(): void {
    this.#cancelLinger();
    this.#cards.rest();
    this.#line.letGo();
    this.#directory.remove(this);
  }

  /** Shows what is different; with an `error`, why the last call failed, and with null that it did not. */
  show(error = this.#error): void {
    this.#error = error;
    this.#cards.expire(this.#uses > 0 && !this.#engine.isClosed);
    if (this.#transcript.answering === null) this.#isStopping = false;
    const shown: CopilotState = {
      sessionId: this.#sessionId,
      status: this.#status(),
      messages: this.#transcript.messages(),
      proposal:
        this.#transcript.cards().findLast(({ status }) => status === "waiting" || status === "confirming") ??
        null,
      error: error ?? this.#line.error,
    };
    const last = this.state.get();
    const keys = Object.keys(shown) as (keyof CopilotState)[];
    if (keys.some((key) => shown[key] !== last[key])) this.state.set(shown);
  }

  /** The card that is meant where none is named; there may be none. */
  get #waiting(): string {
    return this.state.get().proposal?.proposal.proposalId ?? "";
  }

  #status(): CopilotState["status"] {
    if (this.#line.isMissing) return "missing";
    if (this.#isStopping) return "stopping";
    if (this.#sending > 0) return "sending";
    if (this.#transcript.answering !== null) return "answering";
    return this.#sessionId !== null && !this.#line.isKnown ? "loading" : "idle";
  }

  /** Uses it, until the release. */
  #use(): () => void {
    this.#uses += 1;
    this.#cancelLinger();
    if (this.#sessionId !== null) this.#directory.add(this);
    return () => {
      this.#uses -= 1;
      if (this.#uses > 0 || this.#engine.isClosed) return;
      this.#cancelLinger = this.#engine.clock.after(LINGER_MS, () => this.letGo());
    };
  }

  /** Opens a conversation, if there is none yet, and its channel. */
  #open(): Promise<void> {
    this.#opening ??= this.#openAnew().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #openAnew(): Promise<void> {
    const age = this.#age;
    if (this.#sessionId !== null && !this.#line.isOpen) await this.#line.look();
    if (this.#line.isMissing) {
      // What was said stays in sight, and is gone on with elsewhere.
      this.#directory.remove(this);
      this.#sessionId = null;
    }
    if (this.#sessionId === null) {
      this.#sessionId = await beginSession(this.#engine);
      this.#line.began();
      this.#directory.add(this);
    }
    this.#mustBe(age);
    this.#line.listen();
    await this.#line.whenHeard(CHANNEL_WITHIN_MS);
  }

  #endAnswer(): Promise<boolean> {
    return endAnswer(this.#engine, this.#sessionId);
  }

  #mustBe(age: number): void {
    if (age !== this.#age) throw refused({ code: "ABORTED", message: "the conversation was left" });
  }
}
