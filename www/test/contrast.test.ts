// @vitest-environment node
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { variables } from "../src/app/theme";

const css = readFileSync(path.resolve(import.meta.dirname, "../src/app/tokens.css"), "utf8");

/** The tokens of a theme. */
function tokens(scheme: string): Map<string, string> {
  const [, block = ""] = new RegExp(`scheme="${scheme}"\\] \\{([^}]*)\\}`).exec(css) ?? [];
  return new Map(
    [...block.matchAll(/(--[\w-]+): (#[0-9a-f]{6})/g)].map(
      ([, name, value]) => [name, value] as [string, string],
    ),
  );
}

function luminance(color: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** By how much two colours differ, from 1 to 21. */
function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

const GROUNDS = ["--surface", "--surface-hover", "--page"];
const TEXTS = ["--text", "--text-soft", "--text-faint", "--accent", "--up", "--down"];

describe.each(["light", "dark"])("the %s theme", (scheme) => {
  const all = tokens(scheme);
  const of = (name: string): string => all.get(name) ?? "";

  test.each(TEXTS)("%s can be read on every ground", (text) => {
    for (const ground of GROUNDS) expect(contrast(of(text), of(ground)), ground).toBeGreaterThanOrEqual(4.5);
  });

  test("what can be filled in is told from its ground, and what is wrong with it can be read", () => {
    expect(contrast(of("--line-strong"), of("--surface"))).toBeGreaterThanOrEqual(3);
    expect(contrast(of("--down"), of("--surface"))).toBeGreaterThanOrEqual(4.5);
  });
});

test("the library writes in the page's colours, hints and errors too", () => {
  const { light, dark } = variables({} as never);
  for (const theme of [light, dark]) {
    expect(theme["--mantine-color-placeholder"]).toBe("var(--text-faint)");
    expect(theme["--mantine-color-error"]).toBe("var(--down)");
    expect(theme["--mantine-color-dimmed"]).toBe("var(--text-faint)");
  }
});
