// The benchmark of the client's ingest, in one run of headless Chromium: `npm run bench`.
// `--rounds N`, `--windows N` (a hundred envelopes each) change how much is run.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "@playwright/test";
import { build } from "esbuild";
import { report } from "./lib/report.mjs";
import { sizes } from "./lib/sizes.mjs";

const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: { rounds: { type: "string", default: "25" }, windows: { type: "string", default: "400" } },
});
const plan = { rounds: Number(values.rounds), warmUps: 5, windows: Number(values.windows) };

const say = (line = "") => process.stdout.write(`${line}\n`);

/** Bundles the page and serves it alone in its origin, where the clock is precise. */
async function servePage() {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, "src/page.ts")],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    define: { "process.env.NODE_ENV": '"production"' },
    write: false,
  });
  const files = {
    "/": ["text/html", "<!doctype html><title>benchmark</title><script type=module src=/page.js></script>"],
    "/page.js": ["text/javascript", outputFiles[0].contents],
    "/core.wasm": ["application/wasm", readFileSync(require.resolve("@spark/live-core/core.wasm"))],
  };
  const server = createServer((request, response) => {
    const [type, body] = files[request.url] ?? [];
    response.writeHead(type ? 200 : 404, {
      "content-type": type ?? "text/plain",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(body);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function measure() {
  const server = await servePage();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      "--js-flags=--expose-gc",
    ],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.address().port}/`);
    await page.waitForFunction("typeof runBenchmark === 'function' && crossOriginIsolated");
    const result = await page.evaluate((what) => globalThis.runBenchmark(what), plan);
    return { ...result, browser: browser.version() };
  } finally {
    await browser.close();
    server.close();
  }
}

function versionOf(name) {
  return JSON.parse(readFileSync(require.resolve(`${name}/package.json`), "utf8")).version;
}

const { times, envelopeBytes, browser } = await measure();
const { lines, failures } = report(times);
const cpu = os.cpus()[0]?.model ?? "unknown processor";
say(
  `\n${os.cpus().length} x ${cpu}, ${os.type()} ${os.release()}, Chromium ${browser}, Node ${process.versions.node}`,
);
say(`zod ${versionOf("zod")}, zustand ${versionOf("zustand")}`);
say(
  `200 channels, 20 read at each flush, envelopes of ${envelopeBytes} bytes, 100 a window, ${plan.windows} windows a round, ${plan.rounds} rounds in turns\n`,
);
for (const line of lines) say(line);

say("\ngzip, bytes                                      size    budget");
for (const { what, budget, bytes } of await sizes()) {
  say(`${what.padEnd(44)}  ${String(bytes).padStart(7)}  ${String(budget).padStart(8)}`);
  if (bytes > budget) failures.push(`${what} is ${bytes - budget} bytes over its budget`);
}
for (const failure of failures) say(`FAILED: ${failure}`);
process.exitCode = failures.length > 0 ? 1 : 0;
