// @vitest-environment node
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.resolve(import.meta.dirname, "../..");
const biome = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@biomejs/biome/package.json")),
  "bin/biome",
);

/** Lints a line as if it stood in a file of the page. */
function lint(file: string, line: string) {
  const args = ["lint", `--stdin-file-path=${file}`];
  const { status, stdout, stderr } = spawnSync(process.execPath, [biome, ...args], {
    cwd: root,
    input: `${line}\n`,
    encoding: "utf8",
  });
  return { status, text: stdout + stderr };
}

test.each([
  ["parses", 'export const a = JSON.parse("1");', /parses nothing/],
  ["fetches", 'export const a = () => fetch("/x");', /fetch/],
  ["fetches by way of the window", 'export const a = () => window.fetch("/x");', /no line of its own/],
  ["opens a WebSocket", 'export const a = () => new WebSocket("/x");', /WebSocket/],
  ["opens an event stream", 'export const a = () => new EventSource("/x");', /EventSource/],
])("lint refuses a page that %s by itself", (_what, line, why) => {
  const { status, text } = lint("www/src/lib/planted.ts", line);
  expect(status).not.toBe(0);
  expect(text).toMatch(why);
});

test("lint refuses a feature that imports another", () => {
  const line = 'export { planDraw } from "../chart/drawPlan";';
  expect(lint("www/src/features/market/planted.ts", line).text).toMatch(/does not know the others/);
});

test("lint has nothing against what the page may do", () => {
  expect(lint("www/src/lib/planted.ts", "export const a = () => new URLSearchParams();").status).toBe(0);
});
