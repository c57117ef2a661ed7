import { readAnswer } from "../answer.js";
import type { LiveError } from "../types.js";
import type { JobProgress, JobStatus } from "../wire/events.js";
import type { Job, JobState, JobUpdates, ResultLink } from "./types.js";

/** The states of a job; true: it never changes again. */
const ENDS: Record<JobStatus, boolean> = {
  queued: false,
  running: false,
  done: true,
  failed: true,
  cancelled: true,
  timeout: true,
};

/** What every job's id looks like. Another could not be a part of an address or of a channel's name. */
const ID = /^[\w-]+(\.[\w-]+)*$/;

/** Whether a job can have that id. */
export function isJobId(id: string): boolean {
  return ID.test(id);
}

/** Where a job is to be asked for. */
export function jobPath(id: string): string {
  return `api/backtest/jobs/${id}`;
}

/** Whether that is how this job stands: whoever may publish on its channel may say anything there. */
export function isProgress(id: string, data: unknown): data is JobProgress {
  const { jobId, state, version } = (data ?? {}) as Partial<JobProgress>;
  return jobId === id && typeof version === "number" && Object.hasOwn(ENDS, state ?? "");
}

/** Whether a job that stands so never changes again. */
export function hasEnded({ state }: JobProgress): boolean {
  return ENDS[state];
}

/**
 * Reads the answer with a job.
 *
 * @throws when it is none.
 */
export function readJob(id: string, bytes: Uint8Array): Job {
  return readAnswer<Job>(bytes, "backtest.job", "job", (data) => isProgress(id, data)).data;
}

/**
 * Reads the answer with a link; an address that is relative counts from `base`, the gateway's.
 *
 * @throws when it is none.
 */
export function readLink(bytes: Uint8Array, base: URL): ResultLink {
  const { data: link } = readAnswer<ResultLink>(bytes, "backtest.download", "link", ({ url }) => !!url);
  // The gateway may stand below a path of which it knows nothing.
  return { ...link, url: new URL(link.url.replace(/^\/(?!\/)/, ""), base).href };
}

/** Why a job ended without a result. */
function endError({ state, error }: Job): LiveError {
  if (!error) return { code: `JOB_${state.toUpperCase()}`, message: `the job has ended: ${state}` };
  const { errorCode: code, message, cause } = error;
  return { code, message, ...(cause !== undefined && { reason: cause }) };
}

/** The state that says so. */
export function stateOf(
  job: Job | undefined,
  error: LiveError | null,
  isMissing: boolean,
  updates: JobUpdates,
): JobState {
  if (isMissing && error) return { status: "missing", job, error, isEnded: true, updates: "none" };
  if (!job) return { status: "pending", job, error, isEnded: false, updates: "none" };
  switch (job.state) {
    case "queued":
    case "running":
      return { status: job.state, job, error, isEnded: false, updates };
    case "done":
      return { status: "done", job, error: null, isEnded: true, updates: "none" };
    default:
      return { status: job.state, job, error: endError(job), isEnded: true, updates: "none" };
  }
}
