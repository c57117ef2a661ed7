// The same JSON texts, made canonical by the native build, by WebAssembly and by `stableStringify`, against what the
// engine's own means make of them. `npm test -- canonical` makes the two files (one JSON object a line: {"input":
// base64, "canonical": text} or {"input", "path", "reason", "at"}) and runs this.

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { before, test } from "node:test";
import { stableStringify } from "../../live-wasm/packages/live-core/dist/index.js";

const { CANONICAL_NATIVE, CANONICAL_WASM } = process.env;
const MINIMUM = Number(process.env.CANONICAL_MINIMUM ?? "10000");
/** What JavaScript's own parser takes all the same. */
const PASSED_BY_PARSER = new Set(["is there twice", "nests more than 64 levels deep"]);

const seen = { inputs: 0, canonical: 0, reasons: new Map(), differences: [] };

before(async () => {
  assert.ok(CANONICAL_NATIVE && CANONICAL_WASM, "CANONICAL_NATIVE and CANONICAL_WASM name the files");
  const wasm = lines(CANONICAL_WASM);
  for await (const native of lines(CANONICAL_NATIVE)) {
    const { value: other } = await wasm.next();
    if (native !== other) differ({ native, wasm: other });
    judge(JSON.parse(native));
  }
  if (!(await wasm.next()).done) differ("there is more of one than of the other");
});

function lines(file) {
  return createInterface({ input: createReadStream(file) })[Symbol.asyncIterator]();
}

function differ(what) {
  if (seen.differences.length < 5) seen.differences.push(what);
}

function judge({ input, canonical, reason }) {
  const bytes = Buffer.from(input, "base64");
  seen.inputs += 1;
  if (canonical === undefined) seen.reasons.set(reason, (seen.reasons.get(reason) ?? 0) + 1);
  else seen.canonical += 1;
  const made = outcome(() => stableStringify(parse(bytes)));
  const wanted = outcome(() => reference(parse(bytes)));
  if (made !== wanted) differ({ input, made, wanted });
  if (!PASSED_BY_PARSER.has(reason) && made !== canonical) differ({ input, made, canonical, reason });
}

/** The text, or undefined for what is refused. */
function outcome(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function parse(bytes) {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
}

/** Canonical JSON in a few lines, for what is no deeper than the stack. */
function reference(value) {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError("no JSON");
  if (typeof value === "string" && !value.isWellFormed()) throw new TypeError("no text");
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(reference).join()}]`;
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${reference(name)}:${reference(value[name])}`).join()}}`;
}

test("all three write the same bytes for every input", (t) => {
  const reasons = [...seen.reasons].map(([reason, count]) => `${count} ${reason}`);
  t.diagnostic(`${seen.inputs} inputs: ${seen.canonical} canonical; refused: ${reasons.join(", ")}`);
  assert.deepEqual(seen.differences, []);
});

test(`there were at least ${MINIMUM} inputs`, () => {
  assert.ok(seen.inputs >= MINIMUM, `${seen.inputs}`);
});

test("the inputs are of all sorts: canonical, and refused for every reason", () => {
  assert.ok(seen.canonical >= seen.inputs / 2, `${seen.canonical} of ${seen.inputs}`);
  assert.equal(seen.reasons.size, 6, [...seen.reasons.keys()].join(", "));
});
