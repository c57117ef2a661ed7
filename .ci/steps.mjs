// What has to be made before anything can be started or tested, each thing once.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { WHOLE } from "./lib/cargo.mjs";
import { downloadedBrowser, findBrowser, installBrowser } from "./lib/chromium.mjs";
import { ensurePackage, hasFaketime, hasRedis } from "./lib/debian.mjs";
import { reasonToInstall } from "./lib/modules.mjs";
import { hasPostgres, installPostgres } from "./lib/postgres.mjs";
import { python } from "./lib/python.mjs";
import { ask, complaint, must, ROOT, StepError, say } from "./lib/shell.mjs";
import { unlessDone } from "./lib/stamp.mjs";

/**
 * One thing to do. `needs` are names of steps that come first; `run` returns nothing, `"unchanged"` when
 * there was nothing to do, or the counts of the tests that it ran, and throws when it failed.
 *
 * @typedef {{ name: string, about: string, needs?: string[], check?: boolean,
 *   run: () => Promise<void | "unchanged" | import("./lib/counts.mjs").Counts> }} Step
 */

const NODE_MINIMUM = [20, 19];
const GENERATED = "live-wasm/packages/live-core/src/generated";
const PACKAGES = ["live-core", "live-react"];

/** @type {Step[]} */
export const setupSteps = [
  { name: "toolchain", about: "Node, Rust and the target of the browser", run: toolchain },
  { name: "modules", about: "npm packages as package-lock.json names them", run: modules },
  { name: "build-wasm", about: "the rules as WebAssembly", needs: ["toolchain", "modules"], run: wasm },
  { name: "build-packages", about: "the npm packages", needs: ["modules", "build-wasm"], run: packages },
  { name: "build-page", about: "the web page", needs: ["build-packages"], run: page },
  {
    name: "build-release",
    about: "the gateway, optimised",
    needs: ["toolchain", "build-page"],
    run: release,
  },
  {
    name: "build-gateway",
    about: "the gateway for tests, and what plays an exchange",
    needs: ["toolchain", "build-page"],
    run: gateway,
  },
  { name: "test-targets", about: "Rust's lints, format and WASI", needs: ["toolchain"], run: testTargets },
  { name: "postgres", about: "a PostgreSQL to test with", run: postgres },
  { name: "redis", about: "a Redis to test with", run: () => ensurePackage("redis-server", hasRedis) },
  { name: "python", about: "the Python packages that tests compare with", run: python },
  { name: "faketime", about: "clocks that can be moved", run: () => ensurePackage("faketime", hasFaketime) },
  { name: "chromium", about: "a browser to test in", needs: ["modules"], run: chromium },
];

async function toolchain() {
  checkNode();
  await checkRust();
  if (ask("cc", ["--version"]) === null) {
    throw new StepError("there is no C linker (`cc`). On Debian and Ubuntu: apt-get install build-essential");
  }
  await addTargets(["wasm32-unknown-unknown"]);
}

function checkNode() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [wantMajor, wantMinor] = NODE_MINIMUM;
  if (major > wantMajor || (major === wantMajor && minor >= wantMinor)) return;
  throw new StepError(
    `Node ${process.versions.node} is too old: ${NODE_MINIMUM.join(".")} or later is needed`,
  );
}

/** Makes sure that the compiler that rust-toolchain.toml names answers. */
async function checkRust() {
  if (ask("cargo", ["--version"]) !== null && ask("rustc", ["--version"]) !== null) return;
  const { channel } = wantedRust();
  if (ask("rustup", ["--version"]) === null) {
    const { missing, text } = complaint("cargo", ["--version"]);
    if (!missing) throw new StepError(`cargo does not work: ${text}`);
    throw new StepError(
      `Rust ${channel} is needed and there is none. Install rustup (see rustup.rs), open a new terminal so that cargo is found, and run this again`,
    );
  }
  say(`  installing Rust ${channel}`);
  await must("rustup", ["toolchain", "install", channel, "--profile", "minimal", "--no-self-update"]);
}

/** Adds those compilation targets that are not there; without rustup they must be there already. */
async function addTargets(names) {
  const missing = names.filter((name) => {
    const dir = ask("rustc", ["--print", "target-libdir", "--target", name]);
    return dir === null || !existsSync(dir);
  });
  if (missing.length === 0) return;
  if (ask("rustup", ["--version"]) === null) {
    throw new StepError(
      `the Rust target ${missing.join(", ")} is missing and there is no rustup to add it with`,
    );
  }
  await must("rustup", ["target", "add", "--toolchain", wantedRust().channel, ...missing]);
}

function wantedRust() {
  const text = readFileSync(path.join(ROOT, "rust-toolchain.toml"), "utf8");
  const channel = text.match(/^channel\s*=\s*"([^"]+)"/m)?.[1];
  if (!channel) throw new StepError("rust-toolchain.toml names no channel");
  return { channel };
}

async function modules() {
  const reason = reasonToInstall(ROOT);
  if (reason === null) return "unchanged";
  say(`  ${reason}`);
  await must("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"]);
}

async function wasm() {
  const step = {
    name: "build-wasm",
    inputs: [
      ...rustInputs(),
      "live-core",
      "live-wasm/Cargo.toml",
      "live-wasm/src",
      "live-wasm/pack",
      "package-lock.json",
    ],
    without: ["tests"],
    outputs: [GENERATED],
    also: [ask("rustc", ["-vV"]) ?? "", process.version],
  };
  const done = await unlessDone(step, () => must("cargo", ["run", "--quiet", "-p", "spark-live-pack"]));
  return done ? undefined : "unchanged";
}

function rustInputs() {
  return ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml", ".cargo"];
}

async function packages() {
  const step = {
    name: "packages",
    inputs: ["live-wasm/packages", "package.json", "package-lock.json", "tsconfig.base.json"],
    without: ["dist", "test"],
    outputs: PACKAGES.map((name) => `live-wasm/packages/${name}/dist`),
    also: [process.version],
  };
  const done = await unlessDone(step, async () => {
    for (const name of PACKAGES) await must("npm", ["run", "build", "--silent", "-w", `@spark/${name}`]);
  });
  return done ? undefined : "unchanged";
}

async function page() {
  const built = PACKAGES.map((name) => `live-wasm/packages/${name}/dist`);
  const step = {
    name: "page",
    inputs: ["www", "package.json", "package-lock.json", "tsconfig.base.json"],
    without: ["dist"],
    outputs: ["www/dist"],
    also: [process.version, ...built.map(contentsOf)],
  };
  const done = await unlessDone(step, () => must("npm", ["run", "build", "--silent", "-w", "www"]));
  return done ? undefined : "unchanged";
}

/** What a built folder holds, as one text: the stamp of its own step covers nothing but itself. */
function contentsOf(folder) {
  const files = readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
  return files
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((file) => `${path.relative(ROOT, file)}\0${readFileSync(file, "base64")}`)
    .join("\0");
}

// Cargo keeps its own record of what has changed, and answers within a second when nothing has.
async function release() {
  await must("cargo", ["build", "--release", "--locked", "-p", "spark-live", "--bin", "spark-live"]);
}

async function gateway() {
  // With a test among what is wanted cargo chooses the features that tests ask for too: see WHOLE.
  const targets = ["--bin", "spark-live", "--bin", "spark-live-test-exchange", "--test", "origin"];
  await must("cargo", ["build", ...WHOLE, ...targets]);
}

async function testTargets() {
  await addTargets(["wasm32-wasip1"]);
  const missing = [
    ["clippy", ["clippy", "--version"]],
    ["rustfmt", ["fmt", "--version"]],
  ].filter(([, args]) => ask("cargo", args) === null);
  if (missing.length === 0) return;
  const names = missing.map(([name]) => name);
  if (ask("rustup", ["--version"]) === null) throw new StepError(`cargo has no ${names.join(" and no ")}`);
  await must("rustup", ["component", "add", "--toolchain", wantedRust().channel, ...names]);
}

async function postgres() {
  if (hasPostgres()) return "unchanged";
  await installPostgres();
}

async function chromium() {
  const found = findBrowser({ downloaded: await downloadedBrowser() });
  // Whatever is run from now on starts the browser that was found.
  process.env.CHROMIUM_PATH = found ?? (await installBrowser());
  return found === null ? undefined : "unchanged";
}
