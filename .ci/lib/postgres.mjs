// Finding a PostgreSQL that tests can start servers of their own with, and installing one where there is none.

import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { ask, run, StepError } from "./shell.mjs";

const DEBIAN = "/usr/lib/postgresql";

/** Whether a server's programs are there: where Debian has them, or on the path. */
export function hasPostgres() {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN) : [];
  const isThere = versions.some((version) => existsSync(path.join(DEBIAN, version, "bin/initdb")));
  return isThere || ask("initdb", ["--version"]) !== null;
}

/** Installs it from the system's packages, without a server that runs by itself. */
export async function installPostgres() {
  if (process.getuid?.() === 0 && ask("apt-get", ["--version"]) !== null) {
    const env = { DEBIAN_FRONTEND: "noninteractive" };
    await run("apt-get", ["update", "-qq"], { env });
    // The common part would otherwise make a cluster and start it.
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql-common"], { env });
    await run("sh", ["-c", "echo create_main_cluster=false > /etc/postgresql-common/createcluster.conf"]);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], { env });
  }
  if (!hasPostgres()) {
    throw new StepError(
      "there is no PostgreSQL to test with. On Debian and Ubuntu: apt-get install postgresql",
    );
  }
}
