import type { Envelope } from "../envelope.js";
import type { LiveError } from "../types.js";
import type {
  CopilotConfirm,
  CopilotDelta,
  CopilotDone,
  CopilotError,
  CopilotStart,
  CopilotStopped,
  CopilotToolCall,
  CopilotToolResult,
} from "../wire/events.js";
import type { AssistantMessage, CopilotMessage, CopilotPart, ProposalPart, UserMessage } from "./types.js";

/** The tool by which a person's confirmation is carried out. */
const CONFIRM = "confirmBacktest";

/** An answer while it comes: text in pieces, which are joined when somebody looks. */
interface Open {
  at: number;
  answerId: string;
  parts: CopilotPart[];
  text: string[];
  isChanged: boolean;
}

/** What a transcript does not keep: the token goes to whoever holds it, and nowhere else. */
export interface TranscriptOwner {
  /** A card has come, with its token where this client is the one that it was told to. */
  proposed(proposalId: string, token: string | undefined): void;
  /** What the gateway's time is by this machine's clock. */
  toLocal(gatewayMs: number): number;
}

/**
 * What was said in a conversation, made of the envelopes of its channel in their order. Taking one in costs the same
 * however long the conversation is; {@link Transcript.messages} joins what has come since it was last looked at, and a
 * message in which nothing has changed keeps its reference.
 */
export class Transcript {
  readonly #owner: TranscriptOwner;
  readonly #messages: CopilotMessage[] = [];
  #shown: readonly CopilotMessage[] = [];
  #open: Open | null = null;
  #isChanged = false;
  #count = 0;

  constructor(owner: TranscriptOwner) {
    this.#owner = owner;
  }

  /** Whether an answer is being given. */
  get isAnswering(): boolean {
    return this.#open !== null;
  }

  /** The messages so far. The same reference until one of them changes. */
  messages(): readonly CopilotMessage[] {
    this.#settle();
    if (this.#isChanged) this.#shown = [...this.#messages];
    this.#isChanged = false;
    return this.#shown;
  }

  /** Forgets everything, since the channel begins anew. Messages that were not taken by the gateway stay. */
  restart(): void {
    const kept = this.#messages.filter(({ role, status }) => role === "user" && status !== "sent");
    this.#messages.splice(0, this.#messages.length, ...kept);
    this.#open = null;
    this.#isChanged = true;
  }

  /** Shows what the person says before the gateway has taken it. Returns the message's id. */
  say(text: string): string {
    const id = `m${++this.#count}`;
    this.#push({ id, role: "user", text, status: "sending", confirms: false, error: null });
    return id;
  }

  /** Says of such a message that the gateway has not taken it. */
  notSent(id: string, error: LiveError): void {
    this.#replace(
      (message) => message.id === id && message.status === "sending",
      (message) => ({ ...(message as UserMessage), status: "failed", error }),
    );
  }

  /** Takes away a message that is said once more. */
  forget(id: string): void {
    const at = this.#messages.findIndex((message) => message.id === id);
    if (at < 0) return;
    this.#settle();
    this.#messages.splice(at, 1);
    if (this.#open && this.#open.at > at) this.#open.at -= 1;
    this.#isChanged = true;
  }

  /** The card of a proposal; undefined where there is none. */
  card(proposalId: string): ProposalPart | undefined {
    return this.cards().find(({ proposal }) => proposal.proposalId === proposalId);
  }

  /** All cards, the oldest first. */
  cards(): ProposalPart[] {
    this.#settle();
    return this.#messages.flatMap((message) =>
      message.role === "assistant" ? message.parts.filter((part) => part.kind === "proposal") : [],
    );
  }

  /** Changes what became of a card. */
  changeCard(proposalId: string, change: Partial<Omit<ProposalPart, "kind">>): void {
    const isIt = (part: CopilotPart): part is ProposalPart =>
      part.kind === "proposal" && part.proposal.proposalId === proposalId;
    this.#settle();
    this.#replace(
      (message) => message.role === "assistant" && message.parts.some(isIt),
      (message) => {
        const parts = (message as AssistantMessage).parts.map((part) =>
          isIt(part) ? { ...part, ...change } : part,
        );
        return { ...(message as AssistantMessage), parts };
      },
    );
    // An answer that still comes goes on from the card as it is now.
    const open = this.#open;
    if (open) open.parts = [...(this.#messages[open.at] as AssistantMessage).parts];
  }

  /** Takes an envelope in. What it does not know it leaves aside. */
  take({ event, data }: Envelope<unknown>): void {
    switch (event) {
      case "copilot.start":
        this.#start(data as CopilotStart);
        break;
      case "copilot.delta":
        this.#delta(data as CopilotDelta);
        break;
      case "copilot.tool_call":
        this.#call(data as CopilotToolCall);
        break;
      case "copilot.tool_result":
        this.#result(data as CopilotToolResult);
        break;
      case "copilot.confirm":
        this.#confirm(data as CopilotConfirm);
        break;
      case "copilot.done":
        this.#end((data as CopilotDone).reason === "length" ? "cut" : "done", null);
        break;
      case "copilot.stopped":
        this.#stopped(data as CopilotStopped);
        break;
      case "copilot.error":
        this.#failed(data as CopilotError);
        break;
    }
  }

  #start({ answerId, message, confirms }: CopilotStart): void {
    // An answer that never ended was cut; another one begins.
    this.#end("stopped", null);
    if (message !== "" || confirms) this.#said(answerId, message, confirms);
    const answer: AssistantMessage = {
      id: answerId,
      role: "assistant",
      status: "answering",
      parts: [],
      error: null,
    };
    this.#push(answer);
    this.#open = { at: this.#messages.length - 1, answerId, parts: [], text: [], isChanged: false };
  }

  /** The message that this page has shown already, or one of another page. */
  #said(answerId: string, text: string, confirms: boolean): void {
    const at = this.#messages.findIndex(
      (message) => message.role === "user" && message.status === "sending" && message.text === text,
    );
    const id = this.#messages[at]?.id ?? `${answerId}-said`;
    if (at >= 0) this.#messages.splice(at, 1);
    this.#push({ id, role: "user", text, status: "sent", confirms, error: null });
  }

  #delta({ text }: CopilotDelta): void {
    const open = this.#open;
    if (!open) return;
    open.text.push(text);
    open.isChanged = true;
  }

  #call({ callId, tool, arguments: given }: CopilotToolCall): void {
    this.#add({
      kind: "tool",
      callId,
      tool,
      arguments: given,
      status: "running",
      errorCode: null,
      data: undefined,
    });
  }

  #result({ callId, tool, ok, errorCode, data }: CopilotToolResult): void {
    const open = this.#open;
    if (!open) return;
    this.#joinText(open);
    const status = ok ? "done" : "failed";
    open.parts = open.parts.map((part) =>
      part.kind === "tool" && part.callId === callId
        ? { ...part, status, errorCode: errorCode ?? null, data }
        : part,
    );
    open.isChanged = true;
    if (tool === CONFIRM && ok) this.#confirmed(data as Partial<{ jobId: string; paramsHash: string }>);
  }

  /** A card was confirmed, here or elsewhere: the newest with these parameters of which that is not known. */
  #confirmed({ jobId, paramsHash }: Partial<{ jobId: string; paramsHash: string }>): void {
    if (jobId === undefined) return;
    const card = this.cards()
      .reverse()
      .find(({ proposal, status }) => proposal.paramsHash === paramsHash && status !== "confirmed");
    if (card) this.changeCard(card.proposal.proposalId, { status: "confirmed", jobId, error: null });
  }

  #confirm({ confirmationToken, expiresAt, ...shown }: CopilotConfirm): void {
    const proposal = { ...shown, expiresAt: this.#owner.toLocal(expiresAt) };
    this.#add({ kind: "proposal", proposal, status: "waiting", jobId: null, error: null });
    this.#owner.proposed(shown.proposalId, confirmationToken);
  }

  #stopped({ answerId }: CopilotStopped): void {
    if (this.#open?.answerId === answerId) this.#end("stopped", null);
  }

  #failed({ answerId, code, message }: CopilotError): void {
    if (this.#open?.answerId === answerId) this.#end("failed", { code, message });
    // Told after a restart of the gateway of an answer whose beginning nobody holds any more.
    else if (!this.#messages.some(({ id }) => id === answerId)) {
      this.#push({ id: answerId, role: "assistant", status: "failed", parts: [], error: { code, message } });
    }
  }

  #add(part: CopilotPart): void {
    const open = this.#open;
    if (!open) return;
    this.#joinText(open);
    open.parts = [...open.parts, part];
    open.isChanged = true;
  }

  #end(status: AssistantMessage["status"], error: LiveError | null): void {
    const open = this.#open;
    if (!open) return;
    this.#settle();
    const message = this.#messages[open.at] as AssistantMessage;
    // What was called and has not answered never will.
    const parts = message.parts.map((part) =>
      part.kind === "tool" && part.status === "running" ? { ...part, status: "failed" as const } : part,
    );
    this.#messages[open.at] = { ...message, status, parts, error };
    this.#open = null;
    this.#isChanged = true;
  }

  /** Puts the pieces of text that have come after the last part. */
  #joinText(open: Open): void {
    if (open.text.length === 0) return;
    const more = open.text.join("");
    open.text = [];
    const last = open.parts.at(-1);
    open.parts =
      last?.kind === "text"
        ? [...open.parts.slice(0, -1), { kind: "text", text: last.text + more }]
        : [...open.parts, { kind: "text", text: more }];
  }

  /** Brings the message of the answer that comes up to date. */
  #settle(): void {
    const open = this.#open;
    if (!open?.isChanged) return;
    this.#joinText(open);
    this.#messages[open.at] = { ...(this.#messages[open.at] as AssistantMessage), parts: open.parts };
    open.isChanged = false;
    this.#isChanged = true;
  }

  #push(message: CopilotMessage): void {
    this.#settle();
    this.#messages.push(message);
    this.#isChanged = true;
  }

  #replace(
    isIt: (message: CopilotMessage) => boolean,
    by: (message: CopilotMessage) => CopilotMessage,
  ): void {
    const at = this.#messages.findIndex(isIt);
    const found = this.#messages[at];
    if (!found) return;
    this.#messages[at] = by(found);
    this.#isChanged = true;
  }
}
