import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { chooseLanguage } from "../src/i18n";
import { renderPage, rising } from "./page";

// The canvas is looked at in a browser; here it would only ask happy-dom for a context that it has not.
vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));

beforeEach(() => window.history.replaceState(null, "", "/"));
afterEach(() => chooseLanguage("en"));

function live(page: ReturnType<typeof renderPage>): void {
  page.move((client) => {
    client.listSymbols();
    client.setLink({ status: "connected" });
    for (const symbol of ["AAPL", "IBM"]) for (let i = 0; i < 4; i += 1) client.tick(symbol);
  });
}

const row = (symbol: string): HTMLElement => screen.getByRole("option", { name: new RegExp(`^${symbol}`) });

test("before the list of symbols is there, the page says that it loads", () => {
  renderPage();
  expect(screen.getByText("Loading")).toBeTruthy();
  expect(screen.getByTestId("status-link").textContent).toContain("Connecting…");
});

test("a gateway without symbols tells its operator about the data folder", () => {
  const page = renderPage();
  page.move((client) => client.listSymbols([]));
  expect(screen.getByText("This gateway serves no symbols")).toBeTruthy();
  expect(screen.getByText("SPARK_DATA_DIR")).toBeTruthy();
});

test("a gateway that does not answer is told, and the page comes up when it does", () => {
  const page = renderPage();
  page.move((client) => client.failSymbols({ code: "NETWORK", message: "no way there" }));
  expect(screen.getByRole("alert").textContent).toContain("The gateway does not answer");
  expect(screen.getByTestId("status-link").textContent).toContain("Disconnected");
  live(page);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(screen.getByTestId("price-AAPL").textContent).toBe("106.50");
});

test("a row shows price, change, market date and the number that it was published under", () => {
  const page = renderPage();
  live(page);
  const price = screen.getByTestId("price-IBM");
  expect(price.textContent).toBe("56.50");
  expect(price.dataset).toMatchObject({ seq: "4", price: "56.5" });
  expect(row("IBM").textContent).toContain("+1.80%");
  expect(row("IBM").textContent).toContain("fresh, market date 2006-11-26");
});

test("a price renders its own row and leaves the others as they were", () => {
  const page = renderPage();
  live(page);
  const before = row("IBM").innerHTML;
  page.move((client) => client.tick("AAPL"));
  expect(screen.getByTestId("price-AAPL").dataset.seq).toBe("5");
  expect(row("IBM").innerHTML).toBe(before);
});

test("one tab stop leads into the list, arrow keys choose, and the address remembers", async () => {
  const page = renderPage();
  live(page);
  expect(row("AAPL").tabIndex).toBe(0);
  expect(row("IBM").tabIndex).toBe(-1);
  row("AAPL").focus();
  await page.user.keyboard("{ArrowDown}");
  expect(document.activeElement).toBe(row("IBM"));
  expect(row("IBM").getAttribute("aria-selected")).toBe("true");
  expect(row("AAPL").tabIndex).toBe(-1);
  expect(screen.getByRole("heading", { level: 2, name: "IBM" })).toBeTruthy();
  expect(window.location.search).toBe("?symbol=IBM");
});

test("a click chooses, and the status bar speaks of the chosen symbol", async () => {
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByTestId("price-IBM"));
  expect(row("IBM").getAttribute("aria-selected")).toBe("true");
  expect(screen.getByText("IBM updated")).toBeTruthy();
});

test("the symbol in the address is chosen, one that is not served is not", () => {
  window.history.replaceState(null, "", "/?symbol=IBM");
  const page = renderPage();
  live(page);
  expect(row("IBM").getAttribute("aria-selected")).toBe("true");
  page.unmount();
  window.history.replaceState(null, "", "/?symbol=NOPE");
  live(renderPage());
  expect(row("AAPL").getAttribute("aria-selected")).toBe("true");
});

test("when the line is lost the last price stays, greyed, and the loss is announced once", () => {
  const page = renderPage();
  live(page);
  const announcement = screen.getByTestId("link-announcement");
  expect(announcement.textContent).toBe("Connected.");
  page.move((client) => {
    client.judge("disconnected", "transport");
    client.setLink({ status: "disconnected", attempt: 1, retryAt: Date.now() + 4_000 });
  });
  expect(screen.getByTestId("price-AAPL").textContent).toBe("106.50");
  expect(row("AAPL").dataset.freshness).toBe("disconnected");
  expect(screen.getByTestId("status-link").textContent).toContain("Disconnected");
  expect(screen.getByTestId("status-freshness").textContent).toContain("Disconnected");
  expect(announcement.textContent).toContain("Connection lost");
  page.move((client) => client.setLink({ status: "connecting", attempt: 1, retryAt: null }));
  expect(announcement.textContent).toContain("Connection lost");
  page.move((client) => client.setLink({ status: "connected", attempt: 0 }));
  expect(announcement.textContent).toContain("Connected again");
});

test("prices are never in a live region", () => {
  const page = renderPage();
  live(page);
  for (const region of document.querySelectorAll("[aria-live], [role=status], [role=alert]")) {
    expect(region.textContent).not.toMatch(/\d+\.\d\d/);
  }
});

test("a stale feed is named as the cause", () => {
  const page = renderPage();
  live(page);
  page.move((client) => client.judge("stale", "source"));
  const status = screen.getByTestId("status-freshness");
  expect(status.textContent).toContain("Stale");
  expect(status.textContent).toContain("the feed is silent");
  expect(row("AAPL").textContent).toContain("stale the feed is silent");
});

test("a symbol that is refused says so where its price would be", () => {
  const page = renderPage();
  page.move((client) => {
    client.listSymbols();
    client.refuse("AAPL", { code: "CHANNEL_UNKNOWN", message: "no such channel" });
  });
  expect(row("AAPL").textContent).toContain("n/a");
  expect(row("AAPL").textContent).toContain("There is no such channel");
  expect(screen.getByText("The candles did not come")).toBeTruthy();
  expect(screen.getByText("Nothing is published under that name, or not for you.")).toBeTruthy();
  expect(screen.getByRole("link", { name: "What does CHANNEL_UNKNOWN mean?" })).toBeTruthy();
});

test("the chart is described in words", () => {
  const page = renderPage();
  live(page);
  const chart = screen.getByRole("group", { name: /AAPL, daily candles/ });
  const summary = document.getElementById(chart.getAttribute("aria-describedby") ?? "");
  expect(summary?.textContent).toContain("7 daily candles from 2006-11-20 to 2006-11-26");
  expect(summary?.textContent).toContain("Highest 107.00 on 2006-11-26, lowest 99.00 on 2006-11-20");
});

test("the keyboard reads the chart bar by bar", async () => {
  const page = renderPage();
  live(page);
  screen.getByTestId("chart").focus();
  await page.user.keyboard("{ArrowLeft}{ArrowLeft}");
  expect(within(screen.getByTestId("legend")).getByText("2006-11-25")).toBeTruthy();
  expect(screen.getByText(/^2006-11-25: open 105\.00, high 106\.00/)).toBeTruthy();
  await page.user.keyboard("{Escape}");
  expect(within(screen.getByTestId("legend")).getByText("2006-11-26")).toBeTruthy();
});

test("another transport is a new client in the same page, and the old one is closed", async () => {
  const page = renderPage();
  live(page);
  const closed = vi.spyOn(page.clients[0] ?? { close() {} }, "close");
  await page.user.click(screen.getByRole("button", { name: /Transport/ }));
  await page.user.click(screen.getByRole("menuitemradio", { name: /Server-sent events/ }));
  expect(page.clients).toHaveLength(2);
  expect(page.clients[1]?.link.get().transport).toBe("sse");
  expect(window.location.search).toBe("?transport=sse");
  await waitFor(() => expect(closed).toHaveBeenCalledOnce());
});

test("the page stays where it is while another transport takes over", async () => {
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByTestId("price-IBM"));
  const before = row("IBM");
  const change = async (name: RegExp): Promise<void> => {
    await page.user.click(screen.getByRole("button", { name: /Transport/ }));
    await page.user.click(screen.getByRole("menuitemradio", { name }));
  };
  const stands = (): void => {
    expect(row("IBM")).toBe(before);
    expect(before.getAttribute("aria-selected")).toBe("true");
    expect(screen.queryByText("Loading")).toBeNull();
    expect(screen.getByTestId("source-badge")).toBeTruthy();
  };
  await change(/Server-sent events/);
  stands();
  // Again before the client in between has heard of any symbol, and with an answer that fails.
  await change(/WebSocket/);
  expect(page.clients).toHaveLength(3);
  page.move((client) => client.failSymbols({ code: "NETWORK", message: "no way there" }));
  stands();
  live(page);
  stands();
  expect(screen.getByTestId("price-IBM").textContent).toBe("56.50");
});

test("a client's own list replaces the one that was kept", async () => {
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByRole("button", { name: /Transport/ }));
  await page.user.click(screen.getByRole("menuitemradio", { name: /Server-sent events/ }));
  page.move((client) => client.listSymbols(["IBM"]));
  expect(screen.getAllByRole("option")).toHaveLength(1);
  expect(row("IBM").getAttribute("aria-selected")).toBe("true");
});

test("an error beside bars says that the history is missing only where it is", () => {
  const page = renderPage();
  live(page);
  const error = { code: "FORBIDDEN", message: "the channel was closed" };
  const told = (): string | null => screen.getByText(/You are signed in, but may not do this\./).textContent;
  page.move((client) => client.spoil("AAPL", error, true));
  expect(told()).toMatch(/^These bars may be incomplete or out of date\. You are signed in/);
  page.move((client) => client.spoil("AAPL", error, false));
  expect(told()).toMatch(/^The history did not come, only live bars are shown\. You are signed in/);
  expect(screen.getByRole("link", { name: "What does FORBIDDEN mean?" })).toBeTruthy();
});

test("the help says from when the age counts", async () => {
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByRole("button", { name: "What does this mean?" }));
  expect(screen.getByText(/age counts from the price’s own time/)).toBeTruthy();
});

test("the header says where the prices are from", () => {
  for (const [source, words] of [
    ["replay", "Replay"],
    ["synthetic", "Made-up prices"],
    ["binance", "Live from Binance"],
  ] as const) {
    const page = renderPage({ source, bars: { AAPL: rising(100), IBM: rising(50) } });
    live(page);
    expect(screen.getByTestId("source-badge").getAttribute("aria-label")).toBe(words);
    page.unmount();
  }
});

test("an exchange that is not heard is not called live", () => {
  const page = renderPage({ source: "binance", bars: { AAPL: rising(100), IBM: rising(50) } });
  live(page);
  const words = () => screen.getByTestId("source-badge").getAttribute("aria-label");
  page.move((client) => client.judge("stale", "source"));
  expect(words()).toBe("Binance, not live");
  page.move((client) => client.judge("fresh", null));
  expect(words()).toBe("Live from Binance");
});

test("what was chosen stays in the address over every view, and in the links to them", async () => {
  window.history.replaceState(null, "", "/?transport=sse&copilot=chat-1");
  localStorage.setItem("spark-live-copilot", "closed");
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByTestId("price-IBM"));
  const chosen = { symbol: "IBM", transport: "sse", copilot: "chat-1" };
  const kept = (search: string) => Object.fromEntries(new URLSearchParams(search));
  const views: [string, string][] = [
    ["Status", "/status"],
    ["Backtests", "/backtests"],
    ["Market", "/"],
  ];
  for (const [name, path] of views) {
    const link = screen.getByRole("link", { name });
    const [, search = ""] = link.getAttribute("href")?.split("?") ?? [];
    expect(kept(search), name).toEqual(chosen);
    await page.user.click(link);
    expect(window.location.pathname).toBe(path);
    expect(kept(window.location.search), name).toEqual(chosen);
  }
  // Also on the way back, to an address of before.
  act(() => window.history.pushState(null, "", "/status"));
  expect(kept(window.location.search)).toEqual(chosen);
  localStorage.clear();
});

test("a gateway that does not answer is named by its code, with the way to what that means", async () => {
  const page = renderPage();
  page.move((client) => client.failSymbols({ code: "NETWORK", message: "no way there" }));
  await page.user.click(screen.getByRole("link", { name: "What does NETWORK mean?" }));
  expect(window.location.pathname).toBe("/errors/NETWORK");
  expect(
    await screen.findByText("No answer came back over the network.", undefined, { timeout: 4_000 }),
  ).toBeTruthy();
});

test("in Turkish the chart, its errors and ages speak Turkish", async () => {
  await chooseLanguage("tr");
  const page = renderPage();
  live(page);
  const chart = screen.getByRole("group", { name: /^AAPL, günlük mumlar\. Sol ve sağ ok/ });
  expect(chart.getAttribute("aria-roledescription")).toBe("mum grafiği");
  page.move((client) => client.renewAges());
  expect(screen.getByTestId("status-age").textContent).toMatch(/^\d+ sn önce$/);
  expect(within(screen.getByTestId("spans")).getByText("6 ay", { selector: "[aria-hidden]" })).toBeTruthy();
  const error = { code: "FORBIDDEN", message: "the channel was closed" };
  page.move((client) => client.spoil("AAPL", error, true));
  expect(screen.queryByText(/channel was closed/)).toBeNull();
  expect(screen.getByText(/bunu yapma yetkiniz yok/)).toBeTruthy();
});

test("what the badge says is a dialog: Escape closes it, and the focus goes back", async () => {
  const page = renderPage();
  live(page);
  await page.user.click(screen.getByTestId("source-badge"));
  const dialog = await screen.findByRole("dialog");
  await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
  await page.user.keyboard("{Escape}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId("source-badge")));
});

test("codes are found however they are typed", async () => {
  window.history.replaceState(null, "", "/errors");
  const page = renderPage();
  const field = await screen.findByRole("searchbox", undefined, { timeout: 4_000 });
  for (const typed of ["TOKEN_INVALID", "token_ınvalıd", "TOKEN_İNVALİD"]) {
    await page.user.clear(field);
    await page.user.type(field, typed);
    expect(screen.getByText("TOKEN_INVALID"), typed).toBeTruthy();
    expect(screen.getAllByRole("listitem")).toHaveLength(1);
  }
});
