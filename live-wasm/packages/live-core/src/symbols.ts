import { type Asker, ask, type Refusal, readAnswer } from "./answer.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { NetworkStatus } from "./network.js";
import { Value } from "./readable.js";
import type { LinkState, Readable, SymbolList, SymbolsState } from "./types.js";

/** How old the list becomes before it is asked for again. */
const REFRESH_MS = 30_000;

/** What the list of symbols needs of its owner. */
export interface SymbolsOwner extends Asker {
  readonly retry: RetryBounds;
  readonly link: Readable<LinkState>;
  readonly network: NetworkStatus;
}

/**
 * The symbols that the gateway serves: fetched while somebody watches, again and again since symbols may join, and
 * after an outage. A page that nobody sees does not ask; it asks when it is looked at, if its list is old by then.
 */
export class Symbols implements Readable<SymbolsState> {
  readonly #owner: SymbolsOwner;
  readonly #state = new Value<SymbolsState>({ status: "pending", value: undefined, error: null });
  #watchers = 0;
  #isStopped = false;
  /** Ends what is under way: the question that was asked, or the wait for the next. */
  #cancel = (): void => {};
  #unwatch = (): void => {};
  /** When the list came, by the clock that only goes on; long ago after a failure. */
  #tookAt = -Infinity;

  constructor(owner: SymbolsOwner) {
    this.#owner = owner;
  }

  readonly get = (): SymbolsState => this.#state.get();
  readonly getServer = (): SymbolsState => this.#state.getServer();

  readonly subscribe = (callback: () => void): (() => void) => {
    const release = this.#state.subscribe(callback);
    this.#watchers += 1;
    if (this.#watchers === 1) this.#begin();
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      release();
      this.#watchers -= 1;
      if (this.#watchers === 0) this.#pause();
    };
  };

  /** Asks no more. The last list stays readable. */
  stop(): void {
    this.#isStopped = true;
    this.#pause();
  }

  #begin(): void {
    if (this.#isStopped) return;
    let wasLost = false;
    const { link, network } = this.#owner;
    const releases = [
      link.subscribe(() => {
        const { status } = link.get();
        if (status === "disconnected") wasLost = true;
        if (status !== "connected" || !wasLost) return;
        wasLost = false;
        void this.#ask(1);
      }),
      network.subscribe((event) => {
        if (event === "visible") this.#askWhenOld();
      }),
    ];
    this.#unwatch = () => {
      for (const release of releases) release();
    };
    this.#askWhenOld();
  }

  /** Asks as soon as the list is old; in a page that is hidden, when it is seen again. */
  #askWhenOld(): void {
    const { clock, network } = this.#owner;
    const leftMs = this.#tookAt + REFRESH_MS - clock.now();
    if (leftMs > 0) this.#next(clock.after(leftMs, () => this.#askWhenOld()));
    else if (this.get().status !== "ready" || !network.hidden()) void this.#ask(1);
  }

  #pause(): void {
    this.#unwatch();
    this.#next(() => {});
  }

  #next(cancel: () => void): void {
    this.#cancel();
    this.#cancel = cancel;
  }

  async #ask(attempt: number): Promise<void> {
    const abort = new AbortController();
    const cancel = () => abort.abort();
    this.#next(cancel);
    const answer = await ask(this.#owner, "api/market/symbols", abort, readList);
    if (this.#cancel !== cancel) return;
    if ("value" in answer) this.#took(answer.value);
    else this.#failed(answer, attempt);
  }

  #took(list: SymbolList): void {
    const { status, value } = this.#state.get();
    this.#tookAt = this.#owner.clock.now();
    this.#askWhenOld();
    const isSame = JSON.stringify(value) === JSON.stringify(list);
    if (status !== "ready" || !isSame) {
      this.#state.set({ status: "ready", value: isSame ? value : list, error: null });
    }
  }

  /** Also an answer that says "no" is asked about again, rarely: a gateway may be set up meanwhile. */
  #failed({ error, isTransient }: Refusal, attempt: number): void {
    const { clock, retry } = this.#owner;
    const last = this.#state.get();
    this.#tookAt = -Infinity;
    const delayMs = isTransient ? backoffMs(attempt, clock.random(), retry) : retry.maxMs;
    this.#next(clock.after(delayMs, () => void this.#ask(attempt + 1)));
    if (last.error?.code !== error.code || last.error.message !== error.message) {
      this.#state.set({ status: "error", value: last.value, error });
    }
  }
}

/**
 * Reads the envelope `market.symbols`.
 *
 * @throws when it is not one.
 */
export function readList(bytes: Uint8Array): SymbolList {
  const { source, symbols } = readAnswer<SymbolList>(
    bytes,
    "market.symbols",
    "list of symbols",
    ({ source, symbols }) =>
      typeof source === "string" &&
      Array.isArray(symbols) &&
      symbols.every((item) => typeof item?.symbol === "string"),
  ).data;
  return { source, symbols };
}
