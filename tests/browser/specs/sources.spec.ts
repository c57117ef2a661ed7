import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { Exchange } from "../src/exchange.ts";
import { expect, test as plain } from "../src/fixtures.ts";
import { Gateway } from "../src/gateway.ts";
import { numberIn } from "../src/prices-page.ts";

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

/** Intervals, how they are read out, and how many of their newest bars are looked at. */
const INTERVALS = [
  ["5m", "5 minutes", 8],
  ["1h", "1 hour", 8],
  ["1d", "1 day", 8],
  ["1w", "1 week", 8],
  ["1m", "1 minute", 30],
  ["1s", "1 second", 60],
] as const;

/** Characters of `2006-11-30 10:05:07`. */
const LENGTH_OF_TIME = 19;

/** A bar as text: when it begins, and its four prices with two decimals. */
function barText(time: string, prices: number[]): string {
  return [time, ...prices.map((price) => price.toFixed(2))].join(" ");
}

/**
 * Up to `most` newest bars of the chart, the oldest first, as a person reads them: the arrow key goes from one to the
 * next, and the legend says what it is.
 */
async function readBars(page: Page, most: number): Promise<string[]> {
  await page.getByTestId("chart").focus();
  const legend = page.getByTestId("legend").locator("dd");
  const bars: string[] = [];
  let last = "";
  while (bars.length < most) {
    await page.keyboard.press("ArrowLeft");
    const [time = "", ...numbers] = await legend.allTextContents();
    if (time === last) break;
    last = time;
    const whole = `${time}${" 00:00:00".slice(time.length - 10)}`.slice(0, LENGTH_OF_TIME);
    bars.push(barText(whole, numbers.slice(0, 4).map(numberIn)));
  }
  await page.keyboard.press("Escape");
  return bars.reverse();
}

/** The bars that are history by now, in the same words. */
async function servedBars(gateway: Gateway, symbol: string, interval: string): Promise<string[]> {
  const query = new URLSearchParams({ symbol, interval, limit: "5000" });
  const answer = await fetch(gateway.url(`/api/market/candles?${query}`));
  const { rows } = (await answer.json()) as { rows: number[][] };
  return rows.map(([time = 0, ...numbers]) => {
    return barText(
      new Date(time).toISOString().slice(0, LENGTH_OF_TIME).replace("T", " "),
      numbers.slice(0, 4),
    );
  });
}

test.describe("made-up prices of a thousand symbols", () => {
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
    // The chosen one stays in view; by the keyboard to the other end of the list.
    await page.getByTestId("row-SYN0777").click();
    await page.keyboard.press("End");
    await expect(page.getByTestId("row-SYN0999")).toBeFocused();
    await expect(page.locator("#chart-title")).toHaveText("SYN0999");
    await expect(page.getByTestId("price-SYN0999")).toHaveAttribute("data-seq", /^[1-9]\d*$/);
  });

  test("the keyboard leads from the field to the list and back", async ({ page, gateway }) => {
    await page.goto(gateway.url("/?symbol=SYN0500"));
    await expect(page.getByTestId("row-SYN0500")).toBeInViewport();
    await expect(page.getByTestId("symbol-count")).toHaveText("1,000 symbols");
    const field = page.getByRole("textbox", { name: "Find a symbol" });
    await field.fill("syn004");
    await expect(page.getByTestId("symbol-count")).toHaveText("10 of 1,000 symbols");
    await page.keyboard.press("Enter");
    await expect(page.locator("#chart-title")).toHaveText("SYN0040");
    await expect(field).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(page.getByTestId("row-SYN0040")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(page.getByTestId("row-SYN0041")).toBeFocused();
    await field.press("Escape");
    await expect(field).toHaveValue("");
    await expect(page.getByTestId("row-SYN0041")).toBeInViewport();
    // However far the list is scrolled, Tab leads to the chosen row and nowhere else.
    await page.getByTestId("watch-list").evaluate((list) => list.scrollTo(0, list.scrollHeight));
    await expect(page.getByTestId("row-SYN0999")).toBeInViewport();
    await expect(page.locator('[data-symbol][tabindex="0"]')).toHaveCount(1);
    await field.press("Tab");
    await expect(page.getByTestId("row-SYN0041")).toBeFocused();
  });
});

test.describe("made-up prices of a few symbols", () => {
  test.use({ settings: { SPARK_SOURCE: "synthetic", SPARK_SYNTHETIC_RATE: "200" } });

  test("history and the live bar join without a seam at every length", async ({ page, gateway }) => {
    test.setTimeout(180_000);
    await page.goto(gateway.url("/?symbol=SYN0003"));
    const chart = page.getByTestId("chart");
    await expect(page.getByTestId("chart-date")).toHaveText(/^\d\d:\d\d:\d\d UTC$/);
    for (const [interval, words, most] of INTERVALS) {
      await page.getByTestId("intervals").getByText(interval, { exact: true }).click();
      await expect(page).toHaveURL(new RegExp(`interval=${interval}`));
      await expect(page.getByRole("radio", { name: words, exact: true })).toBeChecked();
      await expect(chart).toHaveAttribute("data-interval", interval);
      if (interval === "1s") {
        // Bars close while the page looks on.
        const before = Number(await chart.getAttribute("data-bars"));
        await expect
          .poll(async () => Number(await chart.getAttribute("data-bars")))
          .toBeGreaterThanOrEqual(before + 10);
      }
      const shown = await readBars(page, most);
      expect(shown.length, interval).toBeGreaterThan(0);
      // All of them but the one that forms have closed by the time that the gateway is asked.
      const oldest = shown[0]?.slice(0, LENGTH_OF_TIME) ?? "";
      const forming = shown.at(-1)?.slice(0, LENGTH_OF_TIME) ?? "";
      const inRange = (bar: string) =>
        bar.slice(0, LENGTH_OF_TIME) >= oldest && bar.slice(0, LENGTH_OF_TIME) < forming;
      const served = async () => (await servedBars(gateway, "SYN0003", interval)).filter(inRange);
      await expect.poll(served, `each bar of ${interval} once, as it is served`).toEqual(shown.slice(0, -1));
    }
  });
});

test("a symbol whose file comes later appears by itself", async ({ page }) => {
  const folder = await mkdtemp(path.join(tmpdir(), "spark-data-"));
  const rows = (open: number) =>
    Array.from({ length: 600 }, (_, day) => {
      const date = new Date(Date.UTC(2020, 0, 1 + day)).toISOString().slice(0, 10);
      return `${date},${open},${open + 2},${open - 2},${open + 1},1000`;
    });
  const write = (symbol: string, open: number) =>
    writeFile(
      path.join(folder, `${symbol}.csv`),
      `Date,Open,High,Low,Close,Volume\n${rows(open).join("\n")}\n`,
    );
  await write("FIRST", 10);
  const gateway = await Gateway.start({ SPARK_DATA_DIR: folder });
  try {
    await page.goto(gateway.url("/"));
    await expect(page.getByTestId("price-FIRST")).toHaveAttribute("data-seq", /^[1-9]\d*$/);
    await write("LATER", 20);
    await expect(page.getByTestId("price-LATER")).toHaveAttribute("data-seq", /^[1-9]\d*$/, {
      timeout: 60_000,
    });
    await expect(page.getByTestId("row-FIRST")).toHaveAttribute("aria-selected", "true");
  } finally {
    await gateway.dispose();
    await rm(folder, { recursive: true, force: true });
  }
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
    await expect(page.getByTestId("source-badge")).toHaveText(/Binance, not live/);
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
