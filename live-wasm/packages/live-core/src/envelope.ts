/**
 * `@spark/live-core/envelope`: what travels on the wire, as types and constants. No WebAssembly, no I/O.
 */
export { ERRORS, type ErrorCode, type ErrorInfo, type Retry } from "./wire/errors.js";
export type {
  CandleBar,
  CopilotConfirm,
  CopilotConfirmed,
  CopilotDelta,
  CopilotDone,
  CopilotError,
  CopilotStart,
  CopilotStopped,
  CopilotToolCall,
  CopilotToolResult,
  EventData,
  JobFault,
  JobProgress,
  JobStatus,
  PriceTick,
} from "./wire/events.js";

import type { ErrorCode } from "./wire/errors.js";

/** The protocol version that this package speaks. */
export const PROTOCOL_VERSION = 1;

/** Largest envelope that either end takes, in bytes of UTF-8. */
export const MAX_ENVELOPE_BYTES = 65_536;

/** The largest `seq`: the last integer that a JavaScript number holds exactly. */
export const MAX_SEQ = Number.MAX_SAFE_INTEGER;

/** One envelope: exactly these eight fields, in this order, on every transport. */
export interface Envelope<T = unknown> {
  /** Protocol version, {@link PROTOCOL_VERSION}. */
  v: 1;
  /** What happened, as `domain.verb`. */
  event: string;
  /** Where; empty for what concerns the whole connection. */
  channel: string;
  /** +1 for every publication on the channel within an epoch, from 1; 0 on system events. */
  seq: number;
  /** Source time, milliseconds since the Unix epoch. */
  ts: number;
  /** False if and only if `errorCode` is set. */
  ok: boolean;
  /** Why not, or null. */
  errorCode: ErrorCode | null;
  /** The payload, typed by `event`. */
  data: T;
}

/** Events that belong to the protocol itself, not to a feed. */
export const SYSTEM_EVENTS = [
  "system.hello",
  "system.ack",
  "system.heartbeat",
  "system.rate",
  "system.resync",
  "system.snapshot_end",
  "system.drain",
  "system.auth",
  "system.error",
  "backpressure_drop",
] as const;

/** The name of an event of the protocol itself. */
export type SystemEvent = (typeof SYSTEM_EVENTS)[number];
