// What the page costs its reader: `npm run bench -- page`. The optimised gateway serves the page as it is shipped, and
// headless Chromium opens it, each time with nothing cached. `--visits N`, `--seconds N` change how much is run.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { chromium } from "@playwright/test";
import { median } from "./lib/report.mjs";

const { values } = parseArgs({
  options: { visits: { type: "string", default: "5" }, seconds: { type: "string", default: "30" } },
});
const visits = Number(values.visits);
const seconds = Number(values.seconds);
const ROOT = path.resolve(import.meta.dirname, "../..");

/** What the figures of the shipped page are worth something with: so many symbols, at so many prices a second. */
const SYMBOLS = 5;
/** Made-up prices: a file that is replayed ends, and begins to count anew. */
const SOURCE = {
  SPARK_SOURCE: "synthetic",
  SPARK_SYNTHETIC_SYMBOLS: String(SYMBOLS),
  SPARK_SYNTHETIC_RATE: String(20 * SYMBOLS),
};
const HZ_MIN = 18;

const say = (line = "") => process.stdout.write(`${line}\n`);

/** The optimised gateway on a free port, in an empty folder. */
async function startGateway() {
  const dir = mkdtempSync(path.join(os.tmpdir(), "spark-bench-"));
  const environment = Object.entries(process.env).filter(([name]) => !/^(SPARK|COPILOT)_/.test(name));
  const child = spawn(path.join(ROOT, "target/release/spark-live"), ["serve", "--addr", "127.0.0.1:0"], {
    cwd: dir,
    env: { ...Object.fromEntries(environment), ...SOURCE },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = await once(lines, "line", { signal: AbortSignal.timeout(20_000) });
  const { url } = JSON.parse(line);
  const end = async () => {
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
    rmSync(dir, { recursive: true });
  };
  return { url, end };
}

/** Notes in the page what happens to it, from before its first script on. */
function observe() {
  const seen = { longTasks: [], shift: 0, firstPriceMs: null, paintMs: null, lcpMs: null };
  Object.assign(globalThis, { seen });
  const on = (type, take) =>
    new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
  on("longtask", ({ startTime, duration }) => seen.longTasks.push({ startTime, duration }));
  on("layout-shift", ({ value }) => {
    seen.shift += value;
  });
  on("paint", ({ name, startTime }) => {
    if (name === "first-contentful-paint") seen.paintMs = startTime;
  });
  on("largest-contentful-paint", ({ startTime }) => {
    seen.lcpMs = startTime;
  });
  const look = () => {
    const price = document.querySelector('[data-testid^="price-"][data-seq]:not([data-seq="0"])');
    if (price && /\d/.test(price.textContent)) seen.firstPriceMs = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** One visit with nothing cached: what was transferred, and what the page saw. */
async function visit(browser, url, staySeconds) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    const page = await context.newPage();
    await page.addInitScript(observe);
    const devtools = await context.newCDPSession(page);
    const bytes = new Map();
    const kinds = new Map();
    devtools.on("Network.responseReceived", ({ requestId, type }) => kinds.set(requestId, type));
    devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      const kind = kinds.get(requestId) ?? "Other";
      bytes.set(kind, (bytes.get(kind) ?? 0) + encodedDataLength);
    });
    await devtools.send("Network.enable");
    await page.goto(url);
    await priced(page);
    await page.waitForTimeout(1_000);
    const from = await page.evaluate("performance.now()");
    const before = await prices(page);
    await page.waitForTimeout(staySeconds * 1_000);
    const after = await prices(page);
    const seen = await page.evaluate("seen");
    const lengths = (tasks) => tasks.map(({ duration }) => duration);
    return {
      bytes,
      seen,
      loading: lengths(seen.longTasks.filter(({ startTime }) => startTime < from)),
      ticking: lengths(seen.longTasks.filter(({ startTime }) => startTime >= from)),
      rate: after.map((seq, at) => (seq - before[at]) / staySeconds),
    };
  } finally {
    await context.close();
  }
}

/** Waits for the first price. The page's policy allows no text to be run as code, by which Playwright would wait. */
async function priced(page) {
  const limit = AbortSignal.timeout(30_000);
  while ((await page.evaluate("seen.firstPriceMs")) === null) {
    limit.throwIfAborted();
    await page.waitForTimeout(50);
  }
}

/** The sequence number of each price that is shown. */
function prices(page) {
  return page
    .locator('[data-testid^="price-"]')
    .evaluateAll((cells) => cells.map((cell) => Number(cell.getAttribute("data-seq"))));
}

const gateway = await startGateway();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ],
});
const short = [];
let long;
try {
  for (let nth = 0; nth < visits; nth += 1) short.push(await visit(browser, gateway.url, 0));
  long = await visit(browser, gateway.url, seconds);
} finally {
  await browser.close();
  await gateway.end();
}

const cpu = os.cpus()[0]?.model ?? "unknown processor";
say(`\n${os.cpus().length} x ${cpu}, Chromium ${browser.version()}, ${visits} visits with nothing cached\n`);
const kb = (bytes) => `${(bytes / 1_000).toFixed(1)} KB`;
const [first] = short;
say(`transferred         ${kb([...first.bytes.values()].reduce((sum, part) => sum + part, 0))}`);
for (const [kind, size] of [...first.bytes].sort(([, a], [, b]) => b - a)) {
  say(`  ${kind.toLowerCase().padEnd(18)}${kb(size)}`);
}
const told = (name, of) => {
  const numbers = short.map(of);
  say(
    `${name.padEnd(20)}${median(numbers).toFixed(0)} ms (${Math.min(...numbers).toFixed(0)} to ${Math.max(...numbers).toFixed(0)})`,
  );
};
told("first paint", ({ seen }) => seen.paintMs);
told("largest paint", ({ seen }) => seen.lcpMs);
told("first price", ({ seen }) => seen.firstPriceMs);
told("blocked in loading", ({ loading }) => loading.reduce((sum, ms) => sum + ms - 50, 0));
say(`layout shift        ${Math.max(...short.map(({ seen }) => seen.shift)).toFixed(4)}`);
say(
  `\n${seconds} s with ${long.rate.length} symbols at ${long.rate.map((hz) => hz.toFixed(1)).join(", ")} prices a second`,
);
say(
  `tasks over 50 ms    ${long.ticking.length === 0 ? "none" : long.ticking.map((ms) => `${ms.toFixed(0)} ms`).join(", ")}`,
);
say(`layout shift        ${long.seen.shift.toFixed(4)}`);

if (long.rate.length !== SYMBOLS || long.rate.some((hz) => hz < HZ_MIN)) {
  say(`\nFAILED: ${SYMBOLS} symbols at ${HZ_MIN} prices a second and more were wanted`);
  process.exitCode = 1;
}
if (long.ticking.length > 0) {
  say("\nFAILED: no task may take over 50 ms while prices come in");
  process.exitCode = 1;
}
