// `npm start`: makes everything that is missing or has changed, then runs the gateway. What is given behind
// `npm start --` goes to `spark-live serve`.

import { createServer } from "node:net";
import path from "node:path";
import { perform, succeeded, withNeeds } from "./lib/runner.mjs";
import { serve } from "./lib/serve.mjs";
import { duration, say, TARGET } from "./lib/shell.mjs";
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
serve(path.join(TARGET, "release", "spark-live"), ["serve", ...process.argv.slice(2)]);
