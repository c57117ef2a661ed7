import { describe, expect, it } from "vitest";
import type { LiveClientOptions } from "../src/types.js";
import { envelope, settle, setUp } from "./harness.js";

const EVERY_MS = 5_000;

/** A client of a gateway whose parts are as they are told to be. */
function watched(options: Partial<LiveClientOptions> = {}) {
  const asked: RequestInit[] = [];
  const gateway = { status: 200, checks: { broker: { ok: true } } as object };
  const setup = setUp({
    fetch: async (input, init) => {
      expect(String(input)).toBe("http://gateway.test/base/readyz");
      asked.push(init ?? {});
      const { status, checks } = gateway;
      if (status === 200) return Response.json(envelope("system.ready", "", 0, { checks }));
      const refusal = envelope("system.error", "", 0, { message: "no" });
      return Response.json({ ...refusal, ok: false, errorCode: "BROKER_UNAVAILABLE" }, { status });
    },
    ...options,
  });
  const health = setup.client.health();
  const seen: unknown[] = [];
  const end = health.subscribe(() => seen.push(health.get()));
  /** Lets it be asked for again. */
  const later = async () => {
    setup.clock.advance(EVERY_MS);
    await settle();
  };
  return { ...setup, tells: gateway, asked, health, seen, end, later };
}

describe("how the gateway is", () => {
  it("is told when it changes, and only then", async () => {
    const { tells, health, seen, later, asked } = watched();
    expect(health.get().status).toBe("pending");
    await settle();
    const first = health.get();
    expect(first).toEqual({ status: "ready", value: { broker: { ok: true } }, error: null });
    await later();
    await later();
    expect([health.get() === first, seen.length, asked.length]).toEqual([true, 1, 3]);
    tells.status = 503;
    await later();
    await later();
    expect(health.get()).toMatchObject({ status: "error", error: { code: "BROKER_UNAVAILABLE" } });
    expect(health.get().value).toBe(first.value);
    tells.status = 200;
    tells.checks = { broker: { ok: true }, tokenStore: { ok: false } };
    await later();
    expect(health.get().value).toEqual(tells.checks);
    expect(seen).toHaveLength(3);
  });

  it("is asked for by nobody", async () => {
    let tokens = 0;
    const { asked } = watched({
      auth: async () => {
        tokens += 1;
        return { token: "secret" };
      },
    });
    await settle();
    expect(new Headers(asked[0]?.headers).get("authorization")).toBeNull();
    expect([asked[0]?.credentials, tokens]).toEqual(["omit", 0]);
  });

  it("is asked for while somebody watches and the page is seen", async () => {
    const { asked, later, network, end } = watched();
    await settle();
    network.emit("hidden");
    await later();
    expect(asked).toHaveLength(1);
    network.emit("visible");
    await later();
    expect(asked).toHaveLength(2);
    end();
    end();
    await later();
    expect(asked).toHaveLength(2);
  });

  it("is not asked for after the client's end", async () => {
    const { client, asked, later, health, clock } = watched();
    await settle();
    client.close();
    await later();
    health.subscribe(() => {});
    await settle();
    expect([asked.length, clock.waiting]).toEqual([1, 0]);
  });
});
