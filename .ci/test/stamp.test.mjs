import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { unlessDone } from "../lib/stamp.mjs";

/** A step that copies nothing but counts how often it was asked to. */
function project(t) {
  const root = mkdtempSync(path.join(tmpdir(), "spark-stamp-"));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(path.join(root, "src/deep"), { recursive: true });
  writeFileSync(path.join(root, "src/deep/a.txt"), "a");
  const step = { name: "copy", inputs: ["src"], outputs: ["out"], root };
  const work = async () => {
    mkdirSync(path.join(root, "out"), { recursive: true });
    writeFileSync(path.join(root, "out/result"), "made");
  };
  return { root, build: (more = {}) => unlessDone({ ...step, ...more }, work) };
}

test("a step is done once while nothing changes", async (t) => {
  const { build } = project(t);
  assert.equal(await build(), true);
  assert.equal(await build(), false);
});

for (const [what, change] of [
  ["an input is edited", (root) => writeFileSync(path.join(root, "src/deep/a.txt"), "b")],
  ["an input is added", (root) => writeFileSync(path.join(root, "src/b.txt"), "")],
  ["an input is removed", (root) => rmSync(path.join(root, "src/deep/a.txt"))],
  ["an output is edited", (root) => writeFileSync(path.join(root, "out/result"), "else")],
  ["an output is removed", (root) => rmSync(path.join(root, "out"), { recursive: true })],
]) {
  test(`a step is done again when ${what}`, async (t) => {
    const { root, build } = project(t);
    await build();
    change(root);
    assert.equal(await build(), true);
    assert.equal(await build(), false);
  });
}

test("a step is done again with another version of a tool", async (t) => {
  const { build } = project(t);
  await build({ also: ["tool 1"] });
  assert.equal(await build({ also: ["tool 2"] }), true);
});

test("a step that failed is not taken for done", async (t) => {
  const { root, build } = project(t);
  await build();
  writeFileSync(path.join(root, "src/deep/a.txt"), "b");
  const failing = unlessDone({ name: "copy", inputs: ["src"], outputs: ["out"], root }, async () => {
    throw new Error("stopped");
  });
  await assert.rejects(failing, /stopped/);
  assert.equal(await build(), true);
});
