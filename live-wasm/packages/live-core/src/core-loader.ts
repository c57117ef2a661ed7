import { failureText } from "./answer.js";
import { backoffMs, type RetryBounds } from "./backoff.js";
import type { Clock } from "./clock.js";
import { Core } from "./core.js";
import type { LiveError } from "./types.js";
import { createCore, type ModuleSource } from "./wasm.js";

/** How far loading has come. */
export interface LoadState {
  isLoading: boolean;
  /** Why the last attempt failed. */
  error: LiveError | null;
  /** When the next one starts, milliseconds since the Unix epoch. */
  retryAt: number | null;
}

/** What the loader tells its owner. */
export interface LoadEvents {
  loaded(core: Core): void;
  changed(): void;
}

/** Gets an instance of the module, and tries again when that fails. */
export class CoreLoader {
  readonly #source: ModuleSource;
  readonly #time: { clock: Clock; retry: RetryBounds };
  readonly #events: LoadEvents;
  #state: LoadState = { isLoading: false, error: null, retryAt: null };
  #cancelRetry: (() => void) | null = null;
  #isStopped = false;

  constructor(source: ModuleSource, time: { clock: Clock; retry: RetryBounds }, events: LoadEvents) {
    this.#source = source;
    this.#time = time;
    this.#events = events;
  }

  get state(): LoadState {
    return this.#state;
  }

  /** Starts loading. */
  load(): void {
    this.#state = { isLoading: true, error: null, retryAt: null };
    void this.#attempt(1);
    // Told in a later turn: the caller may be rendering a tree.
    queueMicrotask(() => {
      if (!this.#isStopped) this.#events.changed();
    });
  }

  /** Nothing is told any more; an instance that is still under way is thrown away. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelRetry?.();
  }

  async #attempt(attempt: number): Promise<void> {
    try {
      const instance = await createCore(this.#source);
      if (this.#isStopped) {
        instance.core.free();
        return;
      }
      this.#state = { isLoading: false, error: null, retryAt: null };
      this.#events.loaded(new Core(instance));
    } catch (error) {
      if (!this.#isStopped) this.#failed(error, attempt);
    }
  }

  #failed(cause: unknown, attempt: number): void {
    const { clock, retry } = this.#time;
    const delayMs = backoffMs(attempt, clock.random(), retry);
    this.#state = {
      isLoading: false,
      error: { code: "CORE_UNAVAILABLE", message: failureText(cause) },
      retryAt: clock.wallNow() + delayMs,
    };
    this.#cancelRetry = clock.after(delayMs, () => void this.#attempt(attempt + 1));
    this.#events.changed();
  }
}
