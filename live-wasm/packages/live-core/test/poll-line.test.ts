import { describe, expect, it } from "vitest";
import { settle, tick, until } from "./harness.js";
import { PollGateway, pollerOf, polling } from "./poll-gateway.js";

describe("a line of polls over quiet channels", () => {
  it("is proved by its first answer after a cut, and held back after that", async () => {
    const { client, clock, gateway } = await polling("price:AAPL");
    gateway.say(tick("AAPL", 1, 10));
    await until(() => gateway.held.size === 1, "the next poll");
    gateway.cut();
    await until(() => client.link.get().status === "disconnected", "the end");
    clock.advance(500);
    await until(() => gateway.held.size === 1, "a poll that is held back");
    expect(gateway.asked.at(-2)).toMatchObject({
      cursor: expect.stringContaining("price:AAPL@epoch001:1"),
      wait: 0,
    });
    expect(gateway.asked.at(-1)?.wait).toBeNull();
    clock.advance(20_000);
    await settle();
    expect(client.link.get()).toMatchObject({ status: "connected", attempt: 0 });
  });

  it("takes over with fewer channels at once", async () => {
    const { client, clock, gateway, releases } = await polling("price:AAPL", "price:IBM");
    releases[1]?.();
    clock.advance(1_000);
    await settle();
    clock.advance(50);
    await until(() => gateway.asked.at(-1)?.channels.length === 1, "a poll of one channel");
    await until(() => gateway.asked.at(-1)?.wait === null, "a poll that may be held back");
    clock.advance(20_000);
    await settle();
    expect(gateway.held.size).toBe(1);
    expect(client.link.get().status).toBe("connected");
  });
});

describe("a line of polls with a channel that is refused", () => {
  it("goes on with the others, and asks for it no more", async () => {
    const gateway = await PollGateway.start();
    gateway.refused.set("price:NOPE", "CHANNEL_UNKNOWN");
    const { client, clock } = pollerOf(gateway, "price:AAPL", "price:NOPE");
    const bad = client.channel("price:NOPE");
    const shown = () => {
      clock.draw();
      return bad.get().error?.code;
    };
    await until(() => shown() === "CHANNEL_UNKNOWN", "the refusal");
    await settle();
    clock.advance(50);
    await until(() => gateway.held.size === 1, "a poll that is held back");
    expect(gateway.asked.at(-1)?.channels).toEqual(["price:AAPL"]);
    expect(client.link.get().status).toBe("connected");
  });

  it("asks for it again when its time has come", async () => {
    const gateway = await PollGateway.start();
    gateway.refused.set("price:IBM", "OVERLOADED");
    const { client, clock } = pollerOf(gateway, "price:AAPL", "price:IBM");
    const shown = () => {
      clock.draw();
      return client.channel("price:IBM").get().error?.code;
    };
    await until(() => shown() === "OVERLOADED", "the refusal");
    await settle();
    clock.advance(50);
    await until(() => gateway.held.size === 1, "a poll that is held back");
    gateway.refused.clear();
    clock.advance(8_000);
    await settle();
    clock.advance(50);
    await until(() => gateway.asked.at(-1)?.channels.length === 2, "a poll of both");
    await until(() => shown() === undefined, "the acknowledgement");
  });
});

describe("a line of polls whose answer cannot be read", () => {
  it("ends, and is begun anew ever less often", async () => {
    const gateway = await PollGateway.start();
    gateway.garbles = true;
    const { client, clock, reports } = pollerOf(gateway, "price:AAPL");
    for (const delay of [250, 500, 1_000]) {
      await until(() => client.link.get().status === "disconnected", "the end");
      const { error, retryAt } = client.link.get();
      expect(error?.code).toBe("BAD_ENVELOPE");
      expect((retryAt ?? 0) - clock.wallNow()).toBe(delay);
      clock.advance(delay);
    }
    expect(gateway.asked.length).toBeLessThanOrEqual(4);
    expect(reports).toContainEqual(expect.objectContaining({ code: "BAD_ENVELOPE", field: "envelopes" }));
  });
});
