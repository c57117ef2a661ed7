import { describe, expect, it } from "vitest";
import type { Channel } from "../src/types.js";
import { ack, connected, envelope, settle, setUp, tick, until } from "./harness.js";

const delta = (seq: number, text: string, fromSeq?: number) =>
  envelope("copilot.delta", "copilot:s1", seq, { text, ...(fromSeq === undefined ? {} : { fromSeq }) });

const losslessAck = (resumed: boolean, extra: object = {}) => {
  const { data, ...head } = ack("copilot:s1", undefined, resumed, null);
  return { ...head, data: { ...data, mode: "lossless", ...extra } };
};

/** A client that hears every envelope of a conversation, with its stream open. */
async function listening() {
  const setup = setUp();
  const texts: string[] = [];
  const channel = setup.client.channel("copilot:s1") as Channel<{ text: string }>;
  const end = channel.onEvent(({ seq, data }) => texts.push(`${seq}:${data.text}`));
  await until(() => setup.gateway.lines.length > 0, "a line");
  setup.gateway.line.greet();
  setup.gateway.line.say(losslessAck(false));
  return { ...setup, texts, channel, end };
}

describe("onEvent", () => {
  it("tells every price before merging, once and in order, with the flush", async () => {
    const { client, gateway, clock, channel } = await connected();
    const seen: number[] = [];
    const end = channel.onEvent(({ event, seq }) => {
      if (event === "price.tick") seen.push(seq);
    });
    for (const seq of [1, 2, 3, 3, 2]) gateway.line.say(tick("AAPL", seq, seq));
    expect(seen).toEqual([]);
    clock.draw();
    expect(seen).toEqual([1, 2, 3]);
    expect(client.stats().channels[0]).toMatchObject({ subscribers: 2, seq: 3, merged: 2 });
    end();
    end();
    gateway.line.say(tick("AAPL", 4, 4));
    clock.draw();
    expect(seen).toHaveLength(3);
  });

  it("tells of a card without its token, which is kept nowhere else either", async () => {
    const { client, gateway, clock, channel, texts } = await listening();
    const told: unknown[] = [];
    channel.onEvent(({ data }) => told.push(data));
    const hash = "ab".repeat(32);
    const what = {
      tool: "startBacktest",
      params: {},
      paramsHash: hash,
      summary: "one",
      combinations: 1,
      bars: 1,
    };
    const shown = { proposalId: "p1", ...what, expiresAt: 1 };
    const card = { ...shown, confirmationToken: "sct_secret" };
    gateway.line.say(envelope("copilot.confirm", "copilot:s1", 1, card));
    clock.draw();
    expect(texts).toEqual(["1:undefined"]);
    expect(told).toEqual([shown]);
    expect(channel.get().value).toEqual(shown);
    expect(JSON.stringify([client.dehydrate(), client.stats()])).not.toContain("sct_");
  });

  it("by default hears a conversation over SSE, and holds it", async () => {
    const { client, gateway, clock, texts, end } = await listening();
    expect(gateway.line.request.kind).toBe("sse");
    gateway.line.say(delta(1, "a"), delta(2, "b"));
    clock.draw();
    expect(texts).toEqual(["1:a", "2:b"]);
    expect(client.channel("copilot:s1").get().value).toEqual({ text: "b" });
    end();
    clock.advance(1_000);
    expect(client.stats().channels).toEqual([]);
  });

  it("loses nothing of more than is held between two flushes", async () => {
    const { gateway, clock, texts } = await listening();
    const many = Array.from({ length: 1_000 }, (_, at) => delta(at + 1, "x"));
    gateway.line.say(...many);
    clock.draw();
    expect(texts).toHaveLength(1_000);
    expect(texts.at(-1)).toBe("1000:x");
  });

  it("hears the rest after a cut, from where it stood, and nothing twice", async () => {
    const { gateway, clock, texts } = await listening();
    gateway.line.say(delta(1, "a"), delta(2, "b"));
    clock.draw();
    gateway.line.close();
    clock.advance(5_000);
    expect(gateway.lines).toHaveLength(2);
    expect(gateway.line.request.cursor()).toBe("1.copilot:s1@epoch001:2");
    gateway.line.greet();
    gateway.line.say(losslessAck(true, { head: 5 }), delta(2, "b"), delta(3, "c"), delta(5, "de", 4));
    clock.draw();
    expect(texts).toEqual(["1:a", "2:b", "3:c", "5:de"]);
  });

  it("that joins a holder hears the conversation from its beginning, and each piece once", async () => {
    for (const transport of ["sse", "polling", "websocket"] as const) {
      const { gateway, clock, client } = setUp();
      const channel = client.channel("copilot:s1", { transport });
      channel.subscribe(() => {});
      await until(() => gateway.lines.length > 0, "a line");
      gateway.line.greet();
      gateway.line.say(losslessAck(false), delta(1, "a"), delta(2, "b"));
      clock.draw();
      const texts: string[] = [];
      const listen = () =>
        channel.onEvent(({ seq, data }) => texts.push(`${seq}:${(data as { text: string }).text}`));
      // A strict page mounts, unmounts and mounts again.
      listen()();
      listen();
      // What is on its way on the old subscription comes again on the new one; a poll is acknowledged as well.
      if (transport === "polling") gateway.line.say(losslessAck(true, { head: 2 }));
      gateway.line.say(delta(3, "c"));
      clock.draw();
      expect(channel.get().value).toEqual({ text: "b" });
      await settle();
      clock.advance(100);
      expect(gateway.line.request.cursor()).toBe(transport === "polling" ? "1.~s-1" : "");
      if (transport !== "websocket") gateway.line.greet();
      else expect(gateway.line.sent("subscribe").at(-1)?.channels).toEqual([{ name: "copilot:s1" }]);
      gateway.line.say(losslessAck(false, { head: 3 }), delta(1, "a"), delta(2, "b"), delta(3, "c"));
      clock.draw();
      gateway.line.say(delta(4, "d"));
      clock.draw();
      expect(texts, transport).toEqual(["1:a", "2:b", "3:c", "4:d"]);
      expect(channel.get()).toMatchObject({ value: { text: "d" }, continuity: "proven" });
    }
  });

  it("has the range of what is missing beside the value", async () => {
    const { gateway, clock, channel } = await listening();
    gateway.line.say(delta(1, "a"));
    clock.draw();
    expect(channel.get()).toMatchObject({ continuity: "proven", gap: null });
    const drop = { dropped: 3, fromSeq: 2, toSeq: 4, capacity: 200, side: "server" };
    gateway.line.say(envelope("backpressure_drop", "copilot:s1", 0, drop), delta(5, "e"));
    clock.draw();
    const { continuity, gap, value } = channel.get();
    expect([continuity, gap, value]).toEqual(["gap", { from: 2, to: 4 }, { text: "e" }]);
    gateway.line.say(delta(6, "f"));
    clock.draw();
    expect(channel.get().gap).toBe(gap);
    gateway.line.say(delta(9, "i"));
    clock.draw();
    expect(channel.get().gap).toEqual({ from: 2, to: 8 });
    gateway.line.close();
    expect(channel.get()).toMatchObject({ freshness: "disconnected", gap: { from: 2, to: 8 } });
  });

  it("goes on when a callback throws", async () => {
    const { gateway, clock, channel } = await connected();
    const thrown: unknown[] = [];
    const seen: number[] = [];
    process.once("uncaughtException", (error) => thrown.push(error));
    channel.onEvent(() => {
      throw new Error("the page's own");
    });
    channel.onEvent(({ seq }) => seen.push(seq));
    gateway.line.say(tick("AAPL", 1, 1));
    clock.draw();
    await settle();
    expect(seen).toEqual([1]);
  });
});

describe("a channel that was held before", () => {
  it("is asked for from where it stands, over a WebSocket too", async () => {
    const { gateway, clock } = await connected();
    gateway.line.say(tick("AAPL", 7, 7));
    clock.draw();
    gateway.line.close();
    clock.advance(5_000);
    gateway.line.greet();
    expect(gateway.line.sent("subscribe")[0]?.channels).toEqual([
      { name: "price:AAPL", since: "epoch001:7" },
    ]);
  });

  it("changes its rate without being taken anew", async () => {
    const { client, gateway } = await connected();
    const slow = client.channel("price:IBM", { maxHz: 2 }).subscribe(() => {});
    await settle();
    gateway.line.ackAll();
    client.channel("price:IBM", { maxHz: 5 }).subscribe(() => {});
    await settle();
    expect(gateway.line.sent("rate")).toMatchObject([{ channel: "price:IBM", maxHz: 5 }]);
    expect(gateway.line.sent("unsubscribe")).toEqual([]);
    slow();
  });
});
