import { afterEach, expect, test } from "vitest";
import { chooseLanguage } from "../src/i18n";
import {
  directionOf,
  formatAge,
  formatChange,
  formatMarketDate,
  formatPercent,
  formatPrice,
  formatVolume,
} from "../src/lib/format";

afterEach(() => chooseLanguage("en"));

test.each([
  [91.6, "91.60"],
  [1234.5, "1,234.50"],
  [438.1799, "438.18"],
  [0.01234, "0.0123"],
  [0, "0.00"],
  [-3.5, "−3.50"],
  [undefined, "–"],
  [Number.NaN, "–"],
])("a price of %s reads %s", (value, text) => {
  expect(formatPrice(value)).toBe(text);
});

test.each([
  [1.25, "+1.25", "up"],
  [-1.25, "−1.25", "down"],
  [0, "0.00", "flat"],
  [-0.001, "0.00", "flat"],
  [0.005, "+0.01", "up"],
] as const)("a change of %s reads %s and goes %s", (value, text, direction) => {
  expect(formatChange(value)).toBe(text);
  expect(formatPercent(value)).toBe(`${text}%`);
  expect(directionOf(value)).toBe(direction);
});

test.each([
  [0, "0 s"],
  [-5, "0 s"],
  [59_999, "59 s"],
  [185_000, "3 min 05 s"],
  [7_620_000, "2 h 07 min"],
  [273_600_000, "3 d 4 h"],
])("an age of %s ms reads %s", (ageMs, text) => {
  expect(formatAge(ageMs)).toBe(text);
});

test("in Turkish an age has Turkish units", async () => {
  await chooseLanguage("tr");
  expect([4_000, 185_000, 7_620_000, 273_600_000].map(formatAge)).toEqual([
    "4 sn",
    "3 dk 05 sn",
    "2 sa 07 dk",
    "3 g 4 sa",
  ]);
});

test("a market date is the day in UTC, whatever the machine's time zone", () => {
  expect(formatMarketDate(Date.UTC(2006, 10, 30))).toBe("2006-11-30");
  expect(formatMarketDate(undefined)).toBe("–");
});

test("a volume is short", () => {
  expect(formatVolume(31_072_600)).toBe("31.07M");
  expect(formatVolume(0)).toBe("0");
});
