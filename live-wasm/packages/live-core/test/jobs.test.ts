import { describe, expect, it } from "vitest";
import { createClient } from "../src/client.js";
import { compileInline } from "../src/inline.js";
import { refusal, settle, until } from "./harness.js";
import { jobAt, jobLine, jobSetUp, liveJob, PARAMS, progress } from "./job-gateway.js";

describe("a job that nobody watches", () => {
  it("is pending, and nothing is asked or opened for it", async () => {
    const { client, jobs, gateway, clock } = jobSetUp();
    const job = client.job("job_a");
    expect(job.get()).toMatchObject({ status: "pending", job: undefined, isEnded: false });
    expect(job.get()).toBe(job.getServer());
    await settle();
    expect([jobs.asked.length, gateway.lines.length, clock.waiting]).toEqual([0, 0, 0]);
  });
});

describe("a job that is watched", () => {
  it("is asked for once, then told of by its channel", async () => {
    const setup = jobSetUp();
    const { jobs, clock } = setup;
    const { handle, line } = await liveJob(setup, jobAt("running", 3, { progress: 0.5 }));
    expect(handle.get()).toMatchObject({ status: "running", updates: "live", error: null });
    expect(handle.get().job).toMatchObject({ version: 3, progress: 0.5, params: PARAMS });
    line.say(progress(2, jobAt("running", 4, { progress: 0.75 })));
    clock.draw();
    expect(handle.get().job?.progress).toBe(0.75);
    clock.advance(10_000);
    await settle();
    expect(jobs.asked.map(({ path }) => path)).toEqual(["jobs/job_a?wait=0"]);
  });

  it("comes over long polling unless it says otherwise", async () => {
    const { watch, gateway } = jobSetUp();
    watch("job_a", {});
    await until(() => gateway.lines.length > 0, "a line");
    expect(gateway.line.request.kind).toBe("polling");
  });

  it("is the same object until something in it changes", async () => {
    const setup = jobSetUp();
    const { handle, line, changes } = await liveJob(setup);
    const state = handle.get();
    const before = changes();
    line.say(progress(2, jobAt("running", 3)));
    setup.clock.draw();
    expect(handle.get()).toBe(state);
    expect(changes()).toBe(before);
  });

  it("is asked for once by all who watch, also by those who come and go at once", async () => {
    const { client, jobs, clock, watch } = jobSetUp();
    const handle = client.job("job_a");
    handle.subscribe(() => {})();
    watch();
    watch();
    await until(() => handle.get().status === "running", "the job");
    handle.subscribe(() => {})();
    clock.advance(1_500);
    await settle();
    expect(jobs.asked).toHaveLength(1);
    expect(handle.get().status).toBe("running");
  });

  it("ends every question once nobody watches, after its linger", async () => {
    const { client, jobs, clock, watch } = jobSetUp();
    const { release } = watch("job_a", { lingerMs: 300 });
    await until(() => client.job("job_a").get().status === "running", "the job");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    release();
    clock.advance(299);
    expect(jobs.held).toHaveLength(1);
    clock.advance(1);
    expect(jobs.held).toHaveLength(0);
    clock.advance(60_000);
    await settle();
    expect(jobs.asked).toHaveLength(2);
    expect(client.job("job_a").get().status).toBe("pending");
  });

  it("that has ended opens no channel and is not asked for again", async () => {
    const { gateway, jobs, clock, watch } = jobSetUp(jobAt("done", 4));
    const { handle } = watch();
    await until(() => handle.get().isEnded, "the end");
    expect(handle.get()).toMatchObject({ status: "done", error: null, updates: "none" });
    clock.advance(60_000);
    await settle();
    expect([jobs.asked.length, gateway.lines.length, clock.waiting]).toEqual([1, 0, 0]);
  });

  it.each([
    ["failed", { errorCode: "JOB_FAILED", cause: "engine", message: "no bars" }, "JOB_FAILED", "engine"],
    ["timeout", { errorCode: "JOB_TIMEOUT", message: "too long" }, "JOB_TIMEOUT", undefined],
    ["cancelled", null, "JOB_CANCELLED", undefined],
  ] as const)("tells why it has %s", async (state, error, code, reason) => {
    const { watch } = jobSetUp(jobAt(state, 4, { error }));
    const { handle } = watch();
    await until(() => handle.get().isEnded, "the end");
    expect(handle.get()).toMatchObject({ status: state, error: { code } });
    expect(handle.get().error?.reason).toBe(reason);
  });

  it("that ends on its channel lets go of the channel", async () => {
    const setup = jobSetUp();
    const { handle, line } = await liveJob(setup);
    line.say(progress(2, jobAt("done", 4)));
    setup.clock.draw();
    expect(handle.get()).toMatchObject({ status: "done", isEnded: true, job: { params: PARAMS } });
    setup.clock.advance(1);
    expect(setup.client.stats().channels).toEqual([]);
    await settle();
    expect(setup.jobs.asked).toHaveLength(1);
  });

  it("takes no older word over a newer one, from either side", async () => {
    const setup = jobSetUp(jobAt("running", 5));
    const { handle, line } = await liveJob(setup, jobAt("running", 4, { progress: 0.1 }));
    expect(handle.get().job).toMatchObject({ version: 5, progress: 0.25 });
    line.say(progress(2, jobAt("running", 7)));
    setup.clock.draw();
    setup.jobs.set(jobAt("queued", 6));
    setup.clock.advance(20_000);
    await setup.asked(2);
    await settle();
    expect(handle.get()).toMatchObject({ status: "running", job: { version: 7 } });
  });

  it("ignores what on its channel is not about it", async () => {
    const setup = jobSetUp();
    const { handle, line } = await liveJob(setup);
    const state = handle.get();
    for (const [seq, data] of [
      { done: 3, of: 10 },
      jobAt("done", 9, { jobId: "job_b" }),
      jobAt("exploded" as "done", 9),
      null,
    ].entries()) {
      line.say({ ...progress(seq + 2, jobAt("done", 9)), data });
      setup.clock.draw();
    }
    expect(handle.get().job).toBe(state.job);
    expect(handle.get().isEnded).toBe(false);
  });

  it("that there is not is missing for good", async () => {
    const { jobs, clock, gateway, watch } = jobSetUp(null);
    const { handle } = watch();
    await until(() => handle.get().isEnded, "the answer");
    expect(handle.get()).toMatchObject({ status: "missing", error: { code: "JOB_NOT_FOUND" } });
    clock.advance(120_000);
    await settle();
    expect([jobs.asked.length, gateway.lines.length]).toEqual([1, 0]);
  });

  it.each(["", "..", "a/b", "a b", "a?b"])(
    "with an id that is none (%j) is missing without a question",
    async (id) => {
      const { jobs, watch, client } = jobSetUp();
      const { handle } = watch(id);
      await until(() => handle.get().isEnded, "the answer");
      expect(handle.get()).toMatchObject({ status: "missing", error: { code: "JOB_NOT_FOUND" } });
      await expect(client.job(id).cancel()).rejects.toMatchObject({ code: "JOB_NOT_FOUND" });
      expect(jobs.asked).toEqual([]);
    },
  );
});

describe("a job whose channel says nothing", () => {
  it("is asked for, each question held back until there is news", async () => {
    const setup = jobSetUp();
    const { jobs, clock, watch } = setup;
    const { handle } = watch();
    await jobLine(setup);
    await until(() => handle.get().status === "running", "the job");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    expect(jobs.asked.at(-1)).toMatchObject({ path: "jobs/job_a?wait=25", known: "v2" });
    expect(handle.get().updates).toBe("polling");
    jobs.set(jobAt("running", 3));
    await until(() => handle.get().job?.version === 3, "the news");
    expect(jobs.asked).toHaveLength(2);
    clock.advance(500);
    await until(() => jobs.held.length === 1, "the next question");
    jobs.set(jobAt("done", 4));
    await until(() => handle.get().isEnded, "the end");
    clock.advance(60_000);
    await settle();
    expect(jobs.asked).toHaveLength(3);
  });

  it("is asked for no more often than twice a second, though it changes all the time", async () => {
    const setup = jobSetUp();
    const { jobs, clock, watch } = setup;
    watch();
    await jobLine(setup);
    clock.advance(2_000);
    for (let version = 3; version < 103; version += 1) {
      jobs.set(jobAt("running", version));
      await settle();
      clock.advance(50);
    }
    expect(jobs.asked.length).toBeLessThanOrEqual(13);
  });

  it("goes over to its channel as soon as that speaks, and back when it falls silent", async () => {
    const setup = jobSetUp();
    const { jobs, clock, watch } = setup;
    const { handle } = watch();
    const line = await jobLine(setup);
    await until(() => handle.get().status === "running", "the job");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    jobs.jobs.set("job_a", jobAt("running", 3));
    line.say(progress(1, jobAt("running", 3)));
    clock.draw();
    expect(handle.get()).toMatchObject({ updates: "live", job: { version: 3 } });
    expect(jobs.held).toHaveLength(0);
    clock.advance(15_001);
    clock.draw();
    expect(handle.get().updates).toBe("polling");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
  });

  it("is asked for where the page's policy forbids WebAssembly", async () => {
    const { jobs, clock, watch } = jobSetUp(jobAt("running", 2), {}, () =>
      Promise.reject(new Error("forbidden")),
    );
    const { handle } = watch();
    await until(() => handle.get().status === "running", "the job");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    jobs.set(jobAt("done", 3));
    await until(() => handle.get().status === "done", "the end");
  });

  it("is asked for while there is no line, and not once there is one again", async () => {
    const setup = jobSetUp();
    const { jobs, clock, gateway } = setup;
    const { handle, line } = await liveJob(setup);
    line.close();
    expect(handle.get().updates).toBe("polling");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    await until(() => gateway.lines.length > 1, "another line");
    gateway.line.greet();
    await settle();
    gateway.line.ackAll();
    gateway.line.say(progress(2, jobAt("running", 4)));
    clock.draw();
    expect(handle.get()).toMatchObject({ updates: "live", job: { version: 4 } });
    expect(jobs.held).toHaveLength(0);
  });
});

describe("a job that is asked for and answered with what is older", () => {
  it("is not asked for in haste", async () => {
    const setup = jobSetUp(jobAt("running", 5));
    const { jobs, clock, watch } = setup;
    const { handle } = watch();
    await jobLine(setup);
    await until(() => handle.get().status === "running", "the job");
    // Another node, whose database lags behind.
    jobs.jobs.set("job_a", jobAt("running", 4));
    clock.advance(2_000);
    for (let passed = 0; passed < 10_000; passed += 100) {
      await settle();
      clock.advance(100);
    }
    expect(handle.get().job?.version).toBe(5);
    expect(jobs.asked.length).toBeLessThanOrEqual(7);
  });
});

describe("a job whose channel is refused", () => {
  const unknown = (id: number | undefined) => refusal("CHANNEL_UNKNOWN", "job:job_a", { id });

  it("is asked for, so that the gateway knows whose it is, and its channel asked for again", async () => {
    const setup = jobSetUp();
    const { jobs, clock, gateway } = setup;
    const { handle, line } = await liveJob(setup);
    // The gateway starts anew: it knows of no owners.
    line.close();
    clock.advance(1_000);
    await until(() => gateway.lines.length > 1, "another line");
    gateway.line.greet();
    await settle();
    gateway.line.say(unknown(gateway.line.sent("subscribe").at(-1)?.id));
    clock.draw();
    await setup.asked(2);
    expect(jobs.asked.at(-1)).toMatchObject({ path: "jobs/job_a?wait=0", known: "v3" });
    await until(() => gateway.line.sent("subscribe").length === 2, "another subscription");
    gateway.line.ackAll();
    gateway.line.say(progress(2, jobAt("running", 4)));
    clock.draw();
    expect(handle.get()).toMatchObject({ updates: "live", error: null, job: { version: 4 } });
  });

  it("again is left alone for half a minute, and the job asked for instead", async () => {
    const setup = jobSetUp();
    const { jobs, clock, gateway, watch } = setup;
    const { handle } = watch();
    await until(() => gateway.lines.length > 0, "a line");
    const { line } = gateway;
    line.greet();
    await settle();
    for (const count of [1, 2]) {
      await until(() => line.sent("subscribe").length === count, "a subscription");
      line.say(unknown(line.sent("subscribe").at(-1)?.id));
      clock.draw();
      await settle();
    }
    await until(() => jobs.held.length === 1, "a question that is held back");
    expect(handle.get()).toMatchObject({ status: "running", updates: "polling", error: null });
    clock.advance(20_000);
    jobs.timeOut();
    await settle();
    clock.advance(1);
    await until(() => jobs.held.length === 1, "a question that is held back");
    expect(line.sent("subscribe")).toHaveLength(2);
    clock.advance(10_000);
    jobs.timeOut();
    await until(() => line.sent("subscribe").length === 3, "another subscription");
  });
});

describe("a job that cannot be asked for", () => {
  it("is tried again with full jitter, tells the error, and forgets it", async () => {
    const { jobs, clock, watch } = jobSetUp();
    jobs.next.push({ status: 503, code: "STORE_UNAVAILABLE" }, new TypeError("no way there"));
    const { handle } = watch();
    await until(() => handle.get().error !== null, "the error");
    expect(handle.get()).toMatchObject({ status: "pending", error: { code: "STORE_UNAVAILABLE" } });
    clock.advance(249);
    await settle();
    expect(jobs.asked).toHaveLength(1);
    clock.advance(1);
    await until(() => handle.get().error?.code === "NETWORK", "the next error");
    clock.advance(499);
    await settle();
    expect(jobs.asked).toHaveLength(2);
    clock.advance(1);
    await until(() => handle.get().status === "running", "the job");
    expect(handle.get().error).toBeNull();
  });

  it("waits as long as the gateway says", async () => {
    const { jobs, clock, watch } = jobSetUp();
    jobs.next.push({ status: 429, code: "RATE_LIMITED", retryAfterS: 3 });
    const { handle } = watch();
    await until(() => handle.get().error?.code === "RATE_LIMITED", "the error");
    clock.advance(2_999);
    await settle();
    expect(jobs.asked).toHaveLength(1);
    clock.advance(1);
    await until(() => handle.get().status === "running", "the job");
  });

  it("keeps the same state while the same fails again and again", async () => {
    const { jobs, clock, watch } = jobSetUp();
    jobs.refuses = { status: 503, code: "STORE_UNAVAILABLE" };
    const { handle, changes } = watch();
    await until(() => handle.get().error !== null, "the error");
    const before = changes();
    for (let count = 2; count < 6; count += 1) {
      clock.advance(30_000);
      await until(() => jobs.asked.length >= count, "another attempt");
      await settle();
    }
    expect(changes()).toBe(before);
  });

  it("is asked for at once when the machine is online again", async () => {
    const { jobs, network, clock, watch } = jobSetUp();
    jobs.next.push(new TypeError("no way there"));
    const { handle } = watch();
    await until(() => handle.get().error !== null, "the error");
    network.emit("online");
    network.emit("wake");
    clock.advance(0);
    await until(() => handle.get().status === "running", "the job");
    expect(jobs.asked).toHaveLength(2);
  });

  it("is asked for once more with another token when its own was refused", async () => {
    let count = 0;
    const auth = ({ reason }: { reason: string }) => {
      count += 1;
      return Promise.resolve({ token: `${reason}-${count}` });
    };
    const { jobs, watch } = jobSetUp(jobAt("done", 4), { auth });
    jobs.next.push({ status: 401, code: "AUTH_EXPIRED" });
    const { handle } = watch();
    await until(() => handle.get().isEnded, "the job");
    expect(jobs.asked.map(({ token }) => token)).toEqual(["Bearer initial-1", "Bearer rejected-2"]);
  });
});

describe("a job in a page that nobody sees", () => {
  it("is not polled until the page is seen", async () => {
    const setup = jobSetUp();
    const { jobs, clock, network, watch } = setup;
    const { handle } = watch();
    await jobLine(setup);
    await until(() => handle.get().status === "running", "the job");
    clock.advance(2_000);
    await until(() => jobs.held.length === 1, "a question that is held back");
    network.emit("hidden");
    expect(jobs.held).toHaveLength(0);
    expect(handle.get().updates).toBe("none");
    clock.advance(120_000);
    await settle();
    expect(jobs.asked).toHaveLength(2);
    network.emit("visible");
    network.emit("wake");
    clock.advance(0);
    await until(() => jobs.held.length === 1, "a question that is held back");
    expect(handle.get().updates).toBe("polling");
    expect(jobs.asked).toHaveLength(3);
  });

  it("is told of by its channel all the same", async () => {
    const setup = jobSetUp();
    const { handle, line } = await liveJob(setup);
    setup.network.emit("hidden");
    line.say(progress(2, jobAt("done", 4)));
    setup.clock.advance(250);
    expect(handle.get().status).toBe("done");
  });
});

describe("a client that is closed", () => {
  it("asks no more and keeps what it knew", async () => {
    const setup = jobSetUp();
    const { handle } = await liveJob(setup);
    const state = handle.get();
    setup.client.close();
    await settle();
    expect(handle.get().job).toBe(state.job);
    setup.watch("job_b");
    setup.clock.advance(120_000);
    await settle();
    expect(setup.jobs.asked).toHaveLength(1);
    expect(setup.clock.waiting).toBe(0);
  });
});

describe("what a person can do with a job", () => {
  it("cancelling shows the answer at once", async () => {
    const setup = jobSetUp();
    const { handle } = await liveJob(setup);
    setup.jobs.set(jobAt("running", 4, { cancelRequested: true }));
    const job = await handle.cancel();
    expect(setup.jobs.asked.at(-1)).toMatchObject({ method: "DELETE", path: "jobs/job_a" });
    expect(job.cancelRequested).toBe(true);
    expect(handle.get().job).toMatchObject({ version: 4, cancelRequested: true });
  });

  it("what is refused is an exception that names the code", async () => {
    const { client, jobs } = jobSetUp(null);
    await expect(client.job("job_a").cancel()).rejects.toMatchObject({
      name: "Error",
      message: "no",
      code: "JOB_NOT_FOUND",
    });
    jobs.next.push({ status: 410, code: "RESULT_EXPIRED" });
    await expect(client.job("job_a").downloadLink()).rejects.toMatchObject({ code: "RESULT_EXPIRED" });
  });

  it("a link is absolute, below the gateway's own path", async () => {
    const { client } = jobSetUp(jobAt("done", 4));
    const link = await client.job("job_a").downloadLink();
    expect(link.url).toBe("http://gateway.test/base/api/backtest/blobs/job_a?s=1");
    expect(link.filename).toBe("job_a.json.gz");
  });
});

it("is safe to make without a page or a gateway", () => {
  const client = createClient({ url: "/" }, compileInline);
  expect(client.job("job_a").getServer().status).toBe("pending");
  expect(client.jobs().getServer()).toBe(client.backtestResult("job_a", "equity").getServer());
});
