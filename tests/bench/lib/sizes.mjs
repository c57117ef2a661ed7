// What a page downloads, against the budgets.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { BUDGETS } from "./budgets.mjs";

const require = createRequire(import.meta.url);

const MEASURED = [
  {
    what: "core.wasm",
    budget: BUDGETS.module,
    measure: () => readFileSync(require.resolve("@spark/live-core/core.wasm")),
  },
  {
    what: "@spark/live-core, all in",
    budget: BUDGETS.whole,
    measure: () => bundle("@spark/live-core", isOfClient),
  },
  {
    what: "@spark/live-core/slim, without the module",
    budget: BUDGETS.slim,
    measure: () => bundle("@spark/live-core/slim", isOfClient),
  },
  {
    what: "stableStringify of @spark/live-core, by itself",
    budget: BUDGETS.canonical,
    measure: () => bundle("@spark/live-core", (name) => !isOfClient(name)),
  },
  { what: "@spark/live-react", budget: BUDGETS.hooks, measure: () => bundle("@spark/live-react") },
  {
    what: "@spark/live-core/envelope",
    budget: BUDGETS.envelope,
    measure: () => bundle("@spark/live-core/envelope"),
  },
];

/** False for what stands beside the client: who does not import it does not download it. */
function isOfClient(name) {
  return name !== "stableStringify";
}

/**
 * What an entry exports under those names, by default all, as a bundler ships it: minified, React and the core package
 * left to their own files.
 */
async function bundle(entry, isWanted = () => true) {
  const names = Object.keys(await import(entry)).filter(isWanted);
  const external = [
    "react",
    "react-dom",
    ...(entry.startsWith("@spark/live-react") ? ["@spark/live-core"] : []),
  ];
  const { outputFiles } = await build({
    stdin: { contents: `export { ${names.join()} } from "${entry}";`, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external,
    write: false,
    logLevel: "silent",
  });
  return Buffer.concat(outputFiles.map((file) => file.contents));
}

/** @returns {Promise<{ what: string, budget: number, bytes: number }[]>} */
export async function sizes() {
  const measured = [];
  for (const { what, budget, measure } of MEASURED) {
    measured.push({ what, budget, bytes: gzipSync(await measure(), { level: 9 }).length });
  }
  return measured;
}
