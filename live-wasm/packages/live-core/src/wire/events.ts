// Generated from the Rust types: see live-core/src/generated.rs.

/**
 * `price.tick`: the newest price of a symbol.
 */
export type PriceTick = {
  /**
   * The symbol, as in the channel's name.
   */
  symbol: string;
  /**
   * Last price, in the quote's units.
   */
  price: number;
  /**
   * Best bid, in the quote's units.
   */
  bid?: number;
  /**
   * Best ask, in the quote's units.
   */
  ask?: number;
  /**
   * Volume of the market's day so far, in the base's units, not negative.
   */
  volume: number;
  /**
   * Difference to the previous close, in the quote's units.
   */
  change: number;
  /**
   * The same in percent of the previous close.
   */
  changePct: number;
  /**
   * The market's own time in milliseconds since the Unix epoch; a replay's lies in the past.
   */
  marketTime: number;
};

/**
 * `candles.bar`: one bar of a symbol and interval, forming or closed.
 */
export type CandleBar = {
  /**
   * The symbol, as in the channel's name.
   */
  symbol: string;
  /**
   * The interval, a number and a unit: `1s`, `5m`, `4h`, `1d`, `1w`.
   */
  interval: string;
  /**
   * Start of the bar in the market's own time, in milliseconds since the Unix epoch; the bar's key.
   */
  openTime: number;
  /**
   * First price.
   */
  open: number;
  /**
   * Highest price, not below any of the other three.
   */
  high: number;
  /**
   * Lowest price, not above any of the other three.
   */
  low: number;
  /**
   * Last price.
   */
  close: number;
  /**
   * Volume in the base's units, not negative.
   */
  volume: number;
  /**
   * Whether the bar is final.
   */
  closed: boolean;
};

/**
 * `copilot.delta`: a piece of an answer that is being written.
 */
export type CopilotDelta = {
  /**
   * What is to be appended to what came before.
   */
  text: string;
  /**
   * `seq` of the first piece where several were joined on their way; the envelope's is that of the last.
   */
  fromSeq?: number;
};

/**
 * Where a job stands.
 */
export type JobStatus = "queued" | "running" | "done" | "failed" | "cancelled" | "timeout";

/**
 * Why a job has no result.
 */
export type JobFault = {
  /**
   * `JOB_FAILED`, `JOB_CANCELLED`, `JOB_TIMEOUT`, `JOB_POISONED`.
   */
  errorCode: string;
  /**
   * Of a failure: `params`, `engine`, `storage`, `store`.
   */
  cause?: string;
  /**
   * What happened, for people.
   */
  message: string;
};

/**
 * `job.progress`: all of a job but its parameters, which do not change.
 */
export type JobProgress = {
  /**
   * The job's id.
   */
  jobId: string;
  /**
   * Where it stands.
   */
  state: JobStatus;
  /**
   * Rises with every change that can be seen; of two tellings the one with the greater is the newer.
   */
  version: number;
  /**
   * How much of it is done, from 0 to 1.
   */
  progress: number;
  /**
   * What it is at, in a word; may be empty.
   */
  phase: string;
  /**
   * How often it was begun.
   */
  attempt: number;
  /**
   * Whether its person has asked it to end.
   */
  cancelRequested: boolean;
  /**
   * SHA-256 of its parameters as canonical JSON.
   */
  paramsHash: string;
  /**
   * When it was confirmed, in milliseconds since the Unix epoch.
   */
  createdAt: number;
  /**
   * When a worker began with it.
   */
  startedAt: number | null;
  /**
   * When it ended.
   */
  finishedAt: number | null;
  /**
   * Why it ended without a result.
   */
  error: JobFault | null;
  /**
   * SHA-256 that names its result.
   */
  resultHash: string | null;
};

/**
 * `copilot.start`: an answer begins.
 */
export type CopilotStart = {
  /**
   * Names the answer.
   */
  answerId: string;
  /**
   * What the person has said; empty where they have only confirmed.
   */
  message: string;
  /**
   * Whether the message came with a confirmation.
   */
  confirms: boolean;
};

/**
 * `copilot.tool_call`: a tool is called.
 */
export type CopilotToolCall = {
  /**
   * Names the call; its result has the same.
   */
  callId: string;
  /**
   * The tool.
   */
  tool: string;
  /**
   * What it is called with, without anything secret; null where that was no object of JSON.
   */
  arguments: unknown;
};

/**
 * `copilot.tool_result`: what a tool has answered.
 */
export type CopilotToolResult = {
  /**
   * Names the call.
   */
  callId: string;
  /**
   * The tool.
   */
  tool: string;
  /**
   * Whether it has done what it was called for.
   */
  ok: boolean;
  /**
   * Why it has not.
   */
  errorCode?: string;
  /**
   * What it has answered, without anything secret; of a refusal, its details.
   */
  data: unknown;
};

/**
 * `copilot.confirm`: something was proposed, and waits for a person to confirm it. What a card shows.
 */
export type CopilotConfirm = {
  /**
   * Names the proposal.
   */
  proposalId: string;
  /**
   * The tool that was asked for.
   */
  tool: string;
  /**
   * Its parameters, with what was left out filled in.
   */
  params: unknown;
  /**
   * SHA-256 of their canonical JSON.
   */
  paramsHash: string;
  /**
   * What it is, in a line for people.
   */
  summary: string;
  /**
   * How many backtests it is.
   */
  combinations: number;
  /**
   * How many bars each of them runs over, as far as is known now.
   */
  bars: number;
  /**
   * Until when it can be confirmed, in milliseconds since the Unix epoch by the store's clock.
   */
  expiresAt: number;
  /**
   * What confirms it. Only on its way to the person's own connections that are open; no history has it, so that a card
   * without it was seen before, or by somebody else, and can be proposed anew.
   */
  confirmationToken?: string;
};

/**
 * `copilot.confirmed`: a person has confirmed a proposal. It may come between answers, and within another one than that which
 * proposed.
 */
export type CopilotConfirmed = {
  /**
   * The proposal; one that no card has shown where a card was proposed anew to be confirmed.
   */
  proposalId: string;
  /**
   * SHA-256 of the canonical JSON of its parameters.
   */
  paramsHash: string;
  /**
   * What runs it.
   */
  jobId: string;
};

/**
 * `copilot.done`: an answer is whole.
 */
export type CopilotDone = {
  /**
   * Names the answer.
   */
  answerId: string;
  /**
   * `stop` when everything was said, `length` when it became longer than answers may be.
   */
  reason: string;
};

/**
 * `copilot.error`: an answer could not be given, or not to its end.
 */
export type CopilotError = {
  /**
   * Names the answer.
   */
  answerId: string;
  /**
   * A code of the catalogue.
   */
  code: string;
  /**
   * What happened, for people.
   */
  message: string;
  /**
   * How long to wait before trying again, in milliseconds.
   */
  retryAfterMs?: number;
};

/**
 * `copilot.stopped`: an answer was stopped by its person.
 */
export type CopilotStopped = {
  /**
   * Names the answer.
   */
  answerId: string;
};

/**
 * What may become of an envelope that cannot be delivered at once.
 */
export type Mode = "state" | "keyed" | "event" | "lossless";

/**
 * `system.hello`: the first envelope of every connection.
 */
export type Hello = {
  /**
   * Names the connection; a token is refreshed under it.
   */
  sessionId: string;
  /**
   * The gateway's wall clock, in milliseconds since the Unix epoch.
   */
  serverTime: number;
  /**
   * Time between two heartbeats, in milliseconds.
   */
  heartbeatMs: number;
};

/**
 * `system.ack` of a subscription: where it really starts.
 */
export type Ack = {
  /**
   * The command's id; absent where there was no command.
   */
  id?: number;
  /**
   * The channel that the verdict is about.
   */
  channel: string;
  /**
   * 8 to 12 characters that change when the channel's history is lost.
   */
  epoch: string;
  /**
   * `seq` of the newest publication; 0 before the first.
   */
  head: number;
  /**
   * Whether everything after the client's position follows; `false`: a snapshot follows.
   */
  resumed: boolean;
  /**
   * What may be merged or dropped.
   */
  mode: Mode;
  /**
   * Bound of the rate, in envelopes a second.
   */
  maxHz: number | null;
  /**
   * Age from which a value counts as stale, in milliseconds.
   */
  staleAfterMs: number | null;
};

/**
 * `system.ack` of any other command.
 */
export type CommandAck = {
  /**
   * The command's id.
   */
  id: number;
  /**
   * The gateway's wall clock, in milliseconds since the Unix epoch; answers a `ping`.
   */
  serverTime?: number;
};

/**
 * `system.heartbeat`: the link is alive, and this is how far each quiet channel has come.
 */
export type Heartbeat = {
  /**
   * The gateway's wall clock, in milliseconds since the Unix epoch.
   */
  serverTime: number;
  /**
   * `seq` of the newest publication of each of the client's channels for which nothing waits.
   */
  heads: Record<string, number>;
  /**
   * Whether the gateway vouches for its own link to the engine; absent where it does. While it does not,
   * values are stale, with the cause `broker`.
   */
  brokerOk?: boolean;
};

/**
 * `system.snapshot_end`: all items of a keyed channel have been sent.
 */
export type SnapshotEnd = {
  /**
   * The channel's epoch.
   */
  epoch: string;
  /**
   * `seq` of the newest publication when the snapshot was taken.
   */
  head: number;
  /**
   * How many items the snapshot had.
   */
  count: number;
};

/**
 * `system.resync`: what the client holds of the channel is void; a snapshot follows.
 */
export type Resync = {
  /**
   * The channel's new epoch.
   */
  epoch: string;
  /**
   * Why, in plain words.
   */
  reason: string;
};

/**
 * `system.rate`: how much of a channel was merged on its way to this client.
 */
export type Rate = {
  /**
   * Envelopes whose place a newer one took, in the window.
   */
  merged: number;
  /**
   * Envelopes that were sent in the window.
   */
  delivered: number;
  /**
   * Length of the window, in milliseconds.
   */
  windowMs: number;
  /**
   * What was sent, in envelopes a second.
   */
  effectiveHz: number;
  /**
   * Bound of the rate, in envelopes a second.
   */
  maxHz: number | null;
};

/**
 * What became of a connection's token.
 */
export type AuthState = "ok" | "expiring" | "expired" | "revoked";

/**
 * `system.auth`: how the connection's token stands.
 */
export type Auth = {
  /**
   * What became of the token.
   */
  state: AuthState;
  /**
   * When it ends, in milliseconds since the Unix epoch; absent where nothing ends.
   */
  expiresAt?: number;
  /**
   * How long the connection goes on after that, in milliseconds.
   */
  graceMs?: number;
};

/**
 * `system.drain`: the node is being stopped.
 */
export type Drain = {
  /**
   * When to reconnect, in milliseconds from now; drawn at random so that not all come at once.
   */
  reconnectAfterMs: number;
};

/**
 * `system.error`: what was refused, and where the fault lies.
 */
export type ErrorDetail = {
  /**
   * The command's id; absent where there was no command.
   */
  id?: number;
  /**
   * What happened, for people.
   */
  message: string;
  /**
   * The channel's name as it was given, cut to 64 characters.
   */
  channel?: string;
  /**
   * The field or parameter at fault.
   */
  field?: string;
  /**
   * What is wrong with it.
   */
  reason?: string;
  /**
   * What it is, cut to 64 characters; never a secret.
   */
  value?: string;
  /**
   * What would have been accepted.
   */
  allowed?: string;
  /**
   * The job that a confirmation token has started.
   */
  jobId?: string;
  /**
   * The store that cannot be reached.
   */
  store?: string;
  /**
   * When to try again, in milliseconds from now.
   */
  retryAfterMs?: number;
};

/**
 * At which end a queue was full.
 */
export type Side = "gateway" | "client";

/**
 * `backpressure_drop`: exactly which envelopes of a channel were dropped.
 */
export type BackpressureDrop = {
  /**
   * How many.
   */
  dropped: number;
  /**
   * First `seq` that was dropped.
   */
  fromSeq: number;
  /**
   * Last `seq` that was dropped.
   */
  toSeq: number;
  /**
   * Capacity of the queue, in envelopes.
   */
  capacity: number;
  /**
   * Whose queue it was.
   */
  side: Side;
};

/** The data of each event that is known by its type. */
export interface EventData {
  "price.tick": PriceTick;
  "candles.bar": CandleBar;
  "copilot.delta": CopilotDelta;
  "job.progress": JobProgress;
  "copilot.start": CopilotStart;
  "copilot.tool_call": CopilotToolCall;
  "copilot.tool_result": CopilotToolResult;
  "copilot.confirm": CopilotConfirm;
  "copilot.confirmed": CopilotConfirmed;
  "copilot.done": CopilotDone;
  "copilot.error": CopilotError;
  "copilot.stopped": CopilotStopped;
  "system.hello": Hello;
  "system.ack": Ack | CommandAck;
  "system.heartbeat": Heartbeat;
  "system.snapshot_end": SnapshotEnd;
  "system.resync": Resync;
  "system.rate": Rate;
  "system.auth": Auth;
  "system.drain": Drain;
  "system.error": ErrorDetail;
  backpressure_drop: BackpressureDrop;
}
