import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { expect, type Locator, type Page } from "@playwright/test";

/** The whole result of a backtest, as it is downloaded. */
export interface Whole {
  trades: { entryPrice: number }[];
  equity: { equity: number }[];
}

/** The page as somebody uses it who talks to the copilot and runs backtests. */
export class Desk {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens the copilot, and says something. */
  async ask(text: string): Promise<void> {
    const input = this.page.getByTestId("copilot-input");
    if (!(await input.isVisible())) await this.page.getByTestId("copilot-open").click();
    await input.fill(text);
    await input.press("Enter");
  }

  /** The newest card. */
  card(): Locator {
    return this.page.getByTestId("proposal").last();
  }

  /** The answers, the newest last. */
  answers(): Locator {
    return this.page.getByTestId("answer");
  }

  /** What each answer says, as it can be read. */
  async texts(): Promise<string[]> {
    return this.page.getByTestId("answer-text").allTextContents();
  }

  /** Waits until the backtest of the newest card has come further than that, in percent. Returns how far. */
  async progress(above: number): Promise<number> {
    const bar = this.page.getByTestId("job-line").last().getByRole("progressbar");
    const reached = async () =>
      Number(await bar.getAttribute("aria-valuenow", { timeout: 1_000 }).catch(() => 0));
    await expect.poll(reached, { timeout: 30_000, intervals: [50] }).toBeGreaterThan(above);
    return reached();
  }

  /** Confirms the newest card. */
  async confirm(): Promise<void> {
    await this.card().getByTestId("confirm").click();
  }

  /** Goes from the card that was confirmed to its backtest, and waits for its result. */
  async openResult(): Promise<void> {
    await expect(this.page.getByTestId("job-line")).toHaveAttribute("data-status", "done", {
      timeout: 60_000,
    });
    await this.page.getByTestId("job-line").getByRole("link").click();
    await this.result();
  }

  /** Waits until the result of the backtest that is open is there. */
  async result(): Promise<void> {
    await expect(this.page.getByTestId("backtest")).toHaveAttribute("data-status", "done", {
      timeout: 60_000,
    });
    await expect(this.page.getByTestId("equity-chart")).toBeVisible();
    await expect(this.page.locator('[data-metric="finalEquity"]')).not.toHaveAttribute("data-value", "");
  }

  /** A number of the metrics, as it was told and not as it is written. */
  async metric(name: string): Promise<number> {
    return Number(await this.page.locator(`[data-metric="${name}"]`).getAttribute("data-value"));
  }

  /**
   * Reads a result to its end: all of the equity, the last of the trades, and the file with the same in it. Of thousands of
   * rows some dozens are in the page.
   */
  async readResult(bars: number, tradesMin: number): Promise<void> {
    const { page } = this;
    const trades = await this.metric("trades");
    expect(trades).toBeGreaterThanOrEqual(tradesMin);
    await expect(page.getByTestId("equity-loaded")).toHaveAttribute("data-loaded", String(bars), {
      timeout: 60_000,
    });
    const table = page.getByTestId("trades").getByRole("table");
    await expect(table).toHaveAttribute("aria-rowcount", String(trades + 1));
    // A page has 500: the last one comes after all before it.
    const last = await this.scrollToTrade(trades - 1);
    await expect(last.locator('[data-column="n"]')).toHaveText(trades.toLocaleString("en-US"));
    expect(await page.getByTestId("trade").count()).toBeLessThan(80);
    const shown = (await last.locator('[data-column="entryPrice"]').textContent()) ?? "";

    const whole = await this.download();
    expect([whole.trades.length, whole.equity.length]).toEqual([trades, bars]);
    const price = whole.trades.at(-1)?.entryPrice ?? Number.NaN;
    expect(Number(shown.replaceAll(",", ""))).toBeCloseTo(price, 1);
    const equity = whole.equity.at(-1)?.equity ?? Number.NaN;
    expect(await this.metric("finalEquity")).toBeCloseTo(equity, 6);
  }

  /** Scrolls the table of trades to a row, and waits until it is there. */
  async scrollToTrade(index: number): Promise<Locator> {
    const table = this.page.getByTestId("trades");
    const rowPx = await this.page
      .getByTestId("trade")
      .first()
      .evaluate((row) => row.getBoundingClientRect().height);
    await table.evaluate((box, top) => box.scrollTo({ top }), index * rowPx);
    const row = this.page.locator(`[data-testid="trade"][aria-rowindex="${index + 2}"]`);
    await expect(row.locator('[data-column="entryPrice"]')).toHaveText(/\d/, { timeout: 60_000 });
    return row;
  }

  /** Downloads the whole result, and holds the file to what the page says of it. */
  async download(): Promise<Whole> {
    const coming = this.page.waitForEvent("download");
    await this.page.getByTestId("download").click();
    const file = await readFile(await (await coming).path());
    const hash = createHash("sha256").update(file).digest("hex");
    await expect(this.page.getByTestId("download-about")).toContainText(hash);
    return JSON.parse(gunzipSync(file).toString()) as Whole;
  }
}
