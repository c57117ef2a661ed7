import { afterEach, describe, expect, it } from "vitest";
import type { LiveClient, Price, Snap } from "../src/types.js";
import { ack, bar, envelope, refusal, settle, setUp, tick, until } from "./harness.js";

const clients: LiveClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

/** A client that is connected over one line, and holds `price:AAPL`. */
async function connected(options: Parameters<typeof setUp>[0] = {}) {
  const setup = setUp(options);
  clients.push(setup.client);
  const channel = setup.client.channel("price:AAPL");
  const release = channel.subscribe(() => {});
  await until(() => setup.gateway.lines.length > 0, "a line");
  setup.gateway.line.greet();
  setup.gateway.line.ackAll();
  setup.clock.draw();
  return { ...setup, channel, release };
}

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

  it("says how old it is, by a timer", async () => {
    const { gateway, clock, channel } = await connected();
    const age = channel.age(1_000);
    expect(age.get()).toBeNull();
    let told = 0;
    const stop = age.subscribe(() => {
      told += 1;
    });
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const start = age.get() ?? Number.NaN;
    expect(start).not.toBeNaN();
    clock.advance(3_000);
    expect(age.get()).toBe(start + 3_000);
    expect(told).toBe(4);
    gateway.line.close();
    clock.advance(10_000);
    expect(age.get()).toBe(start + 13_000);
    stop();
  });

  it("renews the age with the verdict", async () => {
    const { gateway, clock, channel } = await connected();
    const age = channel.age(60_000);
    const stop = age.subscribe(() => {});
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    clock.advance(10_000);
    expect(channel.get().freshness).toBe("stale");
    expect(age.get()).toBeGreaterThanOrEqual(5_000);
    gateway.line.say({ ...tick("AAPL", 2, 11), ts: 1_700_000_010_000 });
    clock.draw();
    expect(channel.get().freshness).toBe("fresh");
    expect(age.get()).toBeLessThan(1_000);
    stop();
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

describe("subscriptions", () => {
  it("are one command for all that is asked for in one turn", async () => {
    const { gateway, client, clock } = setUp();
    clients.push(client);
    for (const symbol of ["AAPL", "IBM", "FB"])
      client.channel(`price:${symbol}`, { maxHz: 5 }).subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    expect(gateway.line.commands).toEqual([
      {
        id: 1,
        cmd: "subscribe",
        channels: ["AAPL", "IBM", "FB"].map((symbol) => ({ name: `price:${symbol}`, maxHz: 5 })),
      },
    ]);
    client.channel("price:MSFT").subscribe(() => {});
    client.channel("price:GOOG").retain();
    await settle();
    expect(gateway.line.commands).toHaveLength(2);
    expect(gateway.line.commands[1]?.channels).toEqual([{ name: "price:MSFT" }, { name: "price:GOOG" }]);
    clock.draw();
  });

  it("are one for many holders, and end a second after the last", async () => {
    const { gateway, clock, client, release } = await connected();
    const again = client.channel("price:AAPL").subscribe(() => {});
    await settle();
    expect(gateway.line.sent("subscribe")).toHaveLength(1);
    release();
    release();
    clock.advance(5_000);
    await settle();
    expect(gateway.line.sent("unsubscribe")).toHaveLength(0);
    again();
    clock.advance(999);
    await settle();
    expect(gateway.line.sent("unsubscribe")).toHaveLength(0);
    clock.advance(1);
    await settle();
    expect(gateway.line.sent("unsubscribe").map(({ channels }) => channels)).toEqual([["price:AAPL"]]);
    expect(client.stats().channels).toEqual([]);
  });

  it("survive a release and a hold within the linger", async () => {
    const { gateway, clock, channel, release } = await connected();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    release();
    clock.advance(900);
    const back = channel.subscribe(() => {});
    expect(channel.get().value?.price).toBe(10);
    clock.advance(10_000);
    await settle();
    expect(gateway.line.commands).toHaveLength(1);
    back();
  });

  it("end the line some time after the last of them", async () => {
    const { gateway, clock, client, release } = await connected();
    release();
    clock.advance(1_000);
    await settle();
    clock.advance(10_000);
    expect(gateway.line.isClosedByClient).toBe(true);
    expect(client.link.get().status).toBe("idle");
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    expect(gateway.lines).toHaveLength(2);
  });

  it("are taken again when a holder wants another rate", async () => {
    const { gateway, client } = setUp();
    clients.push(client);
    client.channel("price:AAPL", { maxHz: 1 }).subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    client.channel("price:AAPL", { maxHz: 10 }).subscribe(() => {});
    await settle();
    expect(gateway.line.commands.map(({ cmd }) => cmd)).toEqual(["subscribe", "unsubscribe", "subscribe"]);
    expect(gateway.line.commands[2]?.channels).toEqual([{ name: "price:AAPL", maxHz: 10 }]);
  });

  it("of a bad name are an error of the channel, and never sent", async () => {
    const { gateway, clock, client } = await connected();
    const bad = client.channel("price:..");
    bad.subscribe(() => {});
    await settle();
    clock.draw();
    expect(bad.get()).toMatchObject({
      freshness: "pending",
      error: { code: "CHANNEL_INVALID", channel: "price:.." },
    });
    expect(gateway.line.sent("subscribe")).toHaveLength(1);
  });

  it("that the gateway refuses are an error of the channel, and tried again on the next line", async () => {
    const { gateway, clock, client } = await connected();
    const unknown = client.channel("price:NOPE");
    unknown.subscribe(() => {});
    await settle();
    gateway.line.say(refusal("CHANNEL_UNKNOWN", "price:NOPE", { id: 2 }));
    clock.draw();
    expect(unknown.get().error).toMatchObject({ code: "CHANNEL_UNKNOWN", message: "no such channel" });
    await settle();
    expect(gateway.line.sent("subscribe")).toHaveLength(2);
    gateway.line.close();
    clock.advance(250);
    gateway.line.greet();
    expect(gateway.line.sent("subscribe")[0]?.channels).toContainEqual({ name: "price:NOPE" });
    gateway.line.ackAll();
    clock.draw();
    expect(unknown.get().error).toBeNull();
  });

  it("that come too fast are asked for again after the time that the gateway names", async () => {
    const { gateway, clock, client } = await connected();
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    gateway.line.say(refusal("RATE_LIMITED", "", { id: 2, channel: undefined, retryAfterMs: 700 }));
    await settle();
    clock.advance(699);
    await settle();
    expect(gateway.line.sent("subscribe")).toHaveLength(2);
    clock.advance(1);
    await settle();
    expect(gateway.line.sent("subscribe")[2]?.channels).toEqual([{ name: "price:IBM" }]);
  });

  it("over a transport that this version does not speak are an error of the channel", async () => {
    const { client, gateway, clock } = setUp();
    clients.push(client);
    const polled = client.channel("price:AAPL", { transport: "polling" });
    polled.subscribe(() => {});
    await settle();
    clock.draw();
    expect(polled.get().error?.code).toBe("TRANSPORT_UNAVAILABLE");
    expect(gateway.lines).toHaveLength(0);
  });

  it("go over the transport that the holder names, else the client's, else the namespace's", async () => {
    const { client, gateway, clock } = setUp();
    clients.push(client);
    client.channel("price:AAPL").subscribe(() => {});
    client.channel("price:IBM", { transport: "sse" }).subscribe(() => {});
    await until(() => gateway.lines.length === 2, "two lines");
    const kinds = gateway.lines.map(({ request }) => [
      request.kind,
      request.channels.map(({ name }) => name),
    ]);
    expect(kinds).toEqual([
      ["websocket", ["price:AAPL"]],
      ["sse", ["price:IBM"]],
    ]);
    for (const line of gateway.lines) line.greet();
    expect(client.link.get().status).toBe("connected");
    gateway.lines[1]?.say(ack("price:IBM"), tick("IBM", 1, 3));
    gateway.lines[0]?.say(tick("AAPL", 1, 2));
    clock.draw();
    expect(client.channel("price:IBM").get().value?.price).toBe(3);
    gateway.lines[1]?.close();
    expect(client.link.get()).toMatchObject({ status: "disconnected", transport: "sse" });
    expect(client.channel("price:IBM").get().freshness).toBe("disconnected");
    expect(client.channel("price:AAPL").get().freshness).toBe("fresh");

    const preferring = setUp({ preferTransport: "sse" });
    clients.push(preferring.client);
    preferring.client.channel("price:AAPL").subscribe(() => {});
    await until(() => preferring.gateway.lines.length > 0, "a line");
    expect(preferring.gateway.line.request.kind).toBe("sse");
  });
});

describe("a stream", () => {
  it("may be cut anywhere", async () => {
    const { gateway, clock, client } = setUp({ preferTransport: "sse" });
    clients.push(client);
    const channel = client.channel("price:AAPL");
    channel.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    const text = `retry: 900\nid: c1\ndata: ${JSON.stringify(tick("AAPL", 3, 42))}\n\n`;
    for (const byte of new TextEncoder().encode(text))
      gateway.line.bytes(Uint8Array.of(byte), "event-stream");
    clock.draw();
    expect(channel.get().value?.price).toBe(42);
  });

  it("that is refused for one bad channel is opened for the others", async () => {
    const { gateway, clock, client } = setUp({ preferTransport: "sse" });
    clients.push(client);
    const bad = client.channel("price:NOPE");
    bad.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.bytes(
      new TextEncoder().encode(JSON.stringify(refusal("CHANNEL_UNKNOWN", "price:NOPE"))),
      "envelopes",
    );
    gateway.line.close({ status: 404, reason: "the gateway answered 404" });
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
