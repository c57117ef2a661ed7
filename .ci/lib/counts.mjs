// Reading how many tests ran from what the runners print.

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** The characters that colour a terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with one
const COLOURS = /\u001b\[[0-9;]*m/g;

/** @returns {Counts} */
export function none() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @param {Counts[]} list @returns {Counts} */
export function sum(list) {
  const total = none();
  for (const counts of list) {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  }
  return total;
}

/** `cargo test`: one `test result:` line for each binary. */
export function cargoCounts(output) {
  const line = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored;/gm;
  return sum(
    [...plain(output).matchAll(line)].map(([, passed, failed, skipped]) => of(passed, failed, skipped)),
  );
}

/** Vitest: `Tests  1 failed | 12 passed | 2 skipped (15)`, one line for each project that it was run in. */
export function vitestCounts(output) {
  const lines = [...plain(output).matchAll(/^\s*Tests\s+(.*\(\d+\))\s*$/gm)].map(([, rest]) => rest);
  return sum(
    lines.map((rest) => of(before(rest, "passed"), before(rest, "failed"), before(rest, "skipped"))),
  );
}

/** Node's own runner: `# pass 3` or `ℹ pass 3`. */
export function nodeCounts(output) {
  const all = (word) =>
    [...plain(output).matchAll(new RegExp(`^[#ℹ] ${word} (\\d+)$`, "gm"))].map(([, n]) => n);
  const add = (numbers) => numbers.reduce((total, n) => total + Number(n), 0);
  return of(add(all("pass")), add(all("fail")) + add(all("cancelled")), add(all("skipped")));
}

/** Playwright's JSON report. A test that passed only when tried again counts as failed. */
export function playwrightCounts(report) {
  const { expected, unexpected, flaky, skipped } = report.stats;
  return of(expected, unexpected + flaky, skipped);
}

/** All runners of npm scripts, whichever was used. */
export function scriptCounts(output) {
  return sum([vitestCounts(output), nodeCounts(output)]);
}

/**
 * What a run of tests comes to: one that fails without saying which test failed has one failure, and one
 * that runs no test at all is a failure too.
 *
 * @param {Counts} counts
 * @param {number} code exit code of the runner
 * @returns {Counts}
 */
export function judged(counts, code) {
  const silent = counts.failed === 0 && (code !== 0 || counts.passed === 0);
  return silent ? { ...counts, failed: 1 } : counts;
}

function plain(output) {
  return output.replace(COLOURS, "");
}

function before(text, word) {
  return text.match(new RegExp(`(\\d+) ${word}`))?.[1] ?? "0";
}

function of(passed, failed, skipped) {
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped) };
}
