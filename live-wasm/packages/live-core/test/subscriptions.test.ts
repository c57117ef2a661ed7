import { describe, expect, it } from "vitest";
import { ack, connected, envelope, refusal, settle, setUp, tick, until } from "./harness.js";

describe("subscriptions", () => {
  it("are one command for all that is asked for in one turn", async () => {
    const { gateway, client, clock } = setUp();
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

  it("change their rate by a command, and are taken anew when that is refused", async () => {
    const { gateway, client, clock } = setUp();
    client.channel("price:AAPL", { maxHz: 1 }).subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    gateway.line.greet();
    client.channel("price:AAPL", { maxHz: 10 }).subscribe(() => {});
    await settle();
    const [, rate] = gateway.line.commands;
    expect(rate).toEqual({ id: rate?.id, cmd: "rate", channel: "price:AAPL", maxHz: 10 });
    expect(gateway.line.commands).toHaveLength(2);
    gateway.line.say(refusal("RATE_LIMITED", "", { id: rate?.id, channel: undefined, retryAfterMs: 700 }));
    clock.advance(700);
    await settle();
    expect(gateway.line.commands.slice(2).map(({ cmd }) => cmd)).toEqual(["unsubscribe", "subscribe"]);
    expect(gateway.line.commands[3]?.channels).toEqual([{ name: "price:AAPL", maxHz: 10 }]);
  });

  it("keep the rate that a holder wants while others look at the age, and get the transport of the first", async () => {
    const { gateway, client } = setUp();
    const looked = client.channel("price:AAPL");
    looked.age().subscribe(() => {});
    const release = client.channel("price:AAPL", { maxHz: 2, transport: "sse" }).subscribe(() => {});
    looked.staleness.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    const { kind, channels } = gateway.line.request;
    expect([gateway.lines.length, kind, channels]).toEqual([1, "sse", [{ name: "price:AAPL", maxHz: 2 }]]);
    client.channel("price:AAPL", { transport: "websocket" }).subscribe(() => {})();
    release();
    await settle();
    expect(gateway.lines).toHaveLength(1);
  });

  it("go over to the transport of whoever wants the value, from where they stood", async () => {
    const { gateway, client, clock } = setUp();
    client.channel("price:AAPL").staleness.subscribe(() => {});
    await until(() => gateway.lines.length > 0, "a line");
    const socket = gateway.line;
    socket.greet();
    socket.ackAll();
    socket.say(tick("AAPL", 1, 10));
    clock.draw();
    const channel = client.channel("price:AAPL", { transport: "sse" });
    channel.subscribe(() => {});
    await settle();
    expect(socket.sent("subscribe")).toHaveLength(1);
    expect([gateway.line.request.kind, gateway.line.request.cursor()]).toEqual([
      "sse",
      "1.price:AAPL@epoch001:1",
    ]);
    gateway.line.greet();
    gateway.line.say(ack("price:AAPL", undefined, true), tick("AAPL", 2, 11));
    clock.draw();
    expect(channel.get()).toMatchObject({ value: { price: 11 }, freshness: "fresh" });
    socket.close();
    expect(channel.get().freshness).toBe("fresh");
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

  it("go over the transport that the holder names, else the client's, else the namespace's", async () => {
    const { client, gateway, clock } = setUp();
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
    gateway.lines[0]?.say(ack("price:AAPL"), tick("AAPL", 1, 2));
    clock.draw();
    expect(client.channel("price:IBM").get().value?.price).toBe(3);
    gateway.lines[1]?.close();
    expect(client.link.get()).toMatchObject({ status: "disconnected", transport: "sse" });
    expect(client.channel("price:IBM").get().freshness).toBe("disconnected");
    expect(client.channel("price:AAPL").get().freshness).toBe("fresh");

    const preferring = setUp({ preferTransport: "sse" });
    preferring.client.channel("price:AAPL").subscribe(() => {});
    await until(() => preferring.gateway.lines.length > 0, "a line");
    expect(preferring.gateway.line.request.kind).toBe("sse");
  });

  it("whose end is refused are ended later", async () => {
    const { gateway, clock, release } = await connected();
    release();
    clock.advance(1_000);
    await settle();
    const [command] = gateway.line.sent("unsubscribe");
    gateway.line.say(refusal("RATE_LIMITED", "", { id: command?.id, channel: undefined, retryAfterMs: 700 }));
    clock.advance(699);
    await settle();
    expect(gateway.line.sent("unsubscribe")).toHaveLength(1);
    clock.advance(1);
    await settle();
    const again = gateway.line.sent("unsubscribe").at(-1);
    expect(again).toEqual({ ...command, id: again?.id });
    expect(gateway.line.sent("unsubscribe")).toHaveLength(2);
    gateway.line.say(envelope("system.ack", "", 0, { id: again?.id }));
    clock.advance(5_000);
    await settle();
    expect(gateway.line.sent("unsubscribe")).toHaveLength(2);
  });

  it("are ended though a change of their rate was refused", async () => {
    const { gateway, clock, client, release } = await connected();
    const faster = client.channel("price:AAPL", { maxHz: 2 }).subscribe(() => {});
    release();
    await settle();
    const { id } = gateway.line.sent("rate")[0] ?? {};
    gateway.line.say(refusal("RATE_LIMITED", "", { id, channel: undefined, retryAfterMs: 5_000 }));
    faster();
    clock.advance(1_000);
    await settle();
    expect(gateway.line.sent("unsubscribe")).toHaveLength(1);
    client.close();
    expect(clock.waiting).toBe(0);
  });

  it("end by as many commands as their number needs", async () => {
    const { gateway, clock, client } = await connected();
    const releases = Array.from({ length: 120 }, (_, at) => client.channel(`price:S${at}`).retain());
    await settle();
    for (const release of releases) release();
    clock.advance(1_000);
    await settle();
    expect(gateway.line.sent("unsubscribe").map(({ channels }) => channels?.length)).toEqual([50, 50, 20]);
  });
});
