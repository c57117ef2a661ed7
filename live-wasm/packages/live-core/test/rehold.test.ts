import { describe, expect, it } from "vitest";
import { ack, connected, envelope, type FakeLine, settle, setUp, tick, until } from "./harness.js";
import { polling } from "./poll-gateway.js";

const status = (seq: number) => envelope("status.changed", "system:status", seq, { status: "ok", seq });

/** The acknowledgement of an `event` channel that has come as far as `head`. */
function statusAck(head: number, resumed: boolean, id?: number) {
  const { data, ...rest } = ack("system:status", id, resumed, null);
  return { ...rest, data: { ...data, mode: "event", head } };
}

const names = ({ request }: FakeLine) => request.channels.map(({ name }) => name);

/** A price, and a channel of events that is let go of at once, over one stream. */
async function streaming() {
  const setup = setUp({ preferTransport: "sse" });
  const seen: number[] = [];
  const hold = () =>
    setup.client.channel("system:status", { lingerMs: 0 }).onEvent(({ seq }) => seen.push(seq));
  setup.client.channel("price:AAPL").subscribe(() => {});
  const release = hold();
  await until(() => setup.gateway.lines.length > 0, "a stream");
  const [first] = setup.gateway.lines;
  if (!first) throw new Error("there is no stream");
  first.greet();
  first.say(ack("price:AAPL"), tick("AAPL", 1, 10), statusAck(0, false), status(1), status(2));
  setup.clock.draw();
  expect(seen).toEqual([1, 2]);
  seen.length = 0;
  return { ...setup, seen, hold, release, first };
}

describe("a channel that is let go of and held again over a stream", () => {
  it("is asked for anew though the line carries it still, and told its history once", async () => {
    const { clock, gateway, seen, hold, release, first } = await streaming();
    release();
    clock.advance(20);
    await settle();
    hold();
    await settle();
    // The line goes on from where the channel stood.
    first.say(statusAck(2, true), status(3));
    clock.advance(50);
    expect(gateway.lines).toHaveLength(2);
    expect(names(gateway.line)).toEqual(["price:AAPL", "system:status"]);
    expect(gateway.line.request.cursor()).toBe("1.price:AAPL@epoch001:1");
    gateway.line.greet();
    gateway.line.say(
      ack("price:AAPL", undefined, true),
      statusAck(3, false),
      status(1),
      status(2),
      status(3),
    );
    clock.draw();
    expect(seen).toEqual([1, 2, 3]);
  });

  it("while the stream opens is asked for anew too", async () => {
    const { clock, gateway, hold, release } = await streaming();
    gateway.line.close();
    clock.advance(500);
    expect(gateway.line.request.cursor()).toContain("system:status@");
    release();
    clock.advance(0);
    await settle();
    hold();
    await settle();
    clock.advance(50);
    expect(gateway.lines).toHaveLength(3);
    expect(gateway.line.request.cursor()).toBe("1.price:AAPL@epoch001:1");
  });

  it("within a round trip of a WebSocket's command hears its history whole", async () => {
    const { client, clock, gateway } = await connected();
    const seen: number[] = [];
    const hold = () => client.channel("system:status", { lingerMs: 0 }).onEvent(({ seq }) => seen.push(seq));
    const release = hold();
    await settle();
    gateway.line.say(statusAck(2, false, 2), status(1), status(2));
    clock.draw();
    seen.length = 0;
    release();
    clock.advance(0);
    await settle();
    hold();
    await settle();
    // On its way when the gateway had not been told.
    gateway.line.say(status(3), statusAck(3, false, 4), status(1), status(2), status(3), status(4));
    clock.draw();
    expect(seen).toEqual([1, 2, 3, 4]);
  });
});

describe("a channel that is let go of and held again over polls", () => {
  it("is asked for from its beginning, and the others from where they stand, in the same session", async () => {
    const { client, clock, gateway, releases } = await polling("price:AAPL", "price:IBM");
    gateway.say(tick("AAPL", 5, 10), tick("IBM", 5, 20));
    await until(() => gateway.held.size === 1, "the next poll");
    releases[1]?.();
    clock.advance(1_000);
    await settle();
    clock.advance(50);
    await until(() => gateway.asked.at(-1)?.channels.length === 1, "a poll of one channel");
    await until(() => gateway.held.size === 1, "a poll that is held back");
    client.channel("price:IBM").subscribe(() => {});
    await settle();
    const { length } = gateway.asked;
    clock.advance(50);
    await until(() => gateway.asked.length > length, "a poll of both");
    expect(gateway.asked[length]).toEqual({
      channels: ["price:AAPL", "price:IBM"],
      cursor: "1.~s-1,price:AAPL@epoch001:5",
      wait: 0,
    });
  });

  it("is asked for from its beginning after the line was at rest", async () => {
    const { client, clock, gateway, releases } = await polling("price:AAPL");
    gateway.say(tick("AAPL", 5, 10));
    await until(() => gateway.held.size === 1, "the next poll");
    releases[0]?.();
    clock.advance(1_000);
    await settle();
    clock.advance(10_000);
    expect(client.link.get().status).toBe("idle");
    client.channel("price:AAPL").subscribe(() => {});
    const { length } = gateway.asked;
    await until(() => gateway.asked.length > length, "a poll");
    expect(gateway.asked[length]?.cursor).toBe("");
  });
});
