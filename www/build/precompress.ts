import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

/** Files that shrink; pictures and fonts are packed already. */
const SHRINKS = /\.(?:js|css|html|svg|wasm)$/;
/** Below this, in bytes, the headers cost more than the packing saves. */
const SMALLEST = 1024;

/**
 * Writes `.br` and `.gz` beside each file of the build, at the highest level, once: the gateway carries
 * them inside and sends the one that a browser takes.
 */
export function precompress(): Plugin {
  return {
    name: "spark-precompress",
    apply: "build",
    async writeBundle(options, bundle) {
      const folder = options.dir ?? "dist";
      await Promise.all(
        Object.keys(bundle)
          .filter((name) => SHRINKS.test(name))
          .map((name) => compress(path.join(folder, name))),
      );
    },
  };
}

async function compress(file: string): Promise<void> {
  const bytes = await readFile(file);
  if (bytes.length < SMALLEST) return;
  const brotli = brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  });
  await Promise.all([
    writeFile(`${file}.br`, brotli),
    writeFile(`${file}.gz`, gzipSync(bytes, { level: 9 })),
  ]);
}
