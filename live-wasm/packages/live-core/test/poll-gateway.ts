import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach } from "vitest";
import { defaultTransport } from "../src/transport/default.js";
import { ack, hello, refusal, setUp, until } from "./harness.js";

const running: PollGateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
});

/** A question, as it was asked. */
export interface Question {
  channels: string[];
  /** Empty: none. */
  cursor: string;
  /** Seconds; null where nothing is said. */
  wait: number | null;
}

/** A gateway of polls that holds each back until there is something, as a real one does. */
export class PollGateway {
  readonly asked: Question[] = [];
  /** Those that are held back now. */
  readonly held = new Map<ServerResponse, Question>();
  /** Channels that it refuses, with the code. */
  readonly refused = new Map<string, string>();
  /** Its answers are pages that cannot be read. */
  garbles = false;
  /** The position that every answer names. */
  position = 0;
  url = "";
  readonly #server = createServer((incoming, outgoing) => {
    const { searchParams: query } = new URL(incoming.url ?? "", this.url);
    const wait = query.get("wait");
    const question: Question = {
      channels: query.get("channels")?.split(",") ?? [],
      cursor: query.get("cursor") ?? "",
      wait: wait === null ? null : Number(wait),
    };
    this.asked.push(question);
    outgoing.on("close", () => this.held.delete(outgoing));
    const hasNews = question.channels.some((name) => !this.#knows(question, name) || this.refused.has(name));
    if (hasNews || question.wait === 0) this.#answer(outgoing, question, []);
    else this.held.set(outgoing, question);
  });

  static async start(): Promise<PollGateway> {
    const gateway = new PollGateway();
    running.push(gateway);
    await new Promise<void>((resolve) => gateway.#server.listen(0, "127.0.0.1", resolve));
    gateway.url = `http://127.0.0.1:${(gateway.#server.address() as AddressInfo).port}/`;
    return gateway;
  }

  /** Answers what is held back, with these. */
  say(...envelopes: { seq: number }[]): void {
    this.position = Math.max(this.position, ...envelopes.map(({ seq }) => seq));
    for (const [outgoing, question] of this.held) this.#answer(outgoing, question, envelopes);
  }

  /** Every connection breaks. */
  cut(): void {
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #knows(question: Question, name: string): boolean {
    return question.cursor.includes(`${name}@`);
  }

  #answer(outgoing: ServerResponse, question: Question, envelopes: object[]): void {
    const good = question.channels.filter((name) => !this.refused.has(name));
    const cursor = `1.${["~s-1", ...good.map((name) => `${name}@epoch001:${this.position}`)].join(",")}`;
    const acks = question.channels.map((name) =>
      good.includes(name)
        ? ack(name, undefined, this.#knows(question, name))
        : refusal(this.refused.get(name) ?? "", name),
    );
    outgoing.writeHead(200, { "content-type": "application/json" });
    const page = this.garbles ? {} : { envelopes: [hello(), ...acks, ...envelopes] };
    outgoing.end(JSON.stringify({ cursor, ...page }));
  }
}

/** A client that polls that gateway. */
export function pollerOf(gateway: PollGateway, ...names: string[]) {
  const options = { url: gateway.url, transport: defaultTransport, preferTransport: "polling" } as const;
  const { client, clock, reports } = setUp(options);
  const releases = names.map((name) => client.channel(name as "price:AAPL").subscribe(() => {}));
  return { client, clock, gateway, releases, reports };
}

/** A client that polls a gateway, which holds its poll back. */
export async function polling(...names: string[]) {
  const gateway = await PollGateway.start();
  const setup = pollerOf(gateway, ...names);
  await until(() => gateway.held.size === 1, "a poll that is held back");
  return setup;
}
