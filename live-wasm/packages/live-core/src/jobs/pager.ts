import type { Refusal } from "../answer.js";
import { askAnew } from "../ask-anew.js";
import { backoffMs } from "../backoff.js";
import type { Engine } from "../engine.js";
import { Value } from "../readable.js";
import type { LiveError } from "../types.js";
import type { Source } from "./held.js";
import { type Store, viewOf } from "./rows.js";
import type { PagedRows } from "./types.js";

/** One page as the gateway gives it. */
export interface Page<Row> {
  rows: Row[];
  /** Where the next one begins; null after the last. */
  nextCursor: string | null;
  total: number | null;
  resultHash: string | null;
}

/** What the pages are of. */
export interface Book<Row> {
  /** Where they are to be asked for; a question that has begun. */
  readonly path: string;
  /** Rows a page, and the most that the gateway takes. */
  readonly limit: number;
  readonly limitMax: number;
  /**
   * Reads a page.
   *
   * @throws when it is none.
   */
  read(bytes: Uint8Array): Page<Row>;
  /**
   * Waits for what has to be before there are pages, then calls `again`, or `fail` when it never will be. Returns what
   * ends the wait; null when there is nothing to wait for. `isNotReady`: the gateway has just said so.
   */
  wait?(isNotReady: boolean, again: () => void, fail: (error: LiveError) => void): (() => void) | null;
}

const nothing = (): void => {};

/** Fetches pages one after another, as the cursor of each leads to the next, and puts their rows into one store. */
export class Pager<Row> implements Source<PagedRows<Row>> {
  readonly state: Value<PagedRows<Row>>;
  readonly #engine: Engine;
  readonly #book: Book<Row>;
  #store: Store<Row> = { rows: [], joined: [] };
  #status: PagedRows["status"] = "loading";
  #cursor: string | null = null;
  #total: number | null = null;
  #resultHash: string | null = null;
  #error: LiveError | null = null;
  #isLoading = false;
  #isRunning = false;
  /** Rows that are wanted by all means; 0: the next page will do. */
  #until = 0;
  /** True after a cursor was refused, until another one was taken. */
  #hasRestarted = false;
  /** Ends what is under way: a question, or a wait. */
  #cancel = nothing;

  constructor(engine: Engine, book: Book<Row>, loading: PagedRows<Row>) {
    this.state = new Value(loading);
    this.#engine = engine;
    this.#book = book;
  }

  start(): void {
    this.#isRunning = true;
    if (!this.#wait(false)) void this.#ask(1, true);
  }

  stop(): void {
    this.#isRunning = false;
    this.#next(nothing);
  }

  readonly #loadMore = (until = 0): void => {
    // As a button's handler it is given an event, which is no number.
    this.#until = Math.max(this.#until, Number(until) || 0);
    const canAsk = this.#isRunning && !this.#isLoading && this.#error === null;
    if (canAsk && this.#cursor !== null) void this.#ask(1, false);
  };

  readonly #retry = (): void => {
    if (this.#isRunning && !this.#isLoading && this.#error) void this.#ask(1, this.#status !== "ready");
  };

  readonly #refresh = (): void => {
    if (this.#isRunning && this.#status !== "waiting") void this.#ask(1, true);
  };

  /** Ends what is under way in favour of something else. */
  #next(cancel: () => void): void {
    this.#cancel();
    this.#cancel = cancel;
  }

  async #ask(attempt: number, isFirst: boolean): Promise<void> {
    const abort = new AbortController();
    const cancel = () => abort.abort();
    this.#next(cancel);
    this.#isLoading = true;
    if (this.#status !== "ready") this.#status = "loading";
    this.#show();
    const { path, limit, limitMax } = this.#book;
    const missing = isFirst ? 0 : this.#until - this.#store.rows.length;
    const query = new URLSearchParams({ limit: String(Math.min(limitMax, Math.max(limit, missing))) });
    if (!isFirst && this.#cursor !== null) query.set("cursor", this.#cursor);
    const answer = await askAnew(this.#engine, `${path}${query}`, abort, (bytes) => this.#book.read(bytes));
    if (this.#cancel !== cancel) return;
    this.#cancel = nothing;
    this.#isLoading = false;
    if ("error" in answer) this.#failed(answer, attempt, isFirst);
    else this.#took(answer.value, isFirst);
  }

  #took(page: Page<Row>, isFirst: boolean): void {
    if (!isFirst && page.resultHash !== this.#resultHash) {
      // Rows of two results do not belong together.
      void this.#ask(1, true);
      return;
    }
    // What was handed out of the last store stays as it is.
    if (isFirst) this.#store = { rows: [], joined: [] };
    else this.#hasRestarted = false;
    const { rows } = this.#store;
    for (const row of page.rows) rows.push(row);
    this.#status = "ready";
    this.#error = null;
    this.#total = page.total;
    this.#resultHash = page.resultHash;
    this.#cursor = page.rows.length > 0 ? page.nextCursor : null;
    if (this.#cursor !== null && rows.length < this.#until) void this.#ask(1, false);
    else {
      this.#until = 0;
      this.#show();
    }
  }

  #failed(refusal: Refusal, attempt: number, isFirst: boolean): void {
    const { error, retryAfterMs = 0 } = refusal;
    const isNotReady = error.code === "RESULT_NOT_READY";
    if (isNotReady && this.#wait(true)) return;
    if (!isFirst && error.code === "CURSOR_INVALID" && !this.#hasRestarted) {
      // The cursor is of another result, or of a gateway that knows its own no more.
      this.#hasRestarted = true;
      void this.#ask(1, true);
      return;
    }
    this.#error = error;
    if (this.#status !== "ready") this.#status = "failed";
    if (isNotReady || refusal.isTransient) {
      const { clock, retry } = this.#engine;
      const delayMs = Math.max(retryAfterMs, backoffMs(attempt, clock.random(), retry));
      this.#next(clock.after(delayMs, () => void this.#ask(attempt + 1, isFirst)));
    }
    this.#show();
  }

  #wait(isNotReady: boolean): boolean {
    const again = () => void this.#ask(1, true);
    const fail = (error: LiveError) => {
      this.#next(nothing);
      this.#error = error;
      this.#status = "failed";
      this.#show();
    };
    const cancel = this.#book.wait?.(isNotReady, again, fail);
    if (!cancel) return false;
    this.#next(cancel);
    this.#status = "waiting";
    this.#error = null;
    this.#show();
    return true;
  }

  #show(): void {
    const fields = {
      status: this.#status,
      total: this.#total,
      hasMore: this.#cursor !== null,
      isLoading: this.#isLoading,
      error: this.#error,
      resultHash: this.#resultHash,
      loadMore: this.#loadMore,
      retry: this.#retry,
      refresh: this.#refresh,
    };
    this.state.set(viewOf(this.#store, fields));
  }
}
