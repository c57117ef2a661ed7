import type { EquityRow } from "@spark/live-core";
import { describe, expect, test } from "vitest";
import { factsOf, thinned } from "../src/features/backtests/curve";
import {
  combinations,
  draftOf,
  emptyDraft,
  readDraft,
  readList,
  strategyDraft,
} from "../src/features/backtests/form";

describe("the form", () => {
  const draft = emptyDraft("AAPL", "1d");

  test("asks for what stands in it, and for nothing that is left out", () => {
    expect(readDraft(draft)).toEqual({
      params: {
        symbol: "AAPL",
        interval: "1d",
        strategy: { name: "sma_cross", fast: 10, slow: 30, allowShort: false },
        initialCash: 10_000,
        feeBps: 0,
        slippageBps: 0,
        sizing: { kind: "all_in" },
      },
    });
    const dated = readDraft({ ...draft, from: "2005-01-01", sizing: "fraction", fraction: "0.25" });
    expect(dated).toMatchObject({
      params: { from: "2005-01-01", sizing: { kind: "fraction", fraction: 0.25 } },
    });
  });

  test.each([
    [{ settings: { fast: "30", slow: "30" } }, "strategy.fast", "order"],
    [{ settings: { fast: "", slow: "30" } }, "strategy.fast", "number"],
    [{ settings: { fast: "2.5", slow: "30" } }, "strategy.fast", "whole"],
    [{ settings: { fast: "10", slow: "1001" } }, "strategy.slow", "range"],
    [{ cash: "0" }, "initialCash", "range"],
    [{ fee: "x" }, "feeBps", "number"],
    [{ from: "2010-01-01", to: "2005-01-01" }, "from", "dates"],
    [{ sizing: "units" as const, units: "1.5" }, "sizing.units", "whole"],
    [{ isSweep: true, sweep: { fast: "5, x", slow: "30" } }, "sweep.fast", "list"],
    [{ isSweep: true, sweep: { fast: "5", slow: "1" } }, "sweep.slow", "range"],
  ])("says what is wrong with %j", (change, field, why) => {
    expect(readDraft({ ...draft, ...change })).toMatchObject({ faults: { [field]: { why } } });
  });

  test("reads lists and ranges", () => {
    expect(readList("5, 10 20;30")).toEqual([5, 10, 20, 30]);
    expect(readList("2..5, 5")).toEqual([2, 3, 4, 5]);
    for (const text of ["", "a", "5..2", "1..9999999", "1...3"]) expect(readList(text), text).toBeNull();
  });

  test("counts combinations", () => {
    const sweep = { ...draft, isSweep: true, sweep: { fast: "2..11", slow: "30, 50" } };
    expect(combinations(sweep)).toBe(20);
    expect(combinations({ ...sweep, sweep: { fast: "?", slow: "1" } })).toBeNull();
    expect(combinations(draft)).toBe(1);
    expect(readDraft(sweep)).toMatchObject({
      params: { sweep: { fast: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11], slow: [30, 50] } },
    });
  });

  test("holds what ran before, so that it can run with changes", () => {
    const params = {
      symbol: "IBM",
      interval: "1w",
      from: "2001-01-01",
      strategy: { name: "rsi_reversion" as const, period: 7, low: 20, high: 80, allowShort: true },
      initialCash: 500,
      feeBps: 1,
      slippageBps: 2,
      sizing: { kind: "units" as const, units: 3 },
    };
    expect(readDraft(draftOf(params))).toEqual({ params });
    expect(strategyDraft("buy_and_hold")).toEqual({ strategy: "buy_and_hold", settings: {}, sweep: {} });
  });
});

describe("a curve", () => {
  const rows = (count: number, equity: (at: number) => number): EquityRow[] => {
    let high = 0;
    return Array.from({ length: count }, (_, at) => {
      const value = equity(at);
      high = Math.max(high, value);
      return { openTime: at * 60_000, equity: value, cash: 0, units: 0, drawdown: 1 - value / high };
    });
  };

  test("that is short is drawn whole", () => {
    const bars = rows(10, (at) => 100 + at);
    expect(thinned(10, (at) => bars[at], 100)).toHaveLength(10);
    expect(thinned(0, () => undefined)).toEqual([]);
    expect(factsOf([])).toBeNull();
  });

  test("that is long loses neither its top nor its deepest fall, and its times grow", () => {
    const bars = rows(100_000, (at) => (at === 70_001 ? 5 : at === 30_003 ? 900 : 100 + Math.sin(at / 50)));
    const points = thinned(bars.length, (at) => bars[at], 1_000);
    expect(points.length).toBeLessThanOrEqual(1_002);
    for (let at = 1; at < points.length; at += 1) {
      expect(points[at]?.time).toBeGreaterThan(points[at - 1]?.time ?? 0);
    }
    const facts = factsOf(points);
    expect([facts?.low, facts?.high]).toEqual([5, 900]);
    expect(facts?.drawdown).toBeCloseTo(1 - 5 / 900, 9);
  });
});
