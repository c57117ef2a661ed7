import { readAnswer } from "../answer.js";
import { askAnew } from "../ask-anew.js";
import type { Engine } from "../engine.js";
import { failure } from "../failure.js";
import type { LiveError, Readable } from "../types.js";
import { HeldSources } from "./held.js";
import { type Book, type Page, Pager } from "./pager.js";
import { isJobId, jobPath, readJob, readLink } from "./read.js";
import type {
  Job,
  JobOptions,
  JobState,
  PagedRows,
  PageOptions,
  ResultLink,
  ResultPart,
  ResultRows,
} from "./types.js";
import { JobWatch } from "./watch.js";

/** How long what was watched outlives its last watcher. */
const DEFAULT_LINGER_MS = 1_000;

/** All of a client that has to do with jobs. */
export class Jobs {
  readonly #engine: Engine;
  readonly #sources: HeldSources;
  /** What is under way and belongs to no source. */
  readonly #asked = new Set<AbortController>();
  readonly #pending: JobState<never>;
  readonly #loading: PagedRows<never>;

  /** `pending` and `loading` are what jobs and pages begin as, the same objects for all. */
  constructor(engine: Engine, pending: JobState<never>, loading: PagedRows<never>) {
    this.#engine = engine;
    this.#pending = pending;
    this.#loading = loading;
    this.#sources = new HeldSources(engine.clock);
    engine.link.subscribe(() => {
      if (!engine.isClosed) return;
      this.#sources.close();
      for (const abort of this.#asked) abort.abort();
    });
  }

  /** How a job stands. */
  job(id: string, options: JobOptions = {}): Readable<JobState> {
    const { lingerMs = DEFAULT_LINGER_MS } = options;
    return this.#sources.readable(jobKey(id), () => this.#watch(id, options), this.#pending, lingerMs);
  }

  /** Asks for a job to end. */
  async cancel(id: string): Promise<Job> {
    const job = await this.#ask(id, "", (bytes) => readJob(id, bytes), { method: "DELETE" });
    const watched = this.#sources.get<JobState>(jobKey(id));
    if (watched instanceof JobWatch) watched.took(job);
    return job;
  }

  /** Asks for a link to the whole result of a job. */
  downloadLink(id: string): Promise<ResultLink> {
    return this.#ask(id, "/result/download", (bytes) => readLink(bytes, this.#engine.base()));
  }

  /** The caller's own jobs. */
  list({ limit = 50, lingerMs = DEFAULT_LINGER_MS }: PageOptions = {}): Readable<PagedRows<Job>> {
    const book: Book<Job> = {
      path: "api/backtest/jobs?",
      limit: whole(limit),
      limitMax: 200,
      read: (bytes) => {
        const { jobs, nextCursor } = readAnswer<{ jobs: Job[]; nextCursor: string | null }>(
          bytes,
          "backtest.jobs",
          "list of jobs",
          (data) => Array.isArray(data.jobs),
        ).data;
        return { rows: jobs, nextCursor, total: null, resultHash: null };
      },
    };
    return this.#pages(`jobs ${limit}`, book, lingerMs);
  }

  /** A part of a job's result. */
  result<K extends ResultPart>(
    id: string,
    part: K,
    { limit = 1_000, lingerMs = DEFAULT_LINGER_MS }: PageOptions = {},
  ): Readable<PagedRows<ResultRows[K]>> {
    const book: Book<ResultRows[K]> = {
      path: `${jobPath(encodeURIComponent(id))}/result?part=${part}&`,
      limit: whole(limit),
      limitMax: 5_000,
      read: (bytes) =>
        readAnswer<Page<ResultRows[K]> & { part: string }>(
          bytes,
          "backtest.result",
          "page of a result",
          (data) => data.part === part && Array.isArray(data.rows),
        ).data,
      wait: (isNotReady, again, fail) => this.#waitForEnd(id, isNotReady, again, fail),
    };
    return this.#pages(`result ${id} ${part} ${limit}`, book, lingerMs);
  }

  #watch(id: string, options: JobOptions): JobWatch {
    return new JobWatch(this.#engine, id, options, this.#pending);
  }

  #pages<Row>(key: string, book: Book<Row>, lingerMs: number): Readable<PagedRows<Row>> {
    return this.#sources.readable<PagedRows<Row>>(
      key,
      () => new Pager(this.#engine, book, this.#loading),
      this.#loading,
      lingerMs,
    );
  }

  /** Waits for a job's end, by whatever way it is watched. */
  #waitForEnd(
    id: string,
    isNotReady: boolean,
    again: () => void,
    fail: (error: LiveError) => void,
  ): (() => void) | null {
    const known = this.#sources.get<JobState>(jobKey(id))?.state.get();
    // Without a word about the job its result is asked for: most that are looked at are there.
    if (isNotReady ? known?.isEnded : !known?.job || known.isEnded) return null;
    const held = this.#sources.hold<JobState>(jobKey(id), () => this.#watch(id, {}), 0);
    const unwatch = held.source.state.subscribe(() => {
      const { isEnded, status, error } = held.source.state.get();
      if (!isEnded) return;
      if (status === "missing") fail(error);
      else again();
    });
    return () => {
      unwatch();
      held.release();
    };
  }

  async #ask<T>(id: string, path: string, read: (bytes: Uint8Array) => T, init?: RequestInit): Promise<T> {
    if (!isJobId(id)) throw failure({ code: "JOB_NOT_FOUND", message: "that is no id of a job" });
    const abort = new AbortController();
    this.#asked.add(abort);
    const answer = await askAnew(this.#engine, jobPath(id) + path, abort, read, init);
    this.#asked.delete(abort);
    if ("error" in answer) throw failure(answer.error);
    return answer.value;
  }
}

function jobKey(id: string): string {
  return `job ${id}`;
}

function whole(limit: number): number {
  return Math.max(1, Math.trunc(limit) || 1);
}
