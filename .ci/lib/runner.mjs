// Does steps in their order, each once, what they need before them; says what it does and how long it took.

import { none } from "./counts.mjs";
import { duration, Skipped, StepError, say } from "./shell.mjs";

/**
 * @typedef {import("../steps.mjs").Step} Step
 * @typedef {{ step: Step, state: "done" | "unchanged" | "skipped" | "failed" | "not run", ms: number,
 *   counts: import("./counts.mjs").Counts, why?: string }} Outcome
 */

/**
 * The steps of these names and all that they need, in the order of `all`.
 *
 * @param {Step[]} all
 * @param {string[]} names
 * @returns {Step[]}
 */
export function withNeeds(all, names) {
  const chosen = new Set();
  const choose = (name) => {
    const step = all.find((candidate) => candidate.name === name);
    if (!step) throw new StepError(`there is no step ${name}`);
    if (chosen.has(name)) return;
    chosen.add(name);
    for (const need of step.needs ?? []) choose(need);
  };
  for (const name of names) choose(name);
  return all.filter((step) => chosen.has(step.name));
}

/**
 * Does the steps. One that fails stops those that need it, and no other.
 *
 * @param {Step[]} steps
 * @returns {Promise<Outcome[]>}
 */
export async function perform(steps) {
  /** @type {Map<string, Outcome>} */
  const outcomes = new Map();
  for (const step of steps) {
    const missing = (step.needs ?? []).find((need) => !succeeded(outcomes.get(need)));
    const outcome = missing
      ? { step, state: "not run", ms: 0, counts: none(), why: `${missing} did not succeed` }
      : await performOne(step);
    if (missing) say(`- ${step.name}: not run, ${outcome.why}`);
    outcomes.set(step.name, outcome);
  }
  return [...outcomes.values()];
}

/** @param {Outcome | undefined} outcome */
export function succeeded(outcome) {
  return outcome?.state === "done" || outcome?.state === "unchanged";
}

/** @param {Step} step @returns {Promise<Outcome>} */
async function performOne(step) {
  say(`> ${step.name}: ${step.about}`);
  const began = performance.now();
  const since = () => performance.now() - began;
  try {
    const result = await step.run();
    const counts = typeof result === "object" ? result : { ...none(), passed: step.check ? 1 : 0 };
    if (counts.failed > 0) return ended({ step, state: "failed", ms: since(), counts });
    return ended({ step, state: result === "unchanged" ? "unchanged" : "done", ms: since(), counts });
  } catch (cause) {
    if (cause instanceof Skipped) {
      return ended({
        step,
        state: "skipped",
        ms: since(),
        counts: { ...none(), skipped: 1 },
        why: cause.message,
      });
    }
    const why = cause instanceof StepError ? cause.message : String(cause?.stack ?? cause);
    return ended({ step, state: "failed", ms: since(), counts: { ...none(), failed: 1 }, why });
  }
}

/** @param {Outcome} outcome */
function ended(outcome) {
  const { step, state, ms, why } = outcome;
  say(`${state === "failed" ? "x" : "="} ${step.name}: ${state} (${duration(ms)})${why ? `: ${why}` : ""}`);
  return outcome;
}
