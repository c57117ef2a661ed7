import { type Asker, ask } from "./answer.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { Entry } from "./entry.js";
import { candleNames } from "./series.js";

/** What the loader needs of its owner. */
export interface HistoryOwner extends Asker {
  readonly retry: RetryBounds;
  /** Takes a page in. Throws when it is malformed. */
  page(entry: Entry, bytes: Uint8Array): void;
  /** What can be seen of the channel changed. */
  touch(entry: Entry): void;
}

interface Load {
  limit: number;
  abort: AbortController | null;
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
    this.#loads.delete(entry);
    load?.abort?.abort();
    load?.cancelRetry?.();
  }

  #start(entry: Entry): void {
    this.forget(entry);
    const limit = entry.historyLimit();
    if (limit === 0) return;
    const load: Load = { limit, abort: null, cancelRetry: null, isDone: false };
    this.#loads.set(entry, load);
    void this.#attempt(entry, load, 1);
  }

  async #attempt(entry: Entry, load: Load, attempt: number): Promise<void> {
    this.requests += 1;
    // An attempt that comes too late is aborted by itself; the load goes on to the next.
    const abort = new AbortController();
    load.abort = abort;
    const answer = await ask(this.#owner, pagePath(entry, load.limit), abort, (bytes) => {
      if (this.#loads.get(entry) === load) this.#owner.page(entry, bytes);
    });
    if (this.#loads.get(entry) !== load) return;
    const failure = "error" in answer ? answer : null;
    load.isDone = failure === null;
    entry.historyError = failure && { ...failure.error, channel: entry.name };
    this.#owner.touch(entry);
    if (!failure?.isTransient) return;
    const { clock, retry } = this.#owner;
    load.cancelRetry = clock.after(backoffMs(attempt, clock.random(), retry), () => {
      void this.#attempt(entry, load, attempt + 1);
    });
  }
}

function pagePath(entry: Entry, limit: number): string {
  const query = new URLSearchParams({ ...candleNames(entry.name), limit: String(limit) });
  return `api/market/candles?${query}`;
}
