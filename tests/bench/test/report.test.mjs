import assert from "node:assert/strict";
import { test } from "node:test";
import { best, median, report } from "../lib/report.mjs";

function times(core, map) {
  return {
    map: { name: "map", ns: map },
    mapFrames: { name: "map in frames", ns: map },
    core: { name: "core", ns: core },
    coreFrames: { name: "core in frames", ns: core },
  };
}

test("best and median of an odd and of an even count", () => {
  assert.deepEqual([best([3, 1, 2]), median([3, 1, 2]), median([4, 1, 2, 3])], [1, 2, 2.5]);
});

test("three times less in the best rounds passes, whatever disturbed the others", () => {
  assert.deepEqual(report(times([100, 900], [330, 300])).failures, []);
});

test("less than that fails for each framing", () => {
  assert.equal(report(times([101, 101], [300, 330])).failures.length, 2);
});

test("the median is that of the ratios within a round", () => {
  const { lines } = report(times([100, 200, 400], [400, 1000, 1200]));
  assert.ok(lines.at(-1)?.endsWith("(median 4.00)"), lines.at(-1));
});
