import type { Framing, TransportClose, TransportEvents } from "../src/transport/transport.js";

/** Writes down what a transport tells. */
export class Recorder implements TransportEvents {
  readonly happened: string[] = [];
  readonly bytes: number[] = [];
  readonly framings = new Set<Framing>();
  why: TransportClose | null = null;
  opened = () => this.happened.push("opened");
  chunk = (bytes: Uint8Array, framing: Framing) => {
    if (this.happened.at(-1) !== "chunk") this.happened.push("chunk");
    this.bytes.push(...bytes);
    this.framings.add(framing);
  };
  closed = (why: TransportClose) => {
    this.happened.push("closed");
    this.why = why;
  };
  get text(): string {
    return new TextDecoder().decode(Uint8Array.from(this.bytes));
  }
}
