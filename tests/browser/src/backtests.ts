import { createLiveClient, guestSession, type LiveClient } from "@spark/live-core";
import type { Gateway } from "./gateway.ts";

/** Somebody who has backtests run, with a client of their own and no page. */
export class Trader {
  readonly client: LiveClient;
  /** What its clients have asked for beside their lines: method and path. */
  readonly asked: string[] = [];
  readonly #gateway: Gateway;
  readonly #token: string;

  private constructor(gateway: Gateway, token: string) {
    this.#gateway = gateway;
    this.#token = token;
    this.client = this.another();
  }

  /** A guest of the gateway. */
  static async guest(gateway: Gateway): Promise<Trader> {
    const auth = guestSession(gateway.url("/"));
    const { token } = await auth({ reason: "initial", attempt: 1, signal: new AbortController().signal });
    return new Trader(gateway, token);
  }

  /** Another client of the same person, as after a reload. */
  another(): LiveClient {
    const token = this.#token;
    return createLiveClient({
      url: this.#gateway.url("/"),
      auth: () => Promise.resolve({ token }),
      flush: { everyMs: 20 },
      fetch: (input, init) => {
        const { pathname, search } = new URL(String(input));
        this.asked.push(`${init?.method ?? "GET"} ${pathname}${search}`);
        return fetch(input, init);
      },
    });
  }

  /** Proposes a backtest and confirms it. Returns the job's id. */
  async run(backtest: object): Promise<string> {
    const { confirmationToken } = await this.#call<{ confirmationToken: string }>("startBacktest", backtest);
    const { jobId } = await this.#call<{ jobId: string }>("confirmBacktest", { confirmationToken });
    return jobId;
  }

  async #call<T>(tool: string, body: object): Promise<T> {
    const response = await fetch(this.#gateway.url(`/api/copilot/tools/${tool}`), {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const { ok, data } = (await response.json()) as { ok: boolean; data: T };
    if (!ok) throw new Error(`${tool}: ${JSON.stringify(data)}`);
    return data;
  }
}
