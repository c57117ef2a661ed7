import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cargoCounts,
  judged,
  nodeCounts,
  playwrightCounts,
  scriptCounts,
  vitestCounts,
} from "../lib/counts.mjs";

test("cargo's result lines are added up over all binaries", () => {
  const output = [
    "running 3 tests",
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
    'a test printed "test result: ok. 900 passed; 0 failed; 0 ignored;"',
  ].join("\n");
  assert.deepEqual(cargoCounts(output), { passed: 7, failed: 2, skipped: 1 });
});

test("vitest's line of tests is read, its line of files is not, colours or none", () => {
  const coloured =
    " \u001b[2mTest Files \u001b[22m \u001b[1m\u001b[32m4 passed\u001b[39m (4)\n \u001b[2m     Tests \u001b[22m \u001b[1m\u001b[31m1 failed\u001b[39m | 12 passed | 2 skipped (15)\n";
  assert.deepEqual(vitestCounts(coloured), { passed: 12, failed: 1, skipped: 2 });
});

test("node's runner is read in both of its formats", () => {
  assert.deepEqual(nodeCounts("# tests 4\n# pass 3\n# fail 1\n# cancelled 0\n# skipped 0\n"), {
    passed: 3,
    failed: 1,
    skipped: 0,
  });
  assert.deepEqual(nodeCounts("ℹ pass 5\nℹ fail 0\nℹ cancelled 1\nℹ skipped 2\n"), {
    passed: 5,
    failed: 1,
    skipped: 2,
  });
});

test("scripts of several runners are added up", () => {
  assert.equal(scriptCounts("ℹ pass 5\n      Tests  7 passed (7)\n").passed, 12);
});

test("a test that needs a second try has failed", () => {
  const stats = { expected: 5, unexpected: 0, flaky: 1, skipped: 2 };
  assert.deepEqual(playwrightCounts({ stats }), { passed: 5, failed: 1, skipped: 2 });
});

test("a run that fails without a failed test, or runs none, is one failure", () => {
  assert.equal(judged({ passed: 9, failed: 0, skipped: 0 }, 101).failed, 1);
  assert.equal(judged({ passed: 0, failed: 0, skipped: 3 }, 0).failed, 1);
  assert.equal(judged({ passed: 9, failed: 0, skipped: 0 }, 0).failed, 0);
  assert.equal(judged({ passed: 9, failed: 2, skipped: 0 }, 1).failed, 2);
});
