import type { WantedChannel } from "./transport/transport.js";

/** Channels in one command, so that it stays far below the gateway's limit for a frame. */
const CHANNELS_A_COMMAND = 50;

/** What of the line the subscriptions need: sends a command, false when there is no line. */
type Send = (command: object) => boolean;

/** Keeps what is subscribed on a line in step with what is wanted, by as few commands as can be. */
export class Subscriptions {
  readonly #nextId: () => number;
  readonly #since: (name: string) => string | undefined;
  /** What was asked for on the present line, with its rate. */
  readonly #asked = new Map<string, number | null>();
  /** The channels of each subscribe command that is not answered for all of them. */
  readonly #pending = new Map<number, Set<string>>();
  /** The channels of each unsubscribe and rate command that is not answered. */
  readonly #dropping = new Map<number, readonly string[]>();

  /** `since` tells how far a channel has come, if anything of it is held. */
  constructor(nextId: () => number, since: (name: string) => string | undefined) {
    this.#nextId = nextId;
    this.#since = since;
  }

  /** A new line carries nothing yet. */
  reset(): void {
    this.#asked.clear();
    this.#pending.clear();
    this.#dropping.clear();
  }

  /** Sends what differs: what to let go of first, then what to take. */
  sync(wanted: readonly WantedChannel[], send: Send): void {
    const rates = new Map(wanted.map(({ name, maxHz }) => [name, maxHz]));
    for (const [name, maxHz] of rates) {
      const asked = this.#asked.get(name);
      // NaN is a channel to be taken anew, and equals nothing.
      if (asked === undefined || asked === maxHz || Number.isNaN(asked)) continue;
      const id = this.#nextId();
      if (!send({ id, cmd: "rate", channel: name, maxHz })) return;
      this.#dropping.set(id, [name]);
      this.#asked.set(name, maxHz);
    }
    const drop = [...this.#asked].filter(([name, maxHz]) => rates.get(name) !== maxHz).map(([name]) => name);
    for (const channels of portions(drop)) {
      const id = this.#nextId();
      if (!send({ id, cmd: "unsubscribe", channels })) return;
      this.#dropping.set(id, channels);
      for (const name of channels) this.#asked.delete(name);
    }
    for (const channels of portions(wanted.filter(({ name }) => !this.#asked.has(name)))) {
      if (!this.#subscribe(channels, send)) return;
    }
  }

  /** An unsubscribe, or a change of rate, was carried out. */
  dropped(id: number): void {
    this.#dropping.delete(id);
  }

  /** True when that command was one of those. It was refused, so that what it named is held as before. */
  keep(id: number | undefined): boolean {
    const names = this.#dropping.get(id ?? -1);
    // Nobody wants the rate that it has, so that it is let go of with the next step.
    for (const name of names ?? []) this.#asked.set(name, Number.NaN);
    return this.#dropping.delete(id ?? -1);
  }

  /** One channel was answered, well or badly. */
  answered(id: number | undefined, name: string): void {
    if (id === undefined) return;
    const names = this.#pending.get(id);
    names?.delete(name);
    if (names?.size === 0) this.#pending.delete(id);
  }

  /** The channels that a refused command was about, which are then no longer asked for. */
  refused(id: number | undefined): string[] {
    const names = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || !names) return [];
    this.#pending.delete(id);
    for (const name of names) {
      // Unless it is held from before, since the command to let go of it was refused as well.
      if (!Number.isNaN(this.#asked.get(name))) this.#asked.delete(name);
    }
    return [...names];
  }

  /** The gateway holds the channel no more, or never did; `id` is the command that this answers, if it does. */
  lost(id: number | undefined, name: string): void {
    this.answered(id, name);
    this.#asked.delete(name);
  }

  /** The channel is to be let go of and taken again. */
  renew(name: string): void {
    // A rate that nobody can ask for differs from any that is wanted.
    if (this.#asked.has(name)) this.#asked.set(name, Number.NaN);
  }

  #subscribe(channels: readonly WantedChannel[], send: Send): boolean {
    const id = this.#nextId();
    const sent = send({
      id,
      cmd: "subscribe",
      channels: channels.map(({ name, maxHz }) => {
        const since = this.#since(name);
        return { name, ...(since && { since }), ...(maxHz !== null && { maxHz }) };
      }),
    });
    if (!sent) return false;
    for (const { name, maxHz } of channels) this.#asked.set(name, maxHz);
    this.#pending.set(id, new Set(channels.map(({ name }) => name)));
    return true;
  }
}

/** The items by as many as one command may name. */
function portions<T>(items: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let at = 0; at < items.length; at += CHANNELS_A_COMMAND)
    parts.push(items.slice(at, at + CHANNELS_A_COMMAND));
  return parts;
}
