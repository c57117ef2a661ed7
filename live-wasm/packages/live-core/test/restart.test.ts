import { describe, expect, it, vi } from "vitest";
import type { CoreBinding } from "../src/binding.js";
import { setUp, tick, until } from "./harness.js";

// The next call that takes bytes in ends as a panic in Rust does.
const trap = vi.hoisted(() => ({ isNext: false }));

vi.mock("../src/wasm.js", async (original) => {
  const real = await original<typeof import("../src/wasm.js")>();
  return {
    ...real,
    createCore: async (source: Parameters<typeof real.createCore>[0]) => {
      const instance = await real.createCore(source);
      const { core } = instance;
      const ingest = core.ingestFrame.bind(core);
      const trapping: CoreBinding["ingestFrame"] = (...input) => {
        if (!trap.isNext) return ingest(...input);
        trap.isNext = false;
        throw new WebAssembly.RuntimeError("unreachable");
      };
      core.ingestFrame = trapping;
      return instance;
    },
  };
});

describe("a trap in the module", () => {
  it("starts another instance, subscribes again, and says so, keeping the last value in sight", async () => {
    const { client, gateway, clock, reports } = setUp();
    const channel = client.channel("price:AAPL");
    channel.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    gateway.line.ackAll();
    gateway.line.say(tick("AAPL", 4, 10));
    clock.draw();
    expect(channel.get().value?.price).toBe(10);

    trap.isNext = true;
    gateway.line.say(tick("AAPL", 5, 11));
    await until(() => client.link.get().status === "disconnected", "the restart");
    expect(client.link.get().error?.code).toBe("CORE_RESTARTED");
    expect(reports).toMatchObject([{ kind: "restarted", code: "CORE_RESTARTED", reason: "unreachable" }]);
    expect(client.stats().restarts).toBe(1);
    expect(channel.get()).toMatchObject({ freshness: "disconnected", value: { price: 10 }, seq: 4 });

    const age = channel.age();
    const old = age.get() ?? Number.NaN;
    expect(channel.staleness.get()).toMatchObject({ freshness: "disconnected", ageMs: old });
    clock.advance(1_000);
    expect(age.get()).toBe(old + 1_000);
    expect(channel.staleness.get().ageMs).not.toBeNull();

    expect(gateway.lines).toHaveLength(2);
    gateway.line.greet();
    expect(gateway.line.sent("subscribe")[0]?.channels).toEqual([{ name: "price:AAPL" }]);
    gateway.line.ackAll();
    gateway.line.say(tick("AAPL", 6, 12));
    clock.draw();
    expect(channel.get()).toMatchObject({ freshness: "fresh", value: { price: 12 }, seq: 6 });
    expect(client.link.get()).toMatchObject({ status: "connected", error: null });
    client.close();
  });

  it("again and again leads to longer and longer waits", async () => {
    const { client, gateway, clock } = setUp();
    client.channel("price:AAPL").subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    const delays: number[] = [];
    for (let round = 1; round <= 4; round += 1) {
      gateway.line.greet();
      gateway.line.ackAll();
      trap.isNext = true;
      gateway.line.say(tick("AAPL", round, 11));
      await until(() => client.link.get().status === "disconnected", "the restart");
      const delay = (client.link.get().retryAt ?? 0) - clock.wallNow();
      delays.push(delay);
      clock.advance(delay);
    }
    expect(delays).toEqual([250, 500, 1_000, 2_000]);
    client.close();
  });
});
