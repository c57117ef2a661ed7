import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, test } from "../src/fixtures.ts";

const SCHEMES = ["light", "dark"] as const;
const WIDTHS = [360, 1440];
const PICTURES = path.resolve(import.meta.dirname, "../../../target/test-artifacts/pictures");

for (const scheme of SCHEMES) {
  test(`no barrier that a machine can find (${scheme})`, async ({ page, prices }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await prices.open();
    const { violations } = await new AxeBuilder({ page }).analyze();
    const told = violations.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((n) => n.html).join(" ")}`,
    );
    expect(told).toEqual([]);
  });

  for (const width of WIDTHS) {
    test(`fits into ${width} pixels (${scheme})`, async ({ page, prices }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height: 900 });
      await prices.open();
      const { content, window } = await page.evaluate(() => ({
        content: document.documentElement.scrollWidth,
        window: innerWidth,
      }));
      expect(content, "nothing to scroll sideways").toBeLessThanOrEqual(window);
      await page.screenshot({ path: path.join(PICTURES, `prices-${scheme}-${width}.png`) });
    });
  }
}

test("nothing jumps while prices come in", async ({ page, prices }) => {
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value);
    }).observe({ type: "layout-shift", buffered: true });
  });
  await prices.open();
  const began = await prices.shown("AAPL");
  // Twenty prices later: five seconds at four prices a second.
  await expect
    .poll(async () => (await prices.shown("AAPL")).seq, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(began.seq + 20);
  const total = await page.evaluate(() =>
    (Reflect.get(window, "shifts") as number[]).reduce((a, b) => a + b, 0),
  );
  expect(total).toBeLessThan(0.01);
});
