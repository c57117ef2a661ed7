import assert from "node:assert/strict";
import { test } from "node:test";
import { sizes } from "../lib/sizes.mjs";

for (const { what, budget, bytes } of await sizes()) {
  test(`${what} stays within ${budget / 1000} KB: ${(bytes / 1000).toFixed(1)} KB`, () => {
    assert.ok(bytes <= budget, `${bytes} bytes after gzip, ${bytes - budget} too many`);
    assert.ok(bytes > 100, `${bytes} bytes are too few to be the real thing`);
  });
}
