import type { Engine } from "./engine.js";
import { type Hold, STALENESS_PENDING } from "./entry.js";
import type { Envelope } from "./envelope.js";
import { select } from "./readable.js";
import type {
  CandleOptions,
  CandleSeries,
  Channel,
  ChannelOptions,
  Readable,
  Snap,
  Staleness,
  Transport,
} from "./types.js";

/** How long a subscription outlives its last holder. */
const DEFAULT_LINGER_MS = 1_000;
/** Bars of history unless asked for otherwise, and the most that one page can carry. */
const DEFAULT_HISTORY = 500;
const MAX_HISTORY = 5_000;
/** The shortest time between two looks at an age. */
const MIN_AGE_EVERY_MS = 16;

/** A way to a channel. It holds nothing itself, so that it can be made in a render and thrown away. */
interface Way {
  engine: Engine;
  name: string;
  transport: Transport;
  hold: Omit<Hold, "historyLimit">;
  historyLimit: number;
}

function way(engine: Engine, name: string, options: ChannelOptions, historyLimit: number): Way {
  return {
    engine,
    name,
    transport: options.transport ?? engine.preferTransport ?? defaultTransportOf(name),
    hold: { maxHz: options.maxHz, lingerMs: options.lingerMs ?? DEFAULT_LINGER_MS },
    historyLimit,
  };
}

/** The transport that suits a namespace, where nobody names another. */
export function defaultTransportOf(name: string): Transport {
  if (name.startsWith("job:")) return "polling";
  return name.startsWith("copilot:") ? "sse" : "websocket";
}

/** Holds the channel; one that `follows` has its rate and its transport as others want them. */
function hold({ engine, name, transport, hold, historyLimit }: Way, follows = false) {
  // A hold of its own each time: the set that counts them goes by identity.
  return engine.hold(name, transport, {
    ...hold,
    maxHz: hold.maxHz ?? (follows ? undefined : null),
    historyLimit,
  });
}

/** Holds the channel and watches it. */
function watch(to: Way, callback: () => void, follows = false): () => void {
  const held = hold(to, follows);
  if (!held) return () => {};
  const unwatch = held.entry.listeners.add(callback);
  return () => {
    unwatch();
    held.release();
  };
}

function snaps<T>(to: Way): Readable<Snap<T>> {
  return {
    get: () => to.engine.snap(to.name, to.historyLimit) as Snap<T>,
    getServer: () => to.engine.hydration.snap(to.name) as Snap<T>,
    subscribe: (callback) => watch(to, callback),
  };
}

/** Holds the channel and hands over every envelope of it, but for what confirms a card, which stays inside the client. */
function tap<T>(to: Way, callback: (envelope: Envelope<T>) => void): () => void {
  const held = hold(to);
  if (!held) return () => {};
  const untap = to.engine.tap(held.entry, (envelope) => callback(withoutToken(envelope) as Envelope<T>));
  return () => {
    untap();
    held.release();
  };
}

function withoutToken(envelope: Envelope<unknown>): Envelope<unknown> {
  if (envelope.event !== "copilot.confirm") return envelope;
  const { confirmationToken: _, ...data } = envelope.data as { confirmationToken?: string };
  return { ...envelope, data };
}

/** Makes a channel of the client. */
export function channelOf<T>(engine: Engine, name: string, options: ChannelOptions): Channel<T> {
  const to = way(engine, name, options, 0);
  const readable = snaps<T>(to);
  return {
    ...readable,
    select: (pick, equal) => select(readable, pick, equal),
    retain: () => watch(to, () => {}),
    onEvent: (callback) => tap(to, callback),
    staleness: stalenessOf(to),
    age: (everyMs = 1_000) => ageOf(to, everyMs),
  };
}

/** Makes the bars of a symbol: the channel, with history under it. */
export function candlesOf(
  engine: Engine,
  symbol: string,
  interval: string,
  options: CandleOptions,
): Readable<Snap<CandleSeries>> {
  const limit = Math.min(MAX_HISTORY, Math.max(1, Math.trunc(options.limit ?? DEFAULT_HISTORY)));
  return snaps(way(engine, `candles:${symbol}.${interval}`, options, limit));
}

function stalenessOf(to: Way): Readable<Staleness> {
  return {
    get: () => to.engine.staleness(to.name),
    getServer: () => STALENESS_PENDING,
    subscribe: (callback) => watch(to, callback, true),
  };
}

/** The age, looked at once in a while rather than at each read, so that a read within a turn is stable. */
function ageOf(to: Way, everyMs: number): Readable<number | null> {
  const { engine } = to;
  const callbacks = new Set<{ call: () => void }>();
  const stepMs = Math.max(MIN_AGE_EVERY_MS, everyMs);
  let age: number | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let stop: (() => void) | null = null;

  const renew = (): boolean => {
    const last = age;
    age = engine.ageMs(to.name);
    lookedAt = engine.clock.now();
    return !Object.is(age, last);
  };
  const look = () => {
    if (!renew()) return;
    for (const { call } of [...callbacks]) call();
  };
  const start = (): (() => void) => {
    let { freshness } = engine.staleness(to.name);
    // Between two looks only a verdict that changed is worth one: an old age beside "fresh" would be a lie.
    const release = watch(
      to,
      () => {
        const last = freshness;
        freshness = engine.staleness(to.name).freshness;
        if (age === null || freshness !== last) look();
      },
      true,
    );
    let cancel = () => {};
    const tick = () => {
      look();
      if (!engine.isClosed) cancel = engine.clock.after(stepMs, tick);
    };
    tick();
    return () => {
      cancel();
      release();
    };
  };
  return {
    get() {
      // Without a timer the reader's own looks renew it, as seldom.
      const isTimed = stop !== null && !engine.isClosed;
      if (!isTimed && (age === null || engine.clock.now() - lookedAt >= stepMs)) renew();
      return age;
    },
    getServer: () => null,
    subscribe(callback) {
      const entry = { call: callback };
      callbacks.add(entry);
      stop ??= start();
      return () => {
        callbacks.delete(entry);
        if (callbacks.size > 0) return;
        stop?.();
        stop = null;
      };
    },
  };
}
