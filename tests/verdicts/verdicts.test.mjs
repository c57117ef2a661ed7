// The same bytes, judged by the native build and by the WebAssembly that the browser loads: the verdict must
// be the same in every word. `npm test -- verdicts` makes the file of inputs with the native verdicts (one
// JSON object a line: {"input": base64, "verdict": {...}}) and runs this.

import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { Core, initSync } from "../../live-wasm/packages/live-core/src/generated/live_wasm.js";

const MODULE = new URL("../../live-wasm/packages/live-core/src/generated/live_wasm_bg.wasm", import.meta.url);
const FILE = process.env.VERDICTS_FILE;
const MINIMUM = Number(process.env.VERDICTS_MINIMUM ?? "10000");

/** Verdicts by what they say: how many accepted on which path, how many refused for which reason. */
const seen = { inputs: 0, scan: 0, full: 0, refused: 0, reasons: new Set(), differences: [] };

before(async () => {
  assert.ok(FILE, "VERDICTS_FILE names the file of inputs");
  initSync({ module: readFileSync(MODULE) });
  for await (const line of createInterface({ input: createReadStream(FILE) })) judge(JSON.parse(line));
});

function judge({ input, verdict: native }) {
  const bytes = Buffer.from(input, "base64");
  const wasm = JSON.parse(Core.validate(bytes));
  seen.inputs += 1;
  if (!isDeepStrictEqual(wasm, native) && seen.differences.length < 5)
    seen.differences.push({ input, native, wasm });
  if (!wasm.ok) {
    seen.refused += 1;
    seen.reasons.add(`${wasm.code} ${wasm.field} ${wasm.reason}`);
  } else seen[Core.isCanonical(bytes) ? "scan" : "full"] += 1;
}

test("both builds give the same verdict on every input", (t) => {
  t.diagnostic(
    `${seen.inputs} inputs: ${seen.scan} scanned, ${seen.full} parsed in full, ${seen.refused} refused`,
  );
  t.diagnostic(`${seen.reasons.size} different refusals`);
  assert.deepEqual(seen.differences, []);
});

test(`there were at least ${MINIMUM} inputs`, () => {
  assert.ok(seen.inputs >= MINIMUM, `${seen.inputs}`);
});

test("the inputs are of all sorts: scanned, parsed in full, and refused for many reasons", () => {
  for (const sort of ["scan", "full", "refused"]) {
    assert.ok(seen[sort] >= seen.inputs / 20, `${seen[sort]} ${sort} of ${seen.inputs}`);
  }
  assert.ok(seen.reasons.size >= 15, [...seen.reasons].join("\n"));
});
