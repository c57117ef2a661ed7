import WebSocket from "ws";
import type { Gateway } from "./gateway.ts";

/** Data of an envelope, as far as it is looked at here. */
export interface Published {
  price?: number;
  openTime?: number;
  open?: number;
  high?: number;
  low?: number;
  close?: number;
}

interface Envelope {
  event: string;
  channel: string;
  seq: number;
  data: Published;
}

/**
 * An independent witness of what the gateway publishes on one channel: its own connection, and
 * nothing of the client under test.
 */
export class Collector {
  readonly #published = new Map<number, Published>();
  readonly #stop: () => void;

  private constructor(stop: () => void) {
    this.#stop = stop;
  }

  /** Listens over a WebSocket. */
  static overWebSocket(gateway: Gateway, channel: string): Collector {
    const socket = new WebSocket(gateway.url("/api/live/ws").replace("http", "ws"));
    const collector = new Collector(() => socket.terminate());
    socket.on("open", () => {
      socket.send(JSON.stringify({ id: 1, cmd: "subscribe", channels: [{ name: channel }] }));
    });
    socket.on("message", (bytes) => {
      for (const line of bytes.toString().split("\n")) if (line) collector.#take(line, channel);
    });
    // The gateway is killed under it in some tests; what it has seen until then is what counts.
    socket.on("error", () => undefined);
    return collector;
  }

  /** Listens to the event stream. */
  static overEventStream(gateway: Gateway, channel: string): Collector {
    const abort = new AbortController();
    const collector = new Collector(() => abort.abort());
    const read = async () => {
      const answer = await fetch(gateway.url(`/api/live/sse?channels=${channel}`), { signal: abort.signal });
      let rest = "";
      for await (const piece of answer.body ?? []) {
        const lines = (rest + Buffer.from(piece).toString()).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) if (line.startsWith("data:")) collector.#take(line.slice(5), channel);
      }
    };
    read().catch(() => undefined);
    return collector;
  }

  /** The price that was published under this number, if it was seen. */
  price(seq: number): number | undefined {
    return this.#published.get(seq)?.price;
  }

  /** All that was seen, by number. */
  all(): Published[] {
    return [...this.#published.values()];
  }

  close(): void {
    this.#stop();
  }

  #take(text: string, channel: string): void {
    const envelope = JSON.parse(text) as Envelope;
    const isData = !envelope.event.startsWith("system.") && envelope.channel === channel;
    if (isData) this.#published.set(envelope.seq, envelope.data);
  }
}
