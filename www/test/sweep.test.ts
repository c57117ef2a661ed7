import { describe, expect, test } from "vitest";
import {
  columnsOf,
  firstOrder,
  hasRun,
  isBest,
  type SweepColumn,
  type SweepResult,
  sorted,
} from "../src/features/backtests/sweep";

const SWEEP: SweepResult = {
  best: { fast: 3, slow: 20 },
  columns: ["fast", "slow", "fees", "maxDrawdown", "totalReturn"],
  rows: [
    [3, 10, 1, 0.5, 0.1],
    [3, 20, 2, 0.2, 0.9],
    [30, 20, null, null, null],
    [5, 20, 0, 0.3, 0.4],
  ],
};

const columns = columnsOf(SWEEP);
const column = (name: string): SweepColumn => columns.find((it) => it.name === name) as SweepColumn;
const order = (name: string, isTurned = false) => {
  const by = column(name);
  return sorted(SWEEP.rows, by, firstOrder(by).isDescending !== isTurned).map((row) => row[by.at]);
};

describe("a sweep", () => {
  test("has what varies first, then the metrics in the page's order", () => {
    expect(columns.map(({ name }) => name)).toEqual(["fast", "slow", "totalReturn", "maxDrawdown", "fees"]);
  });

  test("is sorted with the best on top, and the other way round when that is asked for", () => {
    expect(order("totalReturn")).toEqual([0.9, 0.4, 0.1, null]);
    expect(order("totalReturn", true)).toEqual([0.1, 0.4, 0.9, null]);
    // The least fall first, not the worst.
    expect(order("maxDrawdown")).toEqual([0.2, 0.3, 0.5, null]);
    expect(order("fees")).toEqual([0, 1, 2, null]);
    expect(order("fast")).toEqual([3, 3, 5, 30]);
  });

  test("says which combination is the best, and which cannot run", () => {
    expect(SWEEP.rows.map((row) => isBest(SWEEP, row))).toEqual([false, true, false, false]);
    expect(SWEEP.rows.map((row) => hasRun(columns, row))).toEqual([true, true, false, true]);
  });
});
