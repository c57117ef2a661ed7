import { ask, failureText, readAnswer } from "./answer.js";
import { Credentials } from "./auth.js";
import { DEFAULT_RETRY, type RetryBounds } from "./backoff.js";
import { type CoreCounters, Flag, LINK, NO_COUNTERS } from "./binding.js";
import { type Clock, systemClock } from "./clock.js";
import { Connection, type ConnectionOwner } from "./connection.js";
import { bindingError, type ChannelCounts, type Core, isTrap } from "./core.js";
import { CoreLoader } from "./core-loader.js";
import { type Entry, type Hold, STALENESS_PENDING, type Tap } from "./entry.js";
import { FlushSchedule } from "./flush.js";
import { History } from "./history.js";
import { Hydration } from "./hydrate.js";
import { LINK_IDLE, worstLink } from "./link.js";
import { browserNetwork, type NetworkStatus } from "./network.js";
import { handleNotice } from "./notices.js";
import { tell, Value } from "./readable.js";
import { Registry } from "./registry.js";
import { warnOnce } from "./report.js";
import { ageOf, snapOf, stalenessOf } from "./snaps.js";
import { Subscriptions } from "./subscriptions.js";
import { Symbols } from "./symbols.js";
import { defaultTransport } from "./transport/default.js";
import type { Framing, TransportFactory, WantedChannel } from "./transport/transport.js";
import type {
  LinkState,
  LiveClientOptions,
  LiveError,
  LiveReport,
  Snap,
  Staleness,
  Transport,
} from "./types.js";
import type { ModuleSource } from "./wasm.js";

/** How often changes become visible where no frames are drawn, and where the page wants it slow. */
const HIDDEN_FLUSH_MS = 250;
const SLOW_FLUSH_MS = 1_000;
/** How long a hidden page keeps its lines that wants to let go of them. */
const SUSPEND_AFTER_MS = 30_000;
/** What every cursor begins with. */
const CURSOR_VERSION = "1.";

/**
 * What runs inside a client: the core, the lines, and the flush that carries what changed to those who
 * watch. Everything happens in turns of the event loop: bytes in, decisions in the core, one flush a frame.
 */
export class Engine implements ConnectionOwner {
  readonly clock: Clock;
  readonly retry: RetryBounds;
  readonly network: NetworkStatus;
  readonly frames: "binary" | "text";
  readonly open: TransportFactory;
  readonly fetch: typeof globalThis.fetch;
  /** The same without a token. */
  readonly fetchAsNobody: typeof globalThis.fetch;
  /** For what is downloaded later, which would have the same functions once more. */
  readonly ask = ask;
  readonly readAnswer = readAnswer;
  readonly registry: Registry;
  readonly history: History;
  readonly symbols: Symbols;
  readonly subscriptions = new Subscriptions(
    () => this.nextId(),
    (name) => this.#since(name),
  );
  readonly credentials: Credentials;
  readonly hydration: Hydration;
  readonly link = new Value<LinkState>(LINK_IDLE);
  readonly report: (report: LiveReport) => void;
  readonly preferTransport: Transport | undefined;

  readonly #url: string | URL;
  readonly #schedule: FlushSchedule;
  readonly #loader: CoreLoader;
  readonly #connections = new Map<Transport, Connection>();
  readonly #byId = new Map<number, Entry>();
  readonly #touched = new Set<Entry>();
  #core: Core | null = null;
  #counters = NO_COUNTERS;
  #commandId = 0;
  #flushedAt = 0;
  #cancelFreshness: (() => void) | null = null;
  #stopNetwork: (() => void) | null = null;
  #cancelSync: (() => void) | null = null;
  #cancelSuspend: (() => void) | null = null;
  /** True while a hidden page is to hold nothing. */
  #isSuspended = false;
  readonly #stale: NonNullable<LiveClientOptions["stale"]>;
  readonly #hidden: NonNullable<LiveClientOptions["hidden"]>;
  #isStarted = false;
  #isSyncDue = false;
  #isClosed = false;
  readonly counts = { flushes: 0, connects: 0, restarts: 0 };

  constructor(options: LiveClientOptions, source: ModuleSource) {
    this.clock = options.clock ?? systemClock();
    this.retry = { ...DEFAULT_RETRY, ...options.retry };
    this.frames = options.frames === "text" ? "text" : "binary";
    this.open = options.transport ?? defaultTransport;
    this.credentials = new Credentials(options.auth, this.clock);
    const fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init));
    // A page's own `fetch` works only as nobody's.
    this.fetchAsNobody = (input, init) => fetch(input, init);
    this.fetch = (input, init) => {
      if (!this.credentials.isUsed) return this.fetchAsNobody(input, init);
      return this.credentials.any().then((token) => {
        const headers = { authorization: `Bearer ${token}`, ...init?.headers };
        return this.fetchAsNobody(input, { ...init, headers });
      });
    };
    this.hydration = new Hydration(options.initial);
    this.#stale = options.stale ?? {};
    this.#hidden = options.hidden ?? "keep";
    this.preferTransport = options.preferTransport;
    const report = options.onReport ?? warnOnce();
    this.report = (what) => tell(() => report(what));
    this.#url = options.url;
    this.network = options.network ?? browserNetwork();
    const hiddenMs = this.#hidden === "keep" ? HIDDEN_FLUSH_MS : SLOW_FLUSH_MS;
    const mode = options.flush ?? "frame";
    this.#schedule = new FlushSchedule(this.clock, this.network, mode, hiddenMs, () => this.flush());
    this.#loader = new CoreLoader(source, this, {
      loaded: (core) => this.#loaded(core),
      changed: () => this.changed(),
    });
    this.history = new History(this);
    this.symbols = new Symbols(this);
    this.registry = new Registry(this.clock, (name) => this.hydration.snap(name), {
      added: (entry) => this.#added(entry),
      removed: (entry) => this.#removed(entry),
      changed: (entry) => {
        this.history.wantedChanged(entry);
        this.syncSoon();
      },
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  // What the lines need.

  base(): URL {
    const here = typeof location === "undefined" ? undefined : location.href;
    const url = new URL(this.#url, here);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    url.search = "";
    url.hash = "";
    return url;
  }

  nextId(): number {
    this.#commandId += 1;
    return this.#commandId;
  }

  wanted(kind: Transport): readonly WantedChannel[] {
    return this.#isSuspended ? [] : this.registry.wanted(kind);
  }

  cursor(kind: Transport, isNext = false): string {
    // Between two polls the gateway says where they stand, for it may have held something back.
    if (isNext) return this.read((core) => core.binding.pollCursor(LINK[kind])) ?? "";
    const items: string[] = [];
    const sessionId = this.#connections.get(kind)?.state.sessionId;
    if (kind === "polling" && sessionId) items.push(`~${sessionId}`);
    for (const { name } of this.wanted(kind)) {
      const since = this.#since(name);
      if (since !== undefined) items.push(`${name}@${since}`);
    }
    return items.length > 0 ? `${CURSOR_VERSION}${items.join(",")}` : "";
  }

  refresh(sessionId: string, token: string): void {
    const path = `api/live/session/${encodeURIComponent(sessionId)}/auth`;
    const headers = { authorization: `Bearer ${token}` };
    // A refusal needs no answer here: the gateway ends the line in time, and the next one brings a new token.
    this.fetch(new URL(path, this.base()), { method: "POST", headers }).catch((error: unknown) =>
      this.report({
        kind: "refused",
        code: "NETWORK",
        message: `the new token was not taken: ${failureText(error)}`,
      }),
    );
  }

  retryHintMs(kind: Transport): number {
    return this.read((core) => core.binding.sseRetryMs(LINK[kind])) ?? -1;
  }

  opened(connection: Connection): void {
    this.counts.connects += 1;
    // This also empties the parser of the link's stream.
    this.read((core) => core.binding.linkUp(this.clock.now(), LINK[connection.kind]));
    if (connection.kind !== "websocket") return;
    this.subscriptions.reset();
    const { token } = connection;
    if (token !== null) connection.send({ id: this.nextId(), cmd: "auth", token });
    this.#subscribe(connection);
  }

  chunk(connection: Connection, bytes: Uint8Array, framing: Framing, nowMs: number): void {
    const link = LINK[connection.kind];
    let flags = this.#take(connection, (core) => core.ingest(bytes, framing, nowMs, link));
    // More than is held between two flushes: shown at once, so that nothing of it is lost.
    while (flags & Flag.full) {
      this.flush();
      flags = this.#take(connection, (core) => core.more(framing, nowMs, link));
    }
  }

  lost(connection: Connection): void {
    for (const entry of this.registry.all()) {
      if (entry.transport !== connection.kind) continue;
      entry.isAcked = false;
      this.history.interrupt(entry);
      // Another gateway, or the same one started again, may know the channel. A bad name stays bad.
      if (connection.phase !== "refused" && entry.id >= 0) entry.isRefused = false;
    }
    this.read((core) => core.binding.linkDown(LINK[connection.kind]));
  }

  changed(): void {
    if (!this.#isClosed) this.flush();
  }

  // What the channels need.

  /** Holds a channel; the first hold of all starts the client. */
  hold(name: string, transport: Transport, hold: Hold): { entry: Entry; release: () => void } | null {
    if (this.#isClosed) return null;
    this.#start();
    return this.registry.hold(name, transport, hold);
  }

  /** The channel's value as of the last flush. */
  snap(name: string, limit: number): Snap<unknown> {
    const entry = this.registry.get(name);
    return entry ? snapOf(this, entry, limit) : this.hydration.snap(name);
  }

  /** How far the channel's value can be trusted, as of the last flush. */
  staleness(name: string): Staleness {
    const entry = this.registry.get(name);
    return entry ? stalenessOf(this, entry, this.#flushedAt) : STALENESS_PENDING;
  }

  /** Age of the channel's value at this moment, in milliseconds; null before the first value. */
  ageMs(name: string): number | null {
    const entry = this.registry.get(name);
    return entry ? ageOf(this, entry, this.clock.now()) : null;
  }

  /**
   * Tells every envelope of a held channel before merging: from now on, but the first who listens to one of which
   * each counts hears it from its beginning. Returns what ends it.
   */
  tap(entry: Entry, call: Tap["call"]): () => void {
    const tap: Tap = { call };
    entry.taps.add(tap);
    if (entry.taps.size === 1) {
      this.#tapInCore(entry);
      if (entry.id >= 0 && this.read((core) => core.binding.startOver(entry.id))) this.renew(entry);
    }
    return () => {
      if (entry.taps.delete(tap) && entry.taps.size === 0) this.#tapInCore(entry);
    };
  }

  /** What was counted of a channel; null when there is no core to ask. */
  channelCounts(entry: Entry): ChannelCounts | null {
    return entry.id < 0 ? null : (this.read((core) => core.counts(entry.id)) ?? null);
  }

  // What the notices need.

  /** Marks what can be seen of a channel as changed; the next flush tells. */
  touch(entry: Entry): void {
    if (this.#isClosed) return;
    this.#touched.add(entry);
    this.#schedule.request();
  }

  /** Brings the subscriptions in step at the end of this turn, however often it is asked for. */
  syncSoon(): void {
    if (this.#isSyncDue || this.#isClosed) return;
    this.#isSyncDue = true;
    queueMicrotask(() => {
      this.#isSyncDue = false;
      if (!this.#isClosed) this.#sync();
    });
  }

  /** {@link Engine.syncSoon}, but not before that time has passed. */
  syncLater(delayMs: number): void {
    this.#cancelSync?.();
    this.#cancelSync = this.clock.after(delayMs, () => this.syncSoon());
  }

  /** Takes a channel anew: what arrived of it is not all there is. */
  renew(entry: Entry): void {
    if (entry.transport === "websocket") this.subscriptions.renew(entry.name);
    else this.#connections.get(entry.transport)?.renew();
    this.syncSoon();
  }

  /** Takes a page of history in. */
  page(entry: Entry, bytes: Uint8Array): void {
    if (entry.id < 0) return;
    try {
      this.read((core) => core.historyPage(entry.id, bytes));
    } catch (error) {
      throw new Error(bindingError(error).message);
    }
  }

  // What the client needs.

  /** Makes what arrived visible, and tells those who watch: values first, the link after them. */
  flush(): void {
    this.#schedule.cancel();
    const now = this.clock.now();
    this.#flushedAt = now;
    this.counts.flushes += 1;
    this.read((core) => {
      if (core.binding.flush(now) === 0) return;
      for (const id of core.binding.changed()) {
        const entry = this.#byId.get(id);
        if (entry) this.#touched.add(entry);
      }
    });
    this.#armFreshness();
    const changed = [...this.#touched];
    this.#touched.clear();
    for (const entry of changed) entry.version += 1;
    for (const entry of changed) this.#tellTaps(entry);
    for (const entry of changed) entry.listeners.notify();
    this.link.set(this.#linkState());
  }

  /** What the core has counted, also after the end. */
  coreCounters(): CoreCounters {
    return this.read((core) => core.counters()) ?? this.#counters;
  }

  /** Ends the lines and frees the core. The last values stay readable. */
  close(): void {
    if (this.#isClosed) return;
    const connections = [...this.#connections.values()];
    this.#loader.stop();
    this.#stopNetwork?.();
    this.#cancelSync?.();
    this.#cancelSuspend?.();
    this.credentials.stop();
    this.symbols.stop();
    this.registry.freeze();
    for (const entry of this.registry.all()) {
      this.history.forget(entry);
      // Read once more, so that what is shown from now on does not depend on the core.
      for (const limit of entry.limits()) this.snap(entry.name, limit);
      this.ageMs(entry.name);
    }
    this.#counters = this.coreCounters();
    this.#isClosed = true;
    for (const connection of connections) connection.close();
    this.#free();
    for (const entry of this.registry.all()) this.#touched.add(entry);
    this.flush();
    this.#schedule.cancel();
  }

  /** Runs something on the core. Undefined when there is none, or when this very call brought it down. */
  read<T>(run: (core: Core) => T): T | undefined {
    const core = this.#core;
    if (!core) return undefined;
    try {
      return run(core);
    } catch (error) {
      if (!isTrap(error)) throw error;
      if (this.#core === core) this.#restart(error);
      return undefined;
    }
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#stopNetwork = this.network.subscribe((event) => {
      if (event === "hidden" || event === "visible") {
        this.#schedule.moved();
        if (this.#hidden === "suspend") this.#suspend(event === "hidden");
      } else for (const connection of this.#connections.values()) connection.network(event);
    });
    this.#loader.load();
  }

  /** A page that nobody sees lets go of its lines after a while, and takes them again where they stood. */
  #suspend(isHidden: boolean): void {
    this.#cancelSuspend?.();
    const set = (isSuspended: boolean) => {
      this.#isSuspended = isSuspended;
      this.syncSoon();
    };
    this.#cancelSuspend = null;
    if (isHidden) this.#cancelSuspend = this.clock.after(SUSPEND_AFTER_MS, () => set(true));
    else set(false);
  }

  /** Takes bytes in, and acts on what the core noticed in them. Returns the flags; 0 when there is no core. */
  #take(connection: Connection, run: (core: Core) => number): number {
    const taken = this.read((core) => {
      const flags = run(core);
      return { flags, notices: core.notices(flags) };
    });
    if (!taken) return 0;
    const { flags, notices } = taken;
    if (flags & (Flag.dirty | Flag.urgent)) this.#schedule.request();
    for (const notice of notices) handleNotice(this, connection, notice);
    if (flags & Flag.refused) {
      this.report({ kind: "refused", code: "PAYLOAD_TOO_LARGE", message: "a frame was too large" });
    }
    if (flags & Flag.unreadable) {
      connection.fail({ code: "BAD_ENVELOPE", message: "the answer is no page of envelopes" });
    }
    if (flags & Flag.urgent) this.flush();
    return flags;
  }

  #tellTaps(entry: Entry): void {
    if (entry.taps.size === 0 || entry.id < 0) return;
    for (const envelope of this.read((core) => core.events(entry.id)) ?? []) {
      for (const { call } of [...entry.taps]) tell(() => call(envelope));
    }
  }

  #tapInCore(entry: Entry): void {
    if (entry.id >= 0) this.read((core) => core.binding.tap(entry.id, entry.taps.size > 0));
  }

  #since(name: string): string | undefined {
    const id = this.registry.get(name)?.id ?? -1;
    return id < 0 ? undefined : this.read((core) => core.binding.since(id));
  }

  #added(entry: Entry): void {
    this.#openInCore(entry);
    // A line may carry it from before: nothing of that is held any more, and what it would bring is the rest.
    if (entry.id >= 0) this.#connections.get(entry.transport)?.renew();
    this.syncSoon();
  }

  #removed(entry: Entry): void {
    entry.askNow();
    this.history.forget(entry);
    this.#touched.delete(entry);
    const { id } = entry;
    if (id >= 0) {
      // The core may give the number to another channel.
      entry.id = -1;
      this.#byId.delete(id);
      this.read((core) => core.binding.forget(id));
    }
    this.syncSoon();
  }

  #openInCore(entry: Entry): void {
    this.read((core) => {
      try {
        entry.id = core.binding.open(entry.name, LINK[entry.transport]);
        this.#byId.set(entry.id, entry);
        const { staleMs } = this.#stale[entry.name] ?? this.#stale[namespaceOf(entry.name)] ?? {};
        if (staleMs !== undefined) core.binding.tighten(entry.id, staleMs);
        if (entry.taps.size > 0) core.binding.tap(entry.id, true);
      } catch (error) {
        if (isTrap(error)) throw error;
        entry.refuse(bindingError(error, entry.name));
        this.touch(entry);
      }
    });
  }

  #loaded(core: Core): void {
    this.#core = core;
    for (const entry of this.registry.all()) this.#openInCore(entry);
    // After a restart every line starts again, since the new core knows nothing of what they carried.
    const error = restartError();
    if (this.counts.restarts > 0) for (const connection of this.#connections.values()) connection.fail(error);
    this.#sync();
    this.changed();
  }

  /** The module trapped: its memory is not to be trusted any more, so another instance takes its place. */
  #restart(cause: unknown): void {
    this.counts.restarts += 1;
    this.#counters = NO_COUNTERS;
    this.#core = null;
    this.#byId.clear();
    for (const entry of this.registry.all()) {
      entry.id = -1;
      entry.isAcked = false;
      entry.isOrphan = true;
      this.history.forget(entry);
      this.#touched.add(entry);
    }
    const reason = failureText(cause);
    this.report({ kind: "restarted", ...restartError(), reason });
    this.#loader.load();
  }

  #sync(): void {
    for (const entry of this.registry.all()) {
      if (this.#connections.has(entry.transport)) continue;
      this.#connections.set(entry.transport, new Connection(entry.transport, this));
    }
    for (const connection of this.#connections.values()) {
      connection.wantedChanged();
      if (connection.kind === "websocket" && connection.isOpen) this.#subscribe(connection);
    }
  }

  #subscribe(connection: Connection): void {
    this.subscriptions.sync(this.wanted("websocket"), (command) => connection.send(command));
  }

  #armFreshness(): void {
    this.#cancelFreshness?.();
    this.#cancelFreshness = null;
    const at = this.read((core) => core.binding.nextChangeMs()) ?? Number.POSITIVE_INFINITY;
    if (!Number.isFinite(at)) return;
    this.#cancelFreshness = this.clock.after(Math.max(0, at - this.clock.now()), () => this.flush());
  }

  #linkState(): LinkState {
    const states = [...this.#connections.values()].map(({ state }) => state);
    return worstLink(states, this.#loader.state, this.#isClosed, this.link.get(), this.clock.wallNow());
  }

  #free(): void {
    this.#cancelFreshness?.();
    this.#cancelFreshness = null;
    const core = this.#core;
    this.#core = null;
    try {
      core?.binding.free();
    } catch (error) {
      if (!isTrap(error)) throw error;
    }
  }
}

function namespaceOf(name: string): string {
  return name.slice(0, name.indexOf(":"));
}

function restartError(): LiveError {
  return { code: "CORE_RESTARTED", message: "the WebAssembly module trapped and was started again" };
}
