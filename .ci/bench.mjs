// `npm run bench`: makes what the benchmarks need, then runs them: `ingest` in the browser, `page` of what is shipped, `fanout`
// and `market` of the gateway, `sweep` of its engine of backtests.
// A name alone runs that one, and what follows goes through to it: `npm run bench -- ingest --rounds 5`.

import { perform, succeeded, withNeeds } from "./lib/runner.mjs";
import { run } from "./lib/shell.mjs";
import { setupSteps } from "./steps.mjs";

const benchmarks = {
  ingest: {
    needs: ["build-packages", "chromium"],
    run: (rest) => run("node", ["tests/bench/run.mjs", ...rest]),
  },
  page: {
    needs: ["build-release", "chromium"],
    run: (rest) => run("node", ["tests/bench/page.mjs", ...rest]),
  },
  fanout: { needs: ["build-release"], run: (rest) => measure("fanout", rest) },
  market: { needs: ["build-release"], run: (rest) => measure("market", rest) },
  sweep: { needs: ["toolchain", "python"], run: (rest) => measure("sweep", rest) },
};

/** Runs one of the benchmarks that are written in Rust. */
function measure(name, rest) {
  const cargo = ["run", "--release", "--locked", "--quiet", "-p", "spark-live-bench"];
  return run("cargo", [...cargo, "--", name, ...rest]);
}

const [name, ...rest] = process.argv.slice(2);
if (name !== undefined && !Object.hasOwn(benchmarks, name)) {
  process.stderr.write(`there is no benchmark "${name}": ${Object.keys(benchmarks).join(", ")}\n`);
  process.exit(2);
}
for (const benchmark of name === undefined ? Object.values(benchmarks) : [benchmarks[name]]) {
  const outcomes = await perform(withNeeds(setupSteps, benchmark.needs));
  if (!outcomes.every(succeeded)) process.exit(1);
  const { code } = await benchmark.run(rest);
  if (code !== 0) process.exitCode = code;
}
