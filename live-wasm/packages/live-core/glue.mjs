/**
 * Turns the generated bindings, a module with one WebAssembly instance for all its importers, into a
 * factory: each call of `createGlue()` has an instance of its own. A trap then harms one client, and
 * another instance can take its place.
 *
 * Reads `src/generated/live_wasm.{js,d.ts}` and writes `src/generated/glue.{js,d.ts}`.
 */
import { readFile, stat, writeFile } from "node:fs/promises";
import { transform } from "esbuild";

const generated = new URL("src/generated/", import.meta.url);

/** Writes the factory, unless it is newer than what it is made from. */
export async function writeGlue() {
  const source = new URL("live_wasm.js", generated);
  const target = new URL("glue.js", generated);
  const [from, to] = await Promise.all([age(source), age(target)]);
  if (from === null) {
    throw new Error("src/generated/live_wasm.js is not there: run `cargo run -p spark-live-pack` first");
  }
  if (to !== null && to >= from) return;

  const { code } = await transform(await readFile(source, "utf8"), {
    format: "iife",
    globalName: "glue",
    target: "es2022",
    sourcefile: "live_wasm.js",
  });
  await writeFile(target, `// Made by glue.mjs.\nexport function createGlue() {\n${code}\nreturn glue;\n}\n`);
  await writeFile(
    new URL("glue.d.ts", generated),
    '// Made by glue.mjs.\nexport declare function createGlue(): typeof import("./live_wasm.js");\n',
  );
}

async function age(url) {
  try {
    return (await stat(url)).mtimeMs;
  } catch {
    return null;
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await writeGlue();
