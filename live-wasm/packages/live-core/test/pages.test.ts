import { describe, expect, it } from "vitest";
import { settle, until } from "./harness.js";
import { jobAt, jobLine, jobSetUp, progress } from "./job-gateway.js";

/** A client that watches the trades of `job_a`, so many of them. */
function pages(rows: number, { job = jobAt("done", 4), limit = 10 } = {}) {
  const setup = jobSetUp(job);
  setup.jobs.rows = rows;
  const readable = setup.client.backtestResult("job_a", "trades", { limit });
  let changes = 0;
  const release = readable.subscribe(() => {
    changes += 1;
  });
  const get = () => readable.get();
  const ready = () => until(() => get().status === "ready" && !get().isLoading, "the page");
  return { ...setup, readable, release, get, ready, changes: () => changes };
}

describe("the result of a job that is done", () => {
  it("is asked for at once, one page and no more", async () => {
    const { jobs, get, ready } = pages(25);
    expect(get()).toMatchObject({ status: "loading", isLoading: true, total: null, length: 0 });
    await ready();
    expect(get()).toMatchObject({ length: 10, total: 25, hasMore: true, error: null, resultHash: "hash-1" });
    expect(get().rows.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([get().row(9)?.n, get().row(10), get().row(-1)]).toEqual([9, undefined, undefined]);
    await settle();
    expect(jobs.asked.map(({ path }) => path)).toEqual(["jobs/job_a/result?part=trades&limit=10"]);
  });

  it("goes on page by page, and asks once however often it is told to", async () => {
    const { jobs, get, ready } = pages(25);
    await ready();
    get().loadMore();
    get().loadMore();
    get().loadMore();
    expect(get().isLoading).toBe(true);
    await ready();
    expect([get().length, jobs.asked.length]).toEqual([20, 2]);
    get().loadMore();
    await ready();
    expect(get()).toMatchObject({ length: 25, hasMore: false });
    get().loadMore();
    await settle();
    expect(jobs.asked).toHaveLength(3);
  });

  it("goes on by one page when it is a button's handler", async () => {
    const { jobs, get, ready } = pages(25);
    await ready();
    const handler: (event: never) => void = get().loadMore;
    handler(new Event("click") as never);
    await ready();
    expect(get().length).toBe(20);
    expect(jobs.asked.at(-1)?.path).toContain("limit=10");
  });

  it("keeps what was handed out as it was, and the same array until another page", async () => {
    const { get, ready } = pages(25);
    await ready();
    const first = get();
    const { rows } = first;
    expect(first.rows).toBe(rows);
    get().loadMore();
    expect(get().rows).toBe(rows);
    await ready();
    expect([first.length, first.rows.length, first.row(10)]).toEqual([10, 10, undefined]);
    expect(get().rows).toHaveLength(20);
    expect(get().rows[0]).toBe(rows[0]);
  });

  it("is read to any row in pages as long as they may be", async () => {
    const { jobs, get, ready, changes } = pages(100_000);
    await ready();
    get().loadMore(80_001);
    get().loadMore(79_000);
    await ready();
    expect(get().length).toBe(80_010 - 9);
    expect(get().row(80_000)?.n).toBe(80_000);
    expect(jobs.asked.length).toBeLessThanOrEqual(2 + Math.ceil(80_000 / 5_000));
    // Two for each page: that it is under way, and that it is there.
    expect(changes()).toBeLessThanOrEqual(2 * jobs.asked.length + 1);
    get().loadMore();
    await ready();
    expect(get().length).toBe(80_011);
  });

  it("is read to the end of 100,000 rows without copying what is there", async () => {
    const { get, ready } = pages(100_000, { limit: 1_000 });
    await ready();
    for (let page = 2; page <= 100; page += 1) {
      get().loadMore();
      await ready();
    }
    expect(get()).toMatchObject({ length: 100_000, hasMore: false });
    expect(get().rows.every(({ n }, at) => n === at)).toBe(true);
  });

  it("is shared by all who watch the same", async () => {
    const { client, jobs, get, ready } = pages(25);
    const other = client.backtestResult("job_a", "trades", { limit: 10 });
    const release = other.subscribe(() => {});
    await ready();
    expect(other.get()).toBe(get());
    expect(jobs.asked).toHaveLength(1);
    release();
  });

  it("ends what is under way once nobody watches, after its linger", async () => {
    const { jobs, clock, release, readable } = pages(25);
    jobs.holdsPages = true;
    await until(() => jobs.held.length === 1, "the question");
    release();
    readable.subscribe(() => {})();
    clock.advance(999);
    expect(jobs.held).toHaveLength(1);
    clock.advance(1);
    expect(jobs.held).toHaveLength(0);
    await settle();
    expect(clock.waiting).toBe(0);
    expect(readable.get()).toBe(readable.getServer());
  });
});

describe("the result of a job that runs", () => {
  it("waits for the end as the job tells of it, and is there then", async () => {
    const setup = pages(5, { job: jobAt("running", 2) });
    const { jobs, get, ready, clock, client } = setup;
    await until(() => get().status === "waiting", "the wait");
    expect(get()).toMatchObject({ isLoading: false, error: null, length: 0 });
    client.job("job_a", { transport: "websocket" }).subscribe(() => {});
    await setup.asked(2);
    await settle();
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    jobs.set(jobAt("done", 3));
    await ready();
    expect(get().length).toBe(5);
    expect(jobs.paths).toEqual(["jobs/job_a/result", "jobs/job_a", "jobs/job_a", "jobs/job_a/result"]);
  });

  it("is not asked for while a job that is watched has not ended", async () => {
    const setup = jobSetUp();
    const { jobs, client, watch, clock } = setup;
    const { handle } = watch();
    const line = await jobLine(setup);
    await until(() => handle.get().status === "running", "the job");
    const result = client.backtestResult("job_a", "equity");
    result.subscribe(() => {});
    expect(result.get().status).toBe("waiting");
    jobs.rows = 3;
    jobs.jobs.set("job_a", jobAt("done", 3));
    line.say(progress(1, jobAt("done", 3)));
    clock.draw();
    await until(() => result.get().status === "ready", "the rows");
    expect(jobs.paths).toEqual(["jobs/job_a", "jobs/job_a/result"]);
  });

  it("is asked for again where the job has ended and its rows lag behind", async () => {
    const { jobs, client, clock, watch } = jobSetUp(jobAt("done", 4));
    const { handle } = watch();
    await until(() => handle.get().isEnded, "the end");
    jobs.next.push({ status: 409, code: "RESULT_NOT_READY", retryAfterS: 1 });
    const result = client.backtestResult("job_a", "equity");
    result.subscribe(() => {});
    await until(() => result.get().error !== null, "the refusal");
    clock.advance(1_000);
    await until(() => result.get().status === "ready", "the rows");
  });

  it("says why there is none when the job fails", async () => {
    const { jobs, get, clock, asked } = pages(5, { job: jobAt("running", 2) });
    await asked(2);
    await settle();
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    jobs.set(jobAt("failed", 3));
    await until(() => get().status === "failed", "the failure");
    expect(get().error).toMatchObject({ code: "NOT_FOUND", reason: expect.stringContaining("failed") });
  });

  it("lets go of the job with its last watcher", async () => {
    const { get, release, clock, jobs } = pages(5, { job: jobAt("running", 2) });
    await until(() => get().status === "waiting", "the wait");
    await settle();
    release();
    clock.advance(1_000);
    clock.advance(1_000);
    await settle();
    const { length } = jobs.asked;
    clock.advance(120_000);
    await settle();
    expect([jobs.asked.length, jobs.held.length]).toEqual([length, 0]);
  });
});

describe("a page that does not come", () => {
  it.each([
    [410, "RESULT_EXPIRED"],
    [404, "JOB_NOT_FOUND"],
    [403, "FORBIDDEN"],
  ])("is told for good (%i %s) until it is asked for again", async (status, code) => {
    const { jobs, get, clock, ready } = pages(5);
    jobs.next.push({ status, code });
    await until(() => get().error !== null, "the error");
    expect(get()).toMatchObject({ status: "failed", isLoading: false, error: { code, message: "no" } });
    get().loadMore();
    clock.advance(120_000);
    await settle();
    expect(jobs.asked).toHaveLength(1);
    get().retry();
    await ready();
    expect(get()).toMatchObject({ length: 5, error: null });
  });

  it("is asked for again by itself where that may help, and told meanwhile", async () => {
    const { jobs, get, clock, ready } = pages(25);
    await ready();
    jobs.next.push({ status: 503, code: "STORE_UNAVAILABLE", retryAfterS: 2 });
    get().loadMore();
    await until(() => get().error !== null, "the error");
    expect(get()).toMatchObject({ status: "ready", length: 10, isLoading: false });
    get().loadMore();
    clock.advance(1_999);
    await settle();
    expect(jobs.asked).toHaveLength(2);
    clock.advance(1);
    await until(() => get().length === 20, "the page");
    expect(get().error).toBeNull();
  });

  it("is asked for at once when somebody says so", async () => {
    const { jobs, get, clock, ready } = pages(25);
    await ready();
    jobs.next.push(new TypeError("no way there"));
    get().loadMore();
    await until(() => get().error?.code === "NETWORK", "the error");
    get().retry();
    get().retry();
    await until(() => get().length === 20, "the page");
    clock.advance(60_000);
    await settle();
    expect(jobs.asked).toHaveLength(3);
  });
});

describe("a result that is another one by now", () => {
  it("is read from its beginning", async () => {
    const { jobs, get, ready } = pages(25);
    await ready();
    const old = get();
    jobs.resultHash = "hash-2";
    get().loadMore();
    await until(() => get().resultHash === "hash-2", "the other result");
    await ready();
    expect(get()).toMatchObject({ length: 10, error: null });
    expect(old.rows).toHaveLength(10);
    get().loadMore();
    await ready();
    expect(get().length).toBe(20);
  });

  it("does not go round in circles when every cursor is refused", async () => {
    const { jobs, get, ready } = pages(25);
    await ready();
    get().loadMore();
    await ready();
    const refuse = () => jobs.next.push({ status: 400, code: "CURSOR_INVALID" });
    refuse();
    get().loadMore();
    await until(() => get().length === 10 && !get().isLoading, "the beginning");
    refuse();
    get().loadMore();
    await until(() => get().error !== null, "the error");
    expect(get().error?.code).toBe("CURSOR_INVALID");
    await settle();
    expect(jobs.asked).toHaveLength(5);
  });
});

describe("one's own jobs", () => {
  it("come in pages, and anew when they are asked for again", async () => {
    const { client, jobs } = jobSetUp(null);
    for (let n = 0; n < 5; n += 1) jobs.set(jobAt("done", 4, { jobId: `job_${n}` }));
    const list = client.jobs({ limit: 3 });
    list.subscribe(() => {});
    await until(() => list.get().status === "ready", "the jobs");
    expect(list.get()).toMatchObject({ length: 3, hasMore: true, total: null, resultHash: null });
    list.get().loadMore();
    await until(() => list.get().length === 5, "the rest");
    expect(list.get().rows.map(({ jobId }) => jobId)).toEqual(["job_0", "job_1", "job_2", "job_3", "job_4"]);
    jobs.set(jobAt("queued", 1, { jobId: "job_5" }));
    list.get().refresh();
    expect(list.get()).toMatchObject({ length: 5, isLoading: true });
    await until(() => !list.get().isLoading, "the jobs");
    expect(list.get()).toMatchObject({ length: 3, hasMore: true });
    expect(jobs.asked.at(-1)?.path).toBe("jobs?limit=3");
  });
});
