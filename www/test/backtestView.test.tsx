import type { BacktestParams, EquityRow, Job, JobState, MetricsRow } from "@spark/live-core";
import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FakeClient } from "../dev/fakeClient";
import { renderPage } from "./page";
import { draw, fitted } from "./stillChart";

vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));
vi.mock("../src/features/backtests/equityCanvas", () => import("./stillChart"));

const PARAMS: BacktestParams = {
  symbol: "IBM",
  interval: "1d",
  strategy: { name: "sma_cross", fast: 7, slow: 21 },
  initialCash: 500,
};

const job = (jobId: string, change: Partial<Job<BacktestParams>> = {}): Job<BacktestParams> => ({
  jobId,
  state: "done",
  version: 1,
  progress: 1,
  phase: "",
  attempt: 1,
  cancelRequested: false,
  paramsHash: "ab",
  createdAt: 0,
  startedAt: 0,
  finishedAt: 1,
  error: null,
  resultHash: "cd",
  params: PARAMS,
  ...change,
});

const done = (jobId: string, change: Partial<Job<BacktestParams>> = {}): JobState => ({
  status: "done",
  job: job(jobId, change),
  error: null,
  isEnded: true,
  updates: "none",
});

const running = (progress: number, phase = "computing"): JobState => ({
  status: "running",
  job: job("job_1", { state: "running", progress, phase }),
  error: null,
  isEnded: false,
  updates: "live",
});

const METRICS = { totalReturn: 0.5, maxDrawdown: 0.25, trades: 0, sharpe: null } as unknown as MetricsRow;

beforeEach(() => {
  window.history.replaceState(null, "", "/backtests/job_1");
  draw.mockClear();
  fitted.mockClear();
});
afterEach(() => localStorage.clear());

async function opened(arrange: (client: FakeClient) => void) {
  const page = renderPage();
  page.move((client) => {
    client.listSymbols();
    arrange(client);
  });
  await screen.findByTestId("backtest", undefined, { timeout: 4_000 });
  return { ...page, client: page.clients[0] as FakeClient };
}

const rows = (count: number): EquityRow[] =>
  Array.from({ length: count }, (_, at) => ({
    openTime: at * 60_000,
    equity: 100 + (at % 7),
    cash: 0,
    units: 0,
    drawdown: 0,
  }));

test("nothing of one backtest is left under another", async () => {
  const page = await opened((client) => {
    for (const id of ["job_1", "job_2"]) client.setJob(id, done(id));
    client.setResult("job_1", "metrics", [METRICS]);
  });
  const link = { url: "#it", expiresAt: 0, resultHash: "cd", blobSha256: "f00d", bytes: 5 };
  const file = { contentType: "application/json", contentEncoding: "gzip", filename: "it.json.gz" };
  page.client.desk.link = async () => ({ ...link, ...file });
  await page.user.click(screen.getByTestId("download"));
  expect((await screen.findByTestId("download-about")).textContent).toContain("f00d");
  act(() => window.history.pushState(null, "", "/backtests/job_2"));
  await screen.findByTestId("download");
  expect(screen.queryByTestId("download-about")).toBeNull();
});

test("a screen reader is told what it is at and how it ends, not each percent", async () => {
  const page = await opened((client) => client.setJob("job_1", running(0)));
  const regions = within(screen.getByTestId("backtest")).getAllByRole("status");
  const told = new Set<string>();
  const tell = (state: JobState): void => {
    page.move((client) => client.setJob("job_1", state));
    told.add(regions.map((region) => region.textContent).join());
  };
  for (let percent = 0; percent <= 100; percent += 10) tell(running(percent / 100));
  expect(screen.getByTestId("backtest").textContent).toContain("100%");
  tell(running(1, "storing"));
  tell(done("job_1"));
  expect([...told]).toEqual(["Running, computes", "Running, stores the result", "Done"]);
});

test("the curve is drawn with its first page and with its last, and pages between change nothing", async () => {
  const page = await opened((client) => client.setJob("job_1", done("job_1")));
  const loadMore = vi.fn();
  const tell = (length: number): void =>
    page.move((client) =>
      client.setResult("job_1", "equity", rows(length), {
        total: 20_000,
        hasMore: length < 20_000,
        loadMore,
      }),
    );
  tell(5_000);
  const [drawn, fits] = [draw.mock.calls.length, fitted.mock.calls.length];
  expect(loadMore).toHaveBeenCalledWith(20_000);
  tell(10_000);
  tell(15_000);
  expect(screen.getByTestId("equity-loaded").textContent).toBe("15,000 of 20,000 bars loaded");
  expect(draw.mock.calls).toHaveLength(drawn);
  expect(fitted.mock.calls).toHaveLength(fits);
  // Whoever looks closer goes on looking there.
  act(() => {
    screen.getByTestId("equity-chart").dispatchEvent(new Event("pointerdown", { bubbles: true }));
  });
  tell(20_000);
  expect(draw.mock.calls).toHaveLength(drawn + 1);
  expect(fitted.mock.calls).toHaveLength(fits);
  expect(screen.getByTestId("equity-loaded").textContent).toBe("drawn from 20,000 bars");
});

test("of a curve that is too long to be loaded whole it is said how much is drawn", async () => {
  const [one] = rows(1);
  await opened((client) => {
    client.setJob("job_1", done("job_1"));
    client.setResult("job_1", "equity", [], {
      length: 500_000,
      total: 800_000,
      row: () => one as never,
      hasMore: true,
    });
  });
  expect(screen.getByTestId("equity-loaded").textContent).toBe(
    "the first 500,000 of 800,000 bars; the download has all of them",
  );
});

test("an explanation of a number is a dialog that Escape closes, and the focus goes back", async () => {
  const page = await opened((client) => {
    client.setJob("job_1", done("job_1"));
    client.setResult("job_1", "metrics", [METRICS]);
  });
  const why = screen.getByRole("button", { name: "What is Sharpe?" });
  await page.user.click(why);
  const dialog = await screen.findByRole("dialog", { name: /Sharpe/ });
  expect(dialog.textContent).toContain("Not defined for this backtest");
  await vi.waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
  await page.user.keyboard("{Escape}");
  await vi.waitFor(() => expect(document.activeElement).toBe(why));
});

test("of two thousand combinations some dozens are there, the best says so, and each column sorts both ways", async () => {
  const sweep = {
    best: { fast: 2, slow: 60 },
    columns: ["fast", "slow", "maxDrawdown", "totalReturn"],
    rows: Array.from({ length: 2_000 }, (_, at) => [
      (at % 40) + 2,
      Math.floor(at / 40) + 50,
      at / 4_000,
      at === 400 ? 9 : at / 1_000,
    ]),
  };
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(400);
  const page = await opened((client) => {
    client.setJob("job_1", done("job_1", { params: { ...PARAMS, sweep: { fast: [2, 3], slow: [50, 51] } } }));
    client.setResult("job_1", "metrics", [{ ...METRICS, sweep }]);
  });
  const box = screen.getByTestId("sweep");
  const lines = (): string[] =>
    within(box)
      .getAllByRole("row")
      .slice(1)
      .map((row) =>
        within(row)
          .getAllByRole("cell")
          .map((cell) => cell.textContent)
          .join(" "),
      );
  expect(screen.getByText("2,000 combinations")).toBeTruthy();
  expect(within(box).getByRole("table").getAttribute("aria-rowcount")).toBe("2001");
  expect(lines().length).toBeGreaterThan(5);
  expect(lines().length).toBeLessThan(80);
  expect(lines()[0]).toBe("best 2 60 900.00% −10.00%");
  const header = (name: string): HTMLElement => within(box).getByRole("columnheader", { name });
  expect(header("Total return").getAttribute("aria-sort")).toBe("descending");
  await page.user.click(within(header("Maximum drawdown")).getByRole("button"));
  // The least fall first.
  expect(lines()[0]).toBe(" 2 50 0.00% 0.00%");
  expect(header("Total return").getAttribute("aria-sort")).toBe("none");
  await page.user.click(within(header("Maximum drawdown")).getByRole("button"));
  expect(header("Maximum drawdown").getAttribute("aria-sort")).toBe("ascending");
  expect(lines()[0]).toContain("−49.98%");
  vi.restoreAllMocks();
});
