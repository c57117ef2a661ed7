import { describe, expect, it } from "vitest";
import { settle, tick, until } from "./harness.js";
import { polling } from "./poll-gateway.js";

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
