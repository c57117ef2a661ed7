import type { Engine } from "../engine.js";
import { tell } from "../readable.js";
import { Conversation, type Directory } from "./conversation.js";
import { Proposals } from "./proposals.js";
import type { CopilotSession, CopilotState } from "./types.js";

/** All of a client that has to do with the copilot. */
export class Copilot implements Directory {
  readonly proposals: Proposals;
  readonly #engine: Engine;
  readonly #fresh: CopilotState;
  /** The conversations that are used, by their ids. */
  readonly #used = new Map<string | null, Conversation>();

  /** `fresh` is what a conversation begins as, the same object for all. */
  constructor(engine: Engine, fresh: CopilotState) {
    this.proposals = new Proposals(engine);
    this.#engine = engine;
    this.#fresh = fresh;
    engine.link.subscribe(() => {
      if (engine.isClosed) for (const conversation of [...this.#used.values()]) conversation.letGo();
    });
  }

  /** A session in that conversation, as it is shown before anything is known of it. */
  session(initial: CopilotState): Session {
    return new Session(this, this.conversation(initial));
  }

  /** A conversation, by default one in which nothing was said. */
  conversation(initial = this.#fresh): Conversation {
    return new Conversation(this.#engine, this, initial);
  }

  /** The conversation of that id which is used, if one is, else this one. */
  shared(conversation: Conversation): Conversation {
    return this.#used.get(conversation.sessionId) ?? conversation;
  }

  add(conversation: Conversation): void {
    this.#used.set(conversation.sessionId, conversation);
  }

  remove(conversation: Conversation): void {
    const { sessionId } = conversation;
    if (this.#used.get(sessionId) === conversation) this.#used.delete(sessionId);
  }
}

/** What one caller has of a conversation: it moves on to another one when it is cleared. */
export class Session implements Omit<CopilotSession, "getServer"> {
  readonly #copilot: Copilot;
  readonly #watches = new Set<{ callback: () => void; end: () => void }>();
  #conversation: Conversation;

  constructor(copilot: Copilot, conversation: Conversation) {
    this.#copilot = copilot;
    this.#conversation = conversation;
  }

  get(): CopilotState {
    return this.#here().state.get();
  }

  subscribe(callback: () => void): () => void {
    const watch = { callback, end: this.#here().watch(callback) };
    this.#watches.add(watch);
    return () => {
      if (this.#watches.delete(watch)) watch.end();
    };
  }

  ask(message: string): Promise<void> {
    return this.#here().ask(message);
  }

  confirm(proposalId?: string): Promise<void> {
    return this.#here().confirm(proposalId);
  }

  decline(proposalId?: string): void {
    this.#here().decline(proposalId);
  }

  stop(): Promise<void> {
    return this.#here().stop();
  }

  clear(): void {
    const left = this.#here();
    this.#conversation = this.#copilot.conversation();
    for (const watch of this.#watches) {
      watch.end();
      watch.end = this.#conversation.watch(watch.callback);
    }
    left.leave();
    for (const { callback } of [...this.#watches]) tell(callback);
  }

  /** The conversation as it is used by others, if it is. */
  #here(): Conversation {
    this.#conversation = this.#copilot.shared(this.#conversation);
    return this.#conversation;
  }
}
