import { afterEach, expect, test } from "vitest";
import { readDay } from "../src/features/backtests/day";
import { draftOf, emptyDraft, readDraft } from "../src/features/backtests/form";
import { chooseLanguage } from "../src/i18n";
import { fold } from "../src/lib/fold";
import { readNumber, writeNumber } from "../src/lib/numbers";

afterEach(() => chooseLanguage("en"));

test.each([
  ["10", 10, 10],
  ["2.5", 2.5, 2.5],
  ["2,5", 2.5, 2.5],
  ["0.125", 0.125, 0.125],
  ["0,125", 0.125, 0.125],
  ["1,234.5", 1234.5, 1234.5],
  ["1.234,5", 1234.5, 1234.5],
  ["1,000,000", 1e6, 1e6],
  ["1.000.000", 1e6, 1e6],
  [" 10 000 ", 10_000, 10_000],
  ["−3", -3, -3],
  // Only these say one thing in one language and another in the other.
  ["1.500", 1.5, 1500],
  ["1,500", 1500, 1.5],
  ["", Number.NaN, Number.NaN],
  ["x", Number.NaN, Number.NaN],
  ["1,2,3", Number.NaN, Number.NaN],
  ["1,2.3", Number.NaN, Number.NaN],
  ["1e3", Number.NaN, Number.NaN],
])("%o reads %s in English and %s in Turkish", async (text, english, turkish) => {
  expect(readNumber(text)).toBe(english);
  await chooseLanguage("tr");
  expect(readNumber(text)).toBe(turkish);
});

test("what is written is read back, in both languages", async () => {
  for (const language of ["en", "tr"] as const) {
    await chooseLanguage(language);
    for (const value of [0, 2.5, 0.0001, 10_000, 1234.5, 0.125, 1.5, 1_000_000_000]) {
      expect(readNumber(writeNumber(value)), `${value} in ${language}`).toBe(value);
    }
  }
  expect(writeNumber(1234.5)).toBe("1234,5");
});

test("a Turkish form takes a comma, and holds what ran before with one", async () => {
  await chooseLanguage("tr");
  const draft = { ...emptyDraft("AAPL", "1d"), fee: "2,5", cash: "10.000" };
  expect(readDraft(draft)).toMatchObject({ params: { feeBps: 2.5, initialCash: 10_000 } });
  const params = {
    symbol: "AAPL",
    interval: "1d",
    strategy: { name: "rsi_reversion" as const, period: 7, low: 27.5, high: 80, allowShort: false },
    initialCash: 500,
    feeBps: 1.5,
    slippageBps: 0,
    sizing: { kind: "fraction" as const, fraction: 0.25 },
  };
  const held = draftOf(params);
  expect([held.fee, held.fraction, held.settings.low]).toEqual(["1,5", "0,25", "27,5"]);
  expect(readDraft(held)).toEqual({ params });
});

test.each([
  ["2005-01-31", "2005-01-31"],
  ["20050131", "2005-01-31"],
  ["2005/01/31", "2005-01-31"],
  ["31.1.2005", "2005-01-31"],
  [" 2004-02-29 ", "2004-02-29"],
  ["2005-02-29", null],
  ["2005-13-01", null],
  ["01/31/2005", null],
  ["2005", null],
  ["soon", null],
])("%o is the day %s", (text, day) => {
  expect(readDay(text)).toBe(day);
});

test("a form takes days as they are typed, and asks for them as the gateway wants them", () => {
  const draft = emptyDraft("AAPL", "1d");
  expect(readDraft({ ...draft, from: "31.1.2005", to: "20100101" })).toMatchObject({
    params: { from: "2005-01-31", to: "2010-01-01" },
  });
  expect(readDraft({ ...draft, from: "soon" })).toEqual({ faults: { from: { why: "day" } } });
});

test("what is looked for is found from a keyboard of either language", () => {
  expect(fold("TOKEN_INVALID")).toBe("token_invalid");
  for (const typed of ["token_invalid", "TOKEN_INVALID", "token_ınvalıd", "TOKEN_İNVALİD"]) {
    expect(fold("TOKEN_INVALID"), typed).toContain(fold(typed));
  }
  expect(fold("Sayfanın çekirdeği")).toContain(fold("ÇEKİRDEĞİ"));
});
