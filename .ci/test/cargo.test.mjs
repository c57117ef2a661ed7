import assert from "node:assert/strict";
import { test } from "node:test";
import { chosen, integrationTests } from "../lib/cargo.mjs";

test("integration tests are known by their package", () => {
  const packages = [
    {
      name: "rules",
      targets: [
        { name: "rules", kind: ["lib"] },
        { name: "store", kind: ["test"] },
        { name: "sequence", kind: ["test"] },
      ],
    },
    { name: "pack", targets: [{ name: "pack", kind: ["bin"] }] },
  ];
  const found = integrationTests(JSON.stringify({ packages }));
  assert.deepEqual(found, { rules: ["store", "sequence"], pack: [] });
  assert.deepEqual(chosen(found.rules), ["--test", "store", "--test", "sequence"]);
});

test("the workspace has end-to-end tests", () => {
  assert.ok(integrationTests()["spark-live-tests"].includes("websocket"));
});

test("a cargo that says nothing is named", () => {
  assert.throws(() => integrationTests(null), /cargo does not say/);
});
