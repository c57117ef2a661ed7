// @vitest-environment node
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
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
  ["parses over two lines", 'export const a = JSON\n  .parse("1");', /parses nothing/],
  ["parses by another name", "const { parse } = JSON;\nexport const a = parse;", /global variable JSON/],
  ["parses by a default", "export const a = ({ parse } = JSON) => parse;", /global variable JSON/],
  ["hands the parser on", "export const a = [].map(JSON.parse);", /parses nothing/],
  ["parses by a computed name", 'export const a = JSON["parse"]("1");', /parses nothing/],
  ["parses by way of the window", 'export const a = window.JSON.parse("1");', /line of its own/],
  ["reads an answer", "export const a = (r: Response) => r.json();", /line of its own/],
  ["fetches", 'export const a = () => fetch("/x");', /fetch/],
  ["fetches by way of the window", 'export const a = () => window.fetch("/x");', /no line of its own/],
  ["fetches over two lines", 'export const a = () => window\n  .fetch("/x");', /no line of its own/],
  ["fetches by a cast", 'export const a = () => (window as Window).fetch("/x");', /no line of its own/],
  [
    "fetches by another window",
    'export const a = () => document.defaultView?.fetch("/x");',
    /line of its own/,
  ],
  ["fetches by a computed name", 'export const a = () => window["fetch"]("/x");', /no line of its own/],
  [
    "fetches by reflection",
    'export const a = () => Reflect.get(window, "fetch");',
    /global variable Reflect/,
  ],
  [
    "takes fetch out of the window",
    "const { fetch: get } = window;\nexport const a = get;",
    /takes nothing out of/,
  ],
  ["sends a beacon", 'export const a = () => navigator.sendBeacon("/x");', /line of its own/],
  ["asks the old way", "export const a = () => new XMLHttpRequest();", /global variable XMLHttpRequest/],
  ["opens a WebSocket", 'export const a = () => new WebSocket("/x");', /global variable WebSocket/],
  ["opens an event stream", 'export const a = () => new EventSource("/x");', /global variable EventSource/],
  ["has another thread do it", 'export const a = () => new Worker("/x");', /global variable Worker/],
])("lint refuses a page that %s by itself", (_what, line, why) => {
  const { status, text } = lint("www/src/lib/planted.ts", line);
  expect(text).toMatch(why);
  expect(status).toBe(1);
});

test.each(readdirSync(path.join(root, "www/src/features")))(
  "lint refuses a feature that imports from %s",
  (feature) => {
    const line = `export { it } from "../${feature}/it";`;
    expect(lint("www/src/features/planted/planted.ts", line).text).toMatch(/does not know the others/);
  },
);

test.each(["features/status/StatusBar", "app/App", "components/Panel", "lib/format"])(
  "lint refuses words that import %s",
  (file) => {
    const line = `export { it } from "../${file}";`;
    expect(lint("www/src/i18n/planted.ts", line).text).toMatch(/do not know who says them/);
  },
);

test.each(["app/App", "features/status/StatusBar"])("lint refuses what is shared and imports %s", (file) => {
  const line = `export { it } from "../${file}";`;
  for (const folder of ["components", "lib"]) {
    expect(lint(`www/src/${folder}/planted.ts`, line).text).toMatch(/does not know who shares it/);
  }
});

test.each(["axios", "lodash/get", "node:fs", "@spark/live-core/dist/engine", "@mantine/dates", "reactive"])(
  "lint refuses a part that the page is not made of: %s",
  (name) => {
    for (const line of [`export { it } from "${name}";`, `export const it = () => import("${name}");`]) {
      expect(lint("www/src/lib/planted.ts", line).text, line).toMatch(/made of few packages/);
    }
  },
);

test("lint lets the page have what it is made of", () => {
  for (const name of ["react", "@mantine/core", "@spark/live-react", "@spark/live-core/envelope"]) {
    const { status, text } = lint("www/src/lib/planted.ts", `export { it } from "${name}";`);
    expect(text, name).not.toMatch(/error/i);
    expect(status, name).toBe(0);
  }
});

test("lint lets a feature have what is shared", () => {
  const line = 'export { cx } from "../../lib/cx";\nexport { it } from "./it";';
  expect(lint("www/src/features/planted/planted.ts", line).status).toBe(0);
});

test("lint has nothing against what the page may do", () => {
  const { status, text } = lint(
    "www/src/lib/planted.ts",
    "export const a = (it: unknown) => [new URLSearchParams(), it, window.location, window.localStorage];",
  );
  expect(text).not.toMatch(/error/i);
  expect(status).toBe(0);
});

test("no part of the page asks lint to look away from these rules", () => {
  const folder = path.join(root, "www/src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  const texts = files.map((file) => readFileSync(path.join(folder, file), "utf8"));
  expect(files.length).toBeGreaterThan(50);
  const away = /biome-ignore(?:-all|-start)?\s+lint(?:\/plugin|\/style(?:\/noRestricted\w+)?)?\s*:/;
  expect(files.filter((_, at) => away.test(texts[at] ?? ""))).toEqual([]);
});
