import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openPolling } from "../src/transport/polling.js";
import type { TransportRequest } from "../src/transport/transport.js";
import { refusal, settle, until } from "./harness.js";
import { Recorder } from "./recorder.js";

let server: Server;
let base = "";
const asked: IncomingMessage[] = [];
const held: ServerResponse[] = [];

beforeEach(async () => {
  asked.length = 0;
  held.length = 0;
  server = createServer((incoming, outgoing) => {
    asked.push(incoming);
    held.push(outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sub/`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function start(change: Partial<TransportRequest> = {}) {
  const events = new Recorder();
  const request: TransportRequest = {
    kind: "polling",
    base: new URL(base),
    channels: [
      { name: "price:AAPL", maxHz: null },
      { name: "price:IBM", maxHz: 2 },
    ],
    frames: "binary",
    cursor: () => "",
    headers: () => ({}),
    ...change,
  };
  return { events, link: openPolling(request, events) };
}

/** Waits for a question and answers it. */
async function answer(at: number, status: number, body: string, type = "application/json"): Promise<void> {
  await until(() => held.length > at, `question ${at}`);
  held[at]?.writeHead(status, { "content-type": type }).end(body);
}

describe("polling", () => {
  it("asks from where the channels stand, each time anew, until it is closed", async () => {
    const cursors = ["", "1.price:AAPL@epoch001:7"];
    const { events, link } = start({
      cursor: () => cursors[asked.length] ?? "",
      headers: () => ({ authorization: "Bearer t" }),
    });
    await answer(0, 200, '{"cursor":"c1","envelopes":[]}');
    await answer(1, 200, '{"cursor":"c2","envelopes":[]}');
    await until(() => held.length === 3, "the third question");
    const [first, second] = asked.map(({ url, headers }) => [
      decodeURIComponent(url ?? ""),
      headers.authorization,
    ]);
    expect(first).toEqual([
      "/sub/api/live/poll?channels=price:AAPL,price:IBM&maxHz=price:IBM@2&wait=0",
      "Bearer t",
    ]);
    expect(second?.[0]).not.toContain("wait=");
    expect(second?.[0]).toContain("&cursor=1.price:AAPL@epoch001:7");
    expect(events.happened).toEqual(["opened", "chunk"]);
    expect([...events.framings]).toEqual(["page"]);
    link.close();
    link.close();
    await settle();
    expect(events.why).toBeNull();
    expect(held).toHaveLength(3);
  });

  it("does not ask the same again at once, though it is answered at once", async () => {
    start({ cursor: () => "1.price:AAPL@epoch001:7" });
    for (let at = 0; at < 2; at += 1) await answer(at, 200, '{"cursor":"c1","envelopes":[]}');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(held).toHaveLength(2);
    await answer(2, 200, '{"cursor":"c1","envelopes":[]}');
  });

  it("hands over the envelope that refuses it, and its code", async () => {
    const { events } = start();
    await answer(0, 401, JSON.stringify(refusal("AUTH_EXPIRED", "")));
    await until(() => events.why !== null, "the end");
    expect(events.happened).toEqual(["chunk", "closed"]);
    expect(events.why).toEqual({ code: null, status: 401, reason: "AUTH_EXPIRED" });
  });

  it("takes a proxy's page for what it is", async () => {
    const { events } = start();
    await answer(0, 200, "<html>", "text/html");
    await until(() => events.why !== null, "the end");
    expect(events.why).toEqual({ code: null, status: null, reason: "the answer is no page of envelopes" });
  });

  it("says when the line breaks", async () => {
    const { events } = start();
    await until(() => held.length > 0, "the question");
    held[0]?.destroy();
    await until(() => events.why !== null, "the end");
    expect(events.happened).toEqual(["closed"]);
  });
});
