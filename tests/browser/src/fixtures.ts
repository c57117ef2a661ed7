import { test as base, expect, type Page } from "@playwright/test";
import { Gateway } from "./gateway.ts";
import { PricesPage } from "./prices-page.ts";

interface Fixtures {
  /** A gateway of this test's own, with the shipped data at one bar a second. */
  gateway: Gateway;
  /** The page of prices, not opened yet. */
  prices: PricesPage;
  /** What the page complains of on its console, which fails the test. */
  complaints: Complaints;
}

/** Errors and warnings of the page's console, but for those that a test says are as they should be. */
class Complaints {
  readonly #heard: string[] = [];
  readonly #allowed: RegExp[] = [];

  constructor(page: Page) {
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") this.#heard.push(message.text());
    });
    page.on("pageerror", (error) => this.#heard.push(String(error)));
  }

  /** Says that this test brings the browser to complain so. */
  allow(pattern: RegExp): void {
    this.#allowed.push(pattern);
  }

  /** Those that no test has allowed. */
  unexpected(): string[] {
    return this.#heard.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
  }
}

/** A test with a gateway and a page, which fails when the page complains on its console. */
export const test = base.extend<Fixtures>({
  gateway: async ({ browserName: _ }, use) => {
    const gateway = await Gateway.start();
    await use(gateway);
    await gateway.dispose();
  },
  complaints: [
    // Looked at before the gateway ends, of which the page would complain.
    async ({ page, gateway: _ }, use) => {
      const complaints = new Complaints(page);
      await use(complaints);
      expect(complaints.unexpected(), "the page's console is silent").toEqual([]);
    },
    { auto: true },
  ],
  prices: async ({ page, gateway }, use) => {
    await use(new PricesPage(page, gateway));
  },
});

export { expect };
