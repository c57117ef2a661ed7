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

test("three times less in best and median passes", () => {
  assert.deepEqual(report(times([100, 110], [300, 330])).failures, []);
});

test("less than that in either fails", () => {
  assert.equal(report(times([101, 101], [300, 330])).failures.length, 2);
  assert.equal(report(times([100, 200, 200], [300, 330, 330])).failures.length, 2);
});
