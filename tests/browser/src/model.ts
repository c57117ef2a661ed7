import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";

/** A language model behind OpenAI's interface that begins to speak and does not stop by itself. */
export class EndlessModel {
  readonly #server: Server;
  readonly #answers = new Set<ServerResponse>();

  private constructor() {
    this.#server = createServer((request, response) => {
      request.resume();
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      this.#answers.add(response);
      response.on("close", () => this.#answers.delete(response));
      for (const delta of [{ role: "assistant", content: "" }, { content: "Let me think about that. " }]) {
        response.write(`data: ${JSON.stringify(chunk(delta))}\n\n`);
      }
    });
  }

  /** Starts one on a free port. */
  static async start(): Promise<EndlessModel> {
    const model = new EndlessModel();
    model.#server.listen(0, "127.0.0.1");
    await once(model.#server, "listening");
    return model;
  }

  /** What a gateway asks it by. */
  settings(): Record<string, string> {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the model does not listen");
    return { COPILOT_BASE_URL: `http://127.0.0.1:${address.port}/v1`, COPILOT_MODEL: "endless" };
  }

  /** How many answers it is giving. */
  get speaking(): number {
    return this.#answers.size;
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}

function chunk(delta: object) {
  const choices = [{ index: 0, delta, finish_reason: null }];
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "endless", choices };
}
