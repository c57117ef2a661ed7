import type { ChannelStats, Continuity, Freshness } from "@spark/live-core";
import { act, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FakeClient } from "../dev/fakeClient";
import { chooseLanguage } from "../src/i18n";
import { renderPage } from "./page";

vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));

const STATS: ChannelStats = {
  channel: "price:AAPL",
  mode: "state",
  freshness: "fresh",
  subscribers: 1,
  seq: 9,
  transport: "websocket",
  merged: 0,
  dropped: 0,
  gaps: 0,
  delivered: 100,
  effectiveHz: null,
  maxHz: null,
};

beforeEach(() => {
  window.history.replaceState(null, "", "/status");
  vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setInterval", "clearInterval", "Date"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await chooseLanguage("en");
  localStorage.clear();
});

async function opened() {
  const page = renderPage();
  const tell = (change: Partial<ChannelStats> = {}, continuity: Continuity = "proven"): void =>
    page.move((client) => {
      client.channelStats = [{ ...STATS, ...change }];
      client.prove("AAPL", continuity);
    });
  page.move((client) => client.listSymbols());
  tell();
  await screen.findByRole("heading", { name: "Counters" }, { timeout: 4_000 });
  const user = page.user;
  return { ...page, user, tell };
}

/** Lets a second pass, after which the counters are read. */
function second(): void {
  act(() => vi.advanceTimersByTime(1_000));
}

const cells = (): (string | null)[] =>
  within(screen.getByTestId("channels"))
    .getAllByRole("cell")
    .map((cell) => cell.textContent);

/** Envelopes a second, of time that goes on while the test looks. */
const rate = (): number => Number(cells()[4]);

test.each<[Freshness, Continuity, number, string]>([
  ["fresh", "proven", 0, "complete"],
  ["stale", "proven", 0, "complete"],
  ["pending", "unknown", 0, "not known"],
  ["fresh", "unknown", 0, "not known"],
  ["disconnected", "proven", 0, "not known"],
  ["fresh", "gap", 1, "1 gap"],
  ["fresh", "proven", 2, "2 gaps"],
])(
  "a channel that is %s and %s with %s gaps is said to be %s",
  async (freshness, continuity, gaps, words) => {
    const page = await opened();
    page.tell({ freshness, gaps }, continuity);
    second();
    expect(cells()[1]).toBe(words);
  },
);

test("a rate is what came within the last second, and another transport begins anew", async () => {
  const page = await opened();
  second();
  page.tell({ delivered: 120 });
  second();
  expect(rate()).toBeGreaterThan(15);
  await page.user.click(screen.getByRole("button", { name: /Transport/ }));
  await page.user.click(screen.getByRole("menuitemradio", { name: /Server-sent events/ }));
  page.tell({ delivered: 3, transport: "sse" });
  second();
  // Never the difference of two clients' counters.
  expect(cells()[4]).toBe("–");
  page.tell({ delivered: 8, transport: "sse" });
  second();
  expect(rate()).toBeGreaterThan(3);
  expect(screen.getByText("Since the page was opened or another transport was chosen.")).toBeTruthy();
});

test("the way to all error codes begins here", async () => {
  const page = await opened();
  await page.user.click(screen.getByRole("link", { name: "Error codes" }));
  expect(window.location.pathname).toBe("/errors");
});

test("in Turkish the modes have Turkish names, and one that is not known has its own", async () => {
  const page = await opened();
  await act(() => chooseLanguage("tr"));
  second();
  expect(cells()[2]).toBe("en yeni değer");
  page.tell({ mode: "telepathic" });
  second();
  expect(cells()[2]).toBe("telepathic");
  expect((page.clients[0] as FakeClient).stats().channels).toHaveLength(1);
});
