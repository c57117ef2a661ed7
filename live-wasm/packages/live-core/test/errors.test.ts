import { describe, expect, it } from "vitest";
import { ERRORS, type ErrorCode } from "../src/envelope.js";
import { isFinalCode } from "../src/final.js";
import { ack, bar, connected, refusal, settle, setUp, tick, until } from "./harness.js";

/** An error in a value's place. */
const failure = (seq: number) => ({
  ...tick("AAPL", seq, 1),
  ok: false,
  errorCode: "INTERNAL",
  data: { message: "the feed is closed" },
});

/** Codes that are never to be tried again after, and that answer neither a line nor a channel. */
const ELSEWHERE = new Set<string>([
  "IDEMPOTENCY_KEY_INVALID",
  "IDEMPOTENCY_MISMATCH",
  "RANGE_INVALID",
  "TOKEN_INVALID",
  "TOKEN_USED",
  "TOKEN_EXPIRED",
  "TOKEN_MISMATCH",
  "CONFIRM_REFUSED",
  "CONFIRM_NOT_HUMAN",
  "TOOL_UNKNOWN",
  "MODEL_FAILED",
  "JOB_NOT_FOUND",
  "JOB_FAILED",
  "JOB_CANCELLED",
  "JOB_TIMEOUT",
  "JOB_POISONED",
  "RESULT_EXPIRED",
  "RESULT_CORRUPT",
  "LINK_INVALID",
  "LINK_EXPIRED",
] satisfies ErrorCode[]);

describe("the codes that are final", () => {
  it("are those of the catalogue that are never to be tried again", () => {
    for (const [code, { retry }] of Object.entries(ERRORS)) {
      expect(isFinalCode(code), code).toBe(retry === "never" && !ELSEWHERE.has(code));
    }
    expect(isFinalCode("OF_TOMORROW")).toBe(false);
  });
});

describe("a channel that was refused", () => {
  it("is asked for again after every code that may pass, and after no other", async () => {
    for (const [code, { retry }] of Object.entries(ERRORS)) {
      if (ELSEWHERE.has(code)) continue;
      const { gateway, clock, channel } = await connected();
      gateway.line.say(refusal(code, "price:AAPL"));
      clock.draw();
      expect(channel.get().error?.code, code).toBe(code);
      clock.advance(1_000);
      await settle();
      expect(gateway.line.sent("subscribe").length, code).toBe(retry === "never" ? 1 : 2);
    }
  });

  it("is asked for less and less often, and at once again after it was had", async () => {
    const { gateway, clock } = await connected();
    const waits: number[] = [];
    const refuse = async () => {
      const { length } = gateway.line.sent("subscribe");
      gateway.line.say(refusal("RESYNC_FAILED", "price:AAPL"));
      let waitMs = 0;
      while (gateway.line.sent("subscribe").length === length && waitMs < 60_000) {
        clock.advance(500);
        waitMs += 500;
        gateway.line.say(ack("price:OTHER"));
        await settle();
      }
      waits.push(waitMs);
    };
    for (let round = 0; round < 7; round += 1) await refuse();
    gateway.line.ackAll();
    await refuse();
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 1_000]);
  });

  it("is not asked for before its time because another is", async () => {
    const { gateway, clock, client } = await connected();
    gateway.line.say(refusal("RATE_LIMITED", "price:AAPL", { retryAfterMs: 5_000 }));
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    expect(gateway.line.sent("subscribe").at(-1)?.channels).toEqual([{ name: "price:IBM" }]);
    clock.advance(4_999);
    await settle();
    expect(gateway.line.sent("subscribe")).toHaveLength(2);
    clock.advance(1);
    await settle();
    expect(gateway.line.sent("subscribe").at(-1)?.channels).toEqual([
      { name: "price:AAPL", since: "epoch001:0" },
    ]);
  });

  it("leaves no timer behind when nobody holds it, when it is had, or at the end", async () => {
    const asking = async () => {
      const setup = await connected();
      const before = setup.clock.waiting;
      setup.gateway.line.say(refusal("RATE_LIMITED", "price:AAPL", { retryAfterMs: 600_000 }));
      setup.clock.draw();
      expect(setup.clock.waiting).toBe(before + 1);
      return { ...setup, before };
    };
    const had = await asking();
    had.gateway.line.say(ack("price:AAPL"));
    had.clock.draw();
    expect(had.clock.waiting).toBe(had.before);
    const closed = await asking();
    closed.client.close();
    expect(closed.clock.waiting).toBe(0);
    const left = await asking();
    left.release();
    left.clock.advance(20_000);
    await settle();
    left.clock.advance(20_000);
    expect(left.clock.waiting).toBe(0);
  });
});

describe("an error in a value's place", () => {
  it("is shown beside the last value, and gone with the next", async () => {
    const { gateway, clock, channel } = await connected();
    gateway.line.say(tick("AAPL", 1, 10), failure(2));
    clock.draw();
    expect(channel.get()).toMatchObject({
      seq: 1,
      value: { price: 10 },
      error: { code: "INTERNAL", message: "the feed is closed", channel: "price:AAPL" },
    });
    gateway.line.say(tick("AAPL", 3, 11));
    clock.draw();
    expect(channel.get()).toMatchObject({ seq: 3, value: { price: 11 }, error: null });
    gateway.line.say(failure(4), tick("AAPL", 5, 12));
    clock.draw();
    expect(channel.get()).toMatchObject({ seq: 5, error: null });
  });

  it("does not end the subscription", async () => {
    const { gateway, clock, channel, release } = await connected();
    gateway.line.say(tick("AAPL", 1, 10), failure(2));
    clock.draw();
    expect(channel.get().error).not.toBeNull();
    clock.advance(1_000);
    gateway.line.say(tick("AAPL", 3, 10));
    await settle();
    expect(gateway.line.sent("subscribe")).toHaveLength(1);
    release();
    clock.advance(1_000);
    await settle();
    expect(gateway.line.sent("unsubscribe").map(({ channels }) => channels)).toEqual([["price:AAPL"]]);
  });

  it("is gone with a new subscription", async () => {
    const { gateway, clock, channel } = await connected();
    gateway.line.say(tick("AAPL", 7, 10), failure(8));
    gateway.line.close();
    clock.advance(250);
    gateway.line.greet();
    gateway.line.ackAll();
    clock.draw();
    expect(channel.get().error).toBeNull();
  });
});

describe("a stream's channel that has to be taken anew", () => {
  it("is asked for again with the same set of channels", async () => {
    const { client, gateway, clock } = setUp({ preferTransport: "sse" });
    client.candles("AAPL", "1d").subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a stream");
    gateway.line.greet();
    gateway.line.say(ack("candles:AAPL.1d"), bar("AAPL", 1, 86_400_000, 12));
    gateway.line.say(refusal("RESYNC_FAILED", "candles:AAPL.1d"));
    clock.advance(999);
    await settle();
    expect(gateway.lines).toHaveLength(1);
    clock.advance(1);
    await settle();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
    expect(gateway.line.request.channels).toEqual([{ name: "candles:AAPL.1d", maxHz: null }]);
  });
});

describe("a line that was refused for a time", () => {
  it("is tried again no sooner than that", async () => {
    for (const transport of ["sse", "websocket"] as const) {
      const { client, gateway, clock } = setUp({ preferTransport: transport });
      client.channel("price:AAPL").subscribe(() => {});
      await until(() => gateway.lines.length > 0, "a line");
      const limit = refusal("CONNECTION_LIMIT", "", { channel: undefined, retryAfterMs: 7_000 });
      if (transport === "websocket") {
        gateway.line.greet();
        gateway.line.say(limit);
        gateway.line.close({ code: 4105, reason: "CONNECTION_LIMIT" });
      } else {
        gateway.line.bytes(new TextEncoder().encode(JSON.stringify(limit)), "envelopes");
        gateway.line.close({ status: 503, reason: "CONNECTION_LIMIT" });
      }
      expect((client.link.get().retryAt ?? 0) - clock.wallNow(), transport).toBe(7_250);
    }
  });
});

describe("a report that throws", () => {
  it("costs neither the frame's values nor the line, and is the page's own exception", async () => {
    const thrown: unknown[] = [];
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error));
    try {
      const { gateway, clock, channel, client } = await connected({
        onReport: () => {
          throw new RangeError("the page's own");
        },
      });
      gateway.line.say(tick("AAPL", 1, 10), { ...tick("AAPL", 2, 11), seq: -1 }, tick("AAPL", 3, 12));
      clock.draw();
      expect(channel.get().value?.price).toBe(12);
      expect(client.stats()).toMatchObject({ restarts: 0, rejected: 1 });
      expect(client.link.get().status).toBe("connected");
      await settle();
      expect(thrown).toMatchObject([{ message: "the page's own" }]);
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of listeners) process.on("uncaughtException", listener);
    }
  });
});
