import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** The way from a browser to a gateway, which can be cut: at once, or in the middle of what is just being said. */
export class Wire {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #isCut = false;
  #mark: { text: string; left: number; cut: () => void } | null = null;

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((near) => this.#join(near));
  }

  /** A way to the gateway of that address. */
  static async to(address: string): Promise<Wire> {
    const wire = new Wire(new URL(address));
    wire.#server.listen(0, "127.0.0.1");
    await once(wire.#server, "listening");
    return wire;
  }

  /** Address of a path by this way. */
  url(pathAndQuery: string): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the way is not open");
    return `http://127.0.0.1:${address.port}${pathAndQuery}`;
  }

  /** Cuts it. Nothing gets through until it is mended. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  /** Lets nothing through any more and keeps the lines open, as a machine does that is frozen. */
  hush(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.removeAllListeners("data");
      socket.pause();
    }
  }

  /** Cuts it when the gateway says that text for the nth time, of which half gets through. Resolves when that has happened. */
  cutAt(text: string, nth: number): Promise<void> {
    return new Promise((resolve) => {
      this.#mark = {
        text,
        left: nth,
        cut: () => {
          this.cut();
          resolve();
        },
      };
    });
  }

  /** Closes it for good. */
  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, "close");
  }

  #join(near: Socket): void {
    if (this.#isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(this.#target.port), this.#target.hostname);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        this.#sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.pipe(far);
    let before: Buffer = Buffer.alloc(0);
    far.on("data", (piece: Buffer) => {
      const mark = this.#mark;
      if (!mark) {
        before = Buffer.alloc(0);
        near.write(piece);
        return;
      }
      // What is looked for may stand across two pieces.
      const text = Buffer.concat([before, piece]);
      let at = -1;
      let found = text.indexOf(mark.text);
      while (mark.left > 0 && found >= 0) {
        at = found;
        mark.left -= 1;
        found = text.indexOf(mark.text, at + mark.text.length);
      }
      if (mark.left > 0) {
        const begun = Math.max(at < 0 ? 0 : at + mark.text.length, text.length - mark.text.length + 1);
        before = text.subarray(begun);
        near.write(piece);
        return;
      }
      this.#mark = null;
      const end = at + Math.floor(mark.text.length / 2) - before.length;
      near.write(piece.subarray(0, Math.max(0, end)), () => mark.cut());
    });
  }
}
