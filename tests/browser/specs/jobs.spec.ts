import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test as base, expect } from "@playwright/test";
import type { JobState, Readable } from "@spark/live-core";
import { Trader } from "../src/backtests.ts";
import { wanderingBars } from "../src/bars.ts";
import { Gateway } from "../src/gateway.ts";

// What the client knows of jobs, against the real gateway and without a page.

const test = base.extend<{ gateway: Gateway; trader: Trader }>({
  gateway: async ({ browserName: _ }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), "spark-data-"));
    await writeFile(path.join(folder, "MANY.1m.csv"), wanderingBars(BARS));
    const gateway = await Gateway.start({ SPARK_DATA_DIR: folder, SPARK_JOBS_LEASE_MS: "5000" });
    await use(gateway);
    await gateway.dispose();
    await rm(folder, { recursive: true });
  },
  trader: async ({ gateway }, use) => {
    const trader = await Trader.guest(gateway);
    await use(trader);
    trader.client.close();
  },
});

/** Rows of the longest part of a result. */
const BARS = 100_000;

const SMA_CROSS = { symbol: "MANY", interval: "1m", strategy: { name: "sma_cross" } };

/** A backtest that takes some seconds: as many combinations as are allowed. */
const SWEEP = { ...SMA_CROSS, sweep: { fast: range(2, 41), slow: range(50, 99) } };

/** Whole numbers from one to another. */
function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, at) => from + at);
}

/** Watches a readable, and remembers all that it has been. */
function record<T>(readable: Readable<T>) {
  const seen = [readable.get()];
  const stop = readable.subscribe(() => seen.push(readable.get()));
  const until = async <S extends T>(is: (value: T) => value is S): Promise<S> => {
    await expect.poll(() => is(readable.get()), { timeout: 60_000 }).toBe(true);
    return readable.get() as S;
  };
  return { seen, stop, until };
}

type Ended = Extract<JobState, { isEnded: true }>;
const isEnded = (state: JobState): state is Ended => state.isEnded;
const isRunning = (state: JobState): state is Extract<JobState, { status: "running" }> =>
  state.status === "running";

test("a backtest is followed to its end, and its result read to the last row", async ({ trader }) => {
  const { client } = trader;
  const id = await trader.run(SMA_CROSS);
  const equity = client.backtestResult(id, "equity", { limit: 500 });
  const trades = client.backtestResult(id, "trades");
  const metrics = client.backtestResult(id, "metrics");
  const stops = [equity, trades, metrics].map((part) => part.subscribe(() => {}));
  const { until, stop } = record(client.job<{ symbol: string }>(id));
  const state = await until(isEnded as (value: JobState<{ symbol: string }>) => value is never);
  const { status, job } = state as JobState<{ symbol: string }>;
  expect(status).toBe("done");
  expect(job?.params.symbol).toBe("MANY");

  await expect.poll(() => equity.get().length).toBe(500);
  equity.get().loadMore(Number.POSITIVE_INFINITY);
  await expect.poll(() => equity.get().hasMore).toBe(false);
  await expect.poll(() => trades.get().status).toBe("ready");
  await expect.poll(() => metrics.get().status).toBe("ready");
  const { rows, total, resultHash } = equity.get();
  expect([rows.length, total]).toEqual([BARS, BARS]);
  expect(resultHash).toBe(job?.resultHash);
  const summary = metrics.get().row(0);
  expect(summary?.bars).toBe(rows.length);
  expect(summary?.trades).toBe(trades.get().total);
  expect(summary?.finalEquity).toBeCloseTo(rows.at(-1)?.equity ?? 0, 6);
  expect(rows.every(({ openTime }, at) => at === 0 || openTime > (rows[at - 1]?.openTime ?? 0))).toBe(true);

  const link = await client.job(id).downloadLink();
  const file = Buffer.from(await (await fetch(link.url)).arrayBuffer());
  expect(file).toHaveLength(link.bytes);
  expect(createHash("sha256").update(file).digest("hex")).toBe(link.blobSha256);

  const list = client.jobs();
  stops.push(
    list.subscribe(() => {}),
    stop,
  );
  await expect.poll(() => list.get().rows.map(({ jobId }) => jobId)).toEqual([id]);
  for (const end of stops) end();
});

test("a job that runs tells of its progress on its channel, and is cancelled", async ({ trader }) => {
  const { client } = trader;
  const id = await trader.run(SWEEP);
  const job = client.job(id);
  const { seen, until } = record(job);
  await expect.poll(() => job.get().updates).toBe("live");
  await expect.poll(() => job.get().job?.progress ?? 0).toBeGreaterThan(0.01);
  await job.cancel();
  expect((await until(isEnded)).status).toBe("cancelled");
  const versions = seen.flatMap(({ job }) => job?.version ?? []);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(new Set(versions).size).toBeGreaterThan(2);
  // All the rest came by the channel.
  const path = `/api/backtest/jobs/${id}`;
  expect(trader.asked).toEqual([`GET ${path}?wait=0`, `DELETE ${path}`]);
});

test("a job of before a reload is followed by a client that knows only its id", async ({ trader }) => {
  const id = await trader.run(SWEEP);
  await record(trader.client.job(id)).until(isRunning);
  trader.client.close();
  const client = trader.another();
  const job = client.job(id);
  const { stop } = record(job);
  await expect.poll(() => job.get().updates).toBe("live");
  stop();
  await job.cancel();
  client.close();
});

test("a job outlives its gateway, and so does whoever watches it", async ({ trader, gateway }) => {
  const { client } = trader;
  const job = client.job(await trader.run(SWEEP));
  const { until } = record(job);
  await until(isRunning);
  await expect.poll(() => job.get().updates).toBe("live");
  const version = job.get().job?.version ?? 0;
  await gateway.kill();
  await expect.poll(() => job.get().updates, { timeout: 30_000 }).not.toBe("live");
  await gateway.start();
  // A gateway that has just started knows no channel's owner before somebody asks for the job.
  await expect.poll(() => job.get().job?.version ?? 0, { timeout: 60_000 }).toBeGreaterThan(version);
  await expect.poll(() => job.get().updates, { timeout: 60_000 }).toBe("live");
  await job.cancel();
  expect((await until(isEnded)).status).toBe("cancelled");
});

test("what is not there is said for good", async ({ trader }) => {
  const { client } = trader;
  const job = await record(client.job("job_none")).until(isEnded);
  expect(job).toMatchObject({ status: "missing", error: { code: "JOB_NOT_FOUND" } });
  const result = client.backtestResult("job_none", "equity");
  const { until } = record(result);
  const rows = await until((value): value is typeof value => value.error !== null);
  expect(rows).toMatchObject({ status: "failed", error: { code: "JOB_NOT_FOUND" } });
});
