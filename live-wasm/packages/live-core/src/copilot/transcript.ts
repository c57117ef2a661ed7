import type { Envelope } from "../envelope.js";
import type { LiveError } from "../types.js";
import type {
  CopilotConfirm,
  CopilotConfirmed,
  CopilotDelta,
  CopilotDone,
  CopilotError,
  CopilotStart,
  CopilotStopped,
  CopilotToolCall,
  CopilotToolResult,
} from "../wire/events.js";
import { Draft, ended, isLess, joined } from "./draft.js";
import { Messages } from "./messages.js";
import type {
  AssistantMessage,
  CopilotMessage,
  CopilotPart,
  Proposal,
  ProposalPart,
  ProposalStatus,
  UserMessage,
} from "./types.js";

/** What a token looks like. The gateway repeats no message with one in it. */
const TOKEN = /sct_[\w-]*/g;

/** Why an answer has no end. */
const UNHEARD: LiveError = { code: "CURSOR_EXPIRED", message: "the end of this answer was not heard" };

/** Cards that a confirmation of another proposal may have been of. */
const OPEN: readonly ProposalStatus[] = ["waiting", "confirming", "expired"];

/** What a transcript does not keep: tokens are with whoever holds them, and nowhere else. */
export interface TranscriptOwner {
  /** A card has come, with its token where this client is the one that it was told to. */
  proposed(proposalId: string, token: string | undefined): void;
  /** Whether this client has a token for the card. */
  hasToken(proposalId: string): boolean;
  /** The card for which that was proposed; the proposal itself where there is no other. */
  cardOf(proposalId: string): string;
  /** A message that was thought lost, for that reason, was taken after all. */
  taken(error: LiveError): void;
  /** Something that was said is missing. */
  missed(): void;
  /** What the gateway's time is by this machine's clock. */
  toLocal(gatewayMs: number): number;
}

/**
 * What was said in a conversation, made of the envelopes of its channel in their order. Taking one in costs the same
 * however long the conversation is; {@link Transcript.messages} joins what has come since it was last looked at. The
 * channel may begin anew at any time: an answer that is told again takes the place of the one that is shown once there is
 * as much of it, and what is not told again stays.
 */
export class Transcript {
  readonly #owner: TranscriptOwner;
  readonly #messages = new Messages();
  /** What comes goes into this one. */
  #draft: Draft | null = null;
  /** The newest `seq`, and whether the channel has gone back since the last answer began. */
  #seq = 0;
  #isAgain = false;
  #count = 0;
  /** An answer that the gateway has promised and not begun. */
  #promised: string | null = null;
  /** The person's messages, by the answers to them. */
  readonly #asked = new Map<string, string>();
  /** Proposals in whose place there is another one. */
  readonly #renewed = new Map<string, string>();

  constructor(owner: TranscriptOwner) {
    this.#owner = owner;
  }

  /** The answer that is being given, or is about to be; null without one. */
  get answering(): string | null {
    return this.#promised ?? this.#messages.answering()?.id ?? null;
  }

  /** The messages so far. The same reference until one of them changes. */
  messages(): readonly CopilotMessage[] {
    this.#settle();
    return this.#messages.shown();
  }

  /** Shows what the person says before the gateway has taken it, once however often that failed. Returns the message's id. */
  say(text: string): string {
    for (const { id, status, ...said } of this.#messages.shown()) {
      if (status === "failed" && "text" in said && said.text === text) this.#messages.remove(id);
    }
    const id = `m${++this.#count}`;
    this.#messages.before(null);
    this.#messages.put({ id, role: "user", text, status: "sending", confirms: false, error: null });
    return id;
  }

  /** The gateway has taken such a message, and gives it that answer. */
  taken(id: string, answerId: string): void {
    const known = this.#asked.get(answerId);
    // It may have been heard before this is known, in words in which it was not recognised.
    if (known !== undefined && known !== id) this.#messages.remove(id);
    if (known !== undefined) return;
    if (!this.#messages.answer(answerId)) this.#promised = answerId;
    this.#sent(id, { status: "sent" });
    this.#asked.set(answerId, id);
  }

  /** The gateway has not taken such a message. */
  notSent(id: string, error: LiveError): void {
    this.#sent(id, { status: "failed", error });
  }

  /** Whether what comes in here is the answer that is running, as the gateway says. */
  agrees(running: string | null): boolean {
    return this.answering === running && (running === null || this.#draft?.answerId === running);
  }

  /** Nothing more comes but of the answer that is running, if there is one: another that has no end by now has lost it. */
  conclude(running: string | null): void {
    const known = running === null ? undefined : this.#messages.answer(running);
    const parts = joined(known?.parts ?? [], this.#strays(known));
    for (const id of [this.#messages.answering()?.id, this.#promised]) {
      if (id && id !== running) this.#end(id, "failed", UNHEARD, true);
    }
    if (running === null || this.agrees(running)) return;
    this.#promised = null;
    this.#draft = new Draft(running, { isIncomplete: true, parts });
    this.#messages.put({
      ...(known ?? begun(running)),
      status: "answering",
      error: null,
      parts,
      isIncomplete: true,
    });
  }

  /** The card of a proposal; undefined where there is none. */
  card(proposalId: string): ProposalPart | undefined {
    return this.cards().find(({ proposal }) => proposal.proposalId === proposalId);
  }

  /** All cards, the oldest first. */
  cards(): ProposalPart[] {
    this.#settle();
    return this.#messages.cards();
  }

  /** Changes what became of a card. */
  changeCard(proposalId: string, to: Partial<Omit<ProposalPart, "kind">>): void {
    const change = (part: CopilotPart) => (isCard(part, proposalId) ? { ...part, ...to } : part);
    this.#settle();
    this.#messages.change(change);
    this.#draft?.change(change);
  }

  /** Puts another proposal in the place of one, to be looked at again. */
  renew(proposalId: string, proposal: Proposal): void {
    this.#renewed.set(proposalId, proposal.proposalId);
    this.changeCard(proposalId, { proposal, status: "waiting", error: null });
  }

  /** Whether there is another proposal in the place of that one. */
  wasRenewed(proposalId: string): boolean {
    return this.#renewed.has(proposalId);
  }

  /** Takes an envelope in. What it does not know it leaves aside. */
  take({ event, seq, data }: Envelope<unknown>): void {
    this.#place(seq, (event === "copilot.delta" && (data as CopilotDelta).fromSeq) || seq);
    switch (event) {
      case "copilot.start":
        this.#start(data as CopilotStart);
        break;
      case "copilot.delta":
        this.#pieces().say((data as CopilotDelta).text);
        break;
      case "copilot.tool_call": {
        const { callId, tool, arguments: given } = data as CopilotToolCall;
        const step = { kind: "tool", callId, tool, arguments: given } as const;
        this.#pieces().add({ ...step, status: "running", errorCode: null, data: undefined });
        break;
      }
      case "copilot.tool_result":
        this.#pieces().answered(data as CopilotToolResult);
        break;
      case "copilot.confirm":
        this.#proposed(data as CopilotConfirm);
        break;
      case "copilot.confirmed":
        this.#confirmed(data as CopilotConfirmed);
        break;
      case "copilot.done": {
        const { answerId, reason } = data as CopilotDone;
        this.#end(answerId, reason === "length" ? "cut" : "done", null);
        break;
      }
      case "copilot.stopped":
        this.#end((data as CopilotStopped).answerId, "stopped", null);
        break;
      case "copilot.error": {
        const { answerId, code, message } = data as CopilotError;
        this.#end(answerId, "failed", { code, message });
        break;
      }
    }
  }

  /** Sees whether the channel goes on, has gone back, or has left something out. */
  #place(seq: number, from: number): void {
    const isAgain = seq <= this.#seq;
    const isMissed = this.#seq > 0 && from > this.#seq + 1;
    this.#seq = seq;
    if (!isAgain && !isMissed) return;
    // Whose the next pieces are has to be told first.
    this.#settle();
    this.#draft = null;
    this.#isAgain = isAgain;
    this.#messages.before(null);
    if (isMissed) this.#owner.missed();
  }

  /** What pieces go into: where their beginning is not known, something that their end will give a name. */
  #pieces(): Draft {
    this.#draft ??= new Draft(null, { isAgain: this.#isAgain });
    return this.#draft;
  }

  /** Pieces of which nobody knew whose they are, unless they may repeat what that answer has. */
  #strays(known: AssistantMessage | undefined): CopilotPart[] {
    const draft = this.#draft;
    return draft?.answerId === null && !(draft.isAgain && known) ? draft.parts() : [];
  }

  #start({ answerId, message, confirms }: CopilotStart): void {
    this.#settle();
    this.#isAgain = false;
    if (this.#promised === answerId) this.#promised = null;
    const isKnown = this.#messages.answer(answerId) !== undefined;
    const answering = this.#messages.answering();
    // An answer that never ended was cut, where the next one begins.
    if (!isKnown && this.#messages.isAtEnd && answering) this.#end(answering.id, "stopped", null);
    this.#draft = new Draft(answerId, { isAgain: isKnown });
    if (isKnown) this.#messages.before(answerId);
    const isShown = isKnown && this.#asked.has(answerId);
    if (!isShown && (message !== "" || confirms)) this.#said(answerId, message, confirms);
    if (!isKnown) this.#messages.put(begun(answerId));
    this.#messages.behind(answerId);
  }

  /** The message that this page has shown already, or one of another page. */
  #said(answerId: string, text: string, confirms: boolean): void {
    const isIt = ({ id, status, error, ...said }: CopilotMessage): boolean => {
      if (this.#asked.has(answerId)) return id === this.#asked.get(answerId);
      // Whoever was not answered that it was taken may have been heard all the same.
      const isOpen = status === "sending" || (status === "failed" && error?.code === "NETWORK");
      return isOpen && "text" in said && said.text.replace(TOKEN, "[token]") === text;
    };
    const known = this.#messages.shown().find(isIt);
    const id = known?.id ?? `${answerId}-said`;
    if (known?.error) this.#owner.taken(known.error);
    this.#messages.remove(id);
    this.#asked.set(answerId, id);
    this.#messages.put({ id, role: "user", text, status: "sent", confirms, error: null });
  }

  /** What has become of a message that was on its way. */
  #sent(id: string, change: Partial<Pick<UserMessage, "status" | "error">>): void {
    const message = this.#messages.get(id);
    if (message?.status === "sending") this.#messages.put({ ...(message as UserMessage), ...change });
  }

  #proposed({ confirmationToken, expiresAt, ...shown }: CopilotConfirm): void {
    let id = shown.proposalId;
    while (this.#renewed.has(id)) id = this.#renewed.get(id) as string;
    const proposal = { ...shown, expiresAt: this.#owner.toLocal(expiresAt) };
    // What has become of it since then is known here alone.
    const known = this.card(id);
    this.#pieces().add(known ?? { kind: "proposal", proposal, status: "waiting", jobId: null, error: null });
    if (id === shown.proposalId) this.#owner.proposed(id, confirmationToken);
  }

  /** A person has confirmed that card, or what was proposed anew for one of which some page had no token. */
  #confirmed({ proposalId, paramsHash, jobId }: CopilotConfirmed): void {
    const cards = this.cards();
    if (cards.some((card) => card.jobId === jobId && card.status === "confirmed")) return;
    const others = cards.filter(
      ({ proposal, status }) => proposal.paramsHash === paramsHash && OPEN.includes(status),
    );
    const named = this.#owner.cardOf(proposalId);
    // It may be among what has come without its beginning, and is not shown yet.
    const isComing = this.#draft?.parts().some((part) => isCard(part, named)) ?? false;
    const other =
      others.findLast(({ proposal }) => !this.#owner.hasToken(proposal.proposalId)) ?? others.at(-1);
    const id = this.card(named) || isComing ? named : other?.proposal.proposalId;
    if (id !== undefined) this.changeCard(id, { status: "confirmed", jobId, error: null });
  }

  /** An answer has ended. Where its beginning or something since then was not heard it is incomplete. */
  #end(
    answerId: string,
    status: AssistantMessage["status"],
    error: LiveError | null,
    isUnheard = false,
  ): void {
    this.#settle();
    if (this.#promised === answerId) this.#promised = null;
    const known = this.#messages.answer(answerId);
    const draft = this.#draft?.answerId === answerId ? this.#draft : null;
    const strays = isUnheard ? [] : this.#strays(known);
    if (draft || this.#draft?.answerId === null) this.#draft = null;
    // It was told again without its beginning.
    if (!draft && known && known.status !== "answering" && !known.isIncomplete) return;
    const parts = ended(draft?.parts() ?? joined(known?.parts ?? [], strays));
    // After a restart the gateway tells of an answer that nobody has heard anything of.
    const isAllThereWas = !known && status === "failed" && strays.length === 0 && !isUnheard;
    const isIncomplete = isUnheard || (draft?.isIncomplete ?? !isAllThereWas);
    this.#show(answerId, { status, parts, error }, isIncomplete, draft?.isAgain);
  }

  /** Brings the message of the answer that comes up to date. */
  #settle(): void {
    const draft = this.#draft;
    if (!draft?.isChanged || draft.answerId === null) return;
    const message = this.#messages.answer(draft.answerId);
    const parts = draft.parts();
    if (draft.isAgain && (message?.status !== "answering" || isLess(parts, message.parts))) return;
    draft.isAgain = false;
    draft.isChanged = false;
    this.#show(draft.answerId, { parts }, draft.isIncomplete);
  }

  /** Shows an answer. One that was told again, and in which nothing differs, keeps its reference. */
  #show(answerId: string, to: Partial<AssistantMessage>, isIncomplete: boolean, isAgain = false): void {
    const known = this.#messages.answer(answerId);
    const { isIncomplete: _, ...message } = known ?? begun(answerId);
    const next = { ...message, ...to, ...(isIncomplete && { isIncomplete }) };
    if (!isAgain || JSON.stringify(next) !== JSON.stringify(known)) this.#messages.put(next);
  }
}

/** An answer of which nothing has come yet. */
function begun(id: string): AssistantMessage {
  return { id, role: "assistant", status: "answering", parts: [], error: null };
}

function isCard(part: CopilotPart, proposalId: string): part is ProposalPart {
  return part.kind === "proposal" && part.proposal.proposalId === proposalId;
}
