import type { Refusal } from "../answer.js";
import { backoffMs } from "../backoff.js";
import { defaultTransportOf } from "../channel.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import type { Envelope } from "../envelope.js";
import type { ChannelName, LiveError } from "../types.js";
import { lookAt, Refused, type SessionState } from "./calls.js";
import { tapFromStart } from "./tap.js";
import type { Transcript } from "./transcript.js";

/** How long what is said to have ended may go on to be silent before its end counts as lost. */
const CONCLUDE_AFTER_MS = 3_000;

/** Codes that say that there is no such conversation, or none of this person's. */
const MISSING = ["NOT_FOUND", "FORBIDDEN", "PARAMS_INVALID"];

const nothing = (): void => {};

/** What a line needs of the conversation. */
export interface LineOwner {
  readonly sessionId: string | null;
  /** Something is different. */
  show(): void;
}

/** How a conversation is heard: its channel, and the questions to the gateway that open it again and find out what was missed. */
export class Line {
  /** Why the conversation cannot be had now. */
  error: LiveError | null = null;
  /** Whether there is such a conversation, as far as was heard. */
  isKnown = false;
  isMissing = false;
  readonly #engine: Engine;
  readonly #transcript: Transcript;
  readonly #owner: LineOwner;
  #entry: Entry | null = null;
  #release = nothing;
  /** Acknowledgements that were seen of the channel. */
  #acks = 0;
  /** Envelopes that were heard. */
  #heard = 0;
  /** Moves with every question: only the newest one's answer counts. */
  #attempt = 0;
  /** True while a question is under way, or is going to be. */
  #isBusy = false;
  #cancelNext = nothing;
  /** Failures since the channel was last had. */
  #failures = 0;
  readonly #waiting = new Set<() => void>();

  constructor(engine: Engine, transcript: Transcript, owner: LineOwner) {
    this.#engine = engine;
    this.#transcript = transcript;
    this.#owner = owner;
  }

  /** Whether the channel is held. */
  get isOpen(): boolean {
    return this.#entry !== null;
  }

  /** Opens it, if there is a conversation, unless it is open or about to be. */
  open(): void {
    if (this.#owner.sessionId !== null && !this.#entry && !this.#isBusy) void this.look();
  }

  /** The conversation was begun just now. */
  began(): void {
    this.isKnown = true;
    this.isMissing = false;
    this.error = null;
  }

  /** Something was missed, which may be the end of what is awaited here. */
  missed(): void {
    if (this.#transcript.answering !== null) void this.look();
  }

  /** Asks the gateway for the conversation, which opens its channel after a restart, and listens to it. Never rejects. */
  async look(): Promise<void> {
    this.#cancelNext();
    if (this.#engine.isClosed) return;
    const attempt = ++this.#attempt;
    this.#isBusy = true;
    try {
      const session = await lookAt(this.#engine, this.#owner.sessionId);
      if (attempt === this.#attempt) this.#found(session);
    } catch (thrown) {
      if (attempt === this.#attempt) this.#failed(thrown);
    }
  }

  /** What is awaited here has ended, as the gateway says, or is another answer: unless more is heard it was lost. */
  doubt(running: string | null): void {
    if (this.#transcript.agrees(running)) return;
    const heard = this.#heard;
    this.#later(CONCLUDE_AFTER_MS, () => {
      // A page that nobody sees may not have been shown what has come.
      this.#engine.flush();
      if (heard !== this.#heard) void this.look();
      // Without a line it may be told yet; when there is one again it is looked at anew.
      else if (this.#entry?.isAcked) {
        this.#transcript.conclude(running);
        this.#owner.show();
      }
    });
  }

  /** Listens to the channel, from its beginning on. */
  listen(): void {
    const { sessionId } = this.#owner;
    if (this.#entry || sessionId === null) return;
    const name: ChannelName = `copilot:${sessionId}`;
    const held = this.#engine.hold(name, this.#engine.preferTransport ?? defaultTransportOf(name), {
      maxHz: null,
      lingerMs: 0,
      historyLimit: 0,
    });
    if (!held) return;
    const { entry } = held;
    this.#entry = entry;
    this.#acks = entry.acks;
    const unwatch = entry.listeners.add(() => this.#changed());
    const untap = tapFromStart(this.#engine, entry, (envelope) => this.#take(envelope));
    this.#release = () => {
      untap();
      unwatch();
      held.release();
    };
    // Somebody else may hold it, so that there is nothing to wait for.
    this.#changed();
  }

  /** Waits until the channel is there, for a time. */
  whenHeard(withinMs: number): Promise<void> {
    if (this.#entry?.isAcked !== false) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#waiting.delete(end);
        resolve();
      };
      const cancel = this.#engine.clock.after(withinMs, end);
      this.#waiting.add(end);
    });
  }

  /** The gateway's time by this machine's clock, as the channel's newest envelope tells. */
  toLocal(gatewayMs: number): number {
    const { clock } = this.#engine;
    const name = `copilot:${this.#owner.sessionId}`;
    const { ts } = this.#engine.snap(name, 0);
    const ageMs = this.#engine.ageMs(name);
    return ageMs === null || ts === 0 ? gatewayMs : Math.round(gatewayMs - ts + clock.wallNow() - ageMs);
  }

  /** Lets go of the channel, and of all that is under way. */
  letGo(): void {
    this.#attempt += 1;
    this.#isBusy = false;
    this.#cancelNext();
    // It counts once.
    this.#release();
    this.#entry = null;
    this.#wake();
  }

  #wake(): void {
    for (const end of [...this.#waiting]) end();
  }

  #found({ answerId }: SessionState): void {
    this.#isBusy = false;
    this.isMissing = false;
    this.error = null;
    const entry = this.#entry;
    if (!entry) this.listen();
    else if (entry.isRefused) {
      entry.isRefused = false;
      entry.error = null;
      this.#engine.renew(entry);
      this.#engine.touch(entry);
    } else if (entry.isAcked && this.#transcript.answering !== null) this.doubt(answerId);
    this.#owner.show();
  }

  #failed(thrown: unknown): void {
    const refusal = Refused.of(thrown);
    this.#isBusy = false;
    this.error = refusal.error;
    if (MISSING.includes(this.error.code)) {
      this.isMissing = true;
      this.letGo();
      this.#transcript.conclude(null);
    } else this.#again(refusal);
    this.#owner.show();
  }

  /** What was refused for good is asked for again as well, rarely: whoever asks may sign in meanwhile. */
  #again({ isTransient, retryAfterMs = 0 }: Omit<Refusal, "error">): void {
    const { clock, retry } = this.#engine;
    this.#failures += 1;
    const delayMs = isTransient ? backoffMs(this.#failures, clock.random(), retry) : retry.maxMs;
    this.#later(Math.max(delayMs, retryAfterMs), () => void this.look());
  }

  #later(delayMs: number, run: () => void): void {
    this.#cancelNext();
    this.#isBusy = true;
    this.#cancelNext = this.#engine.clock.after(delayMs, () => {
      this.#isBusy = false;
      run();
    });
  }

  #take(envelope: Envelope<unknown>): void {
    this.#heard += 1;
    this.#transcript.take(envelope);
  }

  /** The channel is had, refused, or without a line. */
  #changed(): void {
    const entry = this.#entry;
    if (!entry) return;
    if (entry.isAcked) {
      this.isKnown = true;
      this.error = null;
      this.#failures = 0;
      this.#wake();
    } else this.error = entry.error ?? this.error;
    // What was said while there was no line may never be heard.
    if (entry.acks !== this.#acks) this.missed();
    this.#acks = entry.acks;
    // The gateway may have been started anew, and know of the conversation when it is asked.
    if (entry.isRefused && !this.#isBusy) this.#again({ isTransient: true });
    this.#owner.show();
  }
}
