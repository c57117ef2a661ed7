import { failureText, type Refusal, refusal } from "./answer.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { Clock } from "./clock.js";
import { Value } from "./readable.js";
import type { LinkState, LiveError, Readable, SymbolInfo, SymbolList, SymbolsState } from "./types.js";

/** How long the gateway may take for the list. */
const LIST_WITHIN_MS = 15_000;

/** What the list of symbols needs of its owner. */
export interface SymbolsOwner {
  readonly clock: Clock;
  readonly retry: RetryBounds;
  readonly fetch: typeof globalThis.fetch;
  readonly link: Readable<LinkState>;
  base(): URL;
}

/** The symbols that the gateway serves: fetched while somebody watches, and again after an outage. */
export class Symbols implements Readable<SymbolsState> {
  readonly #owner: SymbolsOwner;
  readonly #state = new Value<SymbolsState>({ status: "pending", value: undefined, error: null });
  #watchers = 0;
  #isStopped = false;
  #abort: AbortController | null = null;
  #cancelRetry: (() => void) | null = null;
  #stopLink: (() => void) | null = null;
  /** The list as text, to see whether the next one is another. */
  #text = "";

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
    this.#stopLink = this.#owner.link.subscribe(() => {
      const { status } = this.#owner.link.get();
      if (status === "disconnected") wasLost = true;
      if (status !== "connected" || !wasLost) return;
      wasLost = false;
      this.#ask(1);
    });
    if (this.get().status !== "ready") this.#ask(1);
  }

  #pause(): void {
    this.#stopLink?.();
    this.#stopLink = null;
    this.#cancel();
  }

  #cancel(): void {
    this.#abort?.abort();
    this.#abort = null;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #ask(attempt: number): void {
    this.#cancel();
    const abort = new AbortController();
    this.#abort = abort;
    void this.#load(abort).then((answer) => {
      if (abort.signal.aborted && this.#abort !== abort) return;
      if ("list" in answer) this.#took(answer.list);
      else this.#failed(answer, attempt);
    });
  }

  async #load(abort: AbortController): Promise<{ list: SymbolList } | Refusal> {
    const cancel = this.#owner.clock.after(LIST_WITHIN_MS, () => abort.abort());
    try {
      const url = new URL("api/market/symbols", this.#owner.base());
      const response = await this.#owner.fetch(url, { signal: abort.signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return response.ok ? { list: readList(bytes) } : refusal(response.status, bytes);
    } catch (error) {
      const message = abort.signal.aborted ? "the list of symbols did not come in time" : failureText(error);
      return { error: { code: "NETWORK", message }, isTransient: true };
    } finally {
      cancel();
    }
  }

  #took(list: SymbolList): void {
    const text = JSON.stringify(list);
    const last = this.#state.get();
    const value = text === this.#text && last.value ? last.value : list;
    this.#text = text;
    if (last.status === "ready" && last.value === value) return;
    this.#state.set({ status: "ready", value, error: null });
  }

  /** Also an answer that says "no" is asked about again, rarely: a gateway may be set up meanwhile. */
  #failed({ error, isTransient }: Refusal, attempt: number): void {
    const { clock, retry } = this.#owner;
    this.#setError(error);
    const delayMs = isTransient ? backoffMs(attempt, clock.random(), retry) : retry.maxMs;
    this.#cancelRetry = clock.after(delayMs, () => this.#ask(attempt + 1));
  }

  #setError(error: LiveError): void {
    const last = this.#state.get();
    const isSame = last.error?.code === error.code && last.error.message === error.message;
    if (!isSame) this.#state.set({ status: "error", value: last.value, error });
  }
}

/**
 * Reads the envelope `market.symbols`.
 *
 * @throws when it is not one, with what is wrong.
 */
export function readList(bytes: Uint8Array): SymbolList {
  const envelope = record(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), "the answer");
  if (envelope.v !== 1) throw new Error("the answer is of another protocol version");
  if (envelope.event !== "market.symbols") throw new Error("the answer is no list of symbols");
  const data = record(envelope.data, "data");
  const { source, symbols } = data;
  if (typeof source !== "string") throw new Error("data.source is no text");
  if (!Array.isArray(symbols)) throw new Error("data.symbols is no list");
  return { source, symbols: symbols.map((item, index) => readSymbol(item, `data.symbols[${index}]`)) };
}

function readSymbol(item: unknown, at: string): SymbolInfo {
  const fields = record(item, at);
  const { symbol, intervals } = fields;
  if (typeof symbol !== "string" || symbol === "") throw new Error(`${at}.symbol is no name`);
  return {
    symbol,
    intervals: Array.isArray(intervals) ? intervals.filter((name) => typeof name === "string") : [],
    bars: number(fields.bars) ?? 0,
    firstTime: number(fields.firstTime),
    lastTime: number(fields.lastTime),
    skippedRows: number(fields.skippedRows) ?? 0,
    lastClose: number(fields.lastClose),
  };
}

function record(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${at} is no object`);
  }
  return value as Record<string, unknown>;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}
