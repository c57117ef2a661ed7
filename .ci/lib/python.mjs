// A Python of our own with the packages that tests compare with.

import { existsSync } from "node:fs";
import path from "node:path";
import { ensurePackage } from "./debian.mjs";
import { ask, must, ROOT, TARGET } from "./shell.mjs";

const FOLDER = path.join(TARGET, "python");
const PYTHON = path.join(FOLDER, "bin", "python3");
const REQUIREMENTS = path.join(ROOT, "tests", "python", "requirements.txt");

/** Whether this machine's Python can make one. */
function canMake() {
  return ask("python3", ["-c", "import ensurepip, venv"]) !== null;
}

/** Makes it and installs what is pinned; unchanged when all of it is there. */
export async function python() {
  const wanted = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS];
  if (existsSync(PYTHON) && ask(PYTHON, [...wanted, "--dry-run", "--no-index"]) !== null) return "unchanged";
  await ensurePackage("python3-venv", canMake);
  await must("python3", ["-m", "venv", FOLDER]);
  await must(PYTHON, wanted);
  return undefined;
}
