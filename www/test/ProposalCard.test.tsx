import { MantineProvider } from "@mantine/core";
import type { Proposal, ProposalPart } from "@spark/live-core";
import { act, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ProposalCard } from "../src/components/ProposalCard";
import { chooseLanguage } from "../src/i18n";

const NOW = Date.UTC(2026, 0, 2, 10);

const PROPOSAL: Proposal = {
  proposalId: "p-1",
  tool: "startBacktest",
  params: {
    feeBps: 10,
    from: "2005-01-01",
    initialCash: 10000,
    interval: "1d",
    sizing: { kind: "all_in" },
    slippageBps: 2.5,
    strategy: { allowShort: false, fast: 10, name: "sma_cross", slow: 30 },
    sweep: null,
    symbol: "AAPL",
    to: "2010-01-01",
  },
  paramsHash: "ab".repeat(32),
  summary: "AAPL by an SMA crossover",
  combinations: 1,
  bars: 1_259,
  expiresAt: NOW + 300_000,
};

type Part = Pick<ProposalPart, "proposal" | "status" | "jobId" | "error">;

function show(change: Partial<Part> = {}) {
  const calls = { onConfirm: vi.fn(), onDecline: vi.fn(), onRenew: vi.fn() };
  const card = (more: Partial<Part>) => (
    <MantineProvider env="test">
      <ProposalCard
        part={{ proposal: PROPOSAL, status: "waiting", jobId: null, error: null, ...more }}
        {...calls}
      />
    </MantineProvider>
  );
  const view = render(card(change));
  const user = userEvent.setup();
  return { ...calls, user, become: (next: Partial<Part>) => view.rerender(card(next)) };
}

const fact = (term: string): string | null | undefined =>
  screen.getByText(term, { selector: "dt" }).nextElementSibling?.textContent;

/** The next second, after so many others. */
function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + (seconds - 1) * 1_000);
  act(() => vi.advanceTimersByTime(1_000));
}

beforeEach(() => vi.useFakeTimers({ now: NOW, toFake: ["Date"] }));
afterEach(async () => {
  vi.useRealTimers();
  await chooseLanguage("en");
  localStorage.clear();
});

test("a card says exactly what will run, what it takes, and that nothing runs before", () => {
  show();
  expect(screen.getByRole("article", { name: "Confirm this backtest" })).toBeTruthy();
  expect(fact("Symbol")).toBe("AAPL · 1d");
  expect(fact("From, to")).toBe("2005-01-01 – 2010-01-01");
  expect(fact("Strategy")).toBe("SMA crossover, fast 10, slow 30");
  expect(fact("Short selling")).toBe("no");
  expect(fact("Cash")).toBe("10,000.00");
  expect(fact("Fees")).toBe("10 bp of each trade");
  expect(fact("Slippage")).toBe("2.5 bp of each trade");
  expect(fact("Position size")).toBe("all in, whole units");
  expect(fact("Cost")).toBe("1 backtest over 1,259 bars");
  expect(screen.queryByText("Sweep")).toBeNull();
  expect(screen.getByText("Nothing runs until you confirm.")).toBeTruthy();
  expect(screen.getByText(PROPOSAL.paramsHash)).toBeTruthy();
});

test("of a sweep it says what is tried, what stays as it is, and how many backtests that is", () => {
  const many = Array.from({ length: 1_200 }, (_, at) => at + 40);
  const params = { ...(PROPOSAL.params as object), sweep: { fast: many } };
  show({ proposal: { ...PROPOSAL, params, combinations: 1_200 } });
  expect(fact("Strategy")).toBe("SMA crossover, slow 30");
  expect(fact("Sweep")).toBe("fast 40, 41 … 1239 (1200)");
  expect(fact("Cost")).toBe("1,200 backtests over 1,259 bars each");
});

test.each([
  [
    { strategy: { name: "rsi_reversion", period: 14, low: 30, high: 70 } },
    "Strategy",
    /period 14, low 30, high 70$/,
  ],
  [{ strategy: { name: "buy_and_hold", allowShort: true } }, "Short selling", /^allowed$/],
  [{ from: null, to: null }, "From, to", /^first bar – last bar$/],
  [{ feeBps: 0 }, "Fees", /^none$/],
  [{ sizing: { kind: "fraction", fraction: 0.5 } }, "Position size", /^50% of the equity$/],
  [{ sizing: { kind: "units", units: 1_000 } }, "Position size", /^1,000 units$/],
])("%o reads as %s: %s", (change, term, words) => {
  show({ proposal: { ...PROPOSAL, params: { ...(PROPOSAL.params as object), ...change } } });
  expect(fact(term)).toMatch(words);
});

test("in Turkish the card speaks Turkish, numbers and what it is about included", async () => {
  await act(() => chooseLanguage("tr"));
  const { become } = show();
  expect(fact("Nakit")).toBe("10.000,00");
  expect(fact("Fiyat kayması")).toBe("her işlemin 2,5 baz puanı");
  expect(fact("Maliyet")).toBe("1.259 çubuk üzerinde 1 backtest");
  become({ proposal: { ...PROPOSAL, combinations: 6 } });
  expect(fact("Maliyet")).toBe("her biri 1.259 çubukluk 6 backtest");
  become({ status: "declined" });
  expect(screen.getByRole("article", { name: "AAPL · SMA kesişimi 10/30" })).toBeTruthy();
});

test("a sweep is titled as one, with how many it tries", () => {
  const params = { ...(PROPOSAL.params as object), sweep: { fast: [5, 10, 20], slow: [30] } };
  const { become } = show({ proposal: { ...PROPOSAL, params, combinations: 3 }, status: "declined" });
  expect(screen.getByRole("article", { name: "AAPL · SMA crossover …/30 · 3 combinations" })).toBeTruthy();
  become({ proposal: PROPOSAL, status: "declined" });
  expect(screen.getByRole("article", { name: "AAPL · SMA crossover 10/30" })).toBeTruthy();
});

test("a time that is the usual one begins with a full bar", () => {
  show({ proposal: { ...PROPOSAL, expiresAt: NOW + 150_000 } });
  const bar = screen.getByTestId("countdown").parentElement?.querySelector("[style*=progress-section]");
  expect(bar?.getAttribute("style")).toContain("50%");
});

test("parameters that the page does not know are shown as they are", () => {
  show({ proposal: { ...PROPOSAL, tool: "sendReport", params: { to: "desk", pages: [1, 2] } } });
  expect(fact("to")).toBe("desk");
  expect(fact("pages")).toBe("[1,2]");
});

test("time runs: shown each second, told at the start and ten seconds before the end", () => {
  vi.useFakeTimers({ now: NOW, toFake: ["Date", "setInterval", "clearInterval"] });
  const { become } = show();
  const told = (): string =>
    screen
      .getAllByRole("status")
      .map((it) => it.textContent)
      .join("");
  expect(screen.getByRole("timer").textContent).toBe("5:00 left to confirm");
  expect(told()).toBe("Waits for your confirmation. 5:00 left.");
  pass(1);
  expect(screen.getByRole("timer").textContent).toBe("4:59 left to confirm");
  expect(told()).toBe("Waits for your confirmation. 5:00 left.");
  pass(289);
  expect(screen.getByRole("timer").textContent).toBe("0:10 left to confirm");
  expect(told()).toBe("10 seconds left to confirm");
  become({ status: "expired" });
  expect(told()).toBe("The time to confirm has passed. Nothing was started.");
  expect(screen.queryByRole("button", { name: "Confirm" })).toBeNull();
});

test("confirming keeps the focus, takes no second press, and leads to the backtest", async () => {
  const { user, become, onConfirm } = show();
  await user.click(screen.getByRole("button", { name: "Confirm" }));
  become({ status: "confirming" });
  const button = screen.getByRole("button", { name: "Confirming" });
  expect(document.activeElement).toBe(button);
  await user.click(button);
  expect(onConfirm).toHaveBeenCalledOnce();
  expect((screen.getByRole("button", { name: "Decline" }) as HTMLButtonElement).disabled).toBe(true);
  become({ status: "confirmed", jobId: "job_1" });
  const card = screen.getByRole("article", { name: "AAPL · SMA crossover 10/30" });
  expect(document.activeElement).toBe(card);
  const link = within(card).getByRole("link", { name: "Open the backtest" });
  expect(link.getAttribute("href")).toBe("/backtests/job_1");
  expect(within(card).queryByRole("button")).toBeNull();
});

test("a card that changes by itself leaves the focus where it is", () => {
  const { become } = show();
  become({ status: "expired" });
  expect(document.activeElement).toBe(document.body);
});

test("a declined one says that nothing was started", async () => {
  const { user, become, onDecline } = show();
  await user.click(screen.getByRole("button", { name: "Decline" }));
  expect(onDecline).toHaveBeenCalledOnce();
  become({ status: "declined" });
  expect(screen.getByRole("status").textContent).toBe("Declined. Nothing was started.");
  expect(screen.queryByRole("button", { name: "Confirm" })).toBeNull();
});

test.each(["expired", "declined", "failed"] as const)(
  "one that is %s can be proposed again",
  async (status) => {
    const { user, become, onRenew } = show({ status });
    await user.click(screen.getByRole("button", { name: "Propose again" }));
    expect(onRenew).toHaveBeenCalledOnce();
    // Meanwhile the button stays where it is, with the focus, and takes no second press.
    become({ status: "renewing" });
    const button = screen.getByRole("button", { name: "Propose again" });
    expect(document.activeElement).toBe(button);
    await user.keyboard("{Enter}");
    expect(onRenew).toHaveBeenCalledOnce();
    become({ status: "waiting", proposal: { ...PROPOSAL, proposalId: "p-2" } });
    expect(document.activeElement).toBe(screen.getByRole("article", { name: "Confirm this backtest" }));
  },
);

test("one that may have come through can be confirmed again, and says that nothing runs twice", async () => {
  const { user, onConfirm } = show({ error: { code: "NETWORK", message: "no way there" } });
  expect(screen.getByTestId("error-note").dataset.code).toBe("NETWORK");
  expect(screen.getByText(/nothing runs twice/)).toBeTruthy();
  await user.click(screen.getByRole("button", { name: "Confirm" }));
  expect(onConfirm).toHaveBeenCalledOnce();
});

test("one that was confirmed elsewhere says so, and leads to what that started", () => {
  show({ status: "failed", error: { code: "TOKEN_USED", message: "used" }, jobId: "job_2" });
  expect(screen.getByTestId("error-note").dataset.code).toBe("TOKEN_USED");
  const link = screen.getByRole("link", { name: "Open the backtest that it has started" });
  expect(link.getAttribute("href")).toBe("/backtests/job_2");
  expect(screen.queryByRole("button", { name: "Propose again" })).toBeNull();
});
