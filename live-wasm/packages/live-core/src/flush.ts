import type { Clock } from "./clock.js";
import type { NetworkStatus } from "./network.js";

/** Decides when the next flush runs: one a frame, by a timer where no frames are drawn. */
export class FlushSchedule {
  readonly #clock: Clock;
  readonly #network: NetworkStatus;
  readonly #everyMs: number | null;
  readonly #hiddenMs: number;
  readonly #flush: () => void;
  #cancel: (() => void) | null = null;

  /** `hiddenMs` is how often changes become visible where no frames are drawn. */
  constructor(
    clock: Clock,
    network: NetworkStatus,
    mode: "frame" | { everyMs: number },
    hiddenMs: number,
    flush: () => void,
  ) {
    this.#clock = clock;
    this.#network = network;
    this.#everyMs = mode === "frame" ? null : mode.everyMs;
    this.#hiddenMs = hiddenMs;
    this.#flush = flush;
  }

  /** Asks for a flush soon. Asking again before it ran changes nothing. */
  request(): void {
    if (this.#cancel) return;
    const run = () => {
      this.#cancel = null;
      this.#flush();
    };
    const { frame } = this.#clock;
    if (frame && this.#everyMs === null && !this.#network.hidden()) this.#cancel = frame(run);
    else this.#cancel = this.#clock.after(this.#everyMs ?? this.#hiddenMs, run);
  }

  /** The page was hidden or shown: a flush that waits is moved to what runs now. */
  moved(): void {
    if (!this.#cancel) return;
    this.cancel();
    this.request();
  }

  /** Forgets the flush that waits. */
  cancel(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
