import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { Desk } from "../src/desk.ts";
import { test as base, expect } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";
import { expectLook, expectNoBarrier, LOOKS, type Look, lookAt } from "../src/looks.ts";
import { Wire } from "../src/wire.ts";

// Every view in its looks and states: held to its picture, to accessibility, and to its window. `npm run pictures -w
// @spark/tests-browser` makes the pictures anew.

/** A bar takes so long that nothing moves while a picture is taken: a symbol has a price each 25 s. */
const STILL = { SPARK_REPLAY_SPEED: "0.01" };
const SHIPPED = path.resolve(import.meta.dirname, "../../../server/data/stocks");
const ALL = ["AAPL", "FB", "GOOG", "IBM", "MSFT"];

interface Setting {
  settings: Record<string, string>;
  /** What is played of the shipped data. One symbol has its first price at once, of several each comes some seconds later. */
  symbols: readonly string[];
}

const test = base.extend<Setting>({
  settings: [STILL, { option: true }],
  symbols: [["AAPL"], { option: true }],
  gateway: async ({ settings, symbols }, use) => {
    const folder = await mkdtemp(path.join(tmpdir(), "spark-data-"));
    const files = [...symbols, "splits"].map((name) => `${name}.csv`);
    for (const file of files) await copyFile(path.join(SHIPPED, file), path.join(folder, file));
    const gateway = await Gateway.start({ SPARK_DATA_DIR: folder, ...settings });
    await use(gateway);
    await gateway.dispose();
    await rm(folder, { recursive: true });
  },
});

const [PLAIN, NARROW] = LOOKS as readonly Look[] as [Look, Look];

/** What the status bar tells anew each time. */
function moving(page: Page) {
  return [page.getByTestId("status-age")];
}

/** Waits until the market is drawn. */
async function market(page: Page, symbols: readonly string[]): Promise<void> {
  for (const symbol of symbols) {
    await expect(page.getByTestId(`price-${symbol}`)).toHaveAttribute("data-seq", /^[1-9]\d*$/, {
      timeout: 40_000,
    });
  }
  await expect(page.getByTestId("legend")).toContainText(/\d/);
  await expect(page.locator("canvas").first()).toBeVisible();
}

/** Waits until the status bar says that nothing is watched, so that no picture depends on when it does. */
async function idle(page: Page): Promise<void> {
  await expect(page.getByTestId("status-link")).toHaveAttribute("data-status", /idle/);
}

const PROPOSAL = {
  en: "backtest an SMA crossover 10/30 on AAPL from 2005 to 2010",
  tr: "AAPL için 2005-2010 arasında 10/30 SMA kesişimi test et",
};

for (const look of LOOKS) {
  test.describe(look.name, () => {
    test.beforeEach(({ page }) => lookAt(page, look));

    test.describe("with all symbols", () => {
      test.use({ symbols: ALL });

      test("market", async ({ page, gateway }) => {
        await page.goto(gateway.url("/"));
        await market(page, ALL);
        await expectLook(page, `market-${look.name}`, moving(page));
      });
    });

    test("copilot", async ({ page, gateway, symbols }) => {
      await page.goto(gateway.url("/"));
      await market(page, symbols);
      const desk = new Desk(page);
      await page.getByTestId("copilot-open").click();
      await expect(page.getByTestId("copilot-input")).toBeFocused();
      await expectLook(page, `copilot-empty-${look.name}`, moving(page));
      await desk.ask(PROPOSAL[look.language]);
      await expect(desk.answers()).toHaveAttribute("data-status", "done");
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await expectLook(page, `copilot-card-${look.name}`, [...moving(page), page.getByTestId("countdown")]);
      await desk.confirm();
      await expect(page.getByTestId("job-line")).toHaveAttribute("data-status", "done", { timeout: 30_000 });
      await expectLook(page, `copilot-confirmed-${look.name}`, moving(page));
      await desk.answers().locator("summary").first().click();
      await expectNoBarrier(page);
    });

    test("backtests", async ({ page, gateway }) => {
      const desk = new Desk(page);
      await page.goto(gateway.url("/backtests"));
      await expect(page.getByTestId("propose")).toBeEnabled();
      await idle(page);
      await expectLook(page, `backtests-empty-${look.name}`);
      await page.getByTestId("propose").click();
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await expectLook(page, `backtests-card-${look.name}`, [page.getByTestId("countdown")]);
      await desk.confirm();
      await desk.result();
      await expect(page.getByTestId("trade").first()).toContainText(/\d/);
      await idle(page);
      await expectLook(page, `backtest-${look.name}`, [page.locator("time")]);
      await page.getByTestId("trades").scrollIntoViewIfNeeded();
      await expectLook(page, `backtest-trades-${look.name}`, [page.locator("time")]);
      await page.goto(gateway.url("/backtests"));
      await expect(page.getByTestId("job-row")).toHaveCount(1);
      // What came of it is asked for when somebody can see it.
      await page.getByTestId("job-row").scrollIntoViewIfNeeded();
      await expect(page.getByTestId("outcome")).toContainText("%");
      await idle(page);
      await expectLook(page, `backtests-${look.name}`, [page.locator("time")]);
    });

    test("status", async ({ page, gateway }) => {
      await page.goto(gateway.url("/status"));
      await expect(page.getByTestId("channels")).toContainText("price:AAPL");
      await expect(page.getByTestId("gateway-health")).toHaveAttribute("data-status", "ready");
      await expect(page.getByTestId("channels")).toContainText(look.language === "tr" ? "Güncel" : "Fresh");
      const covered = [page.locator("[data-moving], [data-testid=totals] dd")];
      await expectLook(page, `status-${look.name}`, covered);
    });

    test("errors", async ({ page, gateway }) => {
      await page.goto(gateway.url("/errors"));
      await expect(page.getByText("TOKEN_USED")).toBeVisible();
      await idle(page);
      await expectLook(page, `errors-${look.name}`);
      await page.getByText("TOKEN_USED").click();
      await expect(page.getByText("409")).toBeVisible();
      await expectLook(page, `error-${look.name}`);
    });
  });
}

test.describe("states", () => {
  test.beforeEach(({ page }) => lookAt(page, PLAIN));

  test("loading", async ({ page, gateway }) => {
    await page.route("**/api/market/symbols", () => new Promise(() => {}));
    await page.route("**/api/backtest/jobs*", () => new Promise(() => {}));
    await page.goto(gateway.url("/"));
    await expect(page.getByRole("heading", { name: "Watch list" })).toBeVisible();
    await idle(page);
    await expectLook(page, "market-loading");
    await page.getByRole("link", { name: "Backtests" }).click();
    await expect(page.getByRole("heading", { name: "Your backtests" })).toBeVisible();
    await expectLook(page, "backtests-loading");
  });

  test("error", async ({ page, gateway, complaints }) => {
    complaints.allow(/ERR_|Failed to load/);
    await page.route("**/api/market/symbols", (route) => route.abort());
    await page.goto(gateway.url("/"));
    await expect(page.getByText("The gateway does not answer")).toBeVisible();
    await expectLook(page, "market-error");
    await page.unroute("**/api/market/symbols");
    await page.goto(gateway.url("/backtests/job_00000000000000000000"));
    await expect(page.getByTestId("error-note")).toHaveAttribute("data-code", "JOB_NOT_FOUND");
    await idle(page);
    await expectLook(page, "backtest-error");
    await page.goto(gateway.url("/nowhere"));
    await expect(page.getByRole("link", { name: "To the market" })).toBeVisible();
    await idle(page);
    await expectLook(page, "nowhere");
  });

  test("disconnected", async ({ page, gateway, complaints, symbols }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    const wire = await Wire.to(gateway.url("/"));
    await page.goto(wire.url("/"));
    await market(page, symbols);
    wire.cut();
    await expect(page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "disconnected");
    const link = page.getByTestId("status-link");
    await expectLook(page, "market-disconnected", [...moving(page), link]);
    wire.mend();
    await page.getByRole("link", { name: "Status" }).click();
    await expect(page.getByTestId("gateway-health")).toHaveAttribute("data-status", "ready");
    wire.cut();
    await expect(page.getByTestId("gateway-health")).toHaveAttribute("data-status", "error");
    await expectNoBarrier(page);
    await wire.close();
  });

  test("an answer that is cut", async ({ page, gateway, complaints, symbols }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    const wire = await Wire.to(gateway.url("/"));
    await page.goto(wire.url("/"));
    await market(page, symbols);
    const cut = wire.cutAt("copilot.delta", 2);
    await new Desk(page).ask(PROPOSAL.en);
    await cut;
    await expect(page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "disconnected");
    await expect(page.getByTestId("answer")).toHaveAttribute("data-status", "answering");
    await expectNoBarrier(page);
    await wire.close();
  });

  test.describe("where no worker is", () => {
    test.use({ settings: { ...STILL, SPARK_JOBS_WORKERS: "0" } });

    test("a backtest that waits, and that was cancelled", async ({ page, gateway }) => {
      await page.goto(gateway.url("/backtests"));
      await page.getByTestId("propose").click();
      await new Desk(page).confirm();
      await expect(page.getByTestId("backtest")).toHaveAttribute("data-status", "queued");
      await expectLook(page, "backtest-queued", [page.locator("time")]);
      await page.getByTestId("cancel").click();
      await expect(page.getByTestId("backtest")).toHaveAttribute("data-status", "cancelled");
      await idle(page);
      await expectLook(page, "backtest-cancelled", [page.locator("time")]);
    });
  });

  test("a sweep", async ({ page, gateway }) => {
    const desk = new Desk(page);
    await page.goto(gateway.url("/backtests"));
    await desk.ask("sweep sma on AAPL with fast 5, 10, 20 and slow 30, 50");
    await desk.confirm();
    await desk.openResult();
    await page.getByTestId("copilot-open").click();
    await expect(page.getByTestId("status-link")).toHaveAttribute("data-status", "connected");
    await page.getByTestId("sweep").scrollIntoViewIfNeeded();
    await expectLook(page, "sweep", [page.locator("time")]);
  });

  test("what explains itself", async ({ page, gateway, symbols }) => {
    await page.goto(gateway.url("/"));
    await market(page, symbols);
    await page.getByTestId("status-help").click();
    await expectLook(page, "help", moving(page));
    await page.keyboard.press("Escape");
    await lookAt(page, NARROW);
    await page.reload();
    await market(page, symbols);
    await page.getByTestId("settings").click();
    await expectLook(page, "settings", moving(page));
  });

  test.describe("a card", () => {
    test.use({ settings: { ...STILL, TOKEN_TTL_MS: "2000" } });

    test("that came too late", async ({ page, gateway, symbols }) => {
      const desk = new Desk(page);
      await page.goto(gateway.url("/"));
      await market(page, symbols);
      await desk.ask(PROPOSAL.en);
      await expect(desk.card()).toHaveAttribute("data-status", "expired");
      await expect(desk.answers()).toHaveAttribute("data-status", "done");
      await expectLook(page, "copilot-expired", moving(page));
    });
  });

  test.describe("on a wall", () => {
    test.use({ symbols: ALL });

    test("market", async ({ page, gateway }) => {
      await page.setViewportSize({ width: 3840, height: 2160 });
      await page.goto(gateway.url("/"));
      await market(page, ALL);
      await expectLook(page, "market-3840", moving(page));
    });
  });

  test.describe("at the usual speed", () => {
    test.use({ settings: {} });

    test("stale", async ({ page, gateway, symbols }) => {
      const wire = await Wire.to(gateway.url("/"));
      await page.goto(wire.url("/"));
      await market(page, symbols);
      wire.hush();
      await expect(page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "stale", {
        timeout: 30_000,
      });
      const numbers =
        "canvas, [data-testid^=price-], [data-testid^=change-], [data-testid^=trend-], [data-testid^=date-], #chart-title + div, [data-testid=chart-date], [data-testid=legend]";
      await expectLook(page, "market-stale", [...moving(page), page.locator(numbers)]);
      await wire.close();
    });
  });

  test.describe("without any data", () => {
    test.use({ symbols: [] });

    test("empty", async ({ page, gateway }) => {
      await page.goto(gateway.url("/"));
      await expect(page.getByText("This gateway serves no symbols")).toBeVisible();
      await idle(page);
      await expectLook(page, "market-empty");
    });
  });
});
