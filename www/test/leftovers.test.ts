// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import en from "../src/i18n/en";

const SRC = path.resolve(import.meta.dirname, "../src");

/** All files of the page that end so, with their texts. */
function files(end: string): { name: string; text: string }[] {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(end))
    .map((name) => ({ name, text: readFileSync(path.join(SRC, name), "utf8") }));
}

/** All keys of the words, without what tells one from many. */
function keys(words: object, place = ""): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === "string"
      ? [`${place}${key}`.replace(/_(one|other)$/, "")]
      : keys(value, `${place}${key}.`),
  );
}

test("no word is left over that the page never says", () => {
  const code = [...files(".tsx"), ...files(".ts")]
    .filter(({ name }) => !/^i18n[\\/](?:en|tr)[\\/]/.test(name))
    .map(({ text }) => text)
    .join("\n");
  // A key as it stands, or as a template makes it: `states.${status}`.
  const said = [...code.matchAll(/["`](?:\w+:)?((?:\w|\.|\$\{[^}]*\})+)["`]/g)].flatMap(([, key = ""]) => {
    const parts = key.split(/\$\{[^}]*\}/);
    // Of a template alone nothing is known.
    if (!parts.some((part) => /\w/.test(part))) return [];
    return [new RegExp(`^${parts.map((part) => part.replaceAll(".", "\\.")).join("[^.]+")}$`)];
  });
  const unsaid = Object.values(en).flatMap((group) =>
    keys(group).filter((key) => !said.some((pattern) => pattern.test(key))),
  );
  expect([...new Set(unsaid)]).toEqual([]);
});

test("no class is left over: each that a component names has its rule, and each rule is named", () => {
  for (const { name, text } of files(".module.css")) {
    const users = [...files(".tsx")].filter((file) => file.text.includes(`./${path.basename(name)}"`));
    const ruled = new Set(
      [...text.matchAll(/\.([a-zA-Z][\w-]*)(?=[^{}]*\{)/g)].map(([, it]) => it as string),
    );
    const named = new Set<string>();
    let isComputed = false;
    for (const user of users) {
      const local = new RegExp(`import (\\w+) from "[^"]*${path.basename(name)}"`).exec(user.text)?.[1];
      for (const [, it] of user.text.matchAll(new RegExp(`\\b${local}\\.(\\w+)`, "g")))
        named.add(it as string);
      if (new RegExp(`\\b${local}\\[`).test(user.text)) isComputed = true;
    }
    for (const it of named) expect([...ruled], `${name} has no .${it}`).toContain(it);
    if (!isComputed)
      for (const it of ruled) expect([...named], `${name} has a .${it} for nobody`).toContain(it);
  }
});
