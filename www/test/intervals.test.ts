import type { SymbolInfo } from "@spark/live-core";
import { afterEach, expect, test } from "vitest";
import { chooseLanguage } from "../src/i18n";
import { formatBacktestTime, formatBarTime, formatMarketMoment, marketMoment } from "../src/lib/format";
import {
  intervalFor,
  intervalInWords,
  intervalName,
  intervalSign,
  intervalWords,
  lengthOf,
  spansOf,
} from "../src/lib/intervals";

afterEach(() => chooseLanguage("en"));

const info = (...intervals: string[]) => ({ intervals }) as SymbolInfo;

test("a chart begins with days of a replay and minutes of what happens now", () => {
  expect(intervalFor(info("1d", "1w"), "replay", null)).toBe("1d");
  expect(intervalFor(info("1s", "1m", "1d"), "replay", null)).toBe("1d");
  expect(intervalFor(info("1s", "1m", "1d"), "binance", null)).toBe("1m");
  expect(intervalFor(info("1s", "1m", "1d"), "binance", "1s")).toBe("1s");
});

test("an interval that a symbol has not gives way to one that it has", () => {
  expect(intervalFor(info("1d", "1w"), "replay", "5m")).toBe("1d");
  expect(intervalFor(info("30m"), "replay", "5m")).toBe("30m");
  expect(intervalFor(undefined, undefined, "5m")).toBe("1d");
});

test("every interval has a length, a name and spans that grow", () => {
  for (const [interval, length, name] of [
    ["1s", 1_000, "1-second"],
    ["5m", 300_000, "5-minute"],
    ["4h", 14_400_000, "4-hour"],
    ["1d", 86_400_000, "Daily"],
    ["1w", 604_800_000, "Weekly"],
    ["30m", 1_800_000, "30-minute"],
  ] as const) {
    expect([lengthOf(interval), intervalName(interval)]).toEqual([length, name]);
    const bars = spansOf(interval).map((span) => span.bars);
    expect(bars).toEqual([...bars].sort((a, b) => a - b));
    expect(bars).toHaveLength(4);
  }
});

test("what is short on the page is read out in whole words", () => {
  expect(["1s", "5m", "1h", "1d", "2w"].map(intervalWords)).toEqual([
    "1 second",
    "5 minutes",
    "1 hour",
    "1 day",
    "2 weeks",
  ]);
  const words = (interval: string) => spansOf(interval).map((span) => span.words);
  expect(words("1s")).toEqual(["1 minute", "3 minutes", "10 minutes", "All candles"]);
  expect(words("5m")).toEqual(["6 hours", "12 hours", "2 days", "All candles"]);
  expect(words("1d")).toEqual(["3 months", "6 months", "1 year", "All candles"]);
  expect(words("7m")).toEqual(["50 candles", "150 candles", "500 candles", "All candles"]);
});

test("in Turkish each unit has its own adjective, its own letters and its own spans", async () => {
  await chooseLanguage("tr");
  const all = ["1s", "30s", "5m", "4h", "3d", "2w"];
  expect(all.map(intervalName)).toEqual([
    "1 saniyelik",
    "30 saniyelik",
    "5 dakikalık",
    "4 saatlik",
    "3 günlük",
    "2 haftalık",
  ]);
  expect(all.map(intervalSign)).toEqual(["1sn", "30sn", "5dk", "4sa", "3g", "2hf"]);
  expect(intervalInWords("1d")).toBe("günlük");
  const labels = (interval: string) => spansOf(interval).map((span) => span.label);
  expect(labels("1d")).toEqual(["3 ay", "6 ay", "1 yıl", "Tümü"]);
  expect(labels("15m")).toEqual(["12 saat", "1 gün", "1 hafta", "Tümü"]);
});

test("a market time says whether it is a day or a time of one", () => {
  const at = Date.UTC(2026, 10, 23, 10, 5, 7);
  expect(marketMoment(at, at)).toEqual({ name: "time", text: "10:05:07 UTC" });
  expect(marketMoment(at, at + lengthOf("1d"))).toEqual({ name: "time", text: "2026-11-23 10:05 UTC" });
  expect(marketMoment(Date.UTC(2026, 10, 23), at)).toEqual({ name: "date", text: "2026-11-23" });
  expect(marketMoment(undefined)).toEqual({ name: "date", text: "–" });
});

test("a time is as exact as it has to be", () => {
  const at = Date.UTC(2026, 10, 23, 10, 5, 7);
  expect(formatBarTime(at, lengthOf("1s"))).toBe("2026-11-23 10:05:07");
  expect(formatBarTime(at, lengthOf("5m"))).toBe("2026-11-23 10:05");
  expect(formatBarTime(at, lengthOf("1d"))).toBe("2026-11-23");
  expect(formatBarTime(undefined, 1)).toBe("–");
  expect(formatBacktestTime(Date.UTC(2026, 10, 23))).toBe("2026-11-23");
  expect(formatBacktestTime(at)).toBe("2026-11-23 10:05");
  expect(formatMarketMoment(at, at + 1_000)).toBe("10:05:07");
  expect(formatMarketMoment(at, at + lengthOf("1d"))).toBe("2026-11-23");
  expect(formatMarketMoment(Date.UTC(2026, 10, 23), at)).toBe("2026-11-23");
  expect(formatMarketMoment(null)).toBe("–");
});
