import { ERRORS } from "@spark/live-core/envelope";
import { afterEach, expect, test } from "vitest";
import { chooseLanguage, i18n } from "../src/i18n";
import en from "../src/i18n/en";
import { firstLanguage, languageOf } from "../src/i18n/language";
import tr from "../src/i18n/tr";
import {
  formatBytes,
  formatChange,
  formatCountdown,
  formatPercent,
  formatPrice,
  formatRatio,
} from "../src/lib/format";
import { intervalName, intervalWords } from "../src/lib/intervals";

afterEach(() => chooseLanguage("en"));

test("the address, then the choice made here, then the browser decides on the language", () => {
  expect(firstLanguage("?lang=tr", "en", ["en"])).toBe("tr");
  expect(firstLanguage("?lang=xx", "tr", ["en"])).toBe("tr");
  expect(firstLanguage("", null, ["de-DE", "tr-TR", "en"])).toBe("tr");
  expect(firstLanguage("", "nonsense", ["de"])).toBe("en");
  expect([languageOf("TR-tr"), languageOf(""), languageOf(null)]).toEqual(["tr", null, null]);
});

/** All texts with their keys. */
function texts(words: object, path = ""): [string, string][] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === "string"
      ? [[`${path}${key}`, value] as [string, string]]
      : texts(value, `${path}${key}.`),
  );
}

test("both languages have the same words, with the same places to fill in", () => {
  const turkish = new Map(texts(tr));
  const places = (text: string) => [...new Set(text.match(/\{\{\w+\}\}|<\d>/g) ?? [])].sort();
  for (const [key, text] of texts(en)) {
    const other = turkish.get(key);
    expect(other, key).toBeTruthy();
    expect(places(other ?? ""), key).toEqual(places(text));
  }
  expect(turkish.size).toBe(texts(en).length);
});

test("every code of the catalogue is explained in both", () => {
  for (const code of [...Object.keys(ERRORS), "NETWORK", "ABORTED", "CORE_RESTARTED", "CORE_UNAVAILABLE"]) {
    for (const words of [en, tr]) {
      const told = words.errors.codes[code as keyof typeof en.errors.codes];
      expect(
        Object.values(told ?? {}).filter((text) => text.length > 3),
        code,
      ).toHaveLength(3);
    }
  }
});

test("numbers and words follow the language", async () => {
  expect([formatPrice(1234.5), formatPercent(-1.5), formatRatio(0.1234)]).toEqual([
    "1,234.50",
    "−1.50%",
    "12.34%",
  ]);
  expect([intervalName("1d"), intervalWords("5m"), intervalName("15m")]).toEqual([
    "Daily",
    "5 minutes",
    "15-minute",
  ]);
  await chooseLanguage("tr");
  expect(document.documentElement.lang).toBe("tr");
  expect([formatPrice(1234.5), formatPercent(-1.5), formatRatio(0.1234)]).toEqual([
    "1.234,50",
    "−%1,50",
    "%12,34",
  ]);
  expect([intervalName("1d"), intervalWords("5m")]).toEqual(["Günlük", "5 dakika"]);
  expect(formatChange(2.5)).toBe("+2,50");
  expect(i18n.t("market:list.title")).toBe("İzleme listesi");
});

test("sizes and times that run down are short", () => {
  expect([formatBytes(0), formatBytes(999), formatBytes(51_538), formatBytes(3_200_000)]).toEqual([
    "0 B",
    "999 B",
    "51.54 kB",
    "3.2 MB",
  ]);
  expect([formatCountdown(299_001), formatCountdown(0), formatCountdown(-5)]).toEqual([
    "5:00",
    "0:00",
    "0:00",
  ]);
});
