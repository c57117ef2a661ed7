// Finding a Redis that tests can start servers of their own with, and installing one where there is none.

import { ask, run, StepError } from "./shell.mjs";

/** Whether the server and its client are on the path. */
export function hasRedis() {
  return ask("redis-server", ["--version"]) !== null && ask("redis-cli", ["--version"]) !== null;
}

/** Installs it from the system's packages, without a server that runs by itself. */
export async function installRedis() {
  if (process.getuid?.() === 0 && ask("apt-get", ["--version"]) !== null) {
    // At this run level what comes with a package is not started.
    const env = { DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
    await run("apt-get", ["update", "-qq"], { env });
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "redis-server"], { env });
  }
  if (!hasRedis()) {
    throw new StepError("there is no Redis to test with. On Debian and Ubuntu: apt-get install redis-server");
  }
}
