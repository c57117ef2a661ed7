import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { reasonToInstall } from "../lib/modules.mjs";

const ZOD = { version: "4.6.7", integrity: "sha512-a" };

function checkout(t, wanted, installed) {
  const root = mkdtempSync(path.join(tmpdir(), "spark-modules-"));
  t.after(() => rmSync(root, { recursive: true }));
  writeFileSync(path.join(root, "package-lock.json"), JSON.stringify({ packages: wanted }));
  mkdirSync(path.join(root, "node_modules"));
  if (installed) {
    writeFileSync(
      path.join(root, "node_modules/.package-lock.json"),
      JSON.stringify({ packages: installed }),
    );
    for (const place of Object.keys(installed)) mkdirSync(path.join(root, place), { recursive: true });
  }
  return root;
}

test("a tree that is as the lock says needs nothing", (t) => {
  const root = checkout(t, { "": {}, "node_modules/zod": ZOD }, { "node_modules/zod": ZOD });
  assert.equal(reasonToInstall(root), null);
});

test("what is optional may be absent", (t) => {
  const optional = { ...ZOD, optional: true };
  const root = checkout(
    t,
    { "node_modules/zod": ZOD, "node_modules/other-os": optional },
    { "node_modules/zod": ZOD },
  );
  assert.equal(reasonToInstall(root), null);
});

for (const [what, wanted, installed] of [
  ["nothing is installed", { "node_modules/zod": ZOD }, null],
  ["one is missing", { "node_modules/zod": ZOD }, {}],
  [
    "one has another version",
    { "node_modules/zod": { ...ZOD, version: "5.0.0" } },
    { "node_modules/zod": ZOD },
  ],
  [
    "one has other contents",
    { "node_modules/zod": { ...ZOD, integrity: "sha512-b" } },
    { "node_modules/zod": ZOD },
  ],
  ["one is not wanted any more", {}, { "node_modules/zod": ZOD }],
]) {
  test(`installs when ${what}`, (t) => {
    assert.notEqual(reasonToInstall(checkout(t, wanted, installed)), null);
  });
}

test("installs when a folder was removed by hand", (t) => {
  const root = checkout(t, { "node_modules/zod": ZOD }, { "node_modules/zod": ZOD });
  rmSync(path.join(root, "node_modules/zod"), { recursive: true });
  assert.notEqual(reasonToInstall(root), null);
});
