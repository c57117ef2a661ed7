// The scripts of package.json under npm itself, with another program in the gateway's place.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { ask, ROOT } from "../lib/shell.mjs";

/** A gateway that is left behind says nothing: then the test is over. */
const LIMIT = { timeout: 60_000 };

const SHELLS = ["/bin/sh", "/bin/bash"].filter((shell) => ask(shell, ["-c", "true"]) !== null);

/** Says its process id, takes a second to end, and says how many signals of each kind it got until then. */
const GATEWAY = `
  const got = { SIGINT: 0, SIGTERM: 0 };
  for (const signal of Object.keys(got)) {
    process.on(signal, () => {
      got[signal] += 1;
      setTimeout(() => {
        console.log(JSON.stringify(got));
        process.exit(0);
      }, 1_000);
    });
  }
  setInterval(() => {}, 1_000);
  console.log(process.pid);
`;

/** `npm start` of a project that has this one's script, in a group of its own as a terminal would have it. */
async function npmStart(t, shell) {
  const dir = mkdtempSync(path.join(tmpdir(), "spark-start-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const { start } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")).scripts;
  writeFileSync(path.join(dir, "package.json"), JSON.stringify({ scripts: { start }, type: "module" }));
  writeFileSync(path.join(dir, "gateway.mjs"), GATEWAY);
  mkdirSync(path.join(dir, ".ci"));
  const serve = pathToFileURL(path.join(ROOT, ".ci", "lib", "serve.mjs"));
  writeFileSync(
    path.join(dir, ".ci", "start.mjs"),
    `import { serve } from ${JSON.stringify(serve)};\nserve(process.execPath, [${JSON.stringify(path.join(dir, "gateway.mjs"))}]);\n`,
  );
  const npm = spawn("npm", ["start", "--silent", `--script-shell=${shell}`], {
    cwd: dir,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const lines = createInterface({ input: npm.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const gateway = Number(await next());
  t.after(() => ends(gateway));
  return { npm, next, gateway, ended: once(npm, "exit") };
}

/** Ends a process, if it is still there. */
function ends(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself, as it should.
  }
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

for (const shell of SHELLS) {
  test(`whoever ends npm ends the gateway (${shell})`, LIMIT, async (t) => {
    const { npm, next, gateway, ended } = await npmStart(t, shell);
    npm.kill("SIGTERM");
    assert.deepEqual(JSON.parse(await next()), { SIGINT: 0, SIGTERM: 1 });
    await ended;
    assert.equal(isAlive(gateway), false);
  });

  test(`one Ctrl-C lets the gateway end in its own time (${shell})`, LIMIT, async (t) => {
    const { npm, next, gateway, ended } = await npmStart(t, shell);
    process.kill(-npm.pid, "SIGINT");
    assert.match(await next(), /press Ctrl-C again/);
    assert.deepEqual(JSON.parse(await next()), { SIGINT: 1, SIGTERM: 0 });
    await ended;
    assert.equal(isAlive(gateway), false);
  });
}
