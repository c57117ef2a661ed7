import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { wanderingBars } from "../src/bars.ts";
import { Desk } from "../src/desk.ts";
import { test as base, expect } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";
import { EndlessModel } from "../src/model.ts";
import { Wire } from "../src/wire.ts";

// From a sentence to a file, in a browser, with nothing mocked; then with the line cut, after a reload, and with
// confirmations that come too often or too late.

const IS_LONG = process.env.SPARK_TEST_LONG !== undefined;
/** So many bars that a sweep over them can be cut in the middle. */
const BARS = 60_000;
/** Of tests that look at something else. */
const FEW_BARS = 10_000;
/** Rows of the longest file, in which a quick strategy trades with every fourth or fifth bar. */
const MOST_BARS = IS_LONG ? 500_000 : BARS;
const TRADES_MIN = IS_LONG ? 100_000 : 12_000;

const FAST = Array.from({ length: 20 }, (_, at) => at + 2);
const SLOW = Array.from({ length: 20 }, (_, at) => at + 50);
/** Many combinations: long enough to be cut in the middle. */
const SWEEP = `sweep sma on MANY, 1m bars, with fast ${FAST.join(", ")} and slow ${SLOW.join(", ")}`;
/** A share each time, and cash that outlasts what so much trading loses. */
const ASK = "backtest an SMA crossover 1/2 on MANY with 1m bars, 1 share, cash 1000000";

interface Setting {
  settings: Record<string, string>;
  /** Bars of the symbol MANY. */
  bars: number;
  gateway: Gateway;
  wire: Wire;
  /** What follows the address of the page. */
  query: string;
  desk: Desk;
}

const test = base.extend<Setting>({
  settings: [{}, { option: true }],
  bars: [FEW_BARS, { option: true }],
  query: ["", { option: true }],
  gateway: async ({ settings, bars }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), "spark-data-"));
    await writeFile(path.join(folder, "MANY.1m.csv"), wanderingBars(bars));
    const gateway = await Gateway.start({ SPARK_DATA_DIR: folder, ...settings });
    await use(gateway);
    await gateway.dispose();
    await rm(folder, { recursive: true });
  },
  wire: async ({ gateway }, use) => {
    const wire = await Wire.to(gateway.url("/"));
    await use(wire);
    await wire.close();
  },
  desk: async ({ page, wire, query }, use) => {
    await page.goto(wire.url(`/${query}`));
    await use(new Desk(page));
    // Whatever a test did: the page shows and stores no token.
    expect(await tokensIn(page), "no token in the page").toEqual([]);
  },
});

/** Where a confirmation token can be read in a page. */
async function tokensIn(page: Page): Promise<string[]> {
  const places = await page.evaluate(() => ({
    document: document.documentElement.outerHTML,
    values: [...document.querySelectorAll("input, textarea")]
      .map((it) => (it as HTMLInputElement).value)
      .join(),
    local: JSON.stringify(localStorage),
    session: JSON.stringify(sessionStorage),
    cookies: document.cookie,
    address: location.href,
  }));
  return Object.entries(places).flatMap(([place, text]) =>
    /sct_[A-Za-z0-9_-]{8}/.test(text) ? [place] : [],
  );
}

test.describe("with a long file", () => {
  test.use({ bars: MOST_BARS });

  test("from a sentence to a file", async ({ desk, page }) => {
    test.slow(IS_LONG);
    await desk.ask(ASK);
    await expect(desk.card()).toHaveAttribute("data-status", "waiting");
    await expect(desk.card()).toContainText("MANY · 1m");
    await expect(desk.card()).toContainText("SMA crossover, fast 1, slow 2");
    await expect(desk.card()).toContainText(`1 backtest over ${MOST_BARS.toLocaleString("en-US")} bars`);
    await expect(desk.card().getByTestId("countdown")).toContainText(/\d:\d\d left/);
    await desk.confirm();
    await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
    await desk.openResult();
    await desk.readResult(MOST_BARS, TRADES_MIN);
    expect(page.url()).toContain("/backtests/job_");
    expect(page.url()).toContain("copilot=chat-");
  });
});

test.describe("with a long sweep", () => {
  // A worker that is gone is missed soon.
  test.use({ bars: BARS, settings: { SPARK_JOBS_LEASE_MS: "5000" } });

  test("the line is cut in the middle of the text and of the backtest", async ({
    desk,
    page,
    wire,
    complaints,
  }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    const cut = wire.cutAt("copilot.delta", 4);
    await desk.ask(SWEEP);
    await cut;
    await expect(desk.answers()).toHaveAttribute("data-status", "answering");
    wire.mend();
    await expect(desk.answers()).toHaveAttribute("data-status", "done", { timeout: 60_000 });
    await expect(desk.card()).toContainText("400 backtests");
    // Whole, and nothing of it twice: it is what the gateway has kept of it.
    const texts = await desk.texts();
    expect(texts.join().length).toBeGreaterThan(60);
    await page.reload();
    await expect(desk.answers()).toHaveAttribute("data-status", "done", { timeout: 30_000 });
    expect(await desk.texts()).toEqual(texts);

    await desk.confirm();
    const before = await desk.progress(0);
    wire.cut();
    await expect(page.getByTestId("status-link")).not.toHaveAttribute("data-status", "connected");
    wire.mend();
    await desk.progress(before);
    await desk.openResult();
    await expect(page.getByText("Combinations", { exact: true })).toBeVisible();
    await desk.readResult(BARS, 10);
  });

  test("the gateway ends in the middle of a backtest", async ({ desk, page, gateway, complaints }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    await desk.ask(SWEEP);
    await desk.confirm();
    await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", "running", { timeout: 30_000 });
    await gateway.kill();
    await expect(page.getByTestId("status-link")).not.toHaveAttribute("data-status", "connected");
    await gateway.start();
    // What was said stays, and the backtest is run again.
    await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
    await desk.openResult();
  });

  test("a backtest can be cancelled", async ({ desk, page, complaints }) => {
    complaints.allow(/Failed to load/);
    await desk.ask(SWEEP);
    await desk.confirm();
    await page.getByTestId("job-line").getByRole("link").click();
    await page.getByTestId("cancel").click();
    await expect(page.getByTestId("backtest")).toHaveAttribute("data-status", "cancelled", {
      timeout: 30_000,
    });
    await expect(page.getByTestId("error-note")).toHaveAttribute("data-code", "JOB_CANCELLED");
  });
});

test("a card is confirmed after a reload, which leaves the page without its token", async ({
  desk,
  page,
}) => {
  await desk.ask(ASK);
  await expect(desk.card()).toHaveAttribute("data-status", "waiting");
  await page.reload();
  await expect(desk.card()).toHaveAttribute("data-status", "waiting");
  await desk.confirm();
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", "done", { timeout: 30_000 });
  // A second reload knows that it was, and nothing runs twice.
  await page.reload();
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  await page.getByRole("link", { name: "Backtests" }).click();
  await expect(page.getByTestId("job-row")).toHaveCount(1);
});

test.describe("by polling, where no token ever comes", () => {
  test.use({ query: "?transport=polling" });

  test("a card is confirmed all the same", async ({ desk, page }) => {
    await desk.ask(ASK);
    await expect(desk.card()).toHaveAttribute("data-status", "waiting");
    await desk.confirm();
    await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
    await desk.openResult();
    expect(page.url()).toContain("/backtests/job_");
  });
});

test("a card is declined, and a conversation begun anew", async ({ desk, page }) => {
  await desk.ask(ASK);
  await expect(desk.answers()).toHaveAttribute("data-status", "done");
  await desk.card().getByRole("button", { name: "Decline" }).click();
  await expect(desk.card()).toHaveAttribute("data-status", "declined");
  await page.getByTestId("copilot-clear").click();
  await expect(desk.answers()).toHaveCount(0);
  await desk.ask("How is MANY doing?");
  await expect(desk.answers()).toHaveAttribute("data-status", "done");
});

test("an answer of a language model is stopped, and the model with it", async ({ page }) => {
  const model = await EndlessModel.start();
  const gateway = await Gateway.start(model.settings());
  await page.goto(gateway.url("/"));
  const desk = new Desk(page);
  await desk.ask("What do you think?");
  await expect(desk.answers()).toContainText("Let me think about that.");
  await page.getByTestId("copilot-stop").click();
  await expect(desk.answers()).toHaveAttribute("data-status", "stopped");
  await expect.poll(() => model.speaking).toBe(0);
  await gateway.dispose();
  await model.close();
});

test("in Turkish, from a sentence to the result", async ({ desk, page }) => {
  await page.evaluate(() => localStorage.setItem("spark-live-language", "tr"));
  await page.reload();
  await desk.ask("MANY için 1m çubuklarla 1/2 SMA kesişimi test et");
  await expect(desk.card()).toContainText("SMA kesişimi, hızlı 1, yavaş 2");
  await desk.confirm();
  await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", "done", { timeout: 30_000 });
  await desk.ask("sonucu göster");
  await expect(desk.answers().last()).toContainText("Toplam getiri");
  await desk.openResult();
  await expect(page.getByRole("heading", { name: "Sermaye" })).toBeVisible();
});

test.describe("a confirmation", () => {
  /** The same person's other window, in the same conversation. */
  async function otherWindow(page: Page, wire: Wire): Promise<Desk> {
    const [other] = await Promise.all([
      page.waitForEvent("popup"),
      page.evaluate(
        (url) => {
          window.open(url);
        },
        wire.url(new URL(page.url()).pathname + new URL(page.url()).search),
      ),
    ]);
    return new Desk(other);
  }

  test("is seen by another window", async ({ desk, page, wire }) => {
    await desk.ask("How is MANY doing?");
    await expect(desk.answers().last()).toHaveAttribute("data-status", "done");
    const other = await otherWindow(page, wire);
    await expect(other.answers()).toHaveCount(1);
    await desk.ask(ASK);
    await expect(other.card()).toHaveAttribute("data-status", "waiting");
    await other.confirm();
    await expect(other.card()).toHaveAttribute("data-status", "confirmed");
    await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  });

  test("counts once: a window that has not heard of it is told so", async ({
    desk,
    page,
    wire,
    complaints,
  }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    await desk.ask("How is MANY doing?");
    await expect(desk.answers().last()).toHaveAttribute("data-status", "done");
    const other = await otherWindow(page, wire);
    await expect(other.answers()).toHaveCount(1);
    await desk.ask(ASK);
    await expect(other.card()).toHaveAttribute("data-status", "waiting");
    // The other window hears nothing any more, and still shows the card.
    await other.page.routeWebSocket("**/api/live/**", (line) => line.close());
    await other.page.route("**/api/live/**", (route) => route.abort());
    wire.cut();
    wire.mend();
    await expect(page.getByTestId("status-link")).toHaveAttribute("data-status", "connected", {
      timeout: 30_000,
    });
    await desk.confirm();
    await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
    await other.confirm();
    const note = other.card().getByTestId("error-note");
    await expect(note).toHaveAttribute("data-code", "TOKEN_USED");
    await expect(note).toContainText("This was confirmed already");
    await expect(note).toContainText("A confirmation counts once, so that nothing runs twice.");
    await other.card().getByRole("link", { name: "What does TOKEN_USED mean?" }).click();
    await expect(other.page.getByRole("heading", { name: "This was confirmed already" })).toBeVisible();
  });

  test.describe("that comes too late", () => {
    test.use({ settings: { TOKEN_TTL_MS: "8000" } });

    test("is explained, and proposed anew", async ({ desk, page }) => {
      await desk.ask(ASK);
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await expect(desk.card()).toHaveAttribute("data-status", "expired", { timeout: 15_000 });
      const note = desk.card().getByTestId("error-note");
      await expect(note).toHaveAttribute("data-code", "TOKEN_EXPIRED");
      await expect(note).toContainText("Nothing was started.");
      await desk.card().getByRole("button", { name: "Propose again" }).click();
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await desk.confirm();
      await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
      await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", /running|done/);
    });

    test("is refused by the gateway, whatever the page's clock says", async ({ desk, page, complaints }) => {
      complaints.allow(/Failed to load/);
      await page.clock.install();
      await desk.ask(ASK);
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await page.clock.pauseAt(Date.now() + 1_000);
      // Nothing tells that a time has passed but time.
      await new Promise((resolve) => setTimeout(resolve, 9_000));
      await page.clock.setSystemTime(Date.now() - 60_000);
      await desk.confirm();
      await page.clock.resume();
      await expect(desk.card()).toHaveAttribute("data-status", "expired");
      await expect(desk.card().getByTestId("error-note")).toHaveAttribute("data-code", "TOKEN_EXPIRED");
    });
  });
});

test("a form does the same without the copilot", async ({ desk, page }) => {
  await page.getByRole("link", { name: "Backtests" }).click();
  await expect(page.getByText("No backtests yet")).toBeVisible();
  await page.getByLabel("Bars", { exact: true }).selectOption("1m");
  await page.getByLabel("Fast average, bars").fill("50");
  await page.getByTestId("propose").click();
  await expect(page.getByText("has to be below the other")).toBeVisible();
  await page.getByLabel("Fast average, bars").fill("20");
  await page.getByTestId("propose").click();
  await expect(desk.card()).toContainText("SMA crossover, fast 20, slow 30");
  await desk.confirm();
  await desk.result();
  await page.getByRole("link", { name: "All backtests" }).click();
  await expect(page.getByTestId("job-row")).toHaveAttribute("data-state", "done");
  await page.reload();
  await expect(page.getByTestId("job-row")).toHaveCount(1);
});

test("the keyboard alone is enough", async ({ desk, page }) => {
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
  const tabTo = async (testId: string, key = "Tab"): Promise<void> => {
    for (let presses = 0; presses < 60; presses += 1) {
      if ((await focused()) === testId) return;
      await page.keyboard.press(key);
    }
    throw new Error(`the key ${key} does not lead to ${testId}`);
  };
  await tabTo("copilot-open");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("copilot-input")).toBeFocused();
  await page.keyboard.type(ASK);
  await page.keyboard.press("Enter");
  await expect(desk.card()).toHaveAttribute("data-status", "waiting");
  await page.keyboard.press("Shift+Tab");
  await tabTo("confirm", "Shift+Tab");
  await page.keyboard.press("Enter");
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  await expect(page.getByTestId("job-link")).toHaveText("Open the result", { timeout: 60_000 });
  await tabTo("job-link");
  await page.keyboard.press("Enter");
  await desk.result();
  await expect(page.getByRole("main")).toBeFocused();
  await tabTo("download");
  const coming = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  expect((await coming).suggestedFilename()).toMatch(/\.json\.gz$/);
  const trades = page.getByTestId("trades");
  await tabTo("trades");
  await page.keyboard.press("End");
  await expect.poll(() => trades.evaluate((box) => box.scrollTop)).toBeGreaterThan(10_000);
});
