import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { environment, run, TARGET } from "../lib/shell.mjs";

/** Sets variables of this process until the test ends. */
function set(t, variables) {
  const before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
  t.after(() => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  });
  Object.assign(process.env, variables);
}

test("commands compile to where the scripts look, whatever the machine's setting", async (t) => {
  set(t, { CARGO_TARGET_DIR: "/elsewhere", NODE_ENV: "production", SPARK_TEST: "kept" });
  const print = "const { CARGO_TARGET_DIR, NODE_ENV, SPARK_TEST, MORE } = process.env;";
  const code = `${print} console.log(JSON.stringify({ CARGO_TARGET_DIR, NODE_ENV, SPARK_TEST, MORE }))`;
  const { output } = await run(process.execPath, ["-e", code], { capture: true, env: { MORE: "1" } });
  assert.deepEqual(JSON.parse(output), { CARGO_TARGET_DIR: TARGET, SPARK_TEST: "kept", MORE: "1" });
});

test("what a step sets goes before what is set for all", () => {
  assert.equal(environment({ CARGO_TARGET_DIR: "/own" }).CARGO_TARGET_DIR, "/own");
});

test("whoever ends the script ends the command that it runs", { timeout: 60_000 }, async () => {
  const module = new URL("../lib/shell.mjs", import.meta.url).href;
  const command = "setInterval(() => {}, 1_000); console.log(process.pid)";
  const code = `import { run } from ${JSON.stringify(module)};
    await run(process.execPath, ["-e", ${JSON.stringify(command)}]);`;
  const script = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(script, "exit");
  // Both ends of the pipe are closed only when the command is gone as well.
  const closed = once(script.stdout, "close");
  const [pid] = await once(createInterface({ input: script.stdout }), "line");
  assert.ok(Number(pid) > 0);
  script.kill("SIGTERM");
  assert.deepEqual(await ended, [143, null]);
  await closed;
});
