// `npm start`: makes everything that is missing or has changed, then runs the gateway. What is given behind
// `npm start --` goes to `spark-live serve`.

import { spawn } from "node:child_process";
import { createServer } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { perform, succeeded, withNeeds } from "./lib/runner.mjs";
import { duration, exitCodeOf, ROOT, say } from "./lib/shell.mjs";
import { setupSteps } from "./steps.mjs";

const DEFAULT_ADDR = "127.0.0.1:8080";

/** Whether the address can be had; null when it can, else why not in a sentence. */
function whyNotFree(addr) {
  const colon = addr.lastIndexOf(":");
  const host = addr.slice(0, colon).replace(/^\[|\]$/g, "");
  const port = Number(addr.slice(colon + 1));
  // A malformed address is the gateway's to refuse, with the name of the setting.
  if (colon < 1 || !Number.isInteger(port) || port < 0 || port > 65_535) return Promise.resolve(null);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (cause) => {
      if (cause.code !== "EADDRINUSE") return resolve(null);
      resolve(
        `Port ${port} on ${host} is taken by another program. Choose another one: SPARK_ADDR=${host}:${port + 10} npm start (port 0 picks a free one).`,
      );
    });
    probe.listen({ host, port }, () => probe.close(() => resolve(null)));
  });
}

/** Runs the gateway until it ends, and ends as it did. */
function serve(args) {
  // A process group of its own: Ctrl-C reaches it once, through us, and not twice.
  const binary = path.join(ROOT, "target", "release", "spark-live");
  const child = spawn(binary, ["serve", ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  createInterface({ input: child.stdout }).on("line", announce);
  let stops = 0;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      stops += 1;
      if (stops === 1 && signal === "SIGINT") say("Stopping; press Ctrl-C again to stop at once.");
      child.kill(stops > 1 && signal === "SIGINT" ? "SIGKILL" : signal);
    });
  }
  child.on("error", (cause) => {
    say(`The gateway could not be started: ${cause.message}`);
    process.exit(1);
  });
  child.on("close", (code, signal) => process.exit(code ?? exitCodeOf(signal)));
}

/** Says the address in words when the gateway says it in JSON; all else goes through as it is. */
function announce(line) {
  let where = null;
  try {
    where = JSON.parse(line);
  } catch {
    // Not the line of JSON: some other output, shown as it is.
  }
  if (typeof where?.url !== "string") return say(line);
  say(`\nSpark Live is at ${where.url.replace(/\/$/, "")}\n`);
}

const began = performance.now();
const taken = await whyNotFree(process.env.SPARK_ADDR ?? DEFAULT_ADDR);
if (taken) {
  say(taken);
  process.exit(1);
}
const outcomes = await perform(withNeeds(setupSteps, ["build-release"]));
if (!outcomes.every(succeeded)) {
  say("\nSpark Live was not started; the reason is above.");
  process.exit(1);
}
say(`Everything is built (${duration(performance.now() - began)}).`);
serve(process.argv.slice(2));
