// The packages as they would be published, taken up by what people take them up with.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { BUDGETS } from "../../tests/bench/lib/budgets.mjs";
import { compressed, measure } from "../../tests/bench/lib/weight.mjs";
import { files, installed, makeProject } from "./project.mjs";

const vectors = path.join(import.meta.dirname, "../../live-core/tests/vectors");
const readVectors = (name) => JSON.parse(readFileSync(path.join(vectors, name), "utf8"));

let project;
before(() => {
  project = makeProject();
});
after(() => project?.remove());

/**
 * Says what the module thinks of an envelope, that what comes later is found in files of its own, and that a client can be
 * made and closed without a page.
 */
const USE = `
  await ready();
  const client = createLiveClient({ url: "http://127.0.0.1:1/" });
  const { freshness } = client.channel("price:AAPL").get();
  const refusal = await client.job("no id").cancel().catch(({ code }) => code);
  const unknown = await client.copilot().confirm().catch(({ field }) => field);
  client.close();
  const envelope = '{"v":1,"event":"a.b","channel":"price:AAPL","seq":1,"ts":1,"ok":true,"errorCode":null,"data":1}';
  console.log(JSON.stringify([validate(envelope).ok, freshness, refusal, unknown, client.link.get().status]));
`;
const USED = '[true,"pending","JOB_NOT_FOUND","proposalId","closed"]';

describe("what is published", () => {
  test("is what is built, its description and nothing else", () => {
    for (const name of ["@spark/live-core", "@spark/live-react"]) {
      const inside = files(project.folder(name)).filter((file) => !file.startsWith("dist/"));
      assert.deepEqual(inside, ["README.md", "package.json"], name);
    }
  });

  test("has no complaint of publint", async () => {
    for (const name of ["@spark/live-core", "@spark/live-react"]) {
      const pkgDir = project.folder(name);
      const { messages } = await publint({ pkgDir, strict: true, pack: false });
      const manifest = JSON.parse(readFileSync(path.join(pkgDir, "package.json"), "utf8"));
      assert.deepEqual(
        messages.map((message) => formatMessage(message, manifest)),
        [],
        name,
      );
    }
  });

  test("uses nothing that a strict page forbids or that not every bundler knows", () => {
    const forbidden = /\beval\s*\(|\bnew Function\b|\blocalStorage\b|\bsessionStorage\b|\bimport\.meta\b/;
    for (const name of ["@spark/live-core", "@spark/live-react"]) {
      const folder = path.join(project.folder(name), "dist");
      for (const file of files(folder).filter((file) => /\.c?js$/.test(file))) {
        const text = readFileSync(path.join(folder, file), "utf8");
        assert.equal(forbidden.exec(text), null, `${name}/${file}`);
        assert.doesNotMatch(text, /^(?:const .*= )?await /m, `${name}/${file} awaits at the top level`);
      }
    }
  });

  test("says in every file of the hooks that it is for the client", () => {
    const folder = path.join(project.folder("@spark/live-react"), "dist");
    for (const file of files(folder).filter((file) => /\.c?js$/.test(file))) {
      const first = readFileSync(path.join(folder, file), "utf8").split("\n", 2);
      assert.ok(first.includes('"use client";'), file);
    }
  });
});

describe("in Node", () => {
  test("the default entry loads as a module", () => {
    project.write(
      "default.mjs",
      `import { createLiveClient, ready, validate } from "@spark/live-core";${USE}`,
    );
    assert.equal(project.node("default.mjs"), USED);
  });

  test("the default entry loads by require", () => {
    const text = `const { createLiveClient, ready, validate } = require("@spark/live-core");(async () => {${USE}})();`;
    project.write("default.cjs", text);
    assert.equal(project.node("default.cjs"), USED);
  });

  test("the slim entry takes the module from its caller", () => {
    const head = `
      import { readFileSync } from "node:fs";
      import { createRequire } from "node:module";
      import { createLiveClient, provideWasm, ready, validate } from "@spark/live-core/slim";
      provideWasm(readFileSync(createRequire(import.meta.url).resolve("@spark/live-core/core.wasm")));`;
    project.write("slim.mjs", head + USE);
    assert.equal(project.node("slim.mjs"), USED);
  });

  test("the slim entry without a module says what to do", () => {
    const text = `
      import { ready } from "@spark/live-core/slim";
      await ready().catch((error) => console.log(error.message));`;
    project.write("empty.mjs", text);
    assert.match(project.node("empty.mjs"), /^The slim entry has no module: call provideWasm/);
  });

  test("the envelope entry has the codes and no WebAssembly", () => {
    const text = `
      import { ERRORS, PROTOCOL_VERSION } from "@spark/live-core/envelope";
      console.log(PROTOCOL_VERSION, ERRORS.CHANNEL_UNKNOWN.httpStatus);`;
    project.write("envelope.mjs", text);
    assert.equal(project.node("envelope.mjs"), "1 404");
  });

  test("the hooks render on a server, by import and by require", () => {
    const use = `
      const client = createLiveClient({ url: "http://127.0.0.1:1/" });
      const Price = () => createElement("b", null, usePrice("AAPL", (snap) => snap.freshness));
      console.log(renderToString(createElement(LiveProvider, { client }, createElement(Price))));`;
    const imports = {
      react: "createElement",
      "react-dom/server": "renderToString",
      "@spark/live-core": "createLiveClient",
      "@spark/live-react": "LiveProvider, usePrice",
    };
    const lines = (line) =>
      Object.entries(imports)
        .map(([from, names]) => line(names, from))
        .join("\n");
    project.write("hooks.mjs", lines((names, from) => `import { ${names} } from "${from}";`) + use);
    project.write("hooks.cjs", lines((names, from) => `const { ${names} } = require("${from}");`) + use);
    assert.equal(project.node("hooks.mjs"), "<b>pending</b>");
    assert.equal(project.node("hooks.cjs"), "<b>pending</b>");
  });

  test("the hooks import nothing that React 18.2 does not have", async () => {
    const react = await import("react-18");
    assert.equal(react.version, "18.2.0");
    const folder = path.join(project.folder("@spark/live-react"), "dist");
    const names = files(folder)
      .filter((file) => file.endsWith(".js"))
      .flatMap((file) => [
        ...readFileSync(path.join(folder, file), "utf8").matchAll(/import \{([^}]*)\} from "react"/g),
      ])
      .flatMap(([, list]) => list.split(",").map((name) => name.trim()))
      .filter((name) => name !== "");
    assert.ok(names.includes("useSyncExternalStore"));
    for (const name of names) assert.ok(name in react, name);
  });
});

describe("the packed module", () => {
  test("gives the verdicts of the shared vectors", () => {
    const names = readdirSync(vectors).filter((name) => name.endsWith(".json"));
    assert.deepEqual(
      names.sort(),
      ["canonical.json", "envelope.json", "staleness.json"],
      "a new file of vectors needs its judge here",
    );
    const text = `
      import { computeStaleness, ready, stableStringify, validate } from "@spark/live-core";
      import { readFileSync } from "node:fs";
      await ready();
      const read = (name) => JSON.parse(readFileSync(${JSON.stringify(vectors)} + "/" + name, "utf8"));
      const double = (bits) => new DataView(BigUint64Array.of(BigInt("0x" + bits)).buffer).getFloat64(0, true);
      const judged = {
        "canonical.json": read("canonical.json").map(({ bits, canonical, input }) =>
          canonical === undefined ? undefined : stableStringify(bits ? double(bits) : JSON.parse(input)),
        ),
        "envelope.json": read("envelope.json").map(({ input, inputBase64 }) => validate(input ?? Buffer.from(inputBase64, "base64"))),
        "staleness.json": read("staleness.json").map((input) => computeStaleness(input)),
      };
      console.log(JSON.stringify(judged));`;
    project.write("vectors.mjs", text);
    const judged = JSON.parse(project.node("vectors.mjs"));
    for (const name of names) {
      const expected = readVectors(name);
      assert.ok(expected.length > 0, name);
      for (const [at, { name: label, verdict, canonical }] of expected.entries()) {
        // What has no canonical form is JSON.parse's to refuse as well: the package's own tests hold which does.
        const wanted = verdict ?? canonical;
        if (wanted !== undefined) assert.deepEqual(judged[name][at], wanted, `${name}: ${label}`);
      }
    }
  });
});

describe("bundlers", () => {
  test("esbuild builds a page that loads the module", async () => {
    const entry = project.write(
      "page.js",
      `import { createLiveClient, ready, validate } from "@spark/live-core";${USE}`,
    );
    await build({
      entryPoints: [entry],
      bundle: true,
      minify: true,
      format: "esm",
      outfile: path.join(project.root, "out/esbuild.mjs"),
    });
    assert.equal(project.node("out/esbuild.mjs"), USED);
  });

  test("Vite builds a page that loads the module, and one that fetches it beside itself", async () => {
    project.write("vite/index.html", '<script type="module" src="./main.js"></script>');
    project.write(
      "vite/main.js",
      `import { createLiveClient, ready, validate } from "@spark/live-core";${USE}`,
    );
    project.write("slim/index.html", '<script type="module" src="./main.js"></script>');
    project.write(
      "slim/main.js",
      `import wasm from "@spark/live-core/core.wasm?url";
       import { createLiveClient, provideWasm } from "@spark/live-core/slim";
       provideWasm(new URL(wasm, location.href));
       createLiveClient({ url: "/" }).channel("price:AAPL").subscribe(() => {});`,
    );
    const vite = await import("vite");
    const options = {
      configFile: false,
      logLevel: "error",
      build: { target: "es2022", modulePreload: false },
    };
    await vite.build({ ...options, root: path.join(project.root, "vite") });
    await vite.build({ ...options, root: path.join(project.root, "slim") });
    const page = readFileSync(path.join(project.root, "vite/dist/index.html"), "utf8");
    const [, script] = /<script[^>]* src="([^"]+)"/.exec(page) ?? [];
    assert.equal(project.node(`vite/dist${script}`), USED);
    const built = files(path.join(project.root, "slim/dist"));
    assert.equal(built.filter((file) => file.endsWith(".wasm")).length, 1, built.join(" "));
  });
});

describe("the type checker", () => {
  const text = `
    import { createLiveClient, type JobState, type Price, type Snap } from "@spark/live-core";
    import { createLiveClient as slim, provideWasm } from "@spark/live-core/slim";
    import { ERRORS, type Envelope, type ErrorCode } from "@spark/live-core/envelope";
    import { useBacktestResult, useCandles, useJob, usePrice } from "@spark/live-react";
    const client = createLiveClient({ url: "/" });
    export const price: Snap<Price> = client.channel("price:AAPL").get();
    export const bars: Float64Array | undefined = client.candles("AAPL", "1d").get().value?.close;
    export const status: "idle" | "connecting" | "connected" | "disconnected" | "closed" = client.link.get().status;
    export const hooks = () => [usePrice("AAPL", (snap) => snap.seq).toFixed(), useCandles("AAPL", "1d").value?.length];
    export const job = (state: JobState): string => (state.status === "failed" ? state.error.code : state.status);
    export const results = (): [string | undefined, number | undefined] =>
      [useJob<{ symbol: string }>("a").job?.params.symbol, useBacktestResult(null, "equity").row(0)?.drawdown];
    export const code: ErrorCode = "CHANNEL_UNKNOWN";
    export const envelope = (e: Envelope<number>): number => e.data + (ERRORS[code].httpStatus ?? 0);
    provideWasm("/core.wasm");
    export const other = slim({ url: new URL("http://127.0.0.1/") });
    // @ts-expect-error: a symbol alone is no channel
    client.channel("AAPL");
    // @ts-expect-error: a price has no such field
    price.value?.nothing;`;

  for (const [name, file, module, resolution] of [
    ["a bundler's rules", "types.ts", "esnext", "bundler"],
    ["Node's rules, as a module", "types.mts", "node20", "node16"],
    ["Node's rules, as CommonJS", "types.cts", "node20", "node16"],
  ]) {
    test(`knows every entry by ${name}`, () => {
      project.write(file, text);
      const tsc = path.join(installed("typescript"), "bin/tsc");
      const options = [
        "--noEmit",
        "--strict",
        "--exactOptionalPropertyTypes",
        "--target",
        "es2022",
        "--lib",
        "es2023,dom",
      ];
      run(tsc, [...options, "--module", module, "--moduleResolution", resolution, "--ignoreConfig", file]);
    });
  }

  function run(tsc, args) {
    try {
      execFileSync(process.execPath, [tsc, ...args], { cwd: project.root, encoding: "utf8" });
    } catch (error) {
      assert.fail(`${error.stdout ?? ""}${error.stderr ?? ""}${error.stdout ? "" : error.message}`);
    }
  }
});

describe("sizes", () => {
  const core = (entry, names) => () =>
    measure({ entry: `@spark/live-core${entry}`, names, resolveDir: project.root });
  const client = ["createLiveClient"];
  const slim = core("/slim", [...client, "provideWasm"]);
  const measured = [
    [
      "core.wasm",
      BUDGETS.module,
      () => compressed(readFileSync(path.join(project.folder("@spark/live-core"), "dist/core.wasm"))),
    ],
    ["the default entry, all in", BUDGETS.whole, async () => (await core("", client)()).first],
    ["./slim without the module", BUDGETS.slim, async () => (await slim()).first],
    [
      "what knows of jobs and of the copilot, with their first use",
      BUDGETS.later,
      async () => (await slim()).later,
    ],
    [
      "@spark/live-react",
      BUDGETS.hooks,
      async () =>
        (
          await measure({
            entry: "@spark/live-react",
            resolveDir: project.root,
            external: ["react", "@spark/live-core"],
          })
        ).first,
    ],
    ["./envelope", BUDGETS.envelope, async () => (await core("/envelope")()).first],
  ];
  for (const [name, budget, weigh] of measured) {
    test(`${name} is at most ${budget} bytes, compressed`, async (t) => {
      const bytes = await weigh();
      t.diagnostic(`${name}: ${bytes} bytes of ${budget}`);
      assert.ok(bytes <= budget, `${bytes} bytes are more than ${budget}`);
    });
  }
});
