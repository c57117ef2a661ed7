import type { BacktestParams, Job, JobState, Proposal } from "@spark/live-core";
import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type FakeClient, fakeRows } from "../dev/fakeClient";
import { chooseLanguage } from "../src/i18n";
import { renderPage } from "./page";

vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));
vi.mock("../src/features/backtests/equityCanvas", () => import("./stillChart"));

// The text field of the copilot grows anew when its font has come.
Object.defineProperty(document, "fonts", { value: new EventTarget() });

const PARAMS: BacktestParams = {
  symbol: "IBM",
  interval: "1d",
  strategy: { name: "sma_cross", fast: 7, slow: 21, allowShort: true },
  initialCash: 500,
};

const PROPOSAL: Proposal<BacktestParams> = {
  proposalId: "p-1",
  tool: "startBacktest",
  params: PARAMS,
  paramsHash: "ab",
  summary: "it",
  combinations: 1,
  bars: 9,
  expiresAt: 0,
};

const JOB: Job<BacktestParams> = {
  jobId: "job_1",
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
};

const DONE: JobState = { status: "done", job: JOB, error: null, isEnded: true, updates: "none" };
const PENDING: JobState = {
  status: "pending",
  job: undefined,
  error: null,
  isEnded: false,
  updates: "none",
};

/** What is watched comes into view. */
let comeIntoView = (): void => {};

class Observer {
  constructor(told: (entries: { isIntersecting: boolean }[]) => void) {
    comeIntoView = () => told([{ isIntersecting: true }]);
  }
  observe(): void {}
  disconnect(): void {}
}
vi.stubGlobal("IntersectionObserver", Observer);

beforeEach(() => window.history.replaceState(null, "", "/backtests"));
afterEach(async () => {
  vi.useRealTimers();
  localStorage.clear();
  await chooseLanguage("en");
  localStorage.clear();
});

async function opened(arrange: (client: FakeClient) => void = () => {}) {
  const page = renderPage();
  page.move((client) => {
    client.listSymbols();
    arrange(client);
  });
  await screen.findByRole("heading", { name: "New backtest" }, { timeout: 4_000 });
  return { ...page, client: page.clients[0] as FakeClient };
}

const field = (name: string): HTMLInputElement => screen.getByLabelText(name);
const review = (): HTMLElement => screen.getByTestId("propose");

test("what ran before is in the form, also where it is heard of only later", async () => {
  window.history.replaceState(null, "", "/backtests?again=job_1");
  const page = await opened((client) => client.setJob("job_1", PENDING));
  // Until then there is no form that somebody could fill in for nothing.
  expect(screen.queryByTestId("backtest-form")).toBeNull();
  page.move((client) => client.setJob("job_1", DONE));
  await screen.findByTestId("backtest-form");
  expect(field("Symbol").value).toBe("IBM");
  expect(field("Fast average, bars").value).toBe("7");
  expect(field("Initial cash").value).toBe("500");
  expect(field("Allow short selling").checked).toBe(true);
  // News of that job change nothing of what is typed.
  await page.user.type(field("Initial cash"), "0");
  page.move((client) => client.setJob("job_1", { ...DONE, job: { ...JOB, version: 2 } } as JobState));
  expect(field("Initial cash").value).toBe("5000");
});

test("of a backtest that is gone the form says so, and begins anew", async () => {
  window.history.replaceState(null, "", "/backtests?again=job_gone");
  await opened();
  expect((await screen.findByTestId("error-note")).dataset.code).toBe("JOB_NOT_FOUND");
  expect(field("Symbol").value).toBe("AAPL");
});

test("the focus goes to the card that appears, never to its yes", async () => {
  const page = await opened();
  page.client.desk.propose = async () => ({ ...PROPOSAL, expiresAt: Date.now() + 60_000 });
  await page.user.click(review());
  const card = await screen.findByTestId("proposal");
  expect(document.activeElement).toBe(card);
  const confirm = vi.spyOn(page.client.desk, "confirm");
  // A key that is held goes on for a while.
  await page.user.keyboard("{Enter}{Enter} ");
  expect(confirm).not.toHaveBeenCalled();
});

test("whoever does something else meanwhile keeps the focus there", async () => {
  const page = await opened();
  let arrive = (_: Proposal<BacktestParams>): void => {};
  page.client.desk.propose = () =>
    new Promise((resolve) => {
      arrive = resolve;
    });
  await page.user.click(review());
  const elsewhere = screen.getByRole("button", { name: "Refresh" });
  elsewhere.focus();
  await act(async () => arrive({ ...PROPOSAL, expiresAt: Date.now() + 60_000 }));
  expect(screen.getByTestId("proposal")).toBeTruthy();
  expect(document.activeElement).toBe(elsewhere);
});

test("a button that is busy keeps the focus, and takes no second press", async () => {
  const page = await opened();
  const propose = vi.fn(() => new Promise<never>(() => {}));
  page.client.desk.propose = propose;
  await page.user.click(review());
  expect(review().getAttribute("aria-disabled")).toBe("true");
  expect(document.activeElement).toBe(review());
  await page.user.keyboard("{Enter}");
  await page.user.type(field("Initial cash"), "{Enter}");
  expect(propose).toHaveBeenCalledOnce();
});

test("a card whose time is over cannot be confirmed any more", async () => {
  const page = await opened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  page.client.desk.propose = async () => ({ ...PROPOSAL, expiresAt: Date.now() + 30_000 });
  await act(async () => review().click());
  const card = screen.getByTestId("proposal");
  expect(card.dataset.status).toBe("waiting");
  act(() => vi.advanceTimersByTime(29_000));
  expect(card.dataset.status).toBe("waiting");
  act(() => vi.advanceTimersByTime(1_000));
  expect(card.dataset.status).toBe("expired");
  expect(within(card).queryByTestId("confirm")).toBeNull();
  expect(within(card).getByRole("button", { name: "Propose again" })).toBeTruthy();
});

test("a confirmation leads to its backtest, unless its person has gone elsewhere meanwhile", async () => {
  const page = await opened();
  const started: ((jobId: string) => void)[] = [];
  page.client.desk.propose = async () => ({ ...PROPOSAL, expiresAt: Date.now() + 60_000 });
  page.client.desk.confirm = () =>
    new Promise((resolve) => {
      started.push((jobId) => resolve({ jobId, state: "queued", replayed: false }));
    });
  const confirm = async (): Promise<void> => {
    await page.user.click(review());
    await page.user.click(await screen.findByTestId("confirm"));
  };
  await confirm();
  await page.user.click(screen.getByRole("link", { name: "Status" }));
  await act(async () => started[0]?.("job_1"));
  expect(window.location.pathname).toBe("/status");
  await page.user.click(screen.getByRole("link", { name: "Backtests" }));
  await screen.findByTestId("propose");
  await confirm();
  await act(async () => started[1]?.("job_2"));
  expect(window.location.pathname).toBe("/backtests/job_2");
});

test("a confirmation that nobody has answered can be repeated, also after its time", async () => {
  const page = await opened();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "Date"] });
  const { desk } = page.client;
  desk.propose = async () => ({ ...PROPOSAL, expiresAt: Date.now() + 30_000 });
  await act(async () => review().click());
  const card = screen.getByTestId("proposal");
  const confirm = (): Promise<void> => act(async () => within(card).getByTestId("confirm").click());
  desk.confirm = () => Promise.reject({ code: "NETWORK", message: "no way there" });
  await confirm();
  expect(card.dataset.status).toBe("waiting");
  expect(within(card).getByTestId("error-note").dataset.code).toBe("NETWORK");
  act(() => vi.advanceTimersByTime(60_000));
  expect(card.dataset.status).toBe("waiting");
  // It had come through: the first answer was lost, the second says what it has started.
  desk.confirm = () => Promise.reject({ code: "TOKEN_USED", message: "used", jobId: "job_7" });
  await confirm();
  expect(window.location.pathname).toBe("/backtests/job_7");
});

test("a card that is proposed anew stays in its place until the new one is there", async () => {
  const page = await opened();
  const { desk } = page.client;
  desk.propose = async () => ({ ...PROPOSAL, expiresAt: Date.now() + 60_000 });
  await page.user.click(review());
  await page.user.click(await screen.findByRole("button", { name: "Decline" }));
  desk.propose = () => Promise.reject({ code: "PROPOSAL_LIMIT", message: "too many" });
  await page.user.click(screen.getByRole("button", { name: "Propose again" }));
  const card = screen.getByTestId("proposal");
  expect(within(card).getByTestId("error-note").dataset.code).toBe("PROPOSAL_LIMIT");
  desk.propose = async () => ({ ...PROPOSAL, proposalId: "p-2", expiresAt: Date.now() + 60_000 });
  await page.user.click(screen.getByRole("button", { name: "Propose again" }));
  expect(card.dataset).toMatchObject({ status: "waiting", proposal: "p-2" });
});

test("what the gateway refuses stands at its field, in the page's language, and leads there", async () => {
  await chooseLanguage("tr");
  const page = renderPage();
  page.move((client) => client.listSymbols());
  await screen.findByRole("heading", { name: "Yeni backtest" }, { timeout: 4_000 });
  const client = page.clients[0] as FakeClient;
  const refusal = { code: "PARAMS_INVALID", message: "symbol is not served", field: "symbol" };
  client.desk.propose = () => Promise.reject({ ...refusal, reason: "is not served" });
  await page.user.click(review());
  expect(await screen.findByText("burada sunulmuyor")).toBeTruthy();
  expect(screen.queryByText(/is not served/)).toBeNull();
  expect(document.activeElement).toBe(field("Sembol"));
  // Where the page has no words, and no field, the gateway's own stand.
  client.desk.propose = () => Promise.reject({ ...refusal, field: "body", reason: "is too long" });
  await page.user.click(review());
  expect((await screen.findByTestId("error-note")).textContent).toContain("Symbol is not served.");
});

test("the first field that something is wrong with gets the focus, in the form's order", async () => {
  const page = await opened();
  await page.user.clear(field("Initial cash"));
  await page.user.type(field("From"), "soon");
  await page.user.click(review());
  expect(screen.getByText("a day such as 2005-01-31")).toBeTruthy();
  expect(document.activeElement).toBe(field("From"));
});

test("the list says what each was, a sweep as one, and what a single one has returned", async () => {
  const sweep = { fast: [5, 10], slow: [20, 30, 40] };
  const jobs = [JOB, { ...JOB, jobId: "job_2", params: { ...PARAMS, sweep } }];
  await opened((client) => {
    client.pages.set(fakeRows(jobs));
    client.setResult("job_1", "metrics", [{ totalReturn: 0.1234 }]);
  });
  expect(await screen.findByRole("link", { name: "IBM · SMA crossover 7/21" })).toBeTruthy();
  expect(screen.getByRole("link", { name: "IBM · SMA crossover …/… · 6 combinations" })).toBeTruthy();
  const [single, many] = screen.getAllByTestId("job-row");
  expect(many && within(many).queryByTestId("outcome")).toBeNull();
  // Numbers are asked for once they would be seen.
  expect(single?.textContent).not.toContain("%");
  act(() => comeIntoView());
  expect(single?.textContent).toContain("+12.34%");
});

test("a backtest that the copilot's card has started is in the list at once", async () => {
  const refresh = vi.fn();
  const page = await opened((client) => client.pages.set(fakeRows([JOB], { refresh })));
  await page.user.click(screen.getByRole("button", { name: "Copilot" }));
  await screen.findByRole("textbox", { name: "Ask the copilot" }, { timeout: 4_000 });
  const part = { kind: "proposal", proposal: PROPOSAL, error: null } as const;
  const tell = (status: "waiting" | "confirmed", jobId: string | null): void =>
    page.move(({ conversation }) =>
      conversation.set({
        ...conversation.get(),
        messages: [
          {
            id: "a",
            role: "assistant",
            status: "done",
            error: null,
            parts: [{ ...part, status, jobId }],
          },
        ],
      }),
    );
  tell("waiting", null);
  expect(refresh).not.toHaveBeenCalled();
  tell("confirmed", "job_9");
  expect(refresh).toHaveBeenCalledOnce();
});
