import { Collector } from "../src/collector.ts";
import { expect, test } from "../src/fixtures.ts";
import { shows } from "../src/prices-page.ts";

test("the chart's last bar is the one that forms, and it moves", async ({ gateway, prices }) => {
  const witness = Collector.overWebSocket(gateway, "candles:AAPL.1d");
  await prices.open();
  await expect(prices.chartTitle()).toHaveText("AAPL");
  const seen = new Set<string>();
  await expect
    .poll(async () => {
      const [date = "", open = "", high = "", low = "", close = ""] = await prices
        .legend()
        .locator("dd")
        .allTextContents();
      const published = witness
        .all()
        .some(
          (bar) =>
            new Date(bar.openTime ?? 0).toISOString().startsWith(date) &&
            shows(open, bar.open ?? Number.NaN) &&
            shows(high, bar.high ?? Number.NaN) &&
            shows(low, bar.low ?? Number.NaN) &&
            shows(close, bar.close ?? Number.NaN),
        );
      if (published) seen.add(`${date} ${close}`);
      return seen.size;
    }, "different states of the last bar, each as published")
    .toBeGreaterThanOrEqual(5);
  witness.close();
});

test("the picture of the chart moves", async ({ prices }) => {
  await prices.open();
  const chart = prices.page.getByTestId("chart");
  await expect(chart.locator("canvas").first()).toBeVisible();
  const pictures = new Set<string>();
  await expect
    .poll(async () => {
      pictures.add((await chart.screenshot()).toString("base64"));
      return pictures.size;
    }, "different pictures of the chart")
    .toBeGreaterThanOrEqual(4);
});

test("the chart has the history of the file under the live bar", async ({ prices }) => {
  await prices.open();
  await expect
    .poll(async () => Number(await prices.page.getByTestId("chart").getAttribute("data-bars")))
    .toBeGreaterThan(400);
});

test("the keyboard alone chooses what the chart shows", async ({ page, prices }) => {
  await prices.open();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute("data-symbol") ?? null);
  for (let step = 0; step < 20 && (await focused()) === null; step += 1) await page.keyboard.press("Tab");
  expect(await focused(), "the selected row is reached with Tab").toBe("AAPL");
  for (const [key, symbol] of [
    ["ArrowDown", "FB"],
    ["End", "MSFT"],
    ["ArrowUp", "IBM"],
    ["Home", "AAPL"],
    ["g", "GOOG"],
  ] as const) {
    await page.keyboard.press(key);
    expect(await focused(), key).toBe(symbol);
    await expect(prices.chartTitle()).toHaveText(symbol);
    await expect(page.getByTestId(`row-${symbol}`)).toHaveAttribute("aria-selected", "true");
    const price = page.getByTestId("chart-price");
    await expect(price).toBeVisible();
    await expect
      .poll(async () => (await price.textContent()) === (await prices.shown(symbol)).text, symbol)
      .toBe(true);
  }
  expect(new URL(page.url()).searchParams.get("symbol"), "the choice can be sent to somebody").toBe("GOOG");
});
