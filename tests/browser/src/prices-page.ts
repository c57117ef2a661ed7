import { expect, type Locator, type Page } from "@playwright/test";
import type { Gateway } from "./gateway.ts";

/** The transports that a page can be opened with. */
export type Transport = "websocket" | "sse" | "polling";

/** What the page shows of one price, taken in one moment. */
export interface Shown {
  text: string;
  seq: number;
}

/** The page of prices as a person sees it. */
export class PricesPage {
  readonly page: Page;
  readonly #gateway: Gateway;

  constructor(page: Page, gateway: Gateway) {
    this.page = page;
    this.#gateway = gateway;
  }

  /** Opens the page and waits until it shows a live price. */
  async open(transport?: Transport): Promise<void> {
    await this.page.goto(this.#gateway.url(transport ? `/?transport=${transport}` : "/"));
    await this.live();
  }

  /** Waits until the page is connected and what it shows is fresh. */
  async live(): Promise<void> {
    await expect(this.status("link")).toHaveAttribute("data-status", "connected", { timeout: 60_000 });
    await expect(this.status("link")).toContainText("Connected");
    await expect(this.status("freshness")).toHaveAttribute("data-freshness", "fresh");
    await expect(this.status("freshness")).toContainText(/fresh/i);
    await expect(this.price("AAPL")).toHaveAttribute("data-seq", /^[1-9]\d*$/);
  }

  /** Waits until the page says that the line is lost and its prices are no longer current. */
  async cutOff(): Promise<void> {
    await expect(this.status("link")).toContainText("Disconnected");
    await expect(this.status("freshness")).toHaveAttribute("data-freshness", "disconnected");
    await expect(this.status("freshness")).toContainText(/disconnected/i);
    await expect(this.page.getByTestId("row-AAPL")).toHaveAttribute("data-freshness", "disconnected");
  }

  /** The cell with the price of a symbol. */
  price(symbol: string): Locator {
    return this.page.getByTestId(`price-${symbol}`);
  }

  /** One of the four words of the status bar. */
  status(what: "link" | "transport" | "freshness" | "age"): Locator {
    return this.page.getByTestId(`status-${what}`);
  }

  /** The price of a symbol and the number that it was published under, as they stand together. */
  async shown(symbol: string): Promise<Shown> {
    return await this.price(symbol).evaluate((cell) => ({
      text: cell.textContent ?? "",
      seq: Number(cell.getAttribute("data-seq")),
    }));
  }

  /** The heading over the chart: the symbol that it shows. */
  chartTitle(): Locator {
    return this.page.locator("#chart-title");
  }

  /** The legend of the chart: the numbers of its newest bar while none is pointed at. */
  legend(): Locator {
    return this.page.getByTestId("legend");
  }

  /** The age that the status bar tells, in milliseconds. */
  async ageMs(): Promise<number> {
    const text = (await this.status("age").textContent()) ?? "";
    const units: Record<string, number> = { ms: 1, s: 1_000, min: 60_000, m: 60_000, h: 3_600_000 };
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|min|m|h)\b/g)];
    if (parts.length === 0) return Number.NaN;
    return parts.reduce(
      (sum, [, number, unit]) => sum + Number(number) * (units[unit ?? ""] ?? Number.NaN),
      0,
    );
  }
}

/** The number in a text, thousands separators apart; NaN when there is none. */
export function numberIn(text: string): number {
  return Number.parseFloat(text.replace(/\u2212/g, "-").replace(/[^0-9.-]/g, ""));
}

/** Whether a text shows this number, rounded to as many decimals as it has (two at least). */
export function shows(text: string, value: number): boolean {
  const decimals = /\.(\d+)/.exec(text)?.[1]?.length ?? 0;
  return decimals >= 2 && Math.abs(numberIn(text) - value) <= 0.5 * 10 ** -decimals + 1e-9;
}
