// Generated from the Rust enum: see live-core/src/generated.rs.

/** When to try again after an error. */
export type Retry = "never" | "backoff" | "now" | "after_auth" | "snapshot";

/** What the catalogue says of a code. */
export interface ErrorInfo {
  /** Status of an HTTP answer; null where it never answers a request. */
  readonly httpStatus: number | null;
  /** Close code of the WebSocket; null where only a channel or a request ends. */
  readonly closeCode: number | null;
  readonly retry: Retry;
}

/** The catalogue of error codes: what an envelope's `errorCode` can be. */
export const ERRORS = {
  /** The envelope breaks a rule of the protocol. */
  BAD_ENVELOPE: { httpStatus: 400, closeCode: 4000, retry: "never" },
  /** The protocol version is not one that this end speaks. */
  UNSUPPORTED_VERSION: { httpStatus: 400, closeCode: 4001, retry: "never" },
  /** The request or command is not understood. */
  BAD_REQUEST: { httpStatus: 400, closeCode: 4000, retry: "never" },
  /** There is nothing at this path. */
  NOT_FOUND: { httpStatus: 404, closeCode: null, retry: "never" },
  /** There is no valid token. */
  UNAUTHENTICATED: { httpStatus: 401, closeCode: 4002, retry: "never" },
  /** The new token belongs to another person than the connection. */
  SUBJECT_MISMATCH: { httpStatus: 401, closeCode: 4003, retry: "never" },
  /** The token is past its time limit. */
  AUTH_EXPIRED: { httpStatus: 401, closeCode: 4110, retry: "after_auth" },
  /** The token was taken back. */
  AUTH_REVOKED: { httpStatus: 401, closeCode: 4004, retry: "never" },
  /** The person may not do this. */
  FORBIDDEN: { httpStatus: 403, closeCode: null, retry: "never" },
  /** There is no such channel, or none that this person may know of. */
  CHANNEL_UNKNOWN: { httpStatus: 404, closeCode: null, retry: "never" },
  /** The text is not a channel name. */
  CHANNEL_INVALID: { httpStatus: 400, closeCode: null, retry: "never" },
  /** The connection already holds as many subscriptions as it may. */
  SUBSCRIPTION_LIMIT: { httpStatus: 409, closeCode: null, retry: "never" },
  /** The person, the address or the node already holds as many connections as it may. */
  CONNECTION_LIMIT: { httpStatus: 503, closeCode: 4105, retry: "backoff" },
  /** Too many requests or commands in too short a time. */
  RATE_LIMITED: { httpStatus: 429, closeCode: 4106, retry: "backoff" },
  /** The position is older than the history that is still held. */
  CURSOR_EXPIRED: { httpStatus: 410, closeCode: null, retry: "snapshot" },
  /** The channel's history was lost since the position was taken. */
  EPOCH_CHANGED: { httpStatus: 410, closeCode: null, retry: "snapshot" },
  /** The text is not a cursor of this channel or page. */
  CURSOR_INVALID: { httpStatus: 400, closeCode: null, retry: "snapshot" },
  /** The gateway cannot prove that nothing was lost. */
  CONTINUITY_UNKNOWN: { httpStatus: 410, closeCode: null, retry: "snapshot" },
  /** A subscription could not be brought back in step. */
  RESYNC_FAILED: { httpStatus: 410, closeCode: null, retry: "snapshot" },
  /** The client does not read fast enough. */
  SLOW_CONSUMER: { httpStatus: null, closeCode: 4108, retry: "backoff" },
  /** The client did not answer in time. */
  PING_TIMEOUT: { httpStatus: null, closeCode: 4109, retry: "backoff" },
  /** The gateway has lost its own link to the engine. */
  BROKER_UNAVAILABLE: { httpStatus: 503, closeCode: 4107, retry: "backoff" },
  /** The node takes no more work for now. */
  OVERLOADED: { httpStatus: 503, closeCode: 4107, retry: "backoff" },
  /** The node is being stopped; another one serves. */
  DRAINING: { httpStatus: 503, closeCode: 4200, retry: "now" },
  /** The body, frame or message is larger than allowed. */
  PAYLOAD_TOO_LARGE: { httpStatus: 413, closeCode: 4005, retry: "never" },
  /** An idempotency key is not 1 to 64 letters, digits, '_' and '-'. */
  IDEMPOTENCY_KEY_INVALID: { httpStatus: 400, closeCode: null, retry: "never" },
  /** The idempotency key was used for another request. */
  IDEMPOTENCY_MISMATCH: { httpStatus: 422, closeCode: null, retry: "never" },
  /** A parameter is missing, unknown or out of range. */
  PARAMS_INVALID: { httpStatus: 422, closeCode: null, retry: "never" },
  /** The head of the request did not arrive in time. */
  HEADER_TIMEOUT: { httpStatus: 408, closeCode: null, retry: "backoff" },
  /** The body of the request did not arrive in time. */
  BODY_TIMEOUT: { httpStatus: 408, closeCode: null, retry: "backoff" },
  /** The range of bytes is not one that the content has. */
  RANGE_INVALID: { httpStatus: 416, closeCode: null, retry: "never" },
  /** The confirmation token is not one that was issued, or was taken back. */
  TOKEN_INVALID: { httpStatus: 400, closeCode: null, retry: "never" },
  /** The confirmation token was used; what it started is named beside this. */
  TOKEN_USED: { httpStatus: 409, closeCode: null, retry: "never" },
  /** The confirmation token was never used and is past its time limit. */
  TOKEN_EXPIRED: { httpStatus: 410, closeCode: null, retry: "never" },
  /** The confirmation token was issued to another person, or for something else. */
  TOKEN_MISMATCH: { httpStatus: 403, closeCode: null, retry: "never" },
  /** The person has too many proposals open, or made too many lately. */
  PROPOSAL_LIMIT: { httpStatus: 429, closeCode: null, retry: "backoff" },
  /** What was true when it was proposed is not any more; the token is not used up. */
  CONFIRM_REFUSED: { httpStatus: 403, closeCode: null, retry: "never" },
  /** Only the person can confirm, in a session of their own. */
  CONFIRM_NOT_HUMAN: { httpStatus: 403, closeCode: null, retry: "never" },
  /** There is no such tool. */
  TOOL_UNKNOWN: { httpStatus: 404, closeCode: null, retry: "never" },
  /** The language model does not answer, or asks to be asked later. */
  MODEL_UNAVAILABLE: { httpStatus: 503, closeCode: null, retry: "backoff" },
  /** What the language model has answered cannot be used, or it refuses the gateway. */
  MODEL_FAILED: { httpStatus: 502, closeCode: null, retry: "never" },
  /** There is no such job, or none that this person may know of. */
  JOB_NOT_FOUND: { httpStatus: 404, closeCode: null, retry: "never" },
  /** The person has as many jobs waiting or running as they may. */
  JOB_LIMIT: { httpStatus: 429, closeCode: null, retry: "backoff" },
  /** The job ended without a result. */
  JOB_FAILED: { httpStatus: 200, closeCode: null, retry: "never" },
  /** The job was cancelled. */
  JOB_CANCELLED: { httpStatus: 200, closeCode: null, retry: "never" },
  /** The job took longer than it may. */
  JOB_TIMEOUT: { httpStatus: 200, closeCode: null, retry: "never" },
  /** The job broke its worker every time that it was tried. */
  JOB_POISONED: { httpStatus: 200, closeCode: null, retry: "never" },
  /** The job has not ended yet. */
  RESULT_NOT_READY: { httpStatus: 409, closeCode: null, retry: "backoff" },
  /** The result is past the time for which it is kept. */
  RESULT_EXPIRED: { httpStatus: 410, closeCode: null, retry: "never" },
  /** The stored result is not what was written. */
  RESULT_CORRUPT: { httpStatus: 500, closeCode: null, retry: "never" },
  /** The link was not signed here, or is not for this. */
  LINK_INVALID: { httpStatus: 403, closeCode: null, retry: "never" },
  /** The link is past its time limit; a new one can be asked for. */
  LINK_EXPIRED: { httpStatus: 403, closeCode: null, retry: "never" },
  /** A store cannot be reached. */
  STORE_UNAVAILABLE: { httpStatus: 503, closeCode: null, retry: "backoff" },
  /** The storage of results cannot be reached. */
  STORAGE_UNAVAILABLE: { httpStatus: 503, closeCode: null, retry: "backoff" },
  /** Something went wrong inside; the log knows more. */
  INTERNAL: { httpStatus: 500, closeCode: 4100, retry: "backoff" },
} as const satisfies Record<string, ErrorInfo>;

/** A code of the catalogue. */
export type ErrorCode = keyof typeof ERRORS;
