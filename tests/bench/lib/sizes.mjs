// What a page downloads, against the budgets.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BUDGETS } from "./budgets.mjs";
import { compressed, measure } from "./weight.mjs";

const require = createRequire(import.meta.url);

const MEASURED = [
  {
    what: "core.wasm",
    budget: BUDGETS.module,
    weigh: () => compressed(readFileSync(require.resolve("@spark/live-core/core.wasm"))),
  },
  {
    what: "@spark/live-core, all in",
    budget: BUDGETS.whole,
    weigh: async () => (await parts("@spark/live-core", isOfClient)).first,
  },
  {
    what: "@spark/live-core/slim, without the module",
    budget: BUDGETS.slim,
    weigh: async () => (await parts("@spark/live-core/slim", isOfClient)).first,
  },
  {
    what: "what knows of jobs and of the copilot, with their first use",
    budget: BUDGETS.later,
    weigh: async () => (await parts("@spark/live-core/slim", isOfClient)).later,
  },
  {
    what: "stableStringify of @spark/live-core, by itself",
    budget: BUDGETS.canonical,
    weigh: async () => (await parts("@spark/live-core", (name) => !isOfClient(name))).first,
  },
  {
    what: "@spark/live-react",
    budget: BUDGETS.hooks,
    weigh: async () => (await parts("@spark/live-react")).first,
  },
  {
    what: "@spark/live-core/envelope",
    budget: BUDGETS.envelope,
    weigh: async () => (await parts("@spark/live-core/envelope")).first,
  },
];

/** False for what stands beside the client: who does not import it does not download it. */
function isOfClient(name) {
  return name !== "stableStringify";
}

/** What the wanted exports of an entry cost, by default all; React and the core package are files of their own. */
async function parts(entry, isWanted = () => true) {
  const names = Object.keys(await import(entry)).filter(isWanted);
  const core = entry.startsWith("@spark/live-react") ? ["@spark/live-core"] : [];
  return measure({
    entry,
    names,
    resolveDir: import.meta.dirname,
    external: ["react", "react-dom", ...core],
  });
}

/** @returns {Promise<{ what: string, budget: number, bytes: number }[]>} */
export async function sizes() {
  const measured = [];
  for (const { what, budget, weigh } of MEASURED) measured.push({ what, budget, bytes: await weigh() });
  return measured;
}
