import { describe, expect, it } from "vitest";
import { ack, bar, connected, settle, setUp, tick, until } from "./harness.js";

describe("values that a server rendered", () => {
  it("go through JSON and are what the page begins with, pending", async () => {
    const server = await connected();
    const candles = server.client.candles("AAPL", "1d");
    candles.subscribe(() => {});
    await settle();
    server.gateway.line.say(ack("candles:AAPL.1d"), bar("AAPL", 1, 86_400_000, 11), tick("AAPL", 3, 42));
    server.clock.draw();
    const initial = JSON.parse(JSON.stringify(server.client.dehydrate()));

    const page = setUp({ initial });
    const channel = page.client.channel("price:AAPL");
    const before = channel.get();
    expect(before).toMatchObject({ freshness: "pending", seq: 3, value: { symbol: "AAPL", price: 42 } });
    expect(channel.getServer()).toBe(before);
    expect(page.client.channel("price:IBM").get().value).toBeUndefined();
    const series = page.client.candles("AAPL", "1d").get().value;
    expect(series).toMatchObject({ symbol: "AAPL", interval: "1d", length: 1, changedFrom: 0 });
    expect([...(series?.close ?? [])]).toEqual([11]);
    expect(page.gateway.lines).toHaveLength(0);
  });

  it("stand until live ones come", async () => {
    const initial = { v: 1 as const, channels: { "price:AAPL": { seq: 3, ts: 5, value: { price: 42 } } } };
    const { client, gateway, clock } = setUp({ initial });
    const channel = client.channel("price:AAPL");
    channel.subscribe(() => {});
    const first = channel.get();
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    gateway.line.ackAll();
    clock.draw();
    expect(channel.get()).toMatchObject({ freshness: "pending", value: { price: 42 } });
    expect(channel.get().value).toBe(first.value);
    gateway.line.say(tick("AAPL", 9, 50));
    clock.draw();
    expect(channel.get()).toMatchObject({ freshness: "fresh", seq: 9, value: { price: 50 } });
  });
});
