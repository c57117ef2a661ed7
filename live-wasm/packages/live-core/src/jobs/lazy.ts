import type { Engine } from "../engine.js";
import { once, watchLater } from "../later.js";
import type { LiveClient, LiveError, Readable } from "../types.js";
import type { Jobs } from "./jobs.js";
import type { Job, JobHandle, JobOptions, JobState, PagedRows } from "./types.js";

const nothing = (): void => {};

/** A job before anything is known of it. One object for all, so that it is equal by reference. */
export const JOB_PENDING: JobState<never> = {
  status: "pending",
  job: undefined,
  error: null,
  isEnded: false,
  updates: "none",
};

/** Rows before the first page. */
export const ROWS_LOADING: PagedRows<never> = {
  status: "loading",
  length: 0,
  total: null,
  hasMore: false,
  isLoading: true,
  error: null,
  resultHash: null,
  rows: [],
  row: nothing as () => undefined,
  loadMore: nothing,
  retry: nothing,
  refresh: nothing,
};

/** What of a client has to do with jobs. */
export type JobCalls = Pick<LiveClient, "job" | "jobs" | "backtestResult">;

/** What knows of jobs is downloaded with its first use: a page that watches none does without it. */
export function lazyJobs(engine: Engine, download = () => import("./jobs.js")): JobCalls {
  let jobs: Jobs | undefined;
  const load = once(async () => {
    jobs = new (await download()).Jobs(engine, JOB_PENDING, ROWS_LOADING);
    return jobs;
  });

  /** A readable of what is loaded for the first who watches it; `pending` until then. */
  const readable = <T extends { error: LiveError | null }>(
    pick: (jobs: Jobs) => Readable<T>,
    pending: T,
  ): Readable<T> => {
    let source: Readable<T> | undefined;
    let shown = pending;
    const find = () => {
      source ??= jobs && pick(jobs);
      return source;
    };
    const failed = (error: LiveError) => {
      shown = { ...pending, error };
    };
    return {
      get: () => find()?.get() ?? shown,
      getServer: () => pending,
      subscribe: (callback) => watchLater(engine, find, load, failed, callback),
    };
  };

  return {
    job: <P>(id: string, options?: JobOptions): JobHandle<P> => ({
      // What the parameters are is the caller's word.
      ...readable((jobs) => jobs.job(id, options) as Readable<JobState<P>>, JOB_PENDING),
      cancel: () => load().then((jobs) => jobs.cancel(id) as Promise<Job<P>>),
      downloadLink: () => load().then((jobs) => jobs.downloadLink(id)),
    }),
    jobs: (options) => readable((jobs) => jobs.list(options), ROWS_LOADING),
    backtestResult: (id, part, options) => readable((jobs) => jobs.result(id, part, options), ROWS_LOADING),
  };
}
