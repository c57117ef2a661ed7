// Running the gateway in front of a person: its address in words, and signals passed on.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { exitCodeOf, ROOT, say } from "./shell.mjs";
import { stopSignals } from "./stops.mjs";

/**
 * Runs the gateway until it ends, and ends this process as it did.
 *
 * @param {string} command the program
 * @param {string[]} args
 */
export function serve(command, args) {
  // A process group of its own: Ctrl-C reaches it once, through us, and not twice.
  const child = spawn(command, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"], detached: true });
  createInterface({ input: child.stdout }).on("line", announce);
  const toSend = stopSignals();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      const sent = toSend(signal, performance.now());
      if (sent === "SIGINT") say("Stopping; press Ctrl-C again to stop at once.");
      if (sent !== null) child.kill(sent);
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
