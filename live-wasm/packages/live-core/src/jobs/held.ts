import type { Clock } from "../clock.js";
import type { Readable } from "../types.js";

/** Something that works while somebody watches it. */
export interface Source<T> {
  readonly state: Readable<T>;
  /** Begins to work. */
  start(): void;
  /** Ends all that is under way. What was last known stays readable. */
  stop(): void;
}

interface Held<T> {
  source: Source<T>;
  count: number;
  cancelLinger: () => void;
}

/** Sources that are watched, by name: shared by all who watch one, and kept a little longer than the last of them. */
export class HeldSources {
  readonly #clock: Clock;
  readonly #held = new Map<string, Held<unknown>>();
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The source of that name; undefined while nobody holds it. */
  get<T>(name: string): Source<T> | undefined {
    return this.#held.get(name)?.source as Source<T> | undefined;
  }

  /** Holds a source, which `make` makes if need be. Returns it, and the release, which counts once. */
  hold<T>(name: string, make: () => Source<T>, lingerMs: number): { source: Source<T>; release: () => void } {
    const known = this.#held.get(name) as Held<T> | undefined;
    const held = known ?? { source: make(), count: 0, cancelLinger: () => {} };
    held.count += 1;
    held.cancelLinger();
    if (!known) {
      this.#held.set(name, held);
      if (!this.#isClosed) held.source.start();
    }
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      held.count -= 1;
      if (held.count > 0 || this.#isClosed) return;
      held.cancelLinger = this.#clock.after(lingerMs, () => {
        this.#held.delete(name);
        held.source.stop();
      });
    };
    return { source: held.source, release };
  }

  /** A readable of the source of that name, which is held while the readable is watched. */
  readable<T>(name: string, make: () => Source<T>, initial: T, lingerMs: number): Readable<T> {
    return {
      get: () => this.get<T>(name)?.state.get() ?? initial,
      getServer: () => initial,
      subscribe: (callback) => {
        const { source, release } = this.hold(name, make, lingerMs);
        const unwatch = source.state.subscribe(callback);
        return () => {
          unwatch();
          release();
        };
      },
    };
  }

  /** Ends them all. What they last knew stays readable. */
  close(): void {
    this.#isClosed = true;
    for (const { source, cancelLinger } of this.#held.values()) {
      cancelLinger();
      source.stop();
    }
  }
}
