import path from "node:path";
import { defineConfig } from "@playwright/test";

/** Where reports and pictures go: outside the checkout's own files. */
const artifacts = path.resolve(import.meta.dirname, "../../target/test-artifacts");

export default defineConfig({
  testDir: "specs",
  outputDir: path.join(artifacts, "browser"),
  // Each test runs a gateway of its own; two of them and two browsers are too much for two cores.
  workers: 1,
  forbidOnly: process.env.CI !== undefined,
  retries: 0,
  timeout: 90_000,
  expect: {
    timeout: 20_000,
    // A letter may be drawn a little otherwise; the least button that is missing is more than that.
    toHaveScreenshot: { maxDiffPixels: 200, animations: "disabled", caret: "hide" },
  },
  // Pictures are made when somebody asks for it, and never by a run that is to judge by them.
  updateSnapshots: "none",
  // The pictures of every view, which are part of the project.
  snapshotPathTemplate: "{testDir}/../pictures/{arg}{ext}",
  reporter: [
    ["list"],
    ["json", { outputFile: process.env.TEST_REPORT ?? path.join(artifacts, "browser.json") }],
  ],
  use: {
    browserName: "chromium",
    trace: "retain-on-failure",
    screenshot: "only-on-failure",
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      // `npm test` says which; by hand it is Debian's unless CHROMIUM_PATH names another.
      executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
      args: [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
