import assert from "node:assert/strict";
import { test } from "node:test";
import { perform, withNeeds } from "../lib/runner.mjs";
import { Skipped, StepError } from "../lib/shell.mjs";

const done = { passed: 2, failed: 0, skipped: 0 };

function table(done) {
  const step = (name, needs, run = async () => void done.push(name)) => ({ name, about: name, needs, run });
  return [
    step("tools"),
    step("build", ["tools"]),
    step("other", ["tools"], async () => {
      throw new StepError("broken");
    }),
    step("after-other", ["other"]),
    step("checks", ["build"]),
  ];
}

test("a step brings what it needs, in the order of the table", () => {
  const names = withNeeds(table([]), ["checks"]).map((step) => step.name);
  assert.deepEqual(names, ["tools", "build", "checks"]);
});

test("an unknown name is refused", () => {
  assert.throws(() => withNeeds(table([]), ["nothing"]), /no step nothing/);
});

test("a failure stops what needs it and nothing else", async () => {
  const ran = [];
  const outcomes = await perform(table(ran));
  assert.deepEqual(ran, ["tools", "build", "checks"]);
  const states = Object.fromEntries(outcomes.map(({ step, state }) => [step.name, state]));
  assert.deepEqual(states, {
    tools: "done",
    build: "done",
    other: "failed",
    "after-other": "not run",
    checks: "done",
  });
  assert.equal(outcomes.find(({ step }) => step.name === "other").counts.failed, 1);
});

test("counts, failed tests and skipped checks are told apart", async () => {
  const steps = [
    { name: "tests", about: "", run: async () => done },
    { name: "red", about: "", run: async () => ({ passed: 1, failed: 1, skipped: 0 }) },
    { name: "check", about: "", check: true, run: async () => undefined },
    {
      name: "absent",
      about: "",
      run: async () => {
        throw new Skipped("not installed");
      },
    },
  ];
  const states = (await perform(steps)).map(({ state, counts }) => [state, counts.passed]);
  assert.deepEqual(states, [
    ["done", 2],
    ["failed", 1],
    ["done", 1],
    ["skipped", 0],
  ]);
});
