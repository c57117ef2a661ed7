import type { Page } from "@playwright/test";
import { Exchange } from "../src/exchange.ts";
import { expect, test as plain } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";

const test = plain.extend<{ settings: Record<string, string>; exchange: Exchange }>({
  settings: [{}, { option: true }],
  gateway: async ({ settings }, use) => {
    const gateway = await Gateway.start(settings);
    await use(gateway);
    await gateway.dispose();
  },
  exchange: async ({ browserName: _ }, use) => {
    const exchange = await Exchange.start();
    await use(exchange);
    await exchange.dispose();
  },
});

/** Open times that the chart of a symbol was handed over a while, read from the client itself. */
const times = (page: Page, gateway: Gateway, symbol: string, interval: string): Promise<number[]> =>
  page.evaluate(
    async ({ url }) => {
      const answer = await fetch(url);
      return ((await answer.json()) as { rows: number[][] }).rows.map((row) => row[0] ?? 0);
    },
    { url: gateway.url(`/api/market/candles?symbol=${symbol}&interval=${interval}&limit=5000`) },
  );

test.describe("made-up prices", () => {
  test.use({
    settings: { SPARK_SOURCE: "synthetic", SPARK_SYNTHETIC_SYMBOLS: "1000", SPARK_SYNTHETIC_RATE: "4000" },
  });

  test("one of a thousand symbols is found, and only rows in view are there", async ({ page, gateway }) => {
    await page.goto(gateway.url("/"));
    await expect(page.getByTestId("source-badge")).toHaveText(/Made-up prices/);
    await expect(page.getByTestId("price-SYN0000")).toHaveAttribute("data-seq", /^[1-9]\d*$/);
    expect(await page.locator("[data-symbol]").count()).toBeLessThan(40);
    await page.getByTestId("filter").fill("0777");
    await expect(page.locator("[data-symbol]")).toHaveCount(1);
    await page.getByTestId("row-SYN0777").click();
    await expect(page.locator("#chart-title")).toHaveText("SYN0777");
    await page.getByTestId("filter").fill("nobody");
    await expect(page.getByText("No symbol has “nobody” in its name.")).toBeVisible();
    await page.getByRole("button", { name: "Show all symbols" }).click();
    // By the keyboard to the other end of the list.
    await page.getByTestId("row-SYN0000").click();
    await page.keyboard.press("End");
    await expect(page.getByTestId("row-SYN0999")).toBeFocused();
    await expect(page.locator("#chart-title")).toHaveText("SYN0999");
    await expect(page.getByTestId("price-SYN0999")).toHaveAttribute("data-seq", /^[1-9]\d*$/);
  });

  test("history and the live bar join without a seam at every length", async ({ page, gateway }) => {
    await page.goto(gateway.url("/?symbol=SYN0003"));
    const chart = page.getByTestId("chart");
    await expect(page.getByTestId("chart-date")).toHaveText(/^\d\d:\d\d:\d\d$/);
    for (const interval of ["5m", "1h", "1d", "1m", "1s"]) {
      await page.getByTestId("intervals").getByText(interval, { exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`interval=${interval}`));
      await expect(chart).toHaveAttribute("data-interval", interval);
      await expect(chart).toHaveAttribute("data-disorder", "");
    }
    // A second's bars close while the page looks on: each is there once, as in the history that is asked for later.
    const before = Number(await chart.getAttribute("data-bars"));
    await expect.poll(async () => Number(await chart.getAttribute("data-bars"))).toBeGreaterThan(before + 8);
    const served = await times(page, gateway, "SYN0003", "1s");
    const first = Number(await chart.getAttribute("data-first"));
    const last = Number(await chart.getAttribute("data-last"));
    const bars = Number(await chart.getAttribute("data-bars"));
    expect(served).toEqual([...new Set(served)].sort((a, b) => a - b));
    const expected = served.filter((time) => time >= first && time <= last).length;
    // The newest one is still forming, and another may have begun between two looks.
    expect(bars - expected).toBeGreaterThanOrEqual(0);
    expect(bars - expected).toBeLessThanOrEqual(3);
    await expect(chart).toHaveAttribute("data-disorder", "");
  });
});

test("the page says how its exchange is", async ({ page, exchange, complaints }) => {
  test.setTimeout(180_000);
  complaints.allow(/Failed to load resource/);
  const settings = {
    SPARK_SOURCE: "binance",
    SPARK_SYMBOLS: "ETHUSDT,BTCUSDT",
    SPARK_EXCHANGE_URL: exchange.url,
  };
  const gateway = await Gateway.start(settings);
  const row = page.getByTestId("row-ETHUSDT");
  const freshness = page.getByTestId("status-freshness");
  const trade = (price: string) => exchange.tell(`trade ETHUSDT ${price} 1`);
  const shows = async (price: string) => {
    await expect(async () => {
      trade(price.replace(",", ""));
      await expect(page.getByTestId("price-ETHUSDT")).toHaveText(price, { timeout: 1_000 });
    }).toPass();
    await expect(row).toHaveAttribute("data-freshness", "fresh");
  };
  const isSilent = async () => {
    await expect(row).toHaveAttribute("data-freshness", "stale", { timeout: 40_000 });
    await expect(freshness).toContainText(/stale/i);
    await expect(freshness).toContainText(/the feed is silent/i);
    await expect(page.getByTestId("status-link")).toContainText("Connected");
  };
  try {
    await page.goto(gateway.url("/?symbol=ETHUSDT"));
    await expect(page.getByTestId("source-badge")).toHaveText(/Live from Binance/);
    await shows("1,801.00");

    // What cannot be right changes nothing.
    for (const price of ["0", "-5"]) trade(price);
    exchange.tell("say {not JSON");
    exchange.tell('say {"stream":"ethusdt@depth","data":{}}');
    await shows("1,802.00");

    // A link that is cut and refused is told, and its prices stay; then it comes back by itself.
    exchange.tell("refuse 503");
    exchange.tell("cut");
    await isSilent();
    await expect(page.getByTestId("price-ETHUSDT")).toHaveText("1,802.00");
    exchange.tell("refuse no");
    await shows("1,803.00");

    // A link that is open and dead.
    exchange.freeze();
    await isSilent();
    exchange.thaw();
    await shows("1,804.00");

    // A ban of its REST interface leaves what is live as it is.
    exchange.tell("ban 429 30");
    await page.getByTestId("intervals").getByText("1h", { exact: true }).click();
    await shows("1,805.00");
    exchange.tell("ban no");

    // A symbol that is not traded is no reason for doubt while its exchange is heard.
    await page.waitForTimeout(7_000);
    await expect(row).toHaveAttribute("data-freshness", "fresh");
  } finally {
    await gateway.dispose();
  }
});

test("a clock of the exchange that is off by three seconds is not seen", async ({ page, exchange }) => {
  exchange.tell("clock -3000");
  const settings = { SPARK_SOURCE: "binance", SPARK_SYMBOLS: "ETHUSDT", SPARK_EXCHANGE_URL: exchange.url };
  const gateway = await Gateway.start(settings);
  try {
    await page.goto(gateway.url("/"));
    await expect(async () => {
      exchange.tell("trade ETHUSDT 1801 1");
      await expect(page.getByTestId("price-ETHUSDT")).toHaveText("1,801.00", { timeout: 1_000 });
      await expect(page.getByTestId("status-age")).toContainText(/\b[01] s/, { timeout: 500 });
    }).toPass();
    await expect(page.getByTestId("row-ETHUSDT")).toHaveAttribute("data-freshness", "fresh");
  } finally {
    await gateway.dispose();
  }
});
