import type { LiveError, Readable } from "../types.js";
import type { JobProgress } from "../wire/events.js";

/** A strategy with what it is set to. What is left out has a default. */
export type BacktestStrategy = { allowShort?: boolean } & (
  | { name: "sma_cross"; fast?: number; slow?: number }
  | { name: "rsi_reversion"; period?: number; low?: number; high?: number }
  | { name: "donchian_breakout"; entry?: number; exit?: number }
  | { name: "buy_and_hold" }
);

/** What is to be tested. All but `symbol` and `strategy` have defaults. */
export interface BacktestParams {
  symbol: string;
  interval?: string;
  /** Days, `2005-01-01`; absent: from the first bar, to the last. */
  from?: string | null;
  to?: string | null;
  strategy: BacktestStrategy;
  initialCash?: number;
  /** Of each trade's value, in hundredths of a percent. */
  feeBps?: number;
  slippageBps?: number;
  sizing?: { kind: "all_in" } | { kind: "fraction"; fraction: number } | { kind: "units"; units: number };
  /** Values of the strategy's numbers, each with each. */
  sweep?: Record<string, number[]> | null;
}

/** What was proposed, and waits for a person. Its token is not here: it stays inside the client. */
export interface Proposal<P = unknown> {
  readonly proposalId: string;
  /** The tool that was asked for, such as `startBacktest`. */
  readonly tool: string;
  /** Exactly what will run, with what was left out filled in. */
  readonly params: P;
  /** SHA-256 of the canonical JSON of `params`. */
  readonly paramsHash: string;
  /** One line for a person. */
  readonly summary: string;
  /** How many backtests it is, and over how many bars each of them runs as far as is known now. */
  readonly combinations: number;
  readonly bars: number;
  /** Until when it can be confirmed, in milliseconds since the Unix epoch by this machine's clock. */
  readonly expiresAt: number;
}

/** What a confirmation has started. */
export interface Confirmed extends Pick<JobProgress, "jobId" | "state"> {
  /** Whether this very confirmation had come through before. */
  replayed: boolean;
}

/**
 * `waiting`: can be confirmed and declined; with an `error` a confirmation may or may not have come through, and repeating
 * it starts nothing twice. `confirming`: on its way. `confirmed`: `jobId` runs it. `declined`: by the person, here.
 * `expired`: too late. `failed`: `error` says why, such as `TOKEN_USED` where it was confirmed elsewhere; `jobId` is what
 * that started, where it is known. What is declined, expired or failed without a job can be proposed anew, to be looked at
 * again: `renewing` while that is on its way, and its `error` is why that failed.
 */
export type ProposalStatus =
  | "waiting"
  | "confirming"
  | "confirmed"
  | "declined"
  | "expired"
  | "failed"
  | "renewing";

/** Text of an answer; grows while it comes. */
export interface TextPart {
  readonly kind: "text";
  readonly text: string;
}

/** A tool that the copilot has called, and what came of it. */
export interface ToolPart {
  readonly kind: "tool";
  readonly callId: string;
  readonly tool: string;
  readonly arguments: unknown;
  readonly status: "running" | "done" | "failed";
  /** Of a failed one a code of the catalogue. */
  readonly errorCode: string | null;
  /** What it has answered; of a refusal its details. Undefined while it runs. */
  readonly data: unknown;
}

/** A card: what will run when a person confirms it, and what became of it. */
export interface ProposalPart<P = unknown> {
  readonly kind: "proposal";
  readonly proposal: Proposal<P>;
  readonly status: ProposalStatus;
  readonly jobId: string | null;
  readonly error: LiveError | null;
}

/** A piece of an answer, in the order they came. */
export type CopilotPart = TextPart | ToolPart | ProposalPart;

/** What the person has said. */
export interface UserMessage {
  readonly id: string;
  readonly role: "user";
  /** Empty where they have only confirmed. */
  readonly text: string;
  /** `failed`: the gateway has not taken it; `error` says why, and it can be asked again. */
  readonly status: "sending" | "sent" | "failed";
  /** Whether it came with a confirmation. */
  readonly confirms: boolean;
  readonly error: LiveError | null;
}

/** What the copilot has answered. */
export interface AssistantMessage {
  readonly id: string;
  readonly role: "assistant";
  /** `cut`: it became longer than answers may be. `failed`: `error` says why. */
  readonly status: "answering" | "done" | "cut" | "stopped" | "failed";
  readonly parts: readonly CopilotPart[];
  readonly error: LiveError | null;
  /** True where a piece of it was lost on its way, at the beginning, within or at the end. */
  readonly isIncomplete?: boolean;
}

/** One message of a conversation. A message that has not changed keeps its reference. */
export type CopilotMessage = UserMessage | AssistantMessage;

/** A conversation as it stands. Changes with flushes, never with every piece of text. */
export interface CopilotState {
  /** Names the conversation; null until the first message is on its way. */
  readonly sessionId: string | null;
  /** `loading`: an earlier conversation is being read. `missing`: there is no such conversation, or it is another's. */
  readonly status: "idle" | "loading" | "sending" | "answering" | "stopping" | "missing";
  readonly messages: readonly CopilotMessage[];
  /** The newest card that can be confirmed or is being confirmed; null without one. */
  readonly proposal: ProposalPart | null;
  /** Why the last call failed, or else why the conversation cannot be had now. Null when all is well. */
  readonly error: LiveError | null;
}

/** A conversation with the copilot. Watching it holds its channel. */
export interface CopilotSession extends Readable<CopilotState> {
  /**
   * Says something. Resolves when the gateway has taken it; rejects with an `Error` with the fields of a {@link LiveError}.
   * Where the conversation is `missing` it goes on in another one.
   */
  ask(message: string): Promise<void>;
  /**
   * Confirms a card, by default `state.proposal`. What the copilot proposes only this can start, and each card starts one
   * job at most: of one that has a job, and of one that is on its way, this does nothing more. A card that is declined,
   * expired or failed is proposed anew instead, as another proposal that waits. Rejects as `ask` does.
   */
  confirm(proposalId?: string): Promise<void>;
  /** Puts a card away, by default `state.proposal`. Does nothing where there is none, or it is on its way or has a job. */
  decline(proposalId?: string): void;
  /** Ends the answer that is being given. Rejects as `ask` does. */
  stop(): Promise<void>;
  /**
   * Begins anew: forgets the messages, and the next one opens another conversation. An answer that nobody else of this
   * client follows is stopped, and a message that is not taken yet rejects with `ABORTED`.
   */
  clear(): void;
}
