import type { CandleSeries } from "@spark/live-core";
import { beforeEach, expect, test, vi } from "vitest";

const made = vi.hoisted(() => ({
  options: {} as Record<string, Record<string, unknown>>,
  calls: [] as string[],
}));

vi.mock("lightweight-charts", async (load) => {
  const real = await load<typeof import("lightweight-charts")>();
  const series = () => ({
    applyOptions: () => {},
    options: () => ({}),
    priceScale: () => ({ applyOptions: () => {} }),
    setData: (bars: unknown[]) => made.calls.push(`setData ${bars.length}`),
    update: () => made.calls.push("update"),
  });
  const scale = { subscribeVisibleLogicalRangeChange: () => {}, setVisibleLogicalRange: vi.fn() };
  return {
    ...real,
    createChart: (_: unknown, options: typeof made.options) => {
      made.options = options;
      return {
        addSeries: series,
        panes: () => [],
        applyOptions: () => {},
        subscribeCrosshairMove: () => {},
        timeScale: () => scale,
        remove: () => {},
      };
    },
  };
});

import { ChartController } from "../src/features/chart/ChartController";
import { readPalette } from "../src/lib/palette";

beforeEach(() => {
  made.calls = [];
});

function chart(): ChartController {
  const events = { onInspect: () => {}, onOldestInView: () => {}, onNewestInView: () => {} };
  return new ChartController(document.body, readPalette(document.body), events);
}

function bars(count: number, last = 1): CandleSeries {
  const column = (value: (at: number) => number) =>
    Float64Array.from({ length: count }, (_, at) => value(at));
  const price = column((at) => (at === count - 1 ? last : 1));
  return {
    symbol: "IBM",
    interval: "1d",
    length: count,
    openTime: column((at) => at * 86_400_000),
    open: price,
    high: price,
    low: price,
    close: price,
    volume: price,
    closed: new Uint8Array(count),
    changedFrom: 0,
    hasHistory: true,
  };
}

test("a span stays the same span when the room for it changes", () => {
  chart();
  // Else what is in view would hang on how wide the axis was when the first bars came.
  expect(made.options.timeScale?.lockVisibleTimeRangeOnResize).toBe(true);
});

test("a price draws its own bar again and no other", () => {
  const drawn = chart();
  drawn.draw(bars(500));
  expect(made.calls).toEqual(["setData 500", "setData 500"]);
  made.calls = [];
  drawn.draw(bars(500, 2));
  expect(made.calls).toEqual(["update", "update"]);
});
