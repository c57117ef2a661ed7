// Runs a test binary of target wasm32-wasip1: `node --no-warnings .ci/wasi-run.mjs FILE.wasm [ARGUMENT...]`.
// The file system is the machine's, since tests read their vectors from the checkout.

import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [file, ...args] = process.argv.slice(2);
if (!file) {
  process.stderr.write("usage: node .ci/wasi-run.mjs FILE.wasm [ARGUMENT...]\n");
  process.exit(2);
}
const wasi = new WASI({
  version: "preview1",
  args: [file, ...args],
  env: process.env,
  preopens: { "/": "/", ".": process.cwd() },
  returnOnExit: true,
});
const { instance } = await WebAssembly.instantiate(await readFile(file), wasi.getImportObject());
process.exitCode = wasi.start(instance);
