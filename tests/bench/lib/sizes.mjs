// What a page downloads, against the budgets.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const require = createRequire(import.meta.url);

/** Budgets in bytes after gzip; a KB is 1,000 bytes. */
const BUDGETS = [
  {
    what: "core.wasm",
    budget: 50_000,
    measure: () => readFileSync(require.resolve("@spark/live-core/core.wasm")),
  },
  { what: "@spark/live-core, all in", budget: 62_000, measure: () => bundle("@spark/live-core") },
  {
    // The design's goal is 9 KB; ARCHITECTURE.md, "Departures", says what stands in its way.
    what: "@spark/live-core/slim, without the module",
    budget: 12_000,
    measure: () => bundle("@spark/live-core/slim"),
  },
  { what: "@spark/live-react", budget: 4_000, measure: () => bundle("@spark/live-react") },
  { what: "@spark/live-core/envelope", budget: 1_000, measure: () => bundle("@spark/live-core/envelope") },
];

/** The whole entry as a bundler ships it: minified, React and the core package left to their own files. */
async function bundle(entry) {
  const external = [
    "react",
    "react-dom",
    ...(entry.startsWith("@spark/live-react") ? ["@spark/live-core"] : []),
  ];
  const { outputFiles } = await build({
    stdin: { contents: `export * from "${entry}";`, resolveDir: import.meta.dirname },
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
  for (const { what, budget, measure } of BUDGETS) {
    measured.push({ what, budget, bytes: gzipSync(await measure(), { level: 9 }).length });
  }
  return measured;
}
