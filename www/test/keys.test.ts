import { expect, test } from "vitest";
import { keyAction } from "../src/features/chart/chartKeys";
import { nextRow } from "../src/features/market/rowKeys";
import { trendPath } from "../src/features/market/trend";

const SYMBOLS = ["AAPL", "FB", "GOOG", "IBM", "MSFT", "META"];

test.each([
  ["ArrowDown", 0, 1],
  ["ArrowDown", 5, 5],
  ["ArrowUp", 0, 0],
  ["ArrowUp", 3, 2],
  ["Home", 4, 0],
  ["End", 1, 5],
  ["Enter", 2, 2],
  [" ", -1, 0],
  ["m", 0, 4],
  ["m", 4, 5],
  ["m", 5, 4],
  ["z", 0, null],
  ["Tab", 0, null],
])("%s on row %s leads to %s", (key, current, expected) => {
  expect(nextRow(key, current, SYMBOLS)).toBe(expected);
});

test("an empty list leads nowhere", () => {
  expect(nextRow("ArrowDown", -1, [])).toBeNull();
});

const plain = { shiftKey: false, ctrlKey: false, metaKey: false, altKey: false };

test.each([
  ["ArrowLeft", null, 99],
  ["ArrowLeft", 99, 98],
  ["ArrowLeft", 0, 0],
  ["ArrowRight", 99, 99],
  ["Home", 50, 0],
  ["End", 50, 99],
  ["Escape", 50, null],
])("in the chart %s from bar %s goes to %s of 100", (key, current, index) => {
  expect(keyAction({ ...plain, key }, current, 100)).toEqual({ kind: "point", index });
});

test("shift goes ten bars, plus zooms in, and what the browser owns is left to it", () => {
  expect(keyAction({ ...plain, key: "ArrowLeft", shiftKey: true }, 50, 100)).toEqual({
    kind: "point",
    index: 40,
  });
  expect(keyAction({ ...plain, key: "+" }, null, 100)).toMatchObject({ kind: "zoom", factor: 1.25 });
  expect(keyAction({ ...plain, key: "+", ctrlKey: true }, null, 100)).toBeNull();
  expect(keyAction({ ...plain, key: "ArrowLeft" }, null, 0)).toBeNull();
});

test("a trend runs from edge to edge, low values low", () => {
  expect(trendPath([1, 3, 2], 20, 10, 0)).toBe("M0.0 10.0L10.0 0.0L20.0 5.0");
  expect(trendPath([4, 4], 20, 10, 0)).toBe("M0.0 5.0L20.0 5.0");
  expect(trendPath([4], 20, 10)).toBe("");
});
