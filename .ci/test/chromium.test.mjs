import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { findBrowser, installBrowser } from "../lib/chromium.mjs";
import { StepError } from "../lib/shell.mjs";

/** A folder with programs in it: each says its version, or fails where `works` is false. */
function folder(t, programs) {
  const dir = mkdtempSync(path.join(tmpdir(), "spark-browser-"));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const [name, works] of Object.entries(programs)) program(path.join(dir, name), works);
  return dir;
}

function program(file, works = true) {
  writeFileSync(file, `#!/bin/sh\n${works ? "echo Chromium 1" : "exit 1"}\n`);
  chmodSync(file, 0o755);
}

test("CHROMIUM_PATH goes before what is on PATH", (t) => {
  const dir = folder(t, { chromium: true, mine: true });
  const mine = path.join(dir, "mine");
  assert.equal(findBrowser({ env: { CHROMIUM_PATH: mine, PATH: dir } }), mine);
});

test("a CHROMIUM_PATH that does not start is refused, and no other browser taken for it", (t) => {
  const dir = folder(t, { chromium: true, broken: false });
  for (const name of ["broken", "absent"]) {
    const env = { CHROMIUM_PATH: path.join(dir, name), PATH: dir };
    assert.throws(() => findBrowser({ env }), { name: "Error", message: new RegExp(`${name}, which is no`) });
  }
});

test("the first name that starts is taken, in whichever folder of PATH", (t) => {
  const first = folder(t, { "google-chrome": true, chromium: false });
  const second = folder(t, { "chromium-browser": true });
  const env = { PATH: [first, second].join(path.delimiter) };
  assert.equal(findBrowser({ env }), path.join(second, "chromium-browser"));
  rmSync(path.join(second, "chromium-browser"));
  assert.equal(findBrowser({ env }), path.join(first, "google-chrome"));
});

test("what Playwright has downloaded comes last", (t) => {
  const dir = folder(t, { elsewhere: true, "google-chrome": true });
  const downloaded = path.join(dir, "elsewhere");
  assert.equal(findBrowser({ env: { PATH: dir }, downloaded }), path.join(dir, "google-chrome"));
  assert.equal(findBrowser({ env: { PATH: "" }, downloaded }), downloaded);
  assert.equal(findBrowser({ env: { PATH: "" }, downloaded: path.join(dir, "absent") }), null);
});

test("an installation that brings a browser is used, one that brings none says what to do", async (t) => {
  const dir = folder(t, {});
  const find = async () => findBrowser({ env: { PATH: dir } });
  await assert.rejects(installBrowser({ install: async () => {}, find }), (cause) => {
    assert.ok(cause instanceof StepError);
    assert.match(cause.message, /apt-get install chromium.*npx playwright install chromium.*CHROMIUM_PATH/);
    return true;
  });
  const made = path.join(dir, "chromium");
  assert.equal(await installBrowser({ install: async () => program(made), find }), made);
});
