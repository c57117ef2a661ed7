import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { Desk } from "../src/desk.ts";
import { test as base, expect } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";
import { expectLook, LOOKS, type Look, lookAt } from "../src/looks.ts";
import { Wire } from "../src/wire.ts";

// Every view in its looks and states: held to its picture, to accessibility, and to its window. `npm run pictures -w
// @spark/tests-browser` makes the pictures anew.

/** A bar takes so long that nothing moves while a picture is taken. */
const STILL = { SPARK_REPLAY_SPEED: "0.01" };

const test = base.extend<{ settings: Record<string, string> }>({
  settings: [STILL, { option: true }],
  gateway: async ({ settings }, use) => {
    const gateway = await Gateway.start(settings);
    await use(gateway);
    await gateway.dispose();
  },
});

const [PLAIN] = LOOKS as [Look];

/** What the market tells anew each time. */
function moving(page: Page) {
  return [page.getByTestId("status-age")];
}

/** Waits until the market is drawn. */
async function market(page: Page): Promise<void> {
  // Each symbol's first price comes at its own moment of a bar that takes so long.
  for (const symbol of ["AAPL", "FB", "GOOG", "IBM", "MSFT"]) {
    await expect(page.getByTestId(`price-${symbol}`)).toHaveAttribute("data-seq", /^[1-9]\d*$/, {
      timeout: 40_000,
    });
  }
  await expect(page.getByTestId("legend")).toContainText(/\d/);
  await expect(page.locator("canvas").first()).toBeVisible();
}

for (const look of LOOKS) {
  test.describe(look.name, () => {
    test.beforeEach(({ page }) => lookAt(page, look));

    test("market", async ({ page, gateway }) => {
      await page.goto(gateway.url("/"));
      await market(page);
      await expectLook(page, `market-${look.name}`, moving(page));
    });

    test("copilot", async ({ page, gateway }) => {
      await page.goto(gateway.url("/"));
      await market(page);
      const desk = new Desk(page);
      await page.getByTestId("copilot-open").click();
      await expect(page.getByTestId("copilot-input")).toBeFocused();
      await expectLook(page, `copilot-empty-${look.name}`, moving(page));
      await desk.ask(
        look.language === "tr"
          ? "AAPL için 2005-2010 arasında 10/30 SMA kesişimi test et"
          : "backtest an SMA crossover 10/30 on AAPL from 2005 to 2010",
      );
      await expect(desk.answers()).toHaveAttribute("data-status", "done");
      await expect(desk.card()).toHaveAttribute("data-status", "waiting");
      await expectLook(page, `copilot-card-${look.name}`, [...moving(page), page.getByTestId("countdown")]);
    });

    test("backtests", async ({ page, gateway }) => {
      await page.goto(gateway.url("/backtests"));
      await expect(page.getByTestId("propose")).toBeEnabled();
      await expectLook(page, `backtests-empty-${look.name}`);
      await page.getByTestId("propose").click();
      await new Desk(page).confirm();
      await new Desk(page).result();
      await expect(page.getByTestId("trade").first()).toContainText(/\d/);
      await expectLook(page, `backtest-${look.name}`, [page.locator("time")]);
      await page.getByTestId("trades").scrollIntoViewIfNeeded();
      await expectLook(page, `backtest-trades-${look.name}`, [page.locator("time")]);
      await page.goto(gateway.url("/backtests"));
      await expect(page.getByTestId("job-row")).toHaveCount(1);
      await expectLook(page, `backtests-${look.name}`, [page.locator("time")]);
    });

    test("status", async ({ page, gateway }) => {
      await page.goto(gateway.url("/status"));
      await expect(page.getByTestId("channels")).toContainText("price:AAPL");
      await expect(page.getByTestId("gateway-health")).toHaveAttribute("data-status", "ready");
      const counted = page.locator(
        "[data-testid=totals] dd, [data-testid=channels] td, section[aria-labelledby=line-title] dd",
      );
      await expectLook(page, `status-${look.name}`, [counted]);
    });

    test("errors", async ({ page, gateway }) => {
      await page.goto(gateway.url("/errors"));
      await expect(page.getByText("TOKEN_USED")).toBeVisible();
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
    await page.goto(gateway.url("/"));
    await expect(page.getByRole("heading", { name: "Watch list" })).toBeVisible();
    await expectLook(page, "market-loading");
  });

  test("error", async ({ page, gateway, complaints }) => {
    complaints.allow(/ERR_|Failed to load/);
    await page.route("**/api/market/symbols", (route) => route.abort());
    await page.goto(gateway.url("/"));
    await expect(page.getByText("The gateway does not answer")).toBeVisible();
    await expectLook(page, "market-error");
    await page.goto(gateway.url("/backtests/job_00000000000000000000"));
    await expect(page.getByTestId("error-note")).toHaveAttribute("data-code", "JOB_NOT_FOUND");
    await expectLook(page, "backtest-error");
    await page.goto(gateway.url("/nowhere"));
    await expect(page.getByRole("link", { name: "To the market" })).toBeVisible();
    await expectLook(page, "nowhere");
  });

  test("disconnected", async ({ page, gateway, complaints }) => {
    complaints.allow(/ERR_|WebSocket|Failed to load/);
    const wire = await Wire.to(gateway.url("/"));
    await page.goto(wire.url("/"));
    await market(page);
    wire.cut();
    await expect(page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "disconnected");
    await expectLook(page, "market-disconnected", [...moving(page), page.getByTestId("status-link")]);
    await wire.close();
  });

  test.describe("at the usual speed", () => {
    test.use({ settings: {} });

    test("stale", async ({ page, gateway }) => {
      const wire = await Wire.to(gateway.url("/"));
      await page.goto(wire.url("/"));
      await market(page);
      wire.hush();
      await expect(page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "stale", {
        timeout: 30_000,
      });
      await expect(page.getByTestId("row-MSFT")).toHaveAttribute("data-freshness", "stale", {
        timeout: 30_000,
      });
      const numbers =
        "canvas, [data-testid^=row-] > span:not(:first-child), [data-testid^=date-], #chart-title + div, [data-testid=chart-date], [data-testid=legend]";
      await expectLook(page, "market-stale", [...moving(page), page.locator(numbers)]);
      await wire.close();
    });
  });

  test.describe("without any data", () => {
    let folder: string;
    test.beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), "spark-empty-"));
    });
    test.afterAll(() => rm(folder, { recursive: true }));

    test("empty", async ({ page }) => {
      const gateway = await Gateway.start({ SPARK_DATA_DIR: folder });
      await page.goto(gateway.url("/"));
      await expect(page.getByText("This gateway serves no symbols")).toBeVisible();
      await expectLook(page, "market-empty");
      await gateway.dispose();
    });
  });
});
