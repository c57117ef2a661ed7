import { failureText, type Refusal, refusal } from "./answer.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { Clock } from "./clock.js";
import type { Entry } from "./entry.js";
import { candleNames } from "./series.js";

/** How long the gateway may take for a page. */
const PAGE_WITHIN_MS = 15_000;

/** What the loader needs of its owner. */
export interface HistoryOwner {
  readonly clock: Clock;
  readonly retry: RetryBounds;
  readonly fetch: typeof globalThis.fetch;
  base(): URL;
  /** Takes a page in. Throws when it is malformed. */
  page(entry: Entry, bytes: Uint8Array): void;
  /** What can be seen of the channel changed. */
  touched(entry: Entry): void;
}

interface Load {
  limit: number;
  abort: AbortController;
  cancelRetry: (() => void) | null;
  isDone: boolean;
}

/**
 * Puts history under live bars. A page is asked for only once the gateway has confirmed the subscription,
 * so that no bar can fall between the two.
 */
export class History {
  readonly #owner: HistoryOwner;
  readonly #loads = new Map<Entry, Load>();
  /** Pages asked for since the client was made. */
  requests = 0;

  constructor(owner: HistoryOwner) {
    this.#owner = owner;
  }

  /** The gateway confirmed the subscription. Nothing is loaded again when it could resume. */
  acked(entry: Entry, resumed: boolean): void {
    const load = this.#loads.get(entry);
    if (resumed && load && load.limit >= entry.historyLimit()) return;
    this.#start(entry);
  }

  /** The channel starts over, so that what was held is gone. */
  restarted(entry: Entry): void {
    if (entry.isAcked) this.#start(entry);
  }

  /** The holders may ask for more than was loaded. */
  wantedChanged(entry: Entry): void {
    if (entry.isAcked && entry.historyLimit() > (this.#loads.get(entry)?.limit ?? 0)) this.#start(entry);
  }

  /** The line is gone, or the channel is: what is under way is of no use. What was loaded stays counted. */
  interrupt(entry: Entry): void {
    const load = this.#loads.get(entry);
    if (!load || load.isDone) return;
    this.forget(entry);
  }

  /** The channel is not held any more. */
  forget(entry: Entry): void {
    const load = this.#loads.get(entry);
    load?.abort.abort();
    load?.cancelRetry?.();
    this.#loads.delete(entry);
  }

  #start(entry: Entry): void {
    this.forget(entry);
    const limit = entry.historyLimit();
    if (limit === 0) return;
    const load: Load = { limit, abort: new AbortController(), cancelRetry: null, isDone: false };
    this.#loads.set(entry, load);
    void this.#attempt(entry, load, 1);
  }

  async #attempt(entry: Entry, load: Load, attempt: number): Promise<void> {
    const failure = await this.#load(entry, load);
    if (load.abort.signal.aborted) return;
    load.isDone = failure === null;
    entry.historyError = failure?.error ?? null;
    this.#owner.touched(entry);
    if (!failure?.isTransient) return;
    const { clock, retry } = this.#owner;
    load.cancelRetry = clock.after(backoffMs(attempt, clock.random(), retry), () => {
      void this.#attempt(entry, load, attempt + 1);
    });
  }

  /** Fetches a page and hands it over. Returns what went wrong, and whether another attempt may help. */
  async #load(entry: Entry, load: Load): Promise<Refusal | null> {
    this.requests += 1;
    const timeout = new AbortController();
    const cancel = this.#owner.clock.after(PAGE_WITHIN_MS, () => timeout.abort());
    load.abort.signal.addEventListener("abort", () => timeout.abort(), { once: true });
    try {
      const response = await this.#owner.fetch(this.#url(entry, load.limit), { signal: timeout.signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      if (load.abort.signal.aborted) return null;
      if (!response.ok) return refusal(response.status, bytes, entry.name);
      this.#owner.page(entry, bytes);
      return null;
    } catch (error) {
      const isLate = timeout.signal.aborted;
      const message = isLate ? "the history did not come in time" : failureText(error);
      return { error: { code: "NETWORK", message, channel: entry.name }, isTransient: true };
    } finally {
      cancel();
    }
  }

  #url(entry: Entry, limit: number): URL {
    const url = new URL("api/market/candles", this.#owner.base());
    const { symbol, interval } = candleNames(entry.name);
    url.searchParams.set("symbol", symbol);
    url.searchParams.set("interval", interval);
    url.searchParams.set("limit", String(limit));
    return url;
  }
}
