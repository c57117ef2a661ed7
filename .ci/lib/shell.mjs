// Running commands and saying so.

import { spawn, spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout, absolute and without a slash at the end. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** Where everything that is compiled goes, whatever the machine's own setting. */
export const TARGET = path.join(ROOT, "target");

/** A failure whose message is all that a person needs: no stack is shown. */
export class StepError extends Error {}

/** Thrown by a check that cannot be made on this machine and is not required on every one. */
export class Skipped extends Error {}

/** Writes one line to standard output. */
export function say(line = "") {
  process.stdout.write(`${line}\n`);
}

/** `0.4 s`, `12 s`, `3 min 05 s`. */
export function duration(ms) {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/**
 * The environment of every command: the caller's, but for what would send compiled files where nobody looks
 * for them (`CARGO_TARGET_DIR`) or have packages built and tested for another purpose than was asked
 * (`NODE_ENV`).
 *
 * @param {Record<string, string>} [more] what comes on top
 */
export function environment(more = {}) {
  const { NODE_ENV: _, ...own } = process.env;
  return { ...own, CARGO_TARGET_DIR: TARGET, ...more };
}

/**
 * Runs a command in the checkout, showing what it writes as it comes.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ env?: Record<string, string>, capture?: boolean }} [options] `capture` keeps the output, for
 *   counting tests; without it the command writes straight to the terminal.
 * @returns {Promise<{ code: number, output: string }>} `code` is 128 and the signal's number after a signal.
 */
export function run(command, args, options = {}) {
  const stdio = options.capture ? ["ignore", "pipe", "pipe"] : ["ignore", "inherit", "inherit"];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, env: environment(options.env), stdio });
    const release = endTogether(child);
    const pieces = [];
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from?.on("data", (piece) => {
        pieces.push(piece);
        to.write(piece);
      });
    }
    child.on("error", (cause) => {
      release();
      reject(new StepError(`${command} could not be started: ${cause.message}`));
    });
    child.on("close", (code, signal) => {
      release();
      resolve({ code: code ?? exitCodeOf(signal), output: Buffer.concat(pieces).toString("utf8") });
    });
  });
}

/**
 * Whoever ends this process ends the command with it. Ctrl-C is not in the list: the terminal sends it to
 * both. Returns what undoes it.
 */
function endTogether(child) {
  const release = ["SIGTERM", "SIGHUP"].map((signal) => {
    const end = () => {
      child.kill(signal);
      process.exit(exitCodeOf(signal));
    };
    process.on(signal, end);
    return () => process.off(signal, end);
  });
  return () => {
    for (const undo of release) undo();
  };
}

/** Runs a command and fails the step unless it succeeds. */
export async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new StepError(`\`${[command, ...args].join(" ")}\` ended with ${code}`);
  return output;
}

/** What a quick command answers, or null when it is missing or fails. */
export function ask(command, args) {
  const result = spawnSync(command, args, {
    cwd: ROOT,
    env: environment(),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return result.status === 0 ? result.stdout.trim() : null;
}

/** What a quick command wrote to its error output, and whether there is such a command. */
export function complaint(command, args) {
  const result = spawnSync(command, args, { cwd: ROOT, env: environment(), encoding: "utf8" });
  return { missing: result.error?.code === "ENOENT", text: (result.stderr ?? "").trim() };
}

const SIGNAL_NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };

/** The exit code by which a shell tells that a signal ended a command. */
export function exitCodeOf(signal) {
  return 128 + (SIGNAL_NUMBERS[signal] ?? 0);
}
