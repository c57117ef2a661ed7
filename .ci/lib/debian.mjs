// Programs that tests run, from the system's packages.

import { ask, run, StepError } from "./shell.mjs";

/**
 * Installs a package where its programs are missing; what comes with it is not started.
 * @param {string} name the package
 * @param {() => boolean} isThere whether its programs are
 */
export async function ensurePackage(name, isThere) {
  if (isThere()) return "unchanged";
  if (process.getuid?.() === 0 && ask("apt-get", ["--version"]) !== null) {
    // At this run level no server of a package is started.
    const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await run("apt-get", ["update", "-qq"], { env });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], { env });
  }
  if (!isThere()) {
    throw new StepError(
      `${name} is missing, which tests need. On Debian and Ubuntu: apt-get install ${name}`,
    );
  }
  return undefined;
}

/** Whether Redis' server and client are on the path. */
export function hasRedis() {
  return ask("redis-server", ["--version"]) !== null && ask("redis-cli", ["--version"]) !== null;
}

/** Whether there is what gives a process another clock. */
export function hasFaketime() {
  return ask("faketime", ["--version"]) !== null;
}
