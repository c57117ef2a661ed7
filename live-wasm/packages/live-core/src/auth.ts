import { failureText } from "./answer.js";
import type { Clock } from "./clock.js";
import type { AuthReason, LiveClientOptions } from "./types.js";

/** How long a page may take to bring a token. */
const TOKEN_WITHIN_MS = 15_000;

/**
 * Gets tokens from the page. Lines that ask at the same time and for the same reason share one answer; none
 * is kept for a later attempt, so that each starts with a token that is as fresh as the page has it.
 */
export class Credentials {
  readonly #auth: LiveClientOptions["auth"];
  readonly #clock: Clock;
  /** The last token that the page gave. */
  last: string | null = null;
  readonly #asked = new Map<AuthReason, { abort: AbortController; answer: Promise<string> }>();

  constructor(auth: LiveClientOptions["auth"], clock: Clock) {
    this.#auth = auth;
    this.#clock = clock;
  }

  /** Whether the page gives tokens at all. */
  get isUsed(): boolean {
    return this.#auth !== undefined;
  }

  /** A token for a request beside the lines: the newest, else a first one. */
  async any(): Promise<string> {
    return this.last ?? (await this.token("initial", 0));
  }

  /** Asks for a token. Rejects with a sentence when the page's function fails or takes too long. */
  token(reason: AuthReason, attempt: number): Promise<string> {
    const known = this.#asked.get(reason);
    if (known) return known.answer;
    const abort = new AbortController();
    const answer = this.#ask(reason, attempt, abort).finally(() => this.#asked.delete(reason));
    this.#asked.set(reason, { abort, answer });
    return answer;
  }

  /** Nobody waits for an answer any more. */
  stop(): void {
    for (const { abort } of this.#asked.values()) abort.abort();
  }

  async #ask(reason: AuthReason, attempt: number, abort: AbortController): Promise<string> {
    let cancel = () => {};
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(TOKEN_WITHIN_MS, () => {
        abort.abort();
        reject(new Error("it took too long"));
      });
    });
    try {
      const answer = await Promise.race([this.#auth?.({ reason, attempt, signal: abort.signal }), late]);
      if (typeof answer?.token !== "string" || answer.token === "") throw new Error("`token` is no text");
      this.last = answer.token;
      return answer.token;
    } catch (error) {
      throw new Error(`the page brought no token: ${failureText(error)}`);
    } finally {
      cancel();
    }
  }
}
