/** Builds `dist/`: one file a hook, so that each keeps its "use client", as ESM and as CJS, and types for both. */
import { execFileSync } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const dist = path.join(here, "dist");
const sources = (await readdir(path.join(here, "src"))).filter((name) => /\.tsx?$/.test(name));

await rm(dist, { recursive: true, force: true });
await Promise.all([compile("esm", ".js"), compile("cjs", ".cjs"), declarations()]);
await common(".cjs", ".cjs");
await common(".d.ts", ".d.cts");

function compile(format, extension) {
  return build({
    absWorkingDir: here,
    entryPoints: sources.map((name) => `src/${name}`),
    outdir: "dist",
    outExtension: { ".js": extension },
    format,
    platform: "neutral",
    target: "es2022",
    logLevel: "warning",
  });
}

async function declarations() {
  const tsc = path.join(
    path.dirname(createRequire(import.meta.url).resolve("typescript/package.json")),
    "bin/tsc",
  );
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json"], { cwd: here, stdio: "inherit" });
}

/** Writes files for CJS: the same, but importing `.cjs`. */
async function common(from, to) {
  for (const name of await readdir(dist)) {
    if (!name.endsWith(from)) continue;
    const text = await readFile(path.join(dist, name), "utf8");
    const changed = text.replaceAll(/(["'])(\.\/[^"']+)\.js\1/g, "$1$2.cjs$1");
    await writeFile(path.join(dist, name.slice(0, -from.length) + to), changed);
  }
}
