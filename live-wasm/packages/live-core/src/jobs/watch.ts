import type { Refusal } from "../answer.js";
import { askAnew } from "../ask-anew.js";
import { backoffMs } from "../backoff.js";
import { defaultTransportOf } from "../channel.js";
import type { Engine } from "../engine.js";
import type { Entry } from "../entry.js";
import { isFinalCode } from "../final.js";
import { Value } from "../readable.js";
import type { ChannelName, LiveError } from "../types.js";
import type { Source } from "./held.js";
import { hasEnded, isJobId, isProgress, jobPath, readJob, stateOf } from "./read.js";
import type { Job, JobOptions, JobState, JobUpdates } from "./types.js";

/** How long the gateway may hold an answer back, in seconds: the most that it allows. */
const WAIT_S = 25;
/** How much longer than that the answer may take on its way. */
const ANSWER_WITHIN_MS = 15_000;
/** Least time from one question to the next, however often the job changes. */
const ASK_EVERY_MS = 500;
/** The same where the answer is older than what is known, which the gateway therefore does not hold back. */
const ASK_OLD_EVERY_MS = 2_000;
/** How long the channel may take to speak, or to come back, before the job is asked for instead. */
const CHANNEL_WITHIN_MS = 2_000;
/** How long a channel that was refused again is not asked for. */
const CHANNEL_AGAIN_MS = 30_000;

const nothing = (): void => {};

/**
 * Follows one job to its end: a first question, which also tells the gateway's node whose the channel is, then its
 * channel. While that is not fresh (refused, silent, or without a line) the job itself is asked for, each question held
 * back by the gateway until there is news. Whatever the way, the greater `version` is the newer.
 */
export class JobWatch implements Source<JobState> {
  readonly state: Value<JobState>;
  readonly #engine: Engine;
  readonly #id: string;
  readonly #options: JobOptions;
  #job: Job | undefined;
  #error: LiveError | null = null;
  #isMissing = false;
  /** True while the channel is what tells of the job. */
  #isLive = false;
  /** True while the channel is refused for good, as far as the gateway knows. */
  #isRefused = false;
  #failures = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  /** When the channel was last asked for again after a refusal. */
  #reopenedAt = Number.NEGATIVE_INFINITY;
  /** Ends what is under way: a question, or the wait for the next. */
  #cancel = nothing;
  #stopNetwork = nothing;
  readonly #channel: ChannelName;
  /** The channel while it is held. */
  #entry: Entry | null = null;
  #closeChannel = nothing;

  constructor(engine: Engine, id: string, options: JobOptions, pending: JobState) {
    this.state = new Value(pending);
    this.#engine = engine;
    this.#id = id;
    this.#options = options;
    this.#channel = `job:${id}`;
  }

  start(): void {
    if (!isJobId(this.#id)) {
      this.#missing({ code: "JOB_NOT_FOUND", message: "that is no id of a job" });
      return;
    }
    this.#stopNetwork = this.#engine.network.subscribe((event) => {
      if (event === "hidden") this.#pause();
      // The line of the question may be dead, and what was waited for over. Events that come together are one.
      else if (event !== "offline" && !this.#isLive) this.#askAfter(0);
    });
    void this.#ask();
  }

  stop(): void {
    this.#next(nothing);
    this.#stopNetwork();
    this.#closeChannel();
    this.#isLive = false;
  }

  /** Takes in how the job stands, unless something newer is known. */
  took(job: Omit<Job, "params"> & { params?: unknown }): void {
    if (this.#job && job.version <= this.#job.version) return;
    this.#job = { params: this.#job?.params, ...job };
    if (hasEnded(this.#job)) this.stop();
    this.#show();
  }

  get #hasEnded(): boolean {
    return this.#isMissing || (this.#job !== undefined && hasEnded(this.#job));
  }

  /** Nobody looks: a question that is held back is of no use. What is not known at all is asked for all the same. */
  #pause(): void {
    if (!this.#job) return;
    this.#next(nothing);
    this.#show();
  }

  /** Ends what is under way in favour of something else. */
  #next(cancel: () => void): void {
    this.#cancel();
    this.#cancel = cancel;
  }

  #askAfter(delayMs: number): void {
    const { clock, network } = this.#engine;
    // A hidden page asks when it is seen again.
    if (this.#job && network.hidden()) this.#next(nothing);
    else this.#next(clock.after(delayMs, () => void this.#ask()));
  }

  async #ask(): Promise<void> {
    const { clock } = this.#engine;
    this.#askedAt = clock.now();
    const abort = new AbortController();
    const cancel = () => abort.abort();
    this.#next(cancel);
    this.#show();
    // After a failure the next answer is to come at once, and so is the one that the channel waits for.
    const isHeldBack = this.#entry !== null && this.#failures === 0 && !this.#isReopenDue;
    const waitS = isHeldBack ? WAIT_S : 0;
    const answer = await askAnew(
      this.#engine,
      `${jobPath(this.#id)}?wait=${waitS}`,
      abort,
      (bytes, status) => (status === 304 ? null : readJob(this.#id, bytes)),
      {
        cache: "no-store",
        headers: { ...(this.#job && { "if-none-match": `"v${this.#job.version}"` }) },
        withinMs: waitS * 1_000 + ANSWER_WITHIN_MS,
      },
    );
    if (this.#cancel !== cancel) return;
    if ("error" in answer) this.#failed(answer);
    else this.#answered(answer.value);
  }

  #answered(job: Job | null): void {
    this.#failures = 0;
    this.#error = null;
    this.#next(nothing);
    const isOld = job !== null && this.#job !== undefined && job.version <= this.#job.version;
    if (job) this.took(job);
    if (this.#hasEnded) return;
    if (!this.#entry) {
      this.#askAfter(CHANNEL_WITHIN_MS);
      this.#openChannel();
    } else {
      if (this.#isReopenDue) this.#reopenChannel(this.#entry);
      const everyMs = isOld ? ASK_OLD_EVERY_MS : ASK_EVERY_MS;
      this.#askAfter(this.#askedAt + everyMs - this.#engine.clock.now());
    }
    this.#show();
  }

  #failed({ error, isTransient, retryAfterMs = 0 }: Refusal): void {
    // The gateway's own word: a page of some proxy that has the same status is none.
    if (error.code === "JOB_NOT_FOUND" || error.code === "NOT_FOUND") {
      this.#missing(error);
      return;
    }
    this.#failures += 1;
    const { clock, retry } = this.#engine;
    // What was refused for good is asked again as well, rarely: whoever asks may sign in meanwhile.
    const delayMs = isTransient ? backoffMs(this.#failures, clock.random(), retry) : retry.maxMs;
    const isSame = this.#error?.code === error.code && this.#error.message === error.message;
    if (!isSame) this.#error = error;
    this.#askAfter(Math.max(delayMs, retryAfterMs));
    this.#show();
  }

  #missing(error: LiveError): void {
    this.#isMissing = true;
    this.#error = error;
    this.stop();
    this.#show();
  }

  #openChannel(): void {
    const { transport = this.#engine.preferTransport, maxHz = null } = this.#options;
    const held = this.#engine.hold(this.#channel, transport ?? defaultTransportOf(this.#channel), {
      maxHz,
      lingerMs: 0,
      historyLimit: 0,
    });
    if (!held) return;
    const unwatch = held.entry.listeners.add(() => this.#heard());
    this.#entry = held.entry;
    this.#closeChannel = () => {
      this.#entry = null;
      unwatch();
      held.release();
    };
    // Somebody else may hold it, so that it has a value already.
    this.#heard();
  }

  /** Whether the channel was refused and may be asked for again, once the gateway knows whose it is. */
  get #isReopenDue(): boolean {
    return this.#isRefused && this.#engine.clock.now() - this.#reopenedAt >= CHANNEL_AGAIN_MS;
  }

  #reopenChannel(entry: Entry): void {
    this.#reopenedAt = this.#engine.clock.now();
    this.#isRefused = false;
    entry.isRefused = false;
    entry.error = null;
    this.#engine.renew(entry);
    this.#engine.touch(entry);
  }

  /** The channel changed: what it says, or how far it can be trusted. */
  #heard(): void {
    const { value, freshness, error } = this.#engine.snap(this.#channel, 0);
    const isKnown = isProgress(this.#id, value);
    if (isKnown) this.took(value);
    if (this.#hasEnded) return;
    const isRefused = error !== null && isFinalCode(error.code);
    // An old value is fresh for a while also on a line that does not carry the channel, or not yet.
    const isCarried = this.#entry?.isAcked === true && error === null;
    const isLive = isKnown && isCarried && freshness === "fresh";
    if (isRefused === this.#isRefused && isLive === this.#isLive) return;
    const isNewlyRefused = isRefused && !this.#isRefused;
    this.#isRefused = isRefused;
    this.#isLive = isLive;
    if (isLive) {
      this.#failures = 0;
      this.#error = null;
      this.#next(nothing);
    } else if (isNewlyRefused) void this.#ask();
    else this.#askAfter(CHANNEL_WITHIN_MS);
    this.#show();
  }

  #show(): void {
    const isAsking = this.#failures === 0 && !this.#engine.network.hidden();
    const updates: JobUpdates = this.#isLive ? "live" : isAsking ? "polling" : "none";
    const next = stateOf(this.#job, this.#error, this.#isMissing, updates);
    const last = this.state.get();
    const keys = ["status", "job", "error", "updates"] as const;
    if (keys.some((key) => next[key] !== last[key])) this.state.set(next);
  }
}
