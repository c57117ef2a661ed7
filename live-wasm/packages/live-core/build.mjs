/** Builds `dist/`: ESM and CJS for each entry, types for both, and the WebAssembly module as a file. */
import { execFileSync } from "node:child_process";
import { copyFile, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const dist = path.join(here, "dist");
const entries = ["index", "slim", "envelope"];
/** What is downloaded with its first use. */
const LATER = ["src/jobs/jobs.ts", "src/copilot/copilot.ts"];

await rm(dist, { recursive: true, force: true });
await Promise.all([
  bundle(
    "esm",
    ".js",
    entries.map((name) => `src/${name}.ts`),
  ),
  bundle(
    "cjs",
    ".cjs",
    entries.map((name) => `src/${name}.ts`),
  ),
  ...LATER.flatMap((entry) => [bundle("esm", ".js", [entry]), bundle("cjs", ".cjs", [entry])]),
  declarations(),
]);
await copyFile(path.join(here, "src/generated/live_wasm_bg.wasm"), path.join(dist, "core.wasm"));

/** Whoever imports it dynamically finds what comes later in a file of its own, which shares nothing with the rest. */
function apart(extension) {
  return {
    name: "apart",
    setup: (plugins) =>
      plugins.onResolve({ filter: /\/(jobs|copilot)\.js$/ }, ({ kind, path: file }) =>
        kind === "dynamic-import"
          ? { path: `./${path.basename(file, ".js")}${extension}`, external: true }
          : undefined,
      ),
  };
}

function bundle(format, extension, entryPoints) {
  return build({
    absWorkingDir: here,
    entryPoints,
    outdir: "dist",
    outExtension: { ".js": extension },
    bundle: true,
    format,
    // Both entries of a page share what they have in common.
    splitting: format === "esm",
    // For Node esbuild lists the exports of CJS where its `import()` finds them.
    platform: format === "cjs" ? "node" : "neutral",
    target: "es2022",
    legalComments: "none",
    plugins: [apart(extension)],
    logLevel: "warning",
  });
}

/** Writes `.d.ts` for ESM, and the same as `.d.cts` for CJS, whose imports name `.cjs`. */
async function declarations() {
  const tsc = path.join(
    path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  const args = ["-p", "tsconfig.build.json"];
  execFileSync(process.execPath, [tsc, ...args], { cwd: here, stdio: "inherit" });
  const files = await readdir(dist, { recursive: true });
  await Promise.all(
    files
      .filter((name) => name.endsWith(".d.ts"))
      .map(async (name) => {
        const text = await readFile(path.join(dist, name), "utf8");
        const common = text.replaceAll(/(["'])(\.{1,2}\/[^"']+)\.js\1/g, "$1$2.cjs$1");
        await writeFile(path.join(dist, name.replace(/\.d\.ts$/, ".d.cts")), common);
      }),
  );
}
