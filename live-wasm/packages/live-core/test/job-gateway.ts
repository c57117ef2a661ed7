import { afterEach } from "vitest";
import type { LiveClientOptions } from "../src/types.js";
import type { ModuleSource } from "../src/wasm.js";
import type { JobStatus } from "../src/wire/events.js";
import { ack, envelope, type FakeLine, settle, setUp, until } from "./harness.js";

/** A request, as it was asked. */
export interface Asked {
  method: string;
  /** Below the gateway's address, with the query. */
  path: string;
  /** The condition, without quotes. */
  known: string | null;
  token: string | null;
}

interface HeldBack extends Asked {
  answer(response: Response): void;
}

/** A refusal, as the gateway words it. */
export interface No {
  status: number;
  code: string;
  reason?: string;
  retryAfterS?: number;
}

/** How a job stands. */
export function jobAt(state: JobStatus, version: number, more: object = {}) {
  return {
    jobId: "job_a",
    state,
    version,
    progress: state === "done" ? 1 : 0.25,
    phase: "",
    attempt: 1,
    cancelRequested: false,
    paramsHash: "aa",
    createdAt: 1,
    startedAt: null,
    finishedAt: null,
    error: null,
    resultHash: state === "done" ? "hash-1" : null,
    ...more,
  };
}

export type FakeJob = ReturnType<typeof jobAt>;

/** The parameters of every job. */
export const PARAMS = { symbol: "AAPL" };

/** What a job's channel says. */
export const progress = (seq: number, job: FakeJob) =>
  envelope("job.progress", `job:${job.jobId}`, seq, job, 1_700_000_000_000);

/** The part of a gateway that has jobs and their results, as a `fetch` that holds answers back as a real one does. */
export class JobGateway {
  readonly asked: Asked[] = [];
  /** Questions that are held back, by whatever. */
  readonly held: HeldBack[] = [];
  readonly jobs = new Map<string, FakeJob>();
  /** What the next questions are answered with, whatever they are. */
  readonly next: (No | Error)[] = [];
  /** What every question is answered with; null: as it should be. */
  refuses: No | null = null;
  /** Rows of every result. */
  rows = 0;
  resultHash = "hash-1";
  /** True: pages are held back until {@link JobGateway.letGo}. */
  holdsPages = false;

  readonly fetch: typeof globalThis.fetch = (input, init) => {
    const url = new URL(String(input));
    const headers = new Headers(init?.headers);
    const asked: Asked = {
      method: init?.method ?? "GET",
      path: url.pathname.replace("/base/api/backtest/", "") + url.search,
      known: headers.get("if-none-match")?.replaceAll('"', "") ?? null,
      token: headers.get("authorization"),
    };
    this.asked.push(asked);
    return new Promise((resolve, reject) => {
      const { signal } = init ?? {};
      const stop = () => {
        this.#drop(held);
        reject(new DOMException("aborted", "AbortError"));
      };
      const held: HeldBack = { ...asked, answer: resolve };
      if (signal?.aborted) stop();
      signal?.addEventListener("abort", stop);
      const no = this.next.shift() ?? this.refuses;
      if (no instanceof Error) reject(no);
      else if (no) resolve(refused(no));
      else this.#answer(held);
    });
  };

  /** The job changes; whoever waits for it is answered. */
  set(job: FakeJob): void {
    this.jobs.set(job.jobId, job);
    for (const held of this.held.splice(0)) this.#answer(held);
  }

  /** Answers what is held back, as it is. */
  letGo(): void {
    this.holdsPages = false;
    for (const held of this.held.splice(0)) this.#answer(held);
  }

  /** Answers what is held back as when the wait is over: nothing is new. */
  timeOut(): void {
    for (const held of this.held.splice(0)) held.answer(new Response(null, { status: 304 }));
  }

  /** Paths that were asked for, without their queries. */
  get paths(): string[] {
    return this.asked.map(({ path }) => path.replace(/\?.*/, ""));
  }

  #drop(held: HeldBack): void {
    const at = this.held.indexOf(held);
    if (at >= 0) this.held.splice(at, 1);
  }

  #answer(held: HeldBack): void {
    const response = this.#judge(held);
    if (response) held.answer(response);
    else this.held.push(held);
  }

  /** The answer; null while it is held back. */
  #judge({ path, known }: HeldBack): Response | null {
    const url = new URL(path, "http://gateway.test/");
    if (url.pathname === "/jobs") return this.#list(url.searchParams);
    const [, id = "", rest = ""] = /^\/jobs\/([^/]+)(.*)$/.exec(url.pathname) ?? [];
    const job = this.jobs.get(id);
    if (!job) return refused({ status: 404, code: "JOB_NOT_FOUND" });
    if (rest === "/result/download") return said("backtest.download", LINK);
    if (rest === "/result") return this.holdsPages ? null : this.#page(job, url.searchParams);
    if (known !== `v${job.version}`) return said("backtest.job", { ...job, params: PARAMS });
    const isOver = job.state !== "queued" && job.state !== "running";
    return isOver || url.searchParams.get("wait") === "0" ? new Response(null, { status: 304 }) : null;
  }

  #list(query: URLSearchParams): Response {
    const from = Number(query.get("cursor") ?? 0);
    const to = from + Number(query.get("limit"));
    const all = [...this.jobs.values()].map((job) => ({ ...job, params: PARAMS }));
    return said("backtest.jobs", {
      jobs: all.slice(from, to),
      nextCursor: to < all.length ? String(to) : null,
    });
  }

  #page(job: FakeJob, query: URLSearchParams): Response {
    if (job.state === "queued" || job.state === "running") {
      return refused({ status: 409, code: "RESULT_NOT_READY", retryAfterS: 1 });
    }
    if (job.state !== "done") {
      const reason = `there is none: the job has ended as ${job.state}`;
      return refused({ status: 404, code: "NOT_FOUND", reason });
    }
    const [hash, at] = (query.get("cursor") ?? `${this.resultHash}.0`).split(".");
    if (hash !== this.resultHash) return refused({ status: 400, code: "CURSOR_INVALID" });
    const from = Number(at);
    const to = Math.min(this.rows, from + Number(query.get("limit")));
    return said("backtest.result", {
      part: query.get("part"),
      rows: Array.from({ length: to - from }, (_, index) => ({ n: from + index })),
      nextCursor: to < this.rows ? `${this.resultHash}.${to}` : null,
      total: this.rows,
      resultHash: this.resultHash,
    });
  }
}

const LINK = {
  url: "/api/backtest/blobs/job_a?s=1",
  expiresAt: 2,
  resultHash: "hash-1",
  blobSha256: "bb",
  bytes: 3,
  contentType: "application/gzip",
  contentEncoding: null,
  filename: "job_a.json.gz",
};

function said(event: string, data: object): Response {
  return new Response(JSON.stringify(envelope(event, "", 0, data)));
}

function refused({ status, code, reason, retryAfterS }: No): Response {
  const data = { message: "no", ...(reason && { reason }) };
  const body = { ...envelope("system.error", "", 0, data), ok: false, errorCode: code };
  const headers = retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  return new Response(JSON.stringify(body), { status, headers });
}

const releases: (() => void)[] = [];
afterEach(() => {
  for (const release of releases.splice(0)) release();
});

/** A client beside a gateway with jobs; how job `job_a` stands is known to both of a test's hands. */
export function jobSetUp(
  job: FakeJob | null = jobAt("running", 2),
  options: Partial<LiveClientOptions> = {},
  source?: ModuleSource,
) {
  const jobs = new JobGateway();
  if (job) jobs.set(job);
  const setup = setUp({ fetch: jobs.fetch, ...options }, source);
  /** Watches a job over a WebSocket, unless it says otherwise. */
  const watch = (id = "job_a", jobOptions: object = { transport: "websocket" }) => {
    const handle = setup.client.job(id, jobOptions);
    let changes = 0;
    const release = handle.subscribe(() => {
      changes += 1;
    });
    releases.push(release);
    return { handle, release, changes: () => changes };
  };
  /** Waits for so many questions. */
  const asked = (count: number) => until(() => jobs.asked.length >= count, `${count} questions`);
  return { ...setup, jobs, watch, asked };
}

type Setup = ReturnType<typeof jobSetUp>;

/** The line that carries the job's channel, greeted and confirmed. */
export async function jobLine({ gateway, clock }: Setup, staleAfterMs = 15_000): Promise<FakeLine> {
  await until(() => gateway.lines.length > 0, "a line");
  const { line } = gateway;
  line.greet();
  await settle();
  const id = line.sent("subscribe").at(-1)?.id;
  line.say(ack("job:job_a", id, false, staleAfterMs));
  clock.draw();
  return line;
}

/** A job that is watched, and whose channel has just told of it. */
export async function liveJob(setup: Setup, job = jobAt("running", 3)) {
  const watched = setup.watch();
  const line = await jobLine(setup);
  const { version = 0 } = setup.jobs.jobs.get(job.jobId) ?? {};
  if (job.version > version) setup.jobs.set(job);
  line.say(progress(1, job));
  setup.clock.draw();
  return { ...watched, line };
}
