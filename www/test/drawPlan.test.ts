import type { CandleSeries } from "@spark/live-core";
import { expect, test } from "vitest";
import { indexOfTime, planDraw } from "../src/features/chart/drawPlan";

/** A series whose bars open at `times` and close at ten times that, the last at `lastClose`. */
function series(times: number[], lastClose?: number, symbol = "AAPL"): CandleSeries {
  const closes = Float64Array.from(times, (time) => time * 10);
  if (lastClose !== undefined) closes[closes.length - 1] = lastClose;
  const openTime = Float64Array.from(times);
  const rest = { open: closes, high: closes, low: closes, close: closes, volume: openTime };
  return {
    symbol,
    interval: "1d",
    length: times.length,
    openTime,
    ...rest,
    closed: new Uint8Array(times.length),
    changedFrom: 0,
    hasHistory: true,
  };
}

test.each([
  ["nothing is drawn yet", null, series([1, 2]), { kind: "replace" }],
  ["the last bar moved", series([1, 2, 3]), series([1, 2, 3], 99), { kind: "update", from: 2 }],
  ["a bar was added", series([1, 2, 3]), series([1, 2, 3, 4]), { kind: "update", from: 3 }],
  [
    "the last bar moved and two were added",
    series([1, 2], 5),
    series([1, 2, 3, 4]),
    { kind: "update", from: 1 },
  ],
  ["the oldest bar fell out", series([1, 2, 3]), series([2, 3, 4]), { kind: "update", from: 2 }],
  ["older bars came", series([3, 4]), series([1, 2, 3, 4]), { kind: "replace" }],
  [
    "an old bar differs",
    { ...series([1, 2, 3, 4]), volume: Float64Array.of(7, 2, 3, 4) },
    series([1, 2, 3, 4]),
    { kind: "replace" },
  ],
  [
    "the bar before the newest differs",
    { ...series([1, 2, 3, 4]), volume: Float64Array.of(1, 2, 7, 4) },
    { ...series([1, 2, 3, 4]), volume: Float64Array.of(1, 2, 3, 4) },
    { kind: "update", from: 2 },
  ],
  ["a bar came late, between others", series([1, 2, 4]), series([1, 2, 3, 4]), { kind: "replace" }],
  ["bars are gone", series([1, 2, 3]), series([1, 2]), { kind: "replace" }],
  ["another symbol", series([1, 2]), series([1, 2], undefined, "IBM"), { kind: "replace" }],
  ["an equal series", series([1, 2]), series([1, 2]), { kind: "nothing" }],
  ["no bars any more", series([1, 2]), series([]), { kind: "replace" }],
])("%s", (_what, drawn, next, plan) => {
  expect(planDraw(drawn, next)).toEqual(plan);
});

test("a time is found by halving, or not at all", () => {
  const times = Float64Array.of(2, 4, 6, 8, 10);
  expect([2, 6, 10, 1, 5, 11].map((time) => indexOfTime(times, time))).toEqual([0, 2, 4, -1, -1, -1]);
});
