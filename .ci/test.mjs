// `npm test`: makes what is missing and checks everything. `npm test -- rust browser` runs only those steps
// and what they need; `npm test -- --list` names them all; `--long` searches longer.

import { checkSteps } from "./checks.mjs";
import { sum } from "./lib/counts.mjs";
import { perform, withNeeds } from "./lib/runner.mjs";
import { duration, say } from "./lib/shell.mjs";
import { setupSteps } from "./steps.mjs";

const args = process.argv.slice(2);
const checks = checkSteps({ long: args.includes("--long") });
const all = [...setupSteps, ...checks];

if (args.includes("--list")) {
  for (const step of all) say(`${step.name.padEnd(16)} ${step.about}`);
  process.exit(0);
}

const asked = args.filter((arg) => arg !== "--long");
const unknown = asked.filter((name) => !all.some((step) => step.name === name));
if (unknown.length > 0) {
  say(`There is no step ${unknown.join(", ")}. \`npm test -- --list\` names them all.`);
  process.exit(2);
}

const began = performance.now();
const outcomes = await perform(withNeeds(all, asked.length > 0 ? asked : checks.map((step) => step.name)));
const total = sum(outcomes.map((outcome) => outcome.counts));
const broken = outcomes.filter((outcome) => outcome.state === "failed" || outcome.state === "not run");

say(`\n${"step".padEnd(16)} ${"result".padEnd(10)} ${"time".padStart(12)}  passed  failed  skipped`);
for (const { step, state, ms, counts } of outcomes) {
  const numbers = [counts.passed, counts.failed, counts.skipped].map((n) => String(n).padStart(6)).join("  ");
  say(`${step.name.padEnd(16)} ${state.padEnd(10)} ${duration(ms).padStart(12)}  ${numbers}`);
}
for (const { step, state, why } of outcomes) {
  if (why) say(`${state === "skipped" ? "SKIPPED" : "FAILED"} ${step.name}: ${why}`);
}
say(`total time ${duration(performance.now() - began)}\n`);
say(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
process.exitCode = broken.length > 0 || total.failed > 0 ? 1 : 0;
