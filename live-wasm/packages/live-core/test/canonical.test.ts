import { describe, expect, it } from "vitest";
import vectors from "../../../../live-core/tests/vectors/canonical.json" with { type: "json" };
import { stableStringify } from "../src/exports.js";

/** What JavaScript's own parser lets pass: it takes the last of two members, and any depth. */
const PASSED_BY_PARSER = new Set(["is there twice", "nests more than 64 levels deep"]);

function double(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

describe("the vectors that Rust shares", () => {
  for (const vector of vectors as Partial<
    Record<"name" | "input" | "bits" | "canonical" | "reason", string>
  >[]) {
    it(vector.name ?? "", () => {
      const { input, bits, canonical, reason = "" } = vector;
      if (canonical !== undefined) {
        const value: unknown = bits ? double(bits) : JSON.parse(input ?? "");
        expect(stableStringify(value)).toBe(canonical);
      } else if (input === undefined) {
        expect(reason).toBe("is not UTF-8"); // which JavaScript's texts are not in
      } else if (reason === "is not valid JSON") {
        expect(() => JSON.parse(input)).toThrow(SyntaxError);
      } else if (PASSED_BY_PARSER.has(reason)) {
        expect(stableStringify(JSON.parse(input))).toBeTruthy();
      } else {
        expect(() => stableStringify(JSON.parse(input))).toThrow(TypeError);
      }
    });
  }
});

describe("a value that contains itself", () => {
  it("yields [Circular] at that place", () => {
    const object: Record<string, unknown> = { b: 1 };
    object.a = object;
    expect(stableStringify(object)).toBe('{"a":"[Circular]","b":1}');
    const list: unknown[] = [1];
    list.push(list, [list, { list }]);
    expect(stableStringify(list)).toBe('[1,"[Circular]",["[Circular]",{"list":"[Circular]"}]]');
  });

  it("is found behind others, at any distance", () => {
    const top: Record<string, unknown> = {};
    top.a = { b: [{ c: { top } }] };
    expect(stableStringify(top)).toBe('{"a":{"b":[{"c":{"top":"[Circular]"}}]}}');
    expect(stableStringify({ top })).toBe('{"top":{"a":{"b":[{"c":{"top":"[Circular]"}}]}}}');
    let deep: unknown[] = [];
    const outermost = deep;
    for (let level = 0; level < 50_000; level += 1) {
      const inner: unknown[] = [];
      deep.push(inner);
      deep = inner;
    }
    deep.push(outermost);
    expect(stableStringify(outermost)).toBe(`${"[".repeat(50_001)}"[Circular]"${"]".repeat(50_001)}`);
  });

  it("is found through toJSON and getters", () => {
    const through = { toJSON: () => ({ again: [through] }) };
    expect(stableStringify(through)).toBe('{"again":["[Circular]"]}');
    const result: Record<string, unknown> = {};
    result.self = { toJSON: () => result };
    expect(stableStringify(result)).toBe('{"self":"[Circular]"}');
    const getter = {
      get me(): unknown {
        return this;
      },
    };
    expect(stableStringify(getter)).toBe('{"me":"[Circular]"}');
    const itself = { a: 1, toJSON: (): unknown => itself };
    expect(stableStringify([itself])).toBe(stableStringify([{ a: 1 }]));
  });

  it("is found in instances of classes, and in what a Map or a Set carries as members", () => {
    class Node {
      readonly next: Node = this;
      readonly name = "n";
    }
    expect(stableStringify(new Node())).toBe('{"name":"n","next":"[Circular]"}');
    const map = new Map<string, unknown>();
    map.set("map", map);
    expect(stableStringify(map)).toBe("{}");
    expect(stableStringify(Object.assign(map, { map }))).toBe('{"map":"[Circular]"}');
    const set = new Set<unknown>();
    set.add(set);
    expect(stableStringify([set])).toBe("[{}]");
    const proxy: object = new Proxy({} as Record<string, unknown>, {
      get: (_, name) => (name === "p" ? proxy : undefined),
      ownKeys: () => ["p"],
      getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
    });
    expect(stableStringify(proxy)).toBe('{"p":"[Circular]"}');
  });

  it("is not one that is shared", () => {
    const shared = { x: [1] };
    expect(stableStringify({ b: shared, a: [shared, shared] })).toBe(
      '{"a":[{"x":[1]},{"x":[1]}],"b":{"x":[1]}}',
    );
    const again = { toJSON: () => shared };
    expect(stableStringify([again, again, shared])).toBe('[{"x":[1]},{"x":[1]},{"x":[1]}]');
  });
});

describe("depth", () => {
  it("costs no stack", () => {
    let list: unknown = 0;
    let object: unknown = 0;
    for (let level = 0; level < 300_000; level += 1) {
      list = [list];
      object = { a: object };
    }
    expect(stableStringify(list)).toBe(`${"[".repeat(300_000)}0${"]".repeat(300_000)}`);
    expect(stableStringify(object)).toBe(`${'{"a":'.repeat(300_000)}0${"}".repeat(300_000)}`);
  });

  it("ends somewhere for what makes itself up", () => {
    const endless = (): unknown => ({
      get more() {
        return endless();
      },
    });
    expect(() => stableStringify(endless())).toThrow(RangeError);
    const toJSON = (): unknown => ({ more: { toJSON } });
    expect(() => stableStringify({ toJSON })).toThrow("nests more than 500000 levels deep");
  });
});

describe("what is no JSON", () => {
  class Point {
    readonly x = 1;
    readonly #hidden = 2;
    get hidden(): number {
      return this.#hidden;
    }
  }
  const values: Record<string, unknown> = {
    nothing: { a: undefined, b: () => 1, c: Symbol("c"), [Symbol("d")]: 1 },
    "nothing in an array": [undefined, () => 1, Symbol("c"), null],
    holes: Object.assign(new Array(3), { 1: "between" }),
    "an array with members": Object.assign([1], { x: 2 }),
    dates: [new Date(0), new Date(Number.NaN)],
    wrappers: [Object(1), Object("s"), Object(false), Object(-0)],
    instances: [
      new Point(),
      new Error("no member can be seen"),
      /x/,
      new Map([[1, 2]]),
      new Set([1]),
      new WeakMap(),
    ],
    "typed arrays": [new Uint8Array([1, 2]), new ArrayBuffer(2)],
    "an object without a prototype": Object.assign(Object.create(null), { b: 1, a: 2 }),
    "a member called __proto__": JSON.parse('{"__proto__":{"x":1},"constructor":2}'),
    "what is not enumerable or inherited": Object.create(
      { a: 1 },
      { b: { value: 1 }, c: { value: 2, enumerable: true } },
    ),
    "a toJSON that is told its name": {
      a: { toJSON: (name: string) => name },
      b: [{ toJSON: (name: string) => name }],
    },
    "a toJSON that says nothing": {
      a: { toJSON: () => undefined },
      b: [{ toJSON: () => Symbol("x") }],
      c: { toJSON: 1 },
    },
    "a function with a toJSON": [Object.assign(() => 1, { toJSON: () => "told" })],
    "a URL": new URL("https://example.com/é"),
    "names of integers": { 10: 1, 9: 2, "-1": 3, "01": 4 },
  };

  /** The canonical form by the parser's and the engine's own means. */
  const reference = (value: unknown) =>
    JSON.stringify(JSON.parse(JSON.stringify(value)), (_, inner: unknown) =>
      typeof inner !== "object" || inner === null || Array.isArray(inner)
        ? inner
        : new Proxy(inner, { ownKeys: (of) => Reflect.ownKeys(of).sort() }),
    );

  for (const [name, value] of Object.entries(values)) {
    it(`is as JSON.stringify has it: ${name}`, () => {
      expect(stableStringify(value)).toBe(reference(value));
    });
  }

  it("is null where there is nothing else", () => {
    for (const nothing of [undefined, () => 1, Symbol("x"), { toJSON: () => undefined }]) {
      expect(stableStringify(nothing)).toBe("null");
    }
  });

  it("is refused by the place where no canonical form stands for it", () => {
    const check = (value: unknown, message: string) => expect(() => stableStringify(value)).toThrow(message);
    check(Number.NaN, "NaN has no canonical JSON (at the value itself)");
    check({ b: [0, Number.NEGATIVE_INFINITY] }, "-Infinity has no canonical JSON (at /b/1)");
    check({ a: 1, b: { c: 10n } }, "a bigint has no canonical JSON (at /b/c)");
    check([Object(1n)], "a bigint has no canonical JSON (at /0)");
    check({ a: "\ud83d" }, "half of a surrogate pair has no canonical JSON (at /a)");
    check([{ "\ude00": 1 }], "half of a surrogate pair has no canonical JSON");
    check([Object(Number.POSITIVE_INFINITY)], "Infinity has no canonical JSON (at /0)");
  });

  it("passes on what a getter or toJSON throws", () => {
    const thrown = new Error("not now");
    const value = {
      get a(): never {
        throw thrown;
      },
    };
    expect(() => stableStringify([value])).toThrow(thrown);
    expect(() => stableStringify({ b: { toJSON: () => value.a } })).toThrow(thrown);
  });
});

it("has its own output as canonical form", () => {
  const value = {
    z: [1e21, 0.1, -0, 5e-324],
    "\ufb33": "דּ",
    "\u{1f600}": "\u2028\u007f",
    a: { b: [], a: {} },
  };
  const once = stableStringify(value);
  expect(once).toBe('{"a":{"a":{},"b":[]},"z":[1e+21,0.1,0,5e-324],"😀":"\u2028\u007f","\ufb33":"דּ"}');
  expect(stableStringify(JSON.parse(once))).toBe(once);
});
