// `npm run bench`: makes what the benchmarks need, then runs them. Arguments go through to tests/bench/run.mjs.

import { perform, succeeded, withNeeds } from "./lib/runner.mjs";
import { run } from "./lib/shell.mjs";
import { setupSteps } from "./steps.mjs";

const outcomes = await perform(withNeeds(setupSteps, ["build-packages", "chromium"]));
if (!outcomes.every(succeeded)) process.exit(1);
const { code } = await run("node", ["tests/bench/run.mjs", ...process.argv.slice(2)]);
process.exitCode = code;
