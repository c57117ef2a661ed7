import { describe, expect, it } from "vitest";
import { connected, tick } from "./harness.js";

describe("the age of a value", () => {
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

  it("can be read without being watched, and is the same number for a while", async () => {
    const { gateway, clock, channel } = await connected();
    const age = channel.age(1_000);
    expect(age.get()).toBeNull();
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const first = age.get() ?? Number.NaN;
    expect(first).toBeLessThan(1_000);
    clock.advance(999);
    expect(age.get()).toBe(first);
    clock.advance(1);
    expect(age.get()).toBe(first + 1_000);
  });

  it("goes on after the end, whoever watched", async () => {
    const { gateway, clock, channel, client } = await connected();
    const watched = channel.age(1_000);
    watched.subscribe(() => {});
    gateway.line.say(tick("AAPL", 1, 10));
    clock.draw();
    const first = watched.get() ?? Number.NaN;
    client.close();
    expect(watched.get()).toBe(first);
    expect(channel.age(1_000).get()).toBe(first);
    expect(channel.staleness.get()).toEqual({ freshness: "disconnected", cause: "transport", ageMs: first });
    clock.advance(5_000);
    expect(watched.get()).toBe(first + 5_000);
    expect(clock.waiting).toBe(0);
  });
});
