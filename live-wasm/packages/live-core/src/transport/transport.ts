import type { Transport } from "../types.js";

/**
 * What a chunk is made of: whole newline-separated envelopes, a piece of an event stream cut anywhere, or the
 * page of envelopes that answers a poll.
 */
export type Framing = "envelopes" | "event-stream" | "page";

/** A channel to be asked for. */
export interface WantedChannel {
  name: string;
  /** Most envelopes a second; null: as fast as it goes. */
  maxHz: number | null;
}

/** What a line is opened with. */
export interface TransportRequest {
  kind: Transport;
  /** The gateway's address, absolute and ending in a slash. */
  base: URL;
  /** The channels, for a transport that names them in its address. A WebSocket gets commands instead. */
  channels: readonly WantedChannel[];
  /** What WebSocket frames are to be. */
  frames: "binary" | "text";
  /**
   * How far the channels have come, for a transport that names it in its address; empty: not at all. `isNext`:
   * the line has had an answer, and asks for what follows it.
   */
  cursor: (isNext?: boolean) => string;
  /** Headers that say who asks, for a transport that sends any. */
  headers: () => Record<string, string>;
}

/** Why a line ended. */
export interface TransportClose {
  /** Close code of a WebSocket; null elsewhere. */
  code: number | null;
  /** Status of an HTTP answer that was not a stream; null elsewhere. */
  status: number | null;
  /** The error's code when the gateway named one, else a few words for a person; may be empty. */
  reason: string;
  /** How long the gateway wants to be left alone, in milliseconds, where its answer says so. */
  retryAfterMs?: number | undefined;
}

/** What a line tells its owner. Nothing is called after `closed`, nor after the owner's `close()`. */
export interface TransportEvents {
  /** The line is open: commands can be sent. */
  opened(): void;
  /** Bytes arrived, in an event that bears this time if it was one. They are the owner's only until it returns. */
  chunk(bytes: Uint8Array, framing: Framing, timeStamp?: number): void;
  /** The line is gone, or could not be opened. Called once. */
  closed(why: TransportClose): void;
}

/** An open or opening line. */
export interface TransportLink {
  /** Sends one command. False when the transport takes none, or is not open. */
  send(command: string): boolean;
  /** Ends it without a `closed` call. May be called twice. */
  close(): void;
}

/** Opens a line. Must not call back before it has returned. */
export type TransportFactory = (request: TransportRequest, events: TransportEvents) => TransportLink;
