import type { CopilotToolResult } from "../wire/events.js";
import type { CopilotPart } from "./types.js";

/** What a {@link Draft} begins with. */
export interface DraftStart {
  /** It repeats what is known already. */
  isAgain?: boolean;
  /** Something of it was missed. */
  isIncomplete?: boolean;
  parts?: readonly CopilotPart[];
}

/** An answer while it comes: its text in pieces, which are joined when somebody looks. */
export class Draft {
  /** The answer's id; null of pieces of which only the answer's end will say whose they are. */
  readonly answerId: string | null;
  readonly isIncomplete: boolean;
  /** True while it only repeats what is known already. */
  isAgain: boolean;
  /** True when something has come since it was last shown. */
  isChanged = false;
  #parts: CopilotPart[];
  #text: string[] = [];

  constructor(answerId: string | null, { isAgain = false, isIncomplete = false, parts = [] }: DraftStart) {
    this.answerId = answerId;
    this.isAgain = isAgain;
    this.isIncomplete = isIncomplete;
    this.#parts = [...parts];
  }

  /** The parts so far. What was handed out stays as it is. */
  parts(): CopilotPart[] {
    this.#join();
    return [...this.#parts];
  }

  /** Takes in a piece of text. */
  say(text: string): void {
    this.#text.push(text);
    this.isChanged = true;
  }

  /** Takes in a part of another kind. */
  add(part: CopilotPart): void {
    this.#join();
    this.#parts.push(part);
    this.isChanged = true;
  }

  /** Takes in what a tool has answered. */
  answered({ callId, ok, errorCode, data }: CopilotToolResult): void {
    const answer = { status: ok ? "done" : "failed", errorCode: errorCode ?? null, data } as const;
    this.change((part) => (part.kind === "tool" && part.callId === callId ? { ...part, ...answer } : part));
    this.isChanged = true;
  }

  /** Changes parts that have come, which are shown so already. */
  change(change: (part: CopilotPart) => CopilotPart): void {
    this.#join();
    this.#parts = this.#parts.map(change);
  }

  /** Puts the pieces of text that have come after the last part. */
  #join(): void {
    if (this.#text.length === 0) return;
    this.#parts = joined(this.#parts, [{ kind: "text", text: this.#text.join("") }]);
    this.#text = [];
  }
}

/** One after the other; text that meets text is one. */
export function joined(parts: readonly CopilotPart[], more: readonly CopilotPart[]): CopilotPart[] {
  const [last, first] = [parts.at(-1), more[0]];
  if (last?.kind !== "text" || first?.kind !== "text") return [...parts, ...more];
  return [...parts.slice(0, -1), { kind: "text", text: last.text + first.text }, ...more.slice(1)];
}

/** The same when nothing more comes: a tool that has not answered never will. */
export function ended(parts: readonly CopilotPart[]): CopilotPart[] {
  return parts.map((part) =>
    part.kind === "tool" && part.status === "running" ? { ...part, status: "failed" } : part,
  );
}

/** Whether there is less in the one than in the other, where both are beginnings of the same. */
export function isLess(parts: readonly CopilotPart[], than: readonly CopilotPart[]): boolean {
  if (parts.length !== than.length) return parts.length < than.length;
  const [last, other] = [parts.at(-1), than.at(-1)];
  return last?.kind === "text" && other?.kind === "text" && last.text.length < other.text.length;
}
