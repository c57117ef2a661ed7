import { describe, expect, it } from "vitest";
import type { Price, Snap } from "../src/types.js";
import { ack, bar, connected, envelope, refusal, settle, setUp, tick, until } from "./harness.js";

describe("a client that nobody asks for anything", () => {
  it("opens no line, loads no module, sets no timer and listens to nothing", async () => {
    let loads = 0;
    const { client, gateway, clock, network } = setUp({}, () => {
      loads += 1;
      return Promise.reject(new Error("not wanted"));
    });
    const channel = client.channel("price:AAPL");
    expect(channel.get()).toBe(channel.getServer());
    expect(channel.get()).toMatchObject({ value: undefined, freshness: "pending", error: null });
    client.link.subscribe(() => {});
    await settle();
    expect([loads, gateway.lines.length, clock.waiting, network.watchers]).toEqual([0, 0, 0, 0]);
    expect(client.link.get().status).toBe("idle");
    client.close();
    client.close();
    expect(client.link.get().status).toBe("closed");
  });
});

describe("a price", () => {
  it("is seen with the frame after its bytes arrived", async () => {
    const { gateway, clock, channel } = await connected();
    let told = 0;
    channel.subscribe(() => {
      told += 1;
    });
    gateway.line.say(tick("AAPL", 7, 101.5));
    expect(channel.get().value).toBeUndefined();
    expect(told).toBe(0);
    clock.draw();
    expect(told).toBe(1);
    expect(channel.get()).toMatchObject({ seq: 7, ts: 1_700_000_000_000, freshness: "fresh", error: null });
    expect(channel.get().value).toEqual({
      symbol: "AAPL",
      price: 101.5,
      bid: null,
      ask: null,
      volume: 100,
      change: 1,
      changePct: 0.5,
      marketTime: 1_000_000,
    } satisfies Price);
  });

  it("is one notification a frame, however many envelopes arrive", async () => {
    const { gateway, clock, channel, client } = await connected();
    const seen: number[] = [];
    channel.subscribe(() => seen.push(channel.get().value?.price ?? Number.NaN));
    const before = client.stats().flushes;
    for (let seq = 1; seq <= 100; seq += 1) gateway.line.say(tick("AAPL", seq, seq));
    expect(clock.framesWaiting).toBe(1);
    clock.draw();
    expect(seen).toEqual([100]);
    expect(client.stats().flushes).toBe(before + 1);
    expect(client.stats().merged).toBe(99);
  });

  it("is the same object at every read of a generation", async () => {
    const { gateway, clock, channel, client } = await connected();
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    gateway.line.ackAll();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const snap = channel.get();
    expect(channel.get()).toBe(snap);
    expect(client.channel("price:AAPL").get()).toBe(snap);
    gateway.line.say(tick("AAPL", 2, 11));
    expect(channel.get()).toBe(snap);
    clock.draw();
    const next = channel.get();
    expect(next).not.toBe(snap);
    gateway.line.say(tick("IBM", 1, 5));
    clock.draw();
    expect(channel.get()).toBe(next);
  });

  it("tells only those whose channel changed", async () => {
    const { gateway, clock, client } = await connected();
    let told = 0;
    client.channel("price:IBM").subscribe(() => {
      told += 1;
    });
    await settle();
    gateway.line.ackAll();
    clock.draw();
    told = 0;
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    expect(told).toBe(0);
    gateway.line.say(tick("IBM", 1, 10));
    clock.draw();
    expect(told).toBe(1);
  });

  it("turns stale by the passing of time alone, keeping its value", async () => {
    const { gateway, clock, channel } = await connected();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const { value } = channel.get();
    const told: Snap<Price>[] = [];
    channel.subscribe(() => told.push(channel.get()));
    clock.advance(6_000);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ freshness: "stale", cause: "source", value: { price: 10 } });
    expect(told[0]?.value).toBe(value);
  });

  it("says disconnected at once when the line is gone, and fresh again when it is back", async () => {
    const { gateway, clock, channel, client } = await connected();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const order: string[] = [];
    channel.subscribe(() => order.push(`price ${channel.get().freshness}`));
    client.link.subscribe(() => order.push(`link ${client.link.get().status}`));
    gateway.line.close({ code: 1006 });
    expect(order).toEqual(["price disconnected", "link disconnected"]);
    expect(channel.get()).toMatchObject({ cause: "transport", value: { price: 10 }, seq: 1 });
    clock.advance(250);
    gateway.line.greet();
    expect(gateway.line.sent("subscribe")).toHaveLength(1);
    gateway.line.ackAll();
    gateway.line.say(tick("AAPL", 5, 12));
    clock.draw();
    expect(channel.get()).toMatchObject({ freshness: "fresh", value: { price: 12 } });
  });

  it("says how far it can be trusted", async () => {
    const { gateway, clock, channel } = await connected();
    expect(channel.staleness.get()).toMatchObject({ freshness: "pending", ageMs: null });
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const fresh = channel.staleness.get();
    expect(fresh.freshness).toBe("fresh");
    expect(channel.staleness.get()).toBe(fresh);
    gateway.line.close();
    expect(channel.staleness.get()).toMatchObject({ freshness: "disconnected", cause: "transport" });
  });
});

describe("while the page is hidden", () => {
  it("flushes by a timer, also what waited for a frame", async () => {
    const { gateway, clock, channel, network } = await connected();
    gateway.line.say(tick("AAPL", 1, 10));
    network.emit("hidden");
    expect(clock.framesWaiting).toBe(0);
    clock.advance(250);
    expect(channel.get().value?.price).toBe(10);
    gateway.line.say(tick("AAPL", 2, 11));
    clock.advance(249);
    expect(channel.get().value?.price).toBe(10);
    clock.advance(1);
    expect(channel.get().value?.price).toBe(11);
    network.emit("visible");
    gateway.line.say(tick("AAPL", 3, 12));
    expect(clock.framesWaiting).toBe(1);
  });

  it("flushes by the timer that was asked for", async () => {
    const { gateway, clock, channel } = await connected({ flush: { everyMs: 40 } });
    gateway.line.say(tick("AAPL", 1, 10));
    expect(clock.framesWaiting).toBe(0);
    clock.advance(40);
    expect(channel.get().value?.price).toBe(10);
  });
});

describe("a stream", () => {
  it("may be cut anywhere", async () => {
    const { gateway, clock, client } = setUp({ preferTransport: "sse" });
    const channel = client.channel("price:AAPL");
    channel.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    gateway.line.say(ack("price:AAPL"));
    const text = `retry: 900\nid: c1\ndata: ${JSON.stringify(tick("AAPL", 3, 42))}\n\n`;
    for (const byte of new TextEncoder().encode(text))
      gateway.line.bytes(Uint8Array.of(byte), "event-stream");
    clock.draw();
    expect(channel.get().value?.price).toBe(42);
  });

  it("that is refused for one bad channel is opened for the others", async () => {
    const { gateway, clock, client } = setUp({ preferTransport: "sse" });
    const bad = client.channel("price:NOPE");
    bad.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.bytes(
      new TextEncoder().encode(JSON.stringify(refusal("CHANNEL_UNKNOWN", "price:NOPE"))),
      "envelopes",
    );
    gateway.line.close({ status: 404, reason: "CHANNEL_UNKNOWN" });
    await settle();
    clock.draw();
    expect(bad.get().error?.code).toBe("CHANNEL_UNKNOWN");
    expect(client.link.get().status).toBe("idle");
    client.channel("price:AAPL").subscribe(() => {});
    await settle();
    clock.advance(50);
    expect(gateway.line.request.channels.map(({ name }) => name)).toEqual(["price:AAPL"]);
  });
});

describe("what a developer should know", () => {
  it("is a report and a count for each refused envelope, and no more than that", async () => {
    const { gateway, clock, channel, client, reports } = await connected();
    gateway.line.say({ ...tick("AAPL", 1, 10), seq: -1 }, tick("AAPL", 2, 11));
    clock.draw();
    expect(reports).toMatchObject([{ kind: "rejected", code: "BAD_ENVELOPE", field: "seq" }]);
    expect(client.stats().rejected).toBe(1);
    expect(channel.get().value?.price).toBe(11);
  });

  it("is in the counters", async () => {
    const { gateway, clock, client } = await connected();
    gateway.line.say(tick("AAPL", 1, 10), envelope("price.tick", "price:OTHER", 1, tick("OTHER", 1, 1).data));
    clock.draw();
    const stats = client.stats();
    expect(stats).toMatchObject({ connects: 1, restarts: 0, ignored: 1 });
    expect(stats.channels).toEqual([
      {
        channel: "price:AAPL",
        mode: "state",
        freshness: "fresh",
        subscribers: 1,
        seq: 1,
        transport: "websocket",
        merged: 0,
        dropped: 0,
        gaps: 0,
        delivered: 1,
        effectiveHz: null,
        maxHz: null,
      },
    ]);
  });
});

describe("a channel of another kind", () => {
  it("is the JSON of its newest envelope", async () => {
    const { gateway, clock, client } = await connected();
    const status = client.channel("system:status");
    status.subscribe(() => {});
    await settle();
    gateway.line.ackAll();
    gateway.line.say(envelope("status.changed", "system:status", 1, { ok: [1, { deep: true }] }));
    clock.draw();
    expect(status.get().value).toEqual({ ok: [1, { deep: true }] });
    const { value } = status.get();
    gateway.line.close();
    expect(status.get().value).toBe(value);
  });
});

describe("a part of a channel", () => {
  it("is told only when the part differs", async () => {
    const { gateway, clock, channel } = await connected();
    const price = channel.select((snap) => snap.value?.price);
    const volume = channel.select((snap) => snap.value?.volume);
    const told: string[] = [];
    price.subscribe(() => told.push("price"));
    volume.subscribe(() => told.push("volume"));
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    gateway.line.say(tick("AAPL", 2, 11));
    clock.draw();
    expect(told).toEqual(["price", "volume", "price"]);
  });

  it("keeps its last object while the given comparison finds no difference", async () => {
    const { gateway, clock, channel } = await connected();
    const rounded = channel.select(
      (snap) => ({ price: Math.round(snap.value?.price ?? 0) }),
      (a, b) => a.price === b.price,
    );
    rounded.subscribe(() => {});
    gateway.line.say(tick("AAPL", 1, 10.1));
    clock.draw();
    const first = rounded.get();
    gateway.line.say(tick("AAPL", 2, 10.2));
    clock.draw();
    expect(rounded.get()).toBe(first);
  });
});

describe("closing", () => {
  it("leaves the last values readable, and no timer, frame or listener", async () => {
    const { gateway, clock, channel, client, network } = await connected();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    let told = 0;
    channel.subscribe(() => {
      told += 1;
    });
    client.close();
    expect(told).toBe(1);
    expect(channel.get()).toMatchObject({ value: { price: 10 }, freshness: "disconnected" });
    expect(client.link.get().status).toBe("closed");
    expect(gateway.line.isClosedByClient).toBe(true);
    expect([clock.waiting, clock.framesWaiting, network.watchers]).toEqual([0, 0, 0]);
    expect(client.stats().accepted).toBeGreaterThan(0);
    gateway.line.say(tick("AAPL", 2, 11));
    expect(channel.get().value?.price).toBe(10);
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    expect(gateway.lines).toHaveLength(1);
  });

  it("before the module is there leads to nothing", async () => {
    const { client, gateway } = setUp();
    client.channel("price:AAPL").subscribe(() => {});
    client.close();
    await settle();
    expect(gateway.lines).toHaveLength(0);
  });
});

describe("candles on a channel", () => {
  it("come as columns, without history", async () => {
    const { gateway, clock, client } = await connected();
    const candles = client.channel("candles:AAPL.1d");
    candles.subscribe(() => {});
    await settle();
    gateway.line.ackAll();
    gateway.line.say(bar("AAPL", 1, 86_400_000, 12));
    clock.draw();
    expect(candles.get().value).toMatchObject({
      symbol: "AAPL",
      interval: "1d",
      length: 1,
      hasHistory: false,
    });
    expect(Array.from(candles.get().value?.close ?? [])).toEqual([12]);
    expect(client.stats().historyRequests).toBe(0);
  });
});
