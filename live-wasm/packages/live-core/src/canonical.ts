/** Deepest nesting that is written. What ends sooner is written whole; a value that makes itself up does not end. */
const DEPTH_MAX = 500_000;
/** How much of a place an error shows. */
const PLACE_MAX = 16;
const CIRCULAR = "[Circular]";

/** An array or object that has begun. */
interface Level {
  readonly source: Record<string, unknown>;
  /** Names of its members in order; null for an array. */
  readonly names: readonly string[] | null;
  readonly length: number;
  /** What it stands for: what has the `toJSON` that made it, else itself. Neither may be met inside of it. */
  readonly origin: unknown;
  /** Index of the next value. */
  next: number;
  isEmpty: boolean;
}

/**
 * The canonical JSON of a value (RFC 8785): members in the order of their names' UTF-16 code units, numbers as
 * ECMAScript writes them, no white space. The gateway writes the same bytes for the same value.
 *
 * What is no JSON becomes what `JSON.stringify` makes of it (`toJSON` is asked, a function or `undefined` is left out,
 * and `null` in an array; a `Map` is an object without members), and `undefined` by itself is `null`. A value that
 * contains itself yields `"[Circular]"` at that place; one that is shared is written out each time.
 * No nesting overflows the stack.
 *
 * @throws TypeError that names the place, for what has no canonical form: NaN and the infinities, half of a surrogate
 * pair, a `bigint`. RangeError for more than 500,000 levels. What a getter or `toJSON` throws is passed on.
 */
export function stableStringify(value: unknown): string {
  return new Writer().write(value);
}

class Writer {
  #out = "";
  readonly #levels: Level[] = [];
  readonly #above = new Set<unknown>();

  write(value: unknown): string {
    this.#put(value, this.#toJson(value, ""));
    for (let level = this.#levels.at(-1); level; level = this.#levels.at(-1)) {
      if (level.next < level.length) this.#step(level);
      else this.#end(level);
    }
    return this.#out;
  }

  /** Writes the next value of a level. */
  #step(level: Level): void {
    const { source, names } = level;
    const name = names ? (names[level.next] as string) : String(level.next);
    level.next += 1;
    const value = source[name];
    const json = this.#toJson(value, name);
    if (names && isNothing(json)) return;
    if (!level.isEmpty) this.#out += ",";
    level.isEmpty = false;
    if (names) this.#out += `${this.#string(name)}:`;
    this.#put(value, json);
  }

  #end({ names, source, origin }: Level): void {
    this.#out += names ? "}" : "]";
    this.#above.delete(source);
    this.#above.delete(origin);
    this.#levels.pop();
  }

  /** What stands for a value: what its `toJSON` says, a primitive for its wrapper, a text for what is circular. */
  #toJson(value: unknown, name: string): unknown {
    if (this.#above.has(value)) return CIRCULAR;
    let json = value;
    if (isObject(value) || typeof value === "function" || typeof value === "bigint") {
      const { toJSON } = value as { toJSON?: unknown };
      if (typeof toJSON === "function") json = toJSON.call(value, name);
    }
    if (this.#above.has(json)) return CIRCULAR;
    if (json instanceof Number) return Number(json);
    if (json instanceof String) return String(json);
    if (json instanceof Boolean || json instanceof BigInt) return json.valueOf();
    return json;
  }

  /** Writes what stands for a value, or begins it. */
  #put(origin: unknown, json: unknown): void {
    if (isObject(json)) this.#begin(origin, json);
    else if (typeof json === "string") this.#out += this.#string(json);
    else if (typeof json === "number" && !Number.isFinite(json)) throw this.#noJson(String(json));
    else if (typeof json === "bigint") throw this.#noJson("a bigint");
    // Adding zero makes one of the two zeros.
    else if (typeof json === "number") this.#out += String(json + 0);
    else this.#out += isNothing(json) ? "null" : String(json);
  }

  #begin(origin: unknown, json: object): void {
    if (this.#levels.length === DEPTH_MAX) throw new RangeError(`nests more than ${DEPTH_MAX} levels deep`);
    const source = json as Record<string, unknown>;
    const names = Array.isArray(json) ? null : Object.keys(json).sort();
    const length = names ? names.length : (json as unknown[]).length;
    this.#above.add(source).add(origin);
    this.#levels.push({ source, names, length, origin, next: 0, isEmpty: true });
    this.#out += names ? "{" : "[";
  }

  #string(text: string): string {
    if (/\p{Surrogate}/u.test(text)) throw this.#noJson("half of a surrogate pair");
    return JSON.stringify(text);
  }

  #noJson(what: string): TypeError {
    const place = this.#levels
      .slice(0, PLACE_MAX)
      .map(({ names, next }) => `/${String(names ? names[next - 1] : next - 1).slice(0, 64)}`)
      .join("");
    return new TypeError(`${what} has no canonical JSON (at ${place || "the value itself"})`);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What JSON has no word for and `JSON.stringify` leaves out. */
function isNothing(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}
