import { Collector } from "../src/collector.ts";
import { expect, test } from "../src/fixtures.ts";
import { shows, type Transport } from "../src/prices-page.ts";

const TRANSPORTS: Transport[] = ["websocket", "sse", "polling"];
const NAMES: Record<Transport, string> = { websocket: "WebSocket", sse: "SSE", polling: "Long polling" };
const SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT"];

/** Looks often: a price stands for a quarter of a second. */
const OFTEN = { intervals: [50] };

/** How often the line is cut in the test that cuts it. */
const ROUNDS = Number(process.env.TEST_ROUNDS ?? "1");

for (const transport of TRANSPORTS) {
  test.describe(`over ${transport}`, () => {
    test("a price on the page is the one that was published under its number", async ({
      gateway,
      prices,
    }) => {
      const witnesses = new Map(
        SYMBOLS.map((symbol) => [symbol, Collector.overWebSocket(gateway, `price:${symbol}`)]),
      );
      const stream = Collector.overEventStream(gateway, "price:AAPL");
      await prices.open(transport);
      const checked = new Set<string>();
      for (const [symbol, witness] of witnesses) {
        for (let round = 0; round < 5; round += 1) {
          let last = -1;
          await expect
            .poll(
              async () => {
                const shown = await prices.shown(symbol);
                const published = witness.price(shown.seq);
                last = shown.seq;
                return published !== undefined && shows(shown.text, published);
              },
              { ...OFTEN, message: `${symbol} shows what was published` },
            )
            .toBe(true);
          checked.add(`${symbol} ${last}`);
          await expect
            .poll(async () => (await prices.shown(symbol)).seq, "the next price")
            .toBeGreaterThan(last);
        }
      }
      expect(checked.size).toBe(25);
      const { seq } = await prices.shown("AAPL");
      await expect.poll(() => stream.price(seq), "both witnesses agree").toBeDefined();
      expect(stream.price(seq)).toBe(witnesses.get("AAPL")?.price(seq));
      for (const witness of [...witnesses.values(), stream]) witness.close();
    });

    test("the status bar names the transport and says fresh with a small age", async ({ prices }) => {
      await prices.open(transport);
      await expect(prices.status("transport")).toHaveText(NAMES[transport]);
      await expect.poll(() => prices.ageMs()).toBeLessThan(5_000);
    });

    test("a killed gateway is told, the last price stays, and a new one is taken up without a reload", async ({
      gateway,
      prices,
      complaints,
    }) => {
      test.setTimeout(90_000 + ROUNDS * 60_000);
      // A browser tells of a broken line and of each failed attempt to connect.
      complaints.allow(/WebSocket connection to .* failed|net::ERR_(CONNECTION|INCOMPLETE|EMPTY|SOCKET)/);
      await prices.open(transport);
      await prices.page.evaluate(() => Object.assign(window, { survivor: "same page" }));
      for (let round = 0; round < ROUNDS; round += 1) {
        await gateway.kill();
        await prices.cutOff();
        const last = await prices.shown("AAPL");
        expect(last.text).toMatch(/\d/);
        const age = await prices.ageMs();
        await expect.poll(() => prices.ageMs(), "the age grows").toBeGreaterThan(age + 2_000);
        expect(await prices.shown("AAPL"), "the last price is still there").toEqual(last);

        await gateway.start();
        const witness = Collector.overWebSocket(gateway, "price:AAPL");
        await prices.live();
        await expect
          .poll(async () => {
            const shown = await prices.shown("AAPL");
            const published = witness.price(shown.seq);
            return published !== undefined && shows(shown.text, published);
          }, "the price is the new gateway's")
          .toBe(true);
        await expect.poll(() => prices.ageMs(), "the age is that of the new price").toBeLessThan(5_000);
        expect(await prices.page.evaluate(() => Reflect.get(window, "survivor"))).toBe("same page");
        witness.close();
      }
    });
  });
}

test("every price moves", async ({ prices }) => {
  await prices.open();
  for (const symbol of SYMBOLS) {
    const { text } = await prices.shown(symbol);
    await expect.poll(async () => (await prices.shown(symbol)).text, symbol).not.toBe(text);
  }
});

test("another transport takes over while the page stays where it is", async ({ page, prices }) => {
  await prices.open();
  await page.getByTestId("row-IBM").evaluate((row) => row.setAttribute("data-survivor", "same row"));
  for (const [choice, name] of [
    [/Server-sent events/, "SSE"],
    [/Long polling/, "Long polling"],
    [/WebSocket/, "WebSocket"],
  ] as const) {
    await prices.status("transport").click();
    await page.getByRole("menuitemradio", { name: choice }).click();
    await expect(prices.status("transport")).toHaveText(name);
    await prices.live();
    await expect(page.getByTestId("row-IBM")).toHaveAttribute("data-survivor", "same row");
  }
});
