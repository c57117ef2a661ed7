import type { Readable } from "./types.js";

/** Runs a callback of the page's; its exception is the page's own and must not stop anything else. */
export function tell(callback: () => void): void {
  try {
    callback();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Callbacks that want to know. A callback may come and go while others are being told. */
export class Listeners {
  readonly #callbacks = new Set<{ call: () => void }>();

  /** Adds one, the same function also twice, and returns what removes it. */
  add(call: () => void): () => void {
    const entry = { call };
    this.#callbacks.add(entry);
    return () => {
      this.#callbacks.delete(entry);
    };
  }

  /** Calls each of those that are there now. */
  notify(): void {
    for (const entry of [...this.#callbacks]) {
      if (this.#callbacks.has(entry)) tell(entry.call);
    }
  }
}

/** A value that is set from inside and watched from outside. */
export class Value<T> implements Readable<T> {
  readonly #listeners = new Listeners();
  readonly #server: T;
  #value: T;

  constructor(initial: T) {
    this.#server = initial;
    this.#value = initial;
  }

  readonly get = (): T => this.#value;
  readonly getServer = (): T => this.#server;
  readonly subscribe = (callback: () => void): (() => void) => this.#listeners.add(callback);

  /** Replaces it, and tells so when it is another one. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    this.#listeners.notify();
  }
}

/** A part of a readable, told only when the part differs. */
export function select<T, S>(
  source: Readable<T>,
  pick: (value: T) => S,
  equal: (a: S, b: S) => boolean = Object.is,
): Readable<S> {
  let last: { value: T; part: S } | null = null;
  let server: { part: S } | null = null;
  const get = (): S => {
    const value = source.get();
    if (last && Object.is(last.value, value)) return last.part;
    const picked = pick(value);
    const part = last && equal(last.part, picked) ? last.part : picked;
    last = { value, part };
    return part;
  };
  return {
    get,
    getServer: () => {
      server ??= { part: pick(source.getServer()) };
      return server.part;
    },
    subscribe: (callback) => {
      let seen = get();
      return source.subscribe(() => {
        const part = get();
        if (Object.is(part, seen)) return;
        seen = part;
        callback();
      });
    },
  };
}
