import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { Desk } from "../src/desk.ts";
import { test as base, expect } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";
import { Wire } from "../src/wire.ts";

// From a sentence to a file, in a browser, with nothing mocked; then with the line cut, and with confirmations that come
// too often or too late.

/** Rows of the longest file, whose backtests take a while and trade thousands of times. */
const BARS = 60_000;

const FAST = Array.from({ length: 30 }, (_, at) => at + 2);
const SLOW = Array.from({ length: 30 }, (_, at) => at + 50);
/** Many combinations: long enough to be cut in the middle. */
const SWEEP = `sweep sma on MANY, 1m bars, with fast ${FAST.join(", ")} and slow ${SLOW.join(", ")}`;
const ASK = "backtest an SMA crossover 2/5 on MANY with 1m bars";

interface Setting {
  settings: Record<string, string>;
  gateway: Gateway;
  wire: Wire;
  desk: Desk;
}

const test = base.extend<Setting>({
  settings: [{}, { option: true }],
  gateway: async ({ settings }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), "spark-data-"));
    await writeFile(path.join(folder, "MANY.1m.csv"), bars(BARS));
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
  desk: async ({ page, wire }, use) => {
    await page.goto(wire.url("/"));
    await use(new Desk(page));
  },
});

/** A data file of so many bars of a minute, whose prices wander the same way each time. */
function bars(count: number): string {
  const lines = ["Date,Open,High,Low,Close,Volume"];
  let state = 7;
  let price = 100;
  for (let at = 0; at < count; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const next = Math.max(1, Math.round(100 * price + 200 * (state / 2 ** 32 - 0.5)) / 100);
    const date = new Date(Date.UTC(2000, 0, 1) + at * 60_000).toISOString();
    lines.push([date, price, Math.max(price, next), Math.min(price, next), next, 100].join());
    price = next;
  }
  return lines.join("\n");
}

test("from a sentence to a file", async ({ desk, page }) => {
  await desk.ask(ASK);
  await expect(desk.card()).toHaveAttribute("data-status", "waiting");
  await expect(desk.card()).toContainText("MANY · 1m");
  await expect(desk.card()).toContainText("SMA crossover, fast 2, slow 5");
  await expect(desk.card()).toContainText(`1 backtest over ${BARS.toLocaleString("en-US")} bars`);
  await expect(desk.card().getByTestId("countdown")).toContainText(/\d:\d\d left/);
  await desk.confirm();
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  await desk.openResult();

  const trades = await desk.metric("trades");
  expect(trades).toBeGreaterThan(2_000);
  await expect(page.getByTestId("equity-loaded")).toHaveAttribute("data-loaded", String(BARS), {
    timeout: 30_000,
  });
  await expect(page.getByTestId("trades").getByRole("table")).toHaveAttribute(
    "aria-rowcount",
    String(trades + 1),
  );
  // A page has 500: the last one comes after all before it, and of thousands of rows some dozens are there.
  const last = await desk.scrollToTrade(trades - 1);
  await expect(last.locator('[data-column="n"]')).toHaveText(trades.toLocaleString("en-US"));
  expect(await page.getByTestId("trade").count()).toBeLessThan(80);

  const whole = await desk.download();
  expect([whole.trades.length, whole.equity.length]).toEqual([trades, BARS]);
  expect(page.url()).toContain("/backtests/job_");
  expect(page.url()).toContain("copilot=chat-");
});

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
  // Whole, and nothing of it twice.
  const text = (await desk.answers().textContent()) ?? "";
  expect(text.match(/It starts when you confirm/g)).toHaveLength(1);
  await expect(desk.card()).toContainText("900 backtests");

  await desk.confirm();
  const job = page.getByTestId("job-line");
  await expect(job).toHaveAttribute("data-status", /running|done/, { timeout: 30_000 });
  wire.cut();
  await page.waitForTimeout(1_500);
  wire.mend();
  await desk.openResult();
  await expect(page.getByText("Combinations", { exact: true })).toBeVisible();
});

test("the gateway ends in the middle of a backtest", async ({ desk, page, gateway, complaints }) => {
  complaints.allow(/ERR_|WebSocket|Failed to load/);
  await desk.ask(SWEEP);
  await desk.confirm();
  await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", "running", { timeout: 30_000 });
  await gateway.kill();
  await page.waitForTimeout(500);
  await gateway.start();
  // What was said stays, and the backtest is run again.
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  await desk.openResult();
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

  test("counts once: another window is told so", async ({ desk, page, wire, complaints }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    await desk.ask("How is MANY doing?");
    await expect(desk.answers().last()).toHaveAttribute("data-status", "done");
    const other = await otherWindow(page, wire);
    await expect(other.answers()).toHaveCount(1);
    await desk.ask(ASK);
    await expect(other.card()).toHaveAttribute("data-status", "waiting");
    // The other window hears nothing any more, and still shows the card.
    await other.page.routeWebSocket("**/api/live/**", (line) => line.close());
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
    test.use({ settings: { TOKEN_TTL_MS: "3000" } });

    test("is explained, and proposed anew", async ({ desk, page }) => {
      await desk.ask(ASK);
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await expect(desk.card()).toHaveAttribute("data-status", "expired", { timeout: 10_000 });
      const note = desk.card().getByTestId("error-note");
      await expect(note).toHaveAttribute("data-code", "TOKEN_EXPIRED");
      await expect(note).toContainText("Nothing was started.");
      await desk.card().getByRole("button", { name: "Propose again" }).click();
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await desk.confirm();
      await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
      await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", /running|done/);
    });

    test("is refused by the gateway, whatever the page's clock says", async ({ desk, page }) => {
      await page.clock.install();
      await desk.ask(ASK);
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await page.clock.pauseAt(Date.now());
      await new Promise((resolve) => setTimeout(resolve, 4_000));
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

test("a backtest can be cancelled", async ({ desk, page, complaints }) => {
  complaints.allow(/Failed to load/);
  await desk.ask(SWEEP);
  await desk.confirm();
  await page.getByTestId("job-line").getByRole("link").click();
  await page.getByTestId("cancel").click();
  await expect(page.getByTestId("backtest")).toHaveAttribute("data-status", "cancelled", { timeout: 30_000 });
  await expect(page.getByTestId("error-note")).toHaveAttribute("data-code", "JOB_CANCELLED");
});

test("the keyboard alone is enough", async ({ desk, page }) => {
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the content" })).toBeFocused();
  const tabTo = async (testId: string): Promise<void> => {
    for (let presses = 0; presses < 60; presses += 1) {
      const found = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
      if (found === testId) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`the Tab key does not lead to ${testId}`);
  };
  await tabTo("copilot-open");
  await page.keyboard.press("Enter");
  await expect(page.getByTestId("copilot-input")).toBeFocused();
  await page.keyboard.type(ASK);
  await page.keyboard.press("Enter");
  await expect(desk.card()).toHaveAttribute("data-status", "waiting");
  await page.keyboard.press("Shift+Tab");
  for (let presses = 0; presses < 20; presses += 1) {
    const found = await page.evaluate(() => document.activeElement?.getAttribute("data-testid"));
    if (found === "confirm") break;
    await page.keyboard.press("Shift+Tab");
  }
  await page.keyboard.press("Enter");
  await expect(desk.card()).toHaveAttribute("data-status", "confirmed");
  const link = page.getByTestId("job-line").getByRole("link");
  await expect(link).toHaveText("Open the result", { timeout: 60_000 });
  await link.focus();
  await page.keyboard.press("Enter");
  await desk.result();
  await expect(page.getByRole("main")).toBeFocused();
  const trades = page.getByTestId("trades");
  await tabTo("trades");
  await page.keyboard.press("End");
  await expect.poll(() => trades.evaluate((box) => box.scrollTop)).toBeGreaterThan(10_000);
});
