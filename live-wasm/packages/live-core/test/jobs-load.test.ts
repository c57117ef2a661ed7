import { expect, it, vi } from "vitest";
import { settle, until } from "./harness.js";
import { jobAt, jobSetUp } from "./job-gateway.js";

const download = vi.hoisted(() => ({ fails: true, count: 0 }));

vi.mock("../src/jobs/lazy.js", async (original) => {
  const lazy = await original<typeof import("../src/jobs/lazy.js")>();
  return {
    ...lazy,
    lazyJobs: (engine: never) =>
      lazy.lazyJobs(engine, () => {
        download.count += 1;
        return download.fails ? Promise.reject(new Error("no such file")) : import("../src/jobs/jobs.js");
      }),
  };
});

it("what knows of jobs is downloaded with the first watcher, and again after a failure, which is told", async () => {
  const { client, clock, watch } = jobSetUp(jobAt("done", 4));
  expect(client.job("job_a").get().status).toBe("pending");
  await settle();
  expect(download.count).toBe(0);
  const { handle } = watch();
  await until(() => handle.get().error !== null, "the error");
  expect(handle.get()).toMatchObject({
    status: "pending",
    error: { code: "NETWORK", message: "no such file" },
  });
  await expect(handle.cancel()).rejects.toThrow("no such file");
  download.fails = false;
  clock.advance(15_000);
  await until(() => handle.get().status === "done", "the job");
  watch();
  await settle();
  expect(download.count).toBe(3);
});
