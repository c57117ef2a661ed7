import { afterEach } from "vitest";
import { createClient } from "../src/client.js";
import type { Clock } from "../src/clock.js";
import { compileInline } from "../src/inline.js";
import type { NetworkEvent, NetworkStatus } from "../src/network.js";
import type {
  Framing,
  TransportClose,
  TransportEvents,
  TransportFactory,
  TransportRequest,
} from "../src/transport/transport.js";
import type { LiveClient, LiveClientOptions } from "../src/types.js";
import { createCore, type ModuleSource } from "../src/wasm.js";

export { createCore };

/** Time that passes only when a test says so. */
export class VirtualClock implements Clock {
  /** The wall clock at the start; a test may move it against the monotonic one. */
  wallOffset = 1_700_000_000_000;
  chance = 0.5;
  #now = 1_000;
  #timers: { at: number; call: () => void }[] = [];
  #frames: (() => void)[] = [];
  frame: Clock["frame"] = (callback) => {
    this.#frames.push(callback);
    return () => {
      this.#frames = this.#frames.filter((other) => other !== callback);
    };
  };

  eventTime?: (timeStamp: number) => number;
  now = () => this.#now;
  wallNow = () => this.wallOffset + this.#now;
  random = () => this.chance;

  after = (delayMs: number, call: () => void) => {
    const timer = { at: this.#now + Math.max(0, delayMs), call };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Timers that wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Frames that wait to be drawn. */
  get framesWaiting(): number {
    return this.#frames.length;
  }

  /** Draws one frame. */
  draw(): void {
    const due = this.#frames;
    this.#frames = [];
    for (const call of due) call();
  }

  /** Lets time pass and runs what falls due, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.reduce<{ at: number; call: () => void } | null>(
        (first, timer) => (timer.at <= end && (!first || timer.at < first.at) ? timer : first),
        null,
      );
      if (!next) break;
      this.#now = Math.max(this.#now, next.at);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.call();
    }
    this.#now = end;
  }
}

/** A machine whose network and page do what a test says. */
export class FakeNetwork implements NetworkStatus {
  isHidden = false;
  readonly #callbacks = new Set<(event: NetworkEvent) => void>();
  hidden = () => this.isHidden;
  subscribe = (callback: (event: NetworkEvent) => void) => {
    this.#callbacks.add(callback);
    return () => {
      this.#callbacks.delete(callback);
    };
  };
  get watchers(): number {
    return this.#callbacks.size;
  }
  emit(event: NetworkEvent): void {
    if (event === "hidden") this.isHidden = true;
    if (event === "visible") this.isHidden = false;
    for (const call of [...this.#callbacks]) call(event);
  }
}

export interface Command {
  id: number;
  cmd: string;
  channels?: unknown[];
}

const encoder = new TextEncoder();

/** A line as the gateway's side sees it. */
export class FakeLine {
  readonly request: TransportRequest;
  readonly commands: Command[] = [];
  isOpen = false;
  isClosedByClient = false;
  readonly #events: TransportEvents;

  constructor(request: TransportRequest, events: TransportEvents) {
    this.request = request;
    this.#events = events;
  }

  readonly link = {
    send: (command: string) => {
      if (this.request.kind !== "websocket" || !this.isOpen || this.isClosedByClient) return false;
      this.commands.push(JSON.parse(command) as Command);
      return true;
    },
    close: () => {
      this.isClosedByClient = true;
    },
  };

  /** Commands of one kind. */
  sent(cmd: string): Command[] {
    return this.commands.filter((command) => command.cmd === cmd);
  }

  open(): void {
    this.isOpen = true;
    this.#events.opened();
  }

  /** Hands over bytes as they would arrive. */
  bytes(bytes: Uint8Array, framing: Framing, timeStamp?: number): void {
    if (!this.isClosedByClient) this.#events.chunk(bytes, framing, timeStamp);
  }

  /** Sends envelopes, framed as the transport does. */
  say(...envelopes: object[]): void {
    const lines = envelopes.map((envelope) => JSON.stringify(envelope));
    if (this.request.kind === "sse") {
      this.bytes(encoder.encode(lines.map((line) => `data: ${line}\n\n`).join("")), "event-stream");
    } else this.bytes(encoder.encode(lines.join("\n")), "envelopes");
  }

  greet(heartbeatMs = 15_000): void {
    this.open();
    this.say(hello(heartbeatMs));
  }

  /** Confirms all that the last subscribe command asked for. */
  ackAll(resumed = false): void {
    const command = this.sent("subscribe").at(-1);
    for (const channel of (command?.channels ?? []) as { name: string }[]) {
      this.say(ack(channel.name, command?.id, resumed));
    }
  }

  close(why: Partial<TransportClose> = {}): void {
    this.isOpen = false;
    this.#events.closed({ code: null, status: null, reason: "", ...why });
  }
}

/** A gateway made of lines that a test drives. */
export class FakeGateway {
  readonly lines: FakeLine[] = [];
  readonly open: TransportFactory = (request, events) => {
    const line = new FakeLine(request, events);
    this.lines.push(line);
    return line.link;
  };
  get line(): FakeLine {
    const last = this.lines.at(-1);
    if (!last) throw new Error("no line was opened");
    return last;
  }
}

export function envelope(event: string, channel: string, seq: number, data: object, ts = 1_700_000_000_000) {
  return { v: 1, event, channel, seq, ts, ok: true, errorCode: null, data };
}

export const hello = (heartbeatMs = 15_000) =>
  envelope("system.hello", "", 0, { sessionId: "s-1", serverTime: 1_700_000_000_000, heartbeatMs });

export const ack = (channel: string, id?: number, resumed = false, staleAfterMs: number | null = 5_000) =>
  envelope("system.ack", channel, 0, {
    ...(id === undefined ? {} : { id }),
    channel,
    epoch: "epoch001",
    head: 0,
    resumed,
    mode: channel.startsWith("candles:") ? "keyed" : "state",
    maxHz: null,
    staleAfterMs,
  });

export const refusal = (code: string, channel: string, extra: object = {}) => ({
  ...envelope("system.error", channel, 0, { message: "no such channel", channel, ...extra }),
  ok: false,
  errorCode: code,
});

export const tick = (symbol: string, seq: number, price: number) =>
  envelope("price.tick", `price:${symbol}`, seq, {
    symbol,
    price,
    volume: 100,
    change: 1,
    changePct: 0.5,
    marketTime: 1_000_000,
  });

export const bar = (symbol: string, seq: number, openTime: number, close: number, closed = false) =>
  envelope("candles.bar", `candles:${symbol}.1d`, seq, {
    symbol,
    interval: "1d",
    openTime,
    open: 10,
    high: Math.max(10, close),
    low: Math.min(10, close),
    close,
    volume: 5,
    closed,
  });

/** A page of history with bars at `times`. */
export const page = (symbol: string, times: number[]) => ({
  symbol,
  interval: "1d",
  columns: ["openTime", "open", "high", "low", "close", "volume"],
  rows: times.map((time) => [time, 1, 2, 0.5, 1.5, 7]),
  nextCursor: null,
  total: times.length,
});

const clients: LiveClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** A client with everything around it in a test's hands; closed after the test. */
export function setUp(options: Partial<LiveClientOptions> = {}, source: ModuleSource = compileInline) {
  const clock = new VirtualClock();
  const network = new FakeNetwork();
  const gateway = new FakeGateway();
  const reports: unknown[] = [];
  const client: LiveClient = createClient(
    {
      url: "http://gateway.test/base",
      clock,
      network,
      transport: gateway.open,
      onReport: (report) => reports.push(report),
      fetch: () => Promise.reject(new Error("no history in this test")),
      ...options,
    },
    source,
  );
  clients.push(client);
  return { clock, network, gateway, client, reports };
}

/** A client that is connected over one line, and holds `price:AAPL`. */
export async function connected(options: Partial<LiveClientOptions> = {}) {
  const setup = setUp(options);
  const channel = setup.client.channel("price:AAPL");
  const release = channel.subscribe(() => {});
  await until(() => setup.gateway.lines.length > 0, "a line");
  setup.gateway.line.greet();
  setup.gateway.line.ackAll();
  setup.clock.draw();
  return { ...setup, channel, release };
}

/** Waits until something is so, looking once a turn; gives up after ten seconds. */
export async function until(condition: () => boolean, what = "the condition"): Promise<void> {
  const end = performance.now() + 10_000;
  while (performance.now() < end) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`${what} did not come true`);
}

/** Lets all that is due in this turn and the next few happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
