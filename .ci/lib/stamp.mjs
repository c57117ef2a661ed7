// Skipping what has not changed: a stamp holds a hash over everything that a step reads and another over
// everything that it wrote. Only when both are as they were is the step skipped, so an edited input, a
// removed output and a half-finished run all lead to the work being done again.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ROOT } from "./shell.mjs";

/** Made by tools, or read by none of the steps. */
const PASSED_OVER = new Set(["node_modules", "target", ".git", ".vite", "test-results", "playwright-report"]);

/**
 * A hash over files and folders.
 *
 * @param {string[]} paths relative to `root`; a folder stands for all that is in it
 * @param {{ root?: string, without?: string[], also?: string[] }} [options] `without` are names of folders
 *   to pass over, `also` are texts that count as input (versions of tools)
 */
export function hashOf(paths, { root = ROOT, without = [], also = [] } = {}) {
  const skip = new Set([...PASSED_OVER, ...without]);
  const hash = createHash("sha256");
  for (const text of also) hash.update(`${text}\0`);
  for (const file of paths.flatMap((name) => filesUnder(root, name, skip)).sort()) {
    const bytes = readFileSync(path.join(root, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}

function filesUnder(root, name, skip) {
  const full = path.join(root, name);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [name];
  return readdirSync(full, { withFileTypes: true })
    .filter((entry) => !skip.has(entry.name))
    .flatMap((entry) => filesUnder(root, path.join(name, entry.name), skip));
}

/**
 * Does `work` unless its stamp says that the same was done before and nothing of it is missing.
 *
 * @param {{ name: string, inputs: string[], outputs: string[], without?: string[], also?: string[], root?: string }} step
 * @param {() => Promise<void>} work
 * @returns {Promise<boolean>} whether the work was done
 */
export async function unlessDone({ name, inputs, outputs, without, also, root = ROOT }, work) {
  const file = path.join(root, "target", ".steps", `${name}.json`);
  const before = hashOf(inputs, { root, without, also });
  if (existsSync(file) && outputs.every((output) => existsSync(path.join(root, output)))) {
    const stamp = JSON.parse(readFileSync(file, "utf8"));
    if (stamp.inputs === before && stamp.outputs === hashOf(outputs, { root })) return false;
  }
  rmSync(file, { force: true });
  await work();
  mkdirSync(path.dirname(file), { recursive: true });
  // The hash from before the work: a file that was edited meanwhile is seen as changed the next time.
  writeFileSync(file, JSON.stringify({ inputs: before, outputs: hashOf(outputs, { root }) }));
  return true;
}
