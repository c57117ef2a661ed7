import { test as base, expect, type Page } from "@playwright/test";
import { Gateway } from "./gateway.ts";
import { PricesPage } from "./prices-page.ts";

interface Fixtures {
  /** A gateway of this test's own, with the shipped data at one bar a second. */
  gateway: Gateway;
  /** The page of prices, not opened yet. */
  prices: PricesPage;
  /** What the page complained of. A test that cuts the line empties it; for all others it must stay empty. */
  complaints: string[];
}

/** A test with a gateway and a page, which fails when the page complains on its console. */
export const test = base.extend<Fixtures>({
  gateway: async ({ browserName: _ }, use) => {
    const gateway = await Gateway.start();
    await use(gateway);
    await gateway.dispose();
  },
  complaints: [
    async ({ page }, use) => {
      const complaints = listen(page);
      await use(complaints);
      expect(complaints, "the page's console is silent").toEqual([]);
    },
    { auto: true },
  ],
  prices: async ({ page, gateway }, use) => {
    await use(new PricesPage(page, gateway));
  },
});

export { expect };

function listen(page: Page): string[] {
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  return complaints;
}
