import type { Clock } from "./clock.js";
import { Entry, type Hold } from "./entry.js";
import type { WantedChannel } from "./transport/transport.js";
import type { Snap, Transport } from "./types.js";

/** What the registry tells its owner. */
export interface RegistryEvents {
  /** A channel is held for the first time, or is to come over another transport. */
  added(entry: Entry): void;
  /** Its last holder is gone, and so is the linger. */
  removed(entry: Entry): void;
  /** What its holders ask for may be different. */
  changed(entry: Entry): void;
}

/** The channels that are held, counted by their holders. */
export class Registry {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #initial: (name: string) => Snap<unknown>;
  readonly #events: RegistryEvents;

  /** `initial` tells what a channel starts with. */
  constructor(clock: Clock, initial: (name: string) => Snap<unknown>, events: RegistryEvents) {
    this.#clock = clock;
    this.#initial = initial;
    this.#events = events;
  }

  get(name: string): Entry | undefined {
    return this.#entries.get(name);
  }

  all(): IterableIterator<Entry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Holds a channel. Returns it, and the release, which counts once however often it is called. */
  hold(name: string, transport: Transport, hold: Hold): { entry: Entry; release: () => void } {
    const known = this.#entries.get(name);
    const entry = known ?? new Entry(name, transport, this.#initial(name));
    entry.cancelLinger?.();
    entry.cancelLinger = null;
    const isFree = hold.maxHz !== undefined && [...entry.holds].every(({ maxHz }) => maxHz === undefined);
    entry.holds.add(hold);
    if (known && isFree && entry.transport !== transport) {
      entry.transport = transport;
      entry.isAcked = false;
      this.#events.added(entry);
    }
    if (known) this.#events.changed(entry);
    else {
      this.#entries.set(name, entry);
      this.#events.added(entry);
    }
    return { entry, release: () => this.#release(entry, hold) };
  }

  /** The channels to be had over that transport now. */
  wanted(kind: Transport): WantedChannel[] {
    const wanted: WantedChannel[] = [];
    for (const entry of this.#entries.values()) {
      const canAsk = !entry.isRefused && entry.cancelRetry === null && entry.id >= 0;
      if (canAsk && entry.transport === kind) wanted.push(entry.wanted());
    }
    return wanted;
  }

  /** Forgets all lingers and what waits to be asked for again: nothing happens by time any more. */
  freeze(): void {
    for (const entry of this.#entries.values()) {
      entry.cancelLinger?.();
      entry.cancelLinger = null;
      entry.askNow();
    }
  }

  #release(entry: Entry, hold: Hold): void {
    if (!entry.holds.delete(hold)) return;
    if (entry.holds.size > 0) {
      this.#events.changed(entry);
      return;
    }
    entry.cancelLinger = this.#clock.after(hold.lingerMs, () => {
      entry.cancelLinger = null;
      this.#entries.delete(entry.name);
      this.#events.removed(entry);
    });
  }
}
