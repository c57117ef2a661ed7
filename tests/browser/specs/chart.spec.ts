import { expect, test } from "../src/fixtures.ts";

test("the chart's last bar moves", async ({ prices }) => {
  await prices.open();
  const canvas = prices.page.locator("canvas").first();
  await expect(canvas).toBeVisible();
  const pictures = new Set<string>();
  await expect
    .poll(async () => {
      pictures.add((await canvas.screenshot()).toString("base64"));
      return pictures.size;
    }, "different pictures of the chart")
    .toBeGreaterThanOrEqual(3);
});
