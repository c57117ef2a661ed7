import type { AssistantMessage, CopilotMessage, CopilotPart, ProposalPart } from "./types.js";

/** The messages of a conversation in their order. One in which nothing has changed keeps its reference. */
export class Messages {
  readonly #all: CopilotMessage[] = [];
  #shown: readonly CopilotMessage[] = [];
  #isChanged = false;
  /** Where the next one goes; null: to the end. */
  #at: number | null = null;

  /** All of them. The same reference until one changes. */
  shown(): readonly CopilotMessage[] {
    if (this.#isChanged) this.#shown = [...this.#all];
    this.#isChanged = false;
    return this.#shown;
  }

  /** That message; undefined where there is none. */
  get(id: string): CopilotMessage | undefined {
    return this.#all[this.#find(id)];
  }

  /** That answer; undefined where there is none. */
  answer(id: string): AssistantMessage | undefined {
    const message = this.get(id);
    return message?.role === "assistant" ? message : undefined;
  }

  /** The newest answer that has not ended. */
  answering(): AssistantMessage | undefined {
    const answering = this.#all.findLast(({ status }) => status === "answering");
    return answering as AssistantMessage | undefined;
  }

  /** All cards, the oldest first. */
  cards(): ProposalPart[] {
    return this.#all.flatMap((message) =>
      message.role === "assistant" ? message.parts.filter((part) => part.kind === "proposal") : [],
    );
  }

  /** Puts a message in its place, if it has one, else where the next one goes. */
  put(message: CopilotMessage): void {
    const at = this.#find(message.id);
    if (at >= 0) this.#all[at] = message;
    else {
      this.#all.splice(this.#at ?? this.#all.length, 0, message);
      if (this.#at !== null) this.#at += 1;
    }
    this.#isChanged = true;
  }

  /** Takes one out. */
  remove(id: string): void {
    const at = this.#find(id);
    if (at < 0) return;
    this.#all.splice(at, 1);
    if (this.#at !== null && this.#at > at) this.#at -= 1;
    this.#isChanged = true;
  }

  /** Changes parts of answers: all those that are another object then. */
  change(change: (part: CopilotPart) => CopilotPart): void {
    for (const message of this.#all) {
      if (message.role !== "assistant") continue;
      const parts = message.parts.map(change);
      if (parts.some((part, at) => part !== message.parts[at])) this.put({ ...message, parts });
    }
  }

  /** Whether the next one goes to the end. */
  get isAtEnd(): boolean {
    return this.#at === null;
  }

  /** The next one goes before that one; without one, to the end. */
  before(id: string | null): void {
    this.#at = id === null ? null : this.#find(id);
  }

  /** The next one goes behind that answer, which is before whatever the person has said after the last one. */
  behind(id: string): void {
    const at = this.#find(id) + 1;
    this.#at = this.#all.slice(at).some(({ role }) => role === "assistant") ? at : null;
  }

  #find(id: string): number {
    return this.#all.findLastIndex((message) => message.id === id);
  }
}
