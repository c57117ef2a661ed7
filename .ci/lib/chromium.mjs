// Finding a Chromium to test in, and installing one where there is none.

import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";
import { ask, run, StepError } from "./shell.mjs";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];

/** What a person can do where nothing could be installed. */
const ADVICE =
  "Install one (Debian: apt-get install chromium; without root: npx playwright install chromium), or set CHROMIUM_PATH to one";

/**
 * The browser to use, or null when there is none: `CHROMIUM_PATH`, else the first on `PATH`, else the one
 * that Playwright has downloaded. It counts only when it answers: some systems have a program by that name
 * that does nothing but say where to get the browser.
 *
 * @param {{ env?: NodeJS.ProcessEnv, downloaded?: string | null }} [from]
 * @returns {string | null} absolute path, or `CHROMIUM_PATH` as it was given
 * @throws {StepError} when `CHROMIUM_PATH` names something that does not answer
 */
export function findBrowser({ env = process.env, downloaded = null } = {}) {
  if (env.CHROMIUM_PATH) {
    if (answers(env.CHROMIUM_PATH)) return env.CHROMIUM_PATH;
    throw new StepError(
      `CHROMIUM_PATH is ${env.CHROMIUM_PATH}, which is no browser that starts. Correct it, or leave it out to have one looked for`,
    );
  }
  const folders = (env.PATH ?? "").split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const candidates = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  if (downloaded !== null) candidates.push(downloaded);
  return candidates.find((file) => isProgram(file) && answers(file)) ?? null;
}

/** Where Playwright puts the browser that it downloads, whether it is there or not; null without Playwright. */
export async function downloadedBrowser() {
  try {
    const { chromium } = await import("playwright-core");
    return chromium.executablePath();
  } catch {
    return null;
  }
}

/**
 * Installs a browser: from the system's packages where that is allowed, else by Playwright, for this user.
 *
 * @param {{ install?: () => Promise<void>, find?: () => Promise<string | null> }} [how] otherwise in tests
 * @returns {Promise<string>} its path
 * @throws {StepError} with what to do when there is none afterwards
 */
export async function installBrowser({
  install = mayInstallPackages() ? installPackages : download,
  find = async () => findBrowser({ downloaded: await downloadedBrowser() }),
} = {}) {
  await install();
  const found = await find();
  if (found === null) throw new StepError(`there is no Chromium and none could be installed. ${ADVICE}`);
  return found;
}

function mayInstallPackages() {
  return process.getuid?.() === 0 && ask("apt-get", ["--version"]) !== null;
}

// Both say themselves what goes wrong; whether there is a browser afterwards is looked at.

async function installPackages() {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["update", "-qq"], { env });
  const packages = ["chromium", "fonts-liberation"];
  await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
}

async function download() {
  await run("node_modules/.bin/playwright", ["install", "chromium"]);
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function answers(file) {
  return ask(file, ["--version"]) !== null;
}
