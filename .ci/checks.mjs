// What `npm test` checks, each thing under the name by which a person can run it alone.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { chosen, integrationTests, WHOLE } from "./lib/cargo.mjs";
import { cargoCounts, judged, nodeCounts, none, playwrightCounts, scriptCounts, sum } from "./lib/counts.mjs";
import { ask, must, ROOT, run, Skipped, say, TARGET } from "./lib/shell.mjs";

const ARTIFACTS = path.join(TARGET, "test-artifacts");

/** How much the searching tests search: what everybody runs, and `npm run test:long`. */
const EFFORT = {
  usual: { proptestCases: null, verdictInputs: 100_000, reconnectRounds: 1 },
  long: { proptestCases: 20_000, verdictInputs: 1_000_000, reconnectRounds: 20 },
};

/**
 * @param {{ long: boolean }} options
 * @returns {import("./steps.mjs").Step[]}
 */
export function checkSteps({ long }) {
  const effort = long ? EFFORT.long : EFFORT.usual;
  const rust = ["toolchain", "test-targets"];
  const env = effort.proptestCases ? { PROPTEST_CASES: String(effort.proptestCases) } : {};
  return [
    check("format", "Rust is formatted", rust, () => must("cargo", ["fmt", "--all", "--check"])),
    check("lint", "TypeScript, JSON and CSS are formatted and linted", ["modules"], () =>
      must("node_modules/.bin/biome", [
        "ci",
        "--error-on-warnings",
        `--colors=${process.stdout.isTTY ? "force" : "off"}`,
        ".",
      ]),
    ),
    check("types", "TypeScript's types", ["build-packages"], types),
    check("clippy", "Rust's lints, warnings denied", [...rust, "build-page"], () =>
      must("cargo", [
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
      ]),
    ),
    check("docs", "Rust's documentation, warnings denied", [...rust, "build-page"], () =>
      must("cargo", ["doc", "--workspace", "--no-deps", "--locked", "--quiet"], {
        env: { RUSTDOCFLAGS: "-D warnings" },
      }),
    ),
    check("browser-target", "live-core compiles for the browser by itself", rust, () =>
      must("cargo", [
        "check",
        "-p",
        "live-core",
        "--target",
        "wasm32-unknown-unknown",
        "--locked",
        "--quiet",
      ]),
    ),
    check("dependencies", "licences and bans", rust, dependencies),
    tests("scripts", "the scripts in .ci", [], () =>
      counted(nodeCounts, "node", ["--test", ...scriptTests()]),
    ),
    tests("rust", "all crates but the end-to-end tests", [...rust, "build-page"], () => rustTests(env)),
    tests("core-wasm", "live-core's tests as WebAssembly", rust, () => coreAsWebAssembly(env)),
    tests("verdicts", "native and WebAssembly judge alike", ["build-wasm", ...rust], () =>
      verdicts(effort.verdictInputs),
    ),
    tests(
      "canonical",
      "native, WebAssembly and JavaScript write the same canonical JSON",
      ["build-packages", ...rust],
      () => canonical(effort.verdictInputs),
    ),
    tests("packages", "the npm packages and the page", ["build-packages"], packageTests),
    tests("packaging", "the npm packages as they would be published", ["build-packages"], () =>
      counted(nodeCounts, "npm", ["test", "--silent", "-w", "@spark/packaging-tests"]),
    ),
    tests(
      "gateway",
      "the gateway, end to end",
      [...rust, "build-gateway", "postgres", "redis", "faketime", "python"],
      () =>
        cargoTest([...WHOLE, ...chosen(endToEnd())], { ...env, ...(long ? { SPARK_TEST_LONG: "1" } : {}) }),
    ),
    tests("browser", "the page in a browser", ["build-gateway", "chromium"], () =>
      browser({ TEST_ROUNDS: String(effort.reconnectRounds), ...(long ? { SPARK_TEST_LONG: "1" } : {}) }),
    ),
  ];
}

/** A step without tests of its own: it counts as one. */
function check(name, about, needs, run) {
  return { name, about, needs, check: true, run: async () => void (await run()) };
}

/** A step whose runner says how many tests passed. */
function tests(name, about, needs, run) {
  return { name, about, needs, run };
}

async function counted(read, command, args, env) {
  const { code, output } = await run(command, args, { capture: true, env });
  return judged(read(output), code);
}

function cargoTest(args, env) {
  return counted(cargoCounts, "cargo", ["test", "--quiet", "--no-fail-fast", ...args], env);
}

function endToEnd() {
  return integrationTests()["spark-live-tests"];
}

/** The tests inside the crates, those beside them that are not end to end, and the examples of the documentation. */
async function rustTests(env) {
  const beside = Object.values(integrationTests()).flat();
  const later = new Set(endToEnd());
  const names = beside.filter((name) => !later.has(name));
  const within = await cargoTest([...WHOLE, "--lib", "--bins", ...chosen(names)], env);
  return sum([within, await cargoTest([...WHOLE, "--doc"], env)]);
}

function scriptTests() {
  return readdirSync(path.join(ROOT, ".ci", "test"))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => `.ci/test/${name}`);
}

/** Has cargo compile for WebAssembly with a system's interface, and Node run it. */
function asWebAssembly() {
  const runner = ["node", "--no-warnings", path.join(ROOT, ".ci", "wasi-run.mjs")];
  return ["--target", "wasm32-wasip1", "--config", `target.wasm32-wasip1.runner=${JSON.stringify(runner)}`];
}

function coreAsWebAssembly(env) {
  // Integration and unit tests; documentation examples are compiled for the machine itself only.
  return cargoTest(["-p", "live-core", "--locked", ...asWebAssembly(), "--lib", "--tests"], env);
}

async function verdicts(inputs) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const file = path.join(ARTIFACTS, "verdicts.jsonl");
  const example = [
    "run",
    "--quiet",
    "--locked",
    "-p",
    "live-core",
    "--example",
    "verdicts",
    "--",
    file,
    String(inputs),
  ];
  await must("cargo", example);
  const counts = await counted(
    nodeCounts,
    "node",
    ["--test", "--test-reporter=spec", "tests/verdicts/verdicts.test.mjs"],
    {
      VERDICTS_FILE: file,
      VERDICTS_MINIMUM: String(inputs),
    },
  );
  rmSync(file, { force: true });
  return counts;
}

async function canonical(inputs) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const [native, wasm] = ["native", "wasm"].map((name) => path.join(ARTIFACTS, `canonical-${name}.jsonl`));
  const example = ["run", "--quiet", "--locked", "-p", "live-core", "--example", "canonical"];
  await must("cargo", [...example, "--", native, String(inputs)]);
  // WASI looks a path up from the folder that it was started in.
  const seenFromInside = path.relative(ROOT, wasm);
  await must("cargo", [...example, ...asWebAssembly(), "--", seenFromInside, String(inputs)]);
  const counts = await counted(
    nodeCounts,
    "node",
    ["--test", "--test-reporter=spec", "tests/verdicts/canonical.test.mjs"],
    { CANONICAL_NATIVE: native, CANONICAL_WASM: wasm, CANONICAL_MINIMUM: String(inputs) },
  );
  for (const file of [native, wasm]) rmSync(file, { force: true });
  return counts;
}

async function types() {
  await must("npm", ["run", "types", "--workspaces", "--if-present", "--silent"]);
}

function packageTests() {
  const args = [
    "test",
    "--if-present",
    "-w",
    "@spark/live-core",
    "-w",
    "@spark/live-react",
    "-w",
    "www",
    "-w",
    "@spark/tests-bench",
  ];
  return counted(scriptCounts, "npm", args, { NO_COLOR: "1" });
}

async function browser(env) {
  const report = path.join(ARTIFACTS, "browser.json");
  rmSync(report, { force: true });
  const { code } = await run("npm", ["test", "-w", "@spark/tests-browser"], {
    env: { TEST_REPORT: report, ...env },
  });
  const counts = existsSync(report) ? playwrightCounts(JSON.parse(readFileSync(report, "utf8"))) : none();
  return judged(counts, code);
}

async function dependencies() {
  if (ask("cargo", ["deny", "--version"]) === null) {
    say("  *** NOT CHECKED: cargo-deny is not installed (cargo install cargo-deny --locked) ***");
    throw new Skipped("cargo-deny is not installed");
  }
  // Advisories are in a database of their own, fetched from elsewhere; continuous integration with an open
  // line adds them (`cargo deny check`).
  await must("cargo", ["deny", "--locked", "check", "bans", "licenses", "sources"]);
}
