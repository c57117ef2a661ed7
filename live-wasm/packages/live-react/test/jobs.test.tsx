import type { LiveClient } from "@spark/live-core";
import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, describe, expect, expectTypeOf, it, vi } from "vitest";
import { settle, until } from "../../live-core/test/harness.js";
import { jobAt, jobLine, jobSetUp, progress } from "../../live-core/test/job-gateway.js";
import { LiveProvider, useBacktestResult, useJob, useJobs } from "../src/index.js";

afterEach(cleanup);

function start(...args: Parameters<typeof jobSetUp>) {
  const setup = jobSetUp(...args);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <LiveProvider client={setup.client}>{children}</LiveProvider>
  );
  const strict = ({ children }: { children: ReactNode }) => <StrictMode>{wrapper({ children })}</StrictMode>;
  return { ...setup, wrapper, strict };
}

/** Waits within React's turns. */
const wait = (condition: () => boolean, what: string) => act(() => until(condition, what));

function Report({ id }: { id: string }) {
  const job = useJob(id);
  const trades = useBacktestResult(id, "trades");
  return <p>{`${job.status} ${trades.status} ${trades.length}`}</p>;
}

describe("useJob", () => {
  it("in StrictMode asks once, and renders what the job's channel says", async () => {
    const setup = start();
    const { result } = renderHook(() => useJob("job_a", { transport: "websocket" }), {
      wrapper: setup.strict,
    });
    expect(result.current.status).toBe("pending");
    await wait(() => result.current.status === "running", "the job");
    const line = await act(() => jobLine(setup));
    act(() => {
      line.say(progress(1, jobAt("running", 3)));
      setup.clock.draw();
    });
    expect(result.current).toMatchObject({ updates: "live", job: { version: 3 } });
    act(() => {
      line.say(progress(2, jobAt("done", 4)));
      setup.clock.draw();
    });
    expect(result.current).toMatchObject({ status: "done", isEnded: true });
    expect(setup.jobs.asked).toHaveLength(1);
    expect(setup.gateway.lines).toHaveLength(1);
  });

  it.each([
    ["without an id", null, true],
    ["with an empty one", "", true],
    ["that is not enabled", "job_a", false],
  ])("%s is idle and asks nothing", async (_what, id, enabled) => {
    const { wrapper, jobs } = start();
    const { result } = renderHook(() => useJob(id, { enabled }), { wrapper });
    await act(settle);
    expect(result.current).toMatchObject({ status: "idle", job: undefined, isEnded: false });
    expect(jobs.asked).toEqual([]);
  });

  it("follows its id, and shows nothing of the job before", async () => {
    const { wrapper, jobs } = start(jobAt("done", 4));
    jobs.set(jobAt("failed", 2, { jobId: "job_b" }));
    const { result, rerender } = renderHook(({ id }: { id: string | null }) => useJob(id), {
      wrapper,
      initialProps: { id: "job_a" as string | null },
    });
    await wait(() => result.current.status === "done", "the job");
    rerender({ id: "job_b" });
    expect(result.current.job).toBeUndefined();
    await wait(() => result.current.status === "failed", "the other job");
    rerender({ id: null });
    expect(result.current.status).toBe("idle");
  });

  it("ends its questions with the component", async () => {
    const { wrapper, jobs, clock } = start();
    const { result, unmount } = renderHook(() => useJob("job_a", { lingerMs: 0 }), { wrapper });
    await wait(() => result.current.status === "running", "the job");
    act(() => clock.advance(2_000));
    await wait(() => jobs.held.length === 1, "a question that is held back");
    unmount();
    clock.advance(0);
    expect(jobs.held).toHaveLength(0);
  });

  it("knows what there is in each state", () => {
    const check = () => {
      const state = useJob<{ symbol: string }>("job_a");
      if (state.status === "done") {
        expectTypeOf(state.job.params.symbol).toBeString();
        expectTypeOf(state.error).toBeNull();
      }
      if (state.status === "failed") expectTypeOf(state.error.code).toBeString();
      // @ts-expect-error: before the first answer there is no job
      if (!state.isEnded) state.job.version;
      const { rows } = useBacktestResult("job_a", "equity");
      expectTypeOf(rows[0]?.drawdown).toEqualTypeOf<number | undefined>();
      // @ts-expect-error: a part that there is not
      useBacktestResult("job_a", "orders");
    };
    expect(check).toBeTypeOf("function");
  });
});

describe("useBacktestResult", () => {
  it("in StrictMode asks once, and renders once for a page however many rows it has", async () => {
    const { strict, jobs } = start(jobAt("done", 4));
    jobs.rows = 9_000;
    let renders = 0;
    const { result } = renderHook(
      () => {
        renders += 1;
        return useBacktestResult("job_a", "equity", { limit: 5_000 });
      },
      { wrapper: strict },
    );
    await wait(() => result.current.status === "ready", "the page");
    expect(result.current).toMatchObject({ length: 5_000, total: 9_000, hasMore: true });
    expect(jobs.asked).toHaveLength(1);
    const before = renders;
    act(() => result.current.loadMore());
    await wait(() => result.current.length === 9_000, "the other page");
    // Under way, and there; StrictMode renders each twice.
    expect(renders - before).toBeLessThanOrEqual(4);
    expect(jobs.asked).toHaveLength(2);
  });

  it("beside useJob waits for the end by the same questions", async () => {
    const { client, jobs, clock } = start();
    jobs.rows = 3;
    render(
      <StrictMode>
        <LiveProvider client={client}>
          <Report id="job_a" />
        </LiveProvider>
      </StrictMode>,
    );
    await wait(() => screen.queryByText("running waiting 0") !== null, "the wait");
    act(() => clock.advance(2_000));
    await wait(() => jobs.held.length === 1, "a question that is held back");
    act(() => jobs.set(jobAt("done", 3)));
    await wait(() => screen.queryByText("done ready 3") !== null, "the rows");
    expect(jobs.paths.filter((path) => path === "jobs/job_a")).toHaveLength(2);
  });

  it("begins anew with another job, part or limit, and is idle without a job", async () => {
    const { wrapper, jobs } = start(jobAt("done", 4));
    jobs.rows = 9;
    const initialProps: { id: string | null; part: "trades" | "equity"; limit: number } = {
      id: "job_a",
      part: "trades",
      limit: 5,
    };
    const { result, rerender } = renderHook(({ id, part, limit }) => useBacktestResult(id, part, { limit }), {
      wrapper,
      initialProps,
    });
    await wait(() => result.current.length === 5, "the page");
    rerender({ ...initialProps, part: "equity" });
    expect(result.current).toMatchObject({ status: "loading", length: 0 });
    await wait(() => result.current.length === 5, "the other part");
    rerender({ ...initialProps, part: "equity", limit: 7 });
    await wait(() => result.current.length === 7, "the longer page");
    rerender({ ...initialProps, id: null });
    expect(result.current).toMatchObject({ status: "idle", length: 0, isLoading: false, hasMore: false });
    expect(jobs.asked).toHaveLength(3);
  });

  it("ends what is under way with the component", async () => {
    const { wrapper, jobs, clock } = start(jobAt("done", 4));
    jobs.holdsPages = true;
    const { unmount } = renderHook(() => useBacktestResult("job_a", "trades"), { wrapper });
    await wait(() => jobs.held.length === 1, "the question");
    unmount();
    clock.advance(1_000);
    expect(jobs.held).toHaveLength(0);
  });
});

describe("useJobs", () => {
  it("renders one's own jobs, and those that are new when it is told to ask again", async () => {
    const { strict, jobs } = start(jobAt("done", 4));
    const { result } = renderHook(() => useJobs(), { wrapper: strict });
    await wait(() => result.current.length === 1, "the jobs");
    jobs.set(jobAt("queued", 1, { jobId: "job_b" }));
    act(() => result.current.refresh());
    await wait(() => result.current.length === 2, "both jobs");
    expect(result.current.rows.map(({ state }) => state)).toEqual(["done", "queued"]);
    expect(jobs.asked).toHaveLength(2);
  });
});

it("on a server a job is pending and its rows are loading; nothing is asked, and hydration finds no difference", async () => {
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const tree = (client: LiveClient) => (
    <LiveProvider client={client}>
      <Report id="job_a" />
    </LiveProvider>
  );
  const served = start();
  const html = renderToString(tree(served.client));
  expect(html).toBe("<p>pending loading 0</p>");
  await settle();
  expect([served.jobs.asked.length, served.clock.waiting]).toEqual([0, 0]);

  const { client, jobs } = start(jobAt("done", 4));
  jobs.rows = 3;
  const container = document.createElement("div");
  container.innerHTML = html;
  const root = await act(async () => hydrateRoot(container, tree(client)));
  await wait(() => container.textContent === "done ready 3", "the rows");
  expect(complaints).not.toHaveBeenCalled();
  act(() => root.unmount());
});
