import { failureText } from "./answer.js";
import type { Credentials } from "./auth.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { Clock } from "./clock.js";
import { isFinalCode } from "./final.js";
import { LINK_IDLE, lastIfSame } from "./link.js";
import type { NetworkEvent } from "./network.js";
import type {
  Framing,
  TransportClose,
  TransportFactory,
  TransportLink,
  WantedChannel,
} from "./transport/transport.js";
import type { LinkState, LiveError, Transport } from "./types.js";

/** How long the hello may take, from the start of an attempt. */
export const HELLO_WITHIN_MS = 10_000;
/** A line that held this long has proved itself: the next attempt starts from the smallest delay. */
const STABLE_AFTER_MS = 5_000;
/** Slack over two heartbeats before silence means that the line is dead. */
const SILENCE_SLACK_MS = 5_000;
/** How often silence is looked at. */
const WATCH_EVERY_MS = 5_000;
/** How long a line may take to prove that it is alive after a wake. */
const PROBE_WITHIN_MS = 5_000;
/** A line that spoke this recently needs no proof. */
const RECENT_MS = 2_000;
/** Changes of the channels within this time open one new stream. */
const REOPEN_AFTER_MS = 50;
/** How long a line outlives its last channel. */
const IDLE_CLOSE_MS = 10_000;
/** The gateway's heartbeat, until its hello says otherwise. */
const DEFAULT_HEARTBEAT_MS = 15_000;

/** Least time between two requests for a token to go on with. */
const REFRESH_AGAIN_MS = 5_000;
/** Longest time that the gateway may keep the line away. */
const HOLD_OFF_MAX_MS = 3_600_000;
/** Tokens in a row that may be rejected before the page is not asked for another. */
const REJECTIONS_MAX = 2;
/** Codes of a refusal that another token may get over. */
const WANTS_TOKEN = new Set(["UNAUTHENTICATED", "AUTH_EXPIRED"]);

/** What a connection needs of its owner. */
export interface ConnectionOwner {
  readonly clock: Clock;
  readonly retry: RetryBounds;
  open: TransportFactory;
  /** Address of the gateway. */
  base(): URL;
  frames: "binary" | "text";
  readonly credentials: Credentials;
  /**
   * How far the channels of this transport have come, as its address names it; empty: not at all. `isNext`: as
   * the last answer on the line says.
   */
  cursor(kind: Transport, isNext?: boolean): string;
  /** Gives the gateway a new token for a session that takes no commands. */
  refresh(sessionId: string, token: string): void;
  /** The channels that are to be had over this transport now. */
  wanted(kind: Transport): readonly WantedChannel[];
  /** The next command's id. */
  nextId(): number;
  /** A line is open; nothing is subscribed on it yet, but what its address named. */
  opened(connection: Connection): void;
  /** Bytes of the present line. */
  chunk(connection: Connection, bytes: Uint8Array, framing: Framing, nowMs: number): void;
  /** The line is gone, by whatever cause. Not called for a planned replacement. */
  lost(connection: Connection): void;
  /** The state is another one. */
  changed(): void;
  /** The delay that the stream asked for, in milliseconds; negative when it did not. */
  retryHintMs(kind: Transport): number;
}

/**
 * What the connection is doing. `opening`: waits for the line. `greeting`: waits for the hello.
 * `waiting`: for the next attempt. `refused`: the gateway said not to come back; another set of channels, or a
 * wake, is worth an attempt all the same.
 */
export type Phase = "idle" | "opening" | "greeting" | "connected" | "waiting" | "refused" | "closed";

type Timer = "hello" | "watch" | "probe" | "retry" | "reopen" | "next" | "idle" | "drain" | "refresh";

const STATUS: Record<Phase, LinkState["status"]> = {
  idle: "idle",
  opening: "connecting",
  greeting: "connecting",
  connected: "connected",
  waiting: "disconnected",
  refused: "disconnected",
  closed: "closed",
};

/** One line to the gateway over one transport, opened again by one path whatever ended it. */
export class Connection {
  readonly kind: Transport;
  readonly #owner: ConnectionOwner;
  #phase: Phase = "idle";
  #state: LinkState;
  #line: TransportLink | null = null;
  /** A stream with another set of channels, taking over from `#line` once it is open. */
  #next: TransportLink | null = null;
  #attempt = 0;
  #heartbeatMs = DEFAULT_HEARTBEAT_MS;
  #connectedAt = 0;
  #heardAt = 0;
  #heardAtWall = 0;
  /** No attempt before: the gateway said so. */
  #notBefore = 0;
  /** Attempts to open `#next` that failed in a row. */
  #nextAttempt = 0;
  /** The set of channels that the last line was opened with. */
  #askedFor = "";
  /** True while a new stream is to be opened, though it be with the same set. */
  #mustRenew = false;
  /** The token that the present line was opened with, or was given since. */
  #token: string | null = null;
  /** The request for a token that is under way; another object for each. */
  #tokenAsked: object | null = null;
  /** Tokens that were rejected in a row. */
  #rejections = 0;
  /** When the page was last asked for a token to go on with. */
  #refreshedAt = Number.NEGATIVE_INFINITY;
  readonly #timers = new Map<Timer, () => void>();

  constructor(kind: Transport, owner: ConnectionOwner) {
    this.kind = kind;
    this.#owner = owner;
    this.#state = { ...LINK_IDLE, transport: kind };
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** The state as the page sees it; a new object whenever something in it changed. */
  get state(): LinkState {
    return this.#state;
  }

  /** True while a line is open, greeted or not. */
  get isOpen(): boolean {
    return this.#phase === "greeting" || this.#phase === "connected";
  }

  /** The set of wanted channels changed: opens, replaces or lets go of the line as needed. */
  wantedChanged(): void {
    if (this.#phase === "closed") return;
    if (this.#owner.wanted(this.kind).length === 0) {
      this.#stop("reopen");
      if (this.#phase === "refused") this.#rest();
      else if (this.#phase !== "idle" && !this.#timers.has("idle")) {
        this.#after("idle", IDLE_CLOSE_MS, () => this.#rest());
      }
      return;
    }
    this.#stop("idle");
    if (this.#phase === "idle") this.#connect();
    else if (this.kind !== "websocket" || this.#phase === "refused") this.#reopenSoon();
  }

  /** Sends a command, if the line is open and takes any. */
  send(command: object): boolean {
    return this.isOpen && (this.#line?.send(JSON.stringify(command)) ?? false);
  }

  /** The gateway's hello came on this line. */
  greeted(sessionId: string, heartbeatMs: number): void {
    if (!this.isOpen) return;
    this.#stop("hello");
    this.#heartbeatMs = heartbeatMs;
    if (this.#phase !== "connected") this.#connectedAt = this.#owner.clock.now();
    this.#phase = "connected";
    this.#watch();
    this.#publish({ sessionId, error: null, retryAt: null, attempt: 0 });
  }

  /** The token that commands are to be sent under; null when the page gives none. */
  get token(): string | null {
    return this.#token;
  }

  /** The gateway has taken the token: what it complained of before is over. */
  authenticated(): void {
    this.#rejections = 0;
    if (this.#phase === "connected") this.#publish({ error: null });
  }

  /** The token ends soon: gets another one, and goes on under it. A page that brings none is asked again. */
  expiring(): void {
    const { clock, credentials } = this.#owner;
    if (!credentials.isUsed || !this.isOpen) return;
    const waitMs = this.#refreshedAt + REFRESH_AGAIN_MS - clock.now();
    if (waitMs > 0) {
      this.#after("refresh", waitMs, () => this.expiring());
      return;
    }
    this.#refreshedAt = clock.now();
    const asked = {};
    this.#tokenAsked = asked;
    credentials.token("expiring", 0).then(
      (token) => {
        if (this.#tokenAsked !== asked) return;
        if (token === this.#token) this.expiring();
        else this.#refresh(token);
      },
      (error: unknown) => {
        if (this.#tokenAsked !== asked) return;
        this.complain({ code: "AUTH_EXPIRED", message: failureText(error) });
        this.expiring();
      },
    );
  }

  /** The gateway is going down: it closes the line soon, and is not to be asked again before the time named. */
  draining(reconnectAfterMs: number): void {
    if (!this.isOpen) return;
    this.holdOff(reconnectAfterMs);
    this.#after("drain", reconnectAfterMs, () =>
      this.fail({ code: "DRAINING", message: "the gateway is being stopped" }),
    );
  }

  /** The gateway wants no other attempt for that time. */
  holdOff(ms = 0): void {
    this.#notBefore = Math.max(this.#notBefore, this.#owner.clock.now() + Math.min(ms, HOLD_OFF_MAX_MS));
  }

  /** Something happened to the machine or the page. */
  network(event: NetworkEvent): void {
    if (event === "hidden" || event === "visible") return;
    if (event === "offline" || !(this.#phase === "waiting" || this.#phase === "refused")) {
      this.#probe();
      return;
    }
    this.#attempt = 0;
    const { clock, retry } = this.#owner;
    const leftMs = this.#notBefore - clock.now();
    if (leftMs > 0) this.#connectIn(leftMs + backoffMs(1, clock.random(), retry));
    else this.#connect();
  }

  /** Ends the present line and starts again after a delay: the one path for all that can go wrong. */
  fail(error: LiveError): void {
    if (this.#phase === "idle" || this.#phase === "refused" || this.#phase === "closed") return;
    const { clock, retry } = this.#owner;
    const now = clock.now();
    const held = this.#phase === "connected" && now - this.#connectedAt >= STABLE_AFTER_MS;
    this.#attempt = held ? 1 : this.#attempt + 1;
    const hint = this.#attempt === 1 ? this.#owner.retryHintMs(this.kind) : -1;
    const jitter = hint >= 0 ? Math.min(hint, retry.maxMs) : backoffMs(this.#attempt, clock.random(), retry);
    const delay = jitter + Math.max(0, this.#notBefore - now);
    this.#hangUp();
    this.#phase = "waiting";
    this.#owner.lost(this);
    this.#connectIn(delay, error);
  }

  /** The stream is to start over, with what is wanted now. A line that takes commands needs no other. */
  renew(): void {
    if (this.kind === "websocket" || !(this.isOpen || this.#phase === "opening")) return;
    this.#mustRenew = true;
    this.#reopenSoon();
  }

  /** The gateway refused something that concerns no single channel. The line goes on. */
  complain(error: LiveError): void {
    this.#publish({ error });
  }

  /** Ends it for good. */
  close(): void {
    if (this.#phase === "closed") return;
    this.#hangUp();
    this.#phase = "closed";
    this.#publish({ sessionId: null, retryAt: null });
  }

  #connectIn(delayMs: number, error = this.#state.error): void {
    this.#after("retry", delayMs, () => this.#connect());
    const retryAt = this.#owner.clock.wallNow() + delayMs;
    this.#publish({ sessionId: null, error, retryAt, attempt: this.#attempt });
  }

  #connect(): void {
    this.#hangUp();
    if (this.#owner.wanted(this.kind).length === 0) {
      this.#rest();
      return;
    }
    this.#phase = "opening";
    this.#publish({ sessionId: null, retryAt: null });
    const { credentials } = this.#owner;
    if (credentials.isUsed) this.#authorize(credentials);
    else this.#open();
  }

  /** Asks for a token, which is done before every attempt, and opens the line with it. */
  #authorize(credentials: Credentials): void {
    const asked = {};
    this.#tokenAsked = asked;
    credentials.token(this.#rejections > 0 ? "rejected" : "initial", this.#attempt).then(
      (token) => {
        if (this.#tokenAsked !== asked) return;
        this.#tokenAsked = null;
        this.#token = token;
        this.#open();
      },
      (error: unknown) => {
        if (this.#tokenAsked === asked) this.fail({ code: "UNAUTHENTICATED", message: failureText(error) });
      },
    );
  }

  #open(): void {
    this.#awaitHello();
    try {
      this.#line = this.#openLine();
    } catch (error) {
      this.#broken(failureText(error));
    }
  }

  #refresh(token: string): void {
    this.#token = token;
    const { sessionId } = this.#state;
    if (this.kind === "websocket") this.send({ id: this.#owner.nextId(), cmd: "auth", token });
    else if (sessionId !== null) this.#owner.refresh(sessionId, token);
  }

  /** While an attempt waits for its time, that is when the set is looked at. */
  #reopenSoon(): void {
    if (!this.#timers.has("retry")) this.#after("reopen", REOPEN_AFTER_MS, () => this.#reopen());
  }

  /** Opens a stream with the present set of channels; the one that runs goes on until the new one is open. */
  #reopen(): void {
    const wanted = setKey(this.#owner.wanted(this.kind));
    // What was refused would be refused again, and what runs is right: only another set is worth a request.
    if (wanted === "" || (wanted === this.#askedFor && !this.#mustRenew)) return;
    if (this.isOpen) this.#replace();
    else this.#connect();
  }

  #replace(): void {
    const late = () => this.#nextFailed({ code: "NETWORK", message: "the new stream did not open in time" });
    this.#dropNext();
    this.#after("next", HELLO_WITHIN_MS, late);
    try {
      this.#next = this.#openLine();
    } catch (error) {
      this.#nextFailed({ code: "NETWORK", message: failureText(error) });
    }
  }

  /** The stream that was to take over is none: the one that runs goes on, and another is tried later. */
  #nextFailed(error: LiveError, isFinal = false): void {
    this.#dropNext();
    if (isFinal) {
      this.complain(error);
      // The answer may have named a bad channel; without it the others can be had.
      this.wantedChanged();
      return;
    }
    const { clock, retry } = this.#owner;
    this.#mustRenew = true;
    this.#nextAttempt += 1;
    this.#stop("reopen");
    const delay =
      backoffMs(this.#nextAttempt, clock.random(), retry) + Math.max(0, this.#notBefore - clock.now());
    this.#after("retry", delay, () => this.#reopen());
  }

  #dropNext(): void {
    this.#stop("next");
    this.#next?.close();
    this.#next = null;
  }

  #openLine(): TransportLink {
    const owner = this.#owner;
    const channels = owner.wanted(this.kind);
    this.#askedFor = setKey(channels);
    this.#mustRenew = false;
    const line: TransportLink = owner.open(
      {
        kind: this.kind,
        base: owner.base(),
        channels,
        frames: owner.frames,
        cursor: (isNext) => owner.cursor(this.kind, isNext),
        headers: (): Record<string, string> =>
          this.#token === null ? {} : { authorization: `Bearer ${this.#token}` },
      },
      {
        opened: () => this.#lineOpened(line),
        chunk: (bytes, framing, timeStamp) => this.#heard(line, bytes, framing, timeStamp),
        closed: (why) => this.#lineClosed(line, why),
      },
    );
    return line;
  }

  #lineOpened(line: TransportLink): void {
    if (line === this.#next) {
      this.#line?.close();
      this.#line = line;
      this.#next = null;
      this.#nextAttempt = 0;
      this.#stop("next");
      // It was the stream before this one that was to end.
      this.#stop("drain");
      this.#notBefore = 0;
      this.#awaitHello();
    } else if (line !== this.#line) return;
    if (this.#phase === "opening") this.#phase = "greeting";
    // An answer that is none of a refusal is the proof; a WebSocket is asked by a command.
    if (this.kind !== "websocket") this.authenticated();
    this.#mark();
    this.#owner.opened(this);
  }

  #heard(line: TransportLink, bytes: Uint8Array, framing: Framing, timeStamp?: number): void {
    if (line !== this.#line && line !== this.#next) return;
    const nowMs = this.#mark(timeStamp);
    this.#stop("probe");
    this.#owner.chunk(this, bytes, framing, nowMs);
  }

  #lineClosed(line: TransportLink, why: TransportClose): void {
    if (line !== this.#line && line !== this.#next) return;
    const { reason } = why;
    this.holdOff(why.retryAfterMs);
    const told = this.#state.error;
    const message = reason || (why.code === null ? "the line broke" : `the line was closed with ${why.code}`);
    // The gateway gives its reason as a code of the catalogue, and may have said more about it.
    const code = /^[A-Z_]+$/.test(reason) ? reason : "NETWORK";
    const error = told?.code === reason ? told : { code, message };
    if (line === this.#next) {
      this.#nextFailed(error, isFinal(why));
      return;
    }
    const isRejected = this.#owner.credentials.isUsed && WANTS_TOKEN.has(error.code);
    if (isRejected) this.#rejections += 1;
    if (isRejected ? this.#rejections <= REJECTIONS_MAX : !isFinal(why)) {
      this.fail(error);
      return;
    }
    this.#hangUp();
    this.#phase = "refused";
    this.#owner.lost(this);
    this.#publish({ sessionId: null, error, retryAt: null, attempt: this.#attempt });
    // What a WebSocket carried changed by commands, and was all refused.
    if (this.kind === "websocket") this.#askedFor = setKey(this.#owner.wanted(this.kind));
    this.wantedChanged();
  }

  /** After a wake or a change of the network: what looks alive has to prove it. */
  #probe(): void {
    if (this.#phase !== "connected") return;
    const silenceMs = this.#owner.clock.wallNow() - this.#heardAtWall;
    if (silenceMs > this.#silenceLimitMs()) this.#dead();
    else if (silenceMs > RECENT_MS) this.#ping();
  }

  #watch(): void {
    const { clock } = this.#owner;
    const limitMs = this.#silenceLimitMs();
    const leftMs = limitMs - (clock.now() - this.#heardAt);
    if (leftMs <= 0) {
      this.#dead();
      return;
    }
    // The machine may have slept without a word: the wall clock then knows more than the monotonic one.
    if (clock.wallNow() - this.#heardAtWall > limitMs) this.#ping();
    this.#after("watch", Math.min(leftMs, WATCH_EVERY_MS), () => this.#watch());
  }

  /** Asks for a sign of life where one can be asked for. A wall clock that jumped costs no more than that. */
  #ping(): void {
    if (this.#timers.has("probe")) return;
    if (this.send({ id: this.#owner.nextId(), cmd: "ping" })) {
      this.#after("probe", PROBE_WITHIN_MS, () => this.#dead());
    }
  }

  #awaitHello(): void {
    this.#after("hello", HELLO_WITHIN_MS, () => this.#broken("the gateway did not say hello in time"));
  }

  #dead(): void {
    this.#broken("the line went silent");
  }

  #broken(message: string): void {
    this.fail({ code: "NETWORK", message });
  }

  #silenceLimitMs(): number {
    return 2 * this.#heartbeatMs + SILENCE_SLACK_MS;
  }

  /** Something was heard, in an event with that time stamp if there was one. Returns the time on the clock. */
  #mark(timeStamp?: number): number {
    const { clock } = this.#owner;
    const eventTime = timeStamp === undefined ? undefined : clock.eventTime?.(timeStamp);
    // An event can have waited; what was heard since then counts.
    this.#heardAt = Math.max(this.#heardAt, eventTime ?? clock.now());
    this.#heardAtWall = clock.wallNow();
    return this.#heardAt;
  }

  /** Nothing is wanted: no line, and no attempt to get one. */
  #rest(): void {
    const wasOpen = this.#line !== null;
    this.#hangUp();
    this.#phase = "idle";
    this.#attempt = 0;
    if (wasOpen) this.#owner.lost(this);
    this.#publish({ sessionId: null, retryAt: null, attempt: 0, error: null });
  }

  #hangUp(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    this.#line?.close();
    this.#line = null;
    this.#dropNext();
    this.#nextAttempt = 0;
    this.#mustRenew = false;
    this.#tokenAsked = null;
  }

  #publish(change: Partial<LinkState>): void {
    const status = STATUS[this.#phase];
    const since = status === this.#state.status ? this.#state.since : this.#owner.clock.wallNow();
    const next = lastIfSame({ ...this.#state, ...change, status, since }, this.#state);
    if (next === this.#state) return;
    this.#state = next;
    this.#owner.changed();
  }

  #after(name: Timer, delayMs: number, run: () => void) {
    this.#stop(name);
    const cancel = this.#owner.clock.after(delayMs, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, cancel);
  }

  #stop(name: Timer): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}

function setKey(channels: readonly WantedChannel[]): string {
  return channels
    .map(({ name, maxHz }) => `${name}@${maxHz}`)
    .sort()
    .join(",");
}

/**
 * True when the gateway said not to come back: close codes 40xx, and refusals of the request itself that
 * name a code of the catalogue. A bare status may be a proxy's, which knows nothing of tomorrow.
 */
function isFinal({ code, status, reason }: TransportClose): boolean {
  if (code !== null) return code >= 4000 && code < 4100;
  return status !== null && status >= 400 && status < 500 && isFinalCode(reason);
}
