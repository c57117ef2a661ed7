import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSse } from "../src/transport/sse.js";
import { openWebSocket } from "../src/transport/websocket.js";
import { refusal, settle, until } from "./harness.js";
import { Recorder } from "./recorder.js";

const request = (base: string, kind: "sse" | "websocket", names: string[] = []) => ({
  kind,
  base: new URL(base),
  channels: names.map((name) => ({ name, maxHz: null })),
  frames: "binary" as const,
  cursor: () => "",
  headers: () => ({}),
});

describe("an event stream", () => {
  let server: Server;
  let answer: RequestListener = () => {};
  let base = "";

  beforeEach(async () => {
    server = createServer((incoming, outgoing) => answer(incoming, outgoing));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/sub/`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  it("hands its bytes over as they come and says when it ends", async () => {
    let asked = "";
    const sent = 'id: 1\ndata: {"price":"1 €"}\n\n';
    answer = (incoming, outgoing) => {
      asked = `${incoming.url} ${incoming.headers.accept}`;
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      for (const byte of Buffer.from(sent)) outgoing.write(Buffer.of(byte));
      outgoing.end();
    };
    const events = new Recorder();
    const link = openSse(request(base, "sse", ["price:AAPL", "price:IBM"]), events);
    expect(link.send("{}")).toBe(false);
    await until(() => events.why !== null, "the end");
    expect(asked).toBe("/sub/api/live/sse?channels=price%3AAAPL%2Cprice%3AIBM text/event-stream");
    expect(events.happened).toEqual(["opened", "chunk", "closed"]);
    expect(events.text).toBe(sent);
    expect([...events.framings]).toEqual(["event-stream"]);
    expect(events.why).toEqual({ code: null, status: null, reason: "the stream ended" });
  });

  it("hands over the envelope that refuses it, its status and its code", async () => {
    const body = JSON.stringify(refusal("CHANNEL_UNKNOWN", "price:NOPE"));
    answer = (_, outgoing) => {
      outgoing.writeHead(404, { "content-type": "application/json" });
      outgoing.end(body);
    };
    const events = new Recorder();
    openSse(request(base, "sse", ["price:NOPE"]), events);
    await until(() => events.why !== null, "the end");
    expect(events.happened).toEqual(["chunk", "closed"]);
    expect([...events.framings]).toEqual(["envelopes"]);
    expect(events.text).toBe(body);
    expect(events.why).toEqual({ code: null, status: 404, reason: "CHANNEL_UNKNOWN" });
  });

  it("says for how long it is refused, where the answer names seconds", async () => {
    for (const [seconds, expected] of [
      ["7", 7_000],
      ["Wed, 21 Oct 2026 07:28:00 GMT", undefined],
      [undefined, undefined],
    ] as const) {
      answer = (_, outgoing) => {
        if (seconds !== undefined) outgoing.setHeader("retry-after", seconds);
        outgoing.writeHead(503).end();
      };
      const events = new Recorder();
      openSse(request(base, "sse"), events);
      await until(() => events.why !== null, "the end");
      expect(events.why).toMatchObject({ status: 503 });
      expect(events.why?.retryAfterMs).toBe(expected);
    }
  });

  it("takes nothing else for the gateway's refusal", async () => {
    const named = refusal("FORBIDDEN", "");
    const others: [string, string][] = [
      ["text/html", JSON.stringify(named)],
      ["application/json", "{"],
      ["application/json", "null"],
      ["application/json", '{"errorCode":"FORBIDDEN"}'],
      ["application/json", JSON.stringify({ ...named, v: 2 })],
      ["application/json", JSON.stringify({ ...named, errorCode: 403 })],
    ];
    for (const [type, body] of others) {
      answer = (_, outgoing) => {
        outgoing.writeHead(403, { "content-type": type });
        outgoing.end(body);
      };
      const events = new Recorder();
      openSse(request(base, "sse"), events);
      await until(() => events.why !== null, "the end");
      expect(events.happened, body).toEqual(["closed"]);
      expect(events.why, body).toEqual({ code: null, status: 403, reason: "the gateway answered 403" });
    }
  });

  it("takes no page of a proxy for a stream", async () => {
    for (const [status, expected] of [
      [200, null],
      [502, 502],
    ]) {
      answer = (_, outgoing) => {
        outgoing.writeHead(status ?? 0, { "content-type": "text/html" });
        outgoing.end("<p>not here</p>");
      };
      const events = new Recorder();
      openSse(request(base, "sse"), events);
      await until(() => events.why !== null, "the end");
      expect(events.happened).toEqual(["closed"]);
      expect(events.why?.status).toBe(expected);
    }
  });

  it("ends when the line breaks, or there is nobody", async () => {
    answer = (_, outgoing) => {
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write(": hello\n\n");
      setImmediate(() => outgoing.destroy());
    };
    const broken = new Recorder();
    openSse(request(base, "sse"), broken);
    await until(() => broken.why !== null, "the end");
    expect(broken.why?.status).toBeNull();
    const nobody = new Recorder();
    openSse(request("http://127.0.0.1:1/", "sse"), nobody);
    await until(() => nobody.why !== null, "the end");
    expect(nobody.happened).toEqual(["closed"]);
  });

  it("is silent once its owner closed it, and the gateway learns of it", async () => {
    let isGone = false;
    answer = (_, outgoing) => {
      outgoing.on("close", () => {
        isGone = true;
      });
      outgoing.writeHead(200, { "content-type": "text/event-stream" });
      outgoing.write(": hello\n\n");
    };
    const events = new Recorder();
    const link = openSse(request(base, "sse"), events);
    await until(() => events.happened.length === 2, "the stream");
    link.close();
    link.close();
    await until(() => isGone, "the gateway's side");
    await settle();
    expect(events.happened).toEqual(["opened", "chunk"]);
  });
});

describe("a WebSocket", () => {
  const sockets: FakeSocket[] = [];
  class FakeSocket {
    static OPEN = 1;
    readyState = 0;
    binaryType = "blob";
    sent: string[] = [];
    closedWith: number | null = null;
    onopen: (() => void) | null = null;
    onmessage: ((event: { data: unknown }) => void) | null = null;
    onerror: (() => void) | null = null;
    onclose: ((event: { code: number; reason: string }) => void) | null = null;
    readonly url: URL;
    constructor(url: URL) {
      this.url = url;
      sockets.push(this);
    }
    send(text: string) {
      this.sent.push(text);
    }
    close(code: number) {
      this.closedWith = code;
    }
  }
  const real = globalThis.WebSocket;
  beforeEach(() => {
    sockets.length = 0;
    globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
  });
  afterEach(() => {
    globalThis.WebSocket = real;
  });

  function open(base = "https://gateway.test/sub/", frames: "binary" | "text" = "binary") {
    const events = new Recorder();
    const link = openWebSocket({ ...request(base, "websocket"), frames }, events);
    const socket = sockets.at(-1);
    if (!socket) throw new Error("no socket was opened");
    return { events, link, socket };
  }

  it("asks for bytes, over TLS where the page's gateway has it", () => {
    expect(open().socket.url.href).toBe("wss://gateway.test/sub/api/live/ws?frames=binary");
    expect(open("http://127.0.0.1:80/", "text").socket.url.href).toBe("ws://127.0.0.1/api/live/ws");
    expect(open().socket.binaryType).toBe("arraybuffer");
  });

  it("hands over bytes, also of text frames", () => {
    const { events, socket } = open();
    socket.onopen?.();
    socket.onmessage?.({ data: Uint8Array.of(0xe2, 0x82, 0xac).buffer });
    socket.onmessage?.({ data: " €" });
    expect(events.text).toBe("€ €");
    expect([...events.framings]).toEqual(["envelopes"]);
  });

  it("sends only while it is open", () => {
    const { link, socket } = open();
    expect(link.send("a")).toBe(false);
    socket.readyState = FakeSocket.OPEN;
    expect(link.send("b")).toBe(true);
    link.close();
    expect(link.send("c")).toBe(false);
    expect(socket.sent).toEqual(["b"]);
    expect(socket.closedWith).toBe(1000);
  });

  it("says why it was closed, unless its owner did it", () => {
    const first = open();
    first.socket.onclose?.({ code: 4107, reason: "busy" });
    expect(first.events.why).toEqual({ code: 4107, status: null, reason: "busy" });
    const failed = open();
    failed.socket.onerror?.();
    failed.socket.onclose?.({ code: 1006, reason: "" });
    expect(failed.events.happened).toEqual(["closed"]);
    const second = open();
    second.link.close();
    second.socket.onclose?.({ code: 1000, reason: "" });
    expect(second.events.why).toBeNull();
  });
});
