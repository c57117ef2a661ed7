// What the numbers of a benchmark come to.

/** The least the core must be ahead of the fastest common way of doing the same. */
export const REQUIRED_RATIO = 3;

/** Which contestant is held against which: the same framing on both sides. */
const PAIRS = [
  ["core", "map"],
  ["coreFrames", "mapFrames"],
];

export function best(numbers) {
  return Math.min(...numbers);
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The table of results and the verdict. Held to the ratio are the best rounds of both, the least disturbed ones;
 * the median over rounds of the ratio within a round is told beside it.
 *
 * @param {Record<string, { name: string, ns: number[] }>} times
 * @returns {{ lines: string[], failures: string[] }}
 */
export function report(times) {
  const widest = Math.max(...Object.values(times).map(({ name }) => name.length));
  const lines = [`${"ns an envelope".padEnd(widest)}      best    median`];
  for (const { name, ns } of Object.values(times)) {
    lines.push(
      `${name.padEnd(widest)}  ${best(ns).toFixed(0).padStart(8)}  ${median(ns).toFixed(0).padStart(8)}`,
    );
  }
  const failures = [];
  for (const [ours, theirs] of PAIRS) {
    const ratio = best(times[theirs].ns) / best(times[ours].ns);
    const within = median(times[theirs].ns.map((ns, round) => ns / times[ours].ns[round]));
    lines.push(
      `${times[ours].name}: ${ratio.toFixed(2)} times less than ${times[theirs].name} (median ${within.toFixed(2)})`,
    );
    if (ratio < REQUIRED_RATIO) {
      failures.push(`${times[ours].name} is not ${REQUIRED_RATIO} times less than ${times[theirs].name}`);
    }
  }
  return { lines, failures };
}
