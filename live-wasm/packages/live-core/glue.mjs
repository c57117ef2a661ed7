/**
 * Turns the generated bindings, a module with one WebAssembly instance for all its importers, into a
 * factory: each call of `createGlue()` has an instance of its own. A trap then harms one client, and
 * another instance can take its place. What the client never calls is left out, since every page pays
 * for it; where the generator's text is not as known, the build stops and says so.
 *
 * Reads `src/generated/live_wasm.{js,d.ts}` and writes `src/generated/glue.{js,d.ts}`.
 */
import { readFile, stat, writeFile } from "node:fs/promises";

const generated = new URL("src/generated/", import.meta.url);

/** Methods for tests and tools, which take the whole bindings. */
const UNUSED_METHODS = [
  "isCanonical",
  "readEvent",
  "readMode",
  "serverTimeMs",
  "sseCursor",
  "[Symbol.dispose]",
];

/** Functions that are replaced: with an empty text, left out. */
const REPLACED = {
  initSync: "",
  __wbg_load: "",
  __wbg_init_once: "",
  // The module always comes compiled.
  __wbg_init: `async function init(module) {
    return __wbg_finalize_init(await WebAssembly.instantiate(module, __wbg_get_imports()), module);
}`,
  // Some versions of Safari stop decoding after 2 GB with one decoder. Strings come out rarely, so each has
  // a decoder of its own.
  decodeText: `function decodeText(bytes) {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}`,
  // Strings go in when a channel is opened, and are short.
  passStringToWasm0: `function passStringToWasm0(arg, malloc) {
    return passArray8ToWasm0(new TextEncoder().encode(arg), malloc);
}`,
};

/** Statements that are left out, by what stands in them: their owner frees the core, see \`Engine.close\`. */
const LEFT_OUT = [
  /^const CoreFinalization =[\s\S]*?;\n/m,
  /^ *CoreFinalization\.(?:un)?register\(.*\);\n/gm,
  /^if \(Symbol\.dispose\).*\n/gm,
  /^let __wbg_init_promise;\n/m,
  /^let cachedTextDecoder =.*\n/m,
  /^cachedTextDecoder\.decode\(\);\n/m,
  /^const MAX_SAFARI_DECODE_BYTES =.*\n/m,
  /^let numBytesDecoded =.*\n/m,
  /^const cachedTextEncoder =.*\n/m,
  /^if \(!\('encodeInto' in cachedTextEncoder\)\) \{\n[\s\S]*?\n\}\n/m,
];

/** Writes the factory, unless it is newer than what it is made from. */
export async function writeGlue() {
  const source = new URL("live_wasm.js", generated);
  const target = new URL("glue.js", generated);
  const [from, own, to] = await Promise.all([age(source), age(new URL(import.meta.url)), age(target)]);
  if (from === null) {
    throw new Error("src/generated/live_wasm.js is not there: run `cargo run -p spark-live-pack` first");
  }
  if (to !== null && to > from && to > own) return;
  await writeFile(target, factory(await readFile(source, "utf8")));
  await writeFile(new URL("glue.d.ts", generated), DECLARATION);
}

const DECLARATION = `// Made by glue.mjs.
import type { Core, computeStaleness } from "./live_wasm.js";
export declare function createGlue(): {
  Core: Pick<typeof Core, "validate"> & (new () => Core);
  computeStaleness: typeof computeStaleness;
  init(module: WebAssembly.Module): Promise<{ memory: WebAssembly.Memory }>;
};
`;

/** The text of the factory. */
function factory(text) {
  let rest = text.replaceAll(/^ *\/\*\*\n(?: *\*.*\n)+/gm, "");
  rest = cut(rest, /^export \{.*\};?\n/m, "");
  rest = rest.replaceAll(/^export (?=class|function|async)/gm, "");
  for (const [name, replacement] of Object.entries(REPLACED)) {
    rest = cut(
      rest,
      new RegExp(`^(?:async )?function ${name}\\(.*\\{\\n[\\s\\S]*?\\n\\}\\n`, "m"),
      `${replacement}\n`,
    );
  }
  for (const pattern of LEFT_OUT) rest = cut(rest, pattern, "", pattern.source.includes("dispose"));
  for (const name of UNUSED_METHODS) {
    const escaped = name.replaceAll(/[[\].]/g, "\\$&");
    const isOptional = name.startsWith("[");
    rest = cut(
      rest,
      new RegExp(`^    (?:static )?${escaped}\\(.*\\{\\n[\\s\\S]*?\\n    \\}\\n`, "m"),
      "",
      isOptional,
    );
  }
  return `// Made by glue.mjs.\nexport function createGlue() {\n${rest}\nreturn { Core, computeStaleness, init };\n}\n`;
}

function cut(text, pattern, replacement, isOptional = false) {
  const next = text.replace(pattern, replacement);
  if (next === text && !isOptional)
    throw new Error(`the generated bindings have no ${pattern}: see glue.mjs`);
  return next;
}

async function age(url) {
  try {
    return (await stat(url)).mtimeMs;
  } catch {
    return null;
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await writeGlue();
