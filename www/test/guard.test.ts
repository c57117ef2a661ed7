// @vitest-environment node
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const biome = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@biomejs/biome/package.json")),
  "bin/biome",
);
let copy = "";

// The project's own settings in a folder where files may be planted.
beforeAll(() => {
  copy = mkdtempSync(path.join(tmpdir(), "spark-guard-"));
  const settings = JSON.parse(readFileSync(path.join(root, "biome.json"), "utf8")) as Record<string, unknown>;
  const { $schema: _schema, vcs: _vcs, ...rest } = settings;
  writeFileSync(path.join(copy, "biome.json"), JSON.stringify(rest));
  cpSync(path.join(root, "www/lint"), path.join(copy, "www/lint"), { recursive: true });
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

/** Lints a line as if it stood in a file of the page. */
function lint(file: string, line: string) {
  const planted = path.join(copy, file);
  mkdirSync(path.dirname(planted), { recursive: true });
  writeFileSync(planted, `${line}\n`);
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, "lint", file], {
    cwd: copy,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

test.each([
  ["parses", 'export const a = JSON.parse("1");', /parses nothing/],
  ["fetches", 'export const a = () => fetch("/x");', /fetch/],
  ["fetches by way of the window", 'export const a = () => window.fetch("/x");', /no line of its own/],
  ["opens a WebSocket", 'export const a = () => new WebSocket("/x");', /global variable WebSocket/],
  ["opens an event stream", 'export const a = () => new EventSource("/x");', /global variable EventSource/],
])("lint refuses a page that %s by itself", (_what, line, why) => {
  const { status, text } = lint("www/src/lib/planted.ts", line);
  expect(text).toMatch(why);
  expect(status).toBe(1);
});

test("lint refuses a feature that imports another", () => {
  const line = 'export { planDraw } from "../chart/drawPlan";';
  expect(lint("www/src/features/market/planted.ts", line).text).toMatch(/does not know the others/);
});

test("lint has nothing against what the page may do", () => {
  const { status, text } = lint("www/src/lib/planted.ts", "export const a = () => new URLSearchParams();");
  expect(text).not.toMatch(/error/i);
  expect(status).toBe(0);
});
