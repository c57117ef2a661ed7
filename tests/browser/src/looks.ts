import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { expect, type Locator, type Page, test } from "@playwright/test";

/** How a page can be looked at. */
export interface Look {
  name: string;
  width: number;
  height: number;
  scheme: "light" | "dark";
  language: "en" | "tr";
}

const USUAL: readonly Look[] = [
  { name: "light-1440", width: 1440, height: 900, scheme: "light", language: "en" },
  { name: "dark-360-tr", width: 360, height: 780, scheme: "dark", language: "tr" },
];
const MORE: readonly Look[] = [
  { name: "dark-1440", width: 1440, height: 900, scheme: "dark", language: "en" },
  { name: "light-360", width: 360, height: 780, scheme: "light", language: "en" },
];

/** Wide and narrow, light and dark, in both languages; a long run mixes them the other way round too. */
export const LOOKS: readonly Look[] = process.env.SPARK_TEST_LONG ? [...USUAL, ...MORE] : USUAL;

const FONTS = path.resolve(import.meta.dirname, "../pictures/fonts.txt");

/** From this width on the page is as high as its window and scrolls within itself. */
const NARROW = 900;

/** Looks at pages so. */
export async function lookAt(page: Page, { width, height, scheme, language }: Look): Promise<void> {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
  await page.addInitScript((spoken) => localStorage.setItem("spark-live-language", spoken), language);
}

/**
 * Holds the page to its picture, and to what it must always be: no barrier that a machine can find, nothing to scroll
 * sideways. What is told anew each time is covered. A narrow page is taken as a whole, a wide one scrolls within itself.
 * Pictures are of one set of fonts: with another one a page is not compared, and that is said.
 */
export async function expectLook(page: Page, name: string, covered: Locator[] = []): Promise<void> {
  await page.mouse.move(0, 0);
  // What differs from day to day is as wide on each of them, so that nothing beside it moves.
  await page.locator("time, [data-moving]").evaluateAll((all) => {
    for (const { style } of all as HTMLElement[]) {
      Object.assign(style, { display: "inline-block", width: "8rem", height: "1rem", overflow: "hidden" });
    }
  });
  if (await hasTheirFonts(page)) {
    const fullPage = (page.viewportSize()?.width ?? 0) < NARROW;
    await expect(page).toHaveScreenshot(`${name}.png`, { mask: covered, maskColor: "#808080", fullPage });
  } else {
    const description = `${name} was not compared: this machine has other fonts than the pictures`;
    test.info().annotations.push({ type: "fonts", description });
    console.warn(`  *** NOT COMPARED: ${description} ***`);
  }
  await expectNoBarrier(page);
}

/** Holds the page to what it must always be, whatever it looks like. */
export async function expectNoBarrier(page: Page): Promise<void> {
  const { content, view } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    view: innerWidth,
  }));
  expect(content, "nothing to scroll sideways").toBeLessThanOrEqual(view);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const told = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(" ")}`,
  );
  expect(told).toEqual([]);
}

/** Whether letters are as wide here as where the pictures were made, which is noted when they are made anew. */
async function hasTheirFonts(page: Page): Promise<boolean> {
  const widths = await page.evaluate(() => {
    const pen = document.createElement("canvas").getContext("2d");
    if (!pen) return [];
    return [getComputedStyle(document.body).fontFamily, "monospace"].map((family) => {
      pen.font = `16px ${family}`;
      return Math.round(100 * pen.measureText("Güncel fiyatlar 0123456789 Quick brown fox").width);
    });
  });
  if (["all", "changed"].includes(test.info().config.updateSnapshots)) {
    mkdirSync(path.dirname(FONTS), { recursive: true });
    writeFileSync(FONTS, `${JSON.stringify(widths)}\n`);
  }
  return existsSync(FONTS) && readFileSync(FONTS, "utf8").trim() === JSON.stringify(widths);
}
