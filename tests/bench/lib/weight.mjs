// What a page downloads for what it imports.

import path from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes of a file on its way. */
export function compressed(contents) {
  return gzipSync(contents, { level: 9 }).length;
}

/**
 * What an entry costs as a bundler ships it, minified and each file compressed: `first` is what is downloaded to begin,
 * `later` what is downloaded when it is first used. `names` are what is imported of it, by default all.
 *
 * @returns {Promise<{ first: number, later: number }>}
 */
export async function measure({ entry, names = ["*"], resolveDir, external = [] }) {
  const what = names[0] === "*" ? "*" : `{ ${names.join()} }`;
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export ${what} from "${entry}";`, resolveDir, sourcefile: "page.js" },
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    external,
    outdir: "/",
    entryNames: "page",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([name, output]) => [path.basename(name), output]),
  );
  const first = new Set(["page.js"]);
  // A set takes what is added while it is gone through.
  for (const name of first) {
    for (const { path: file, kind } of outputs.get(name)?.imports ?? []) {
      if (kind === "import-statement" && outputs.has(path.basename(file))) first.add(path.basename(file));
    }
  }
  const sizes = { first: 0, later: 0 };
  for (const file of outputFiles) {
    sizes[first.has(path.basename(file.path)) ? "first" : "later"] += compressed(file.contents);
  }
  return sizes;
}
