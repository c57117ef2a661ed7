import { describe, expect, it } from "vitest";
import { codeOf, conversing, copilotSetUp, linesOf, Said } from "./copilot-gateway.js";
import { settle, until } from "./harness.js";

describe("clear()", () => {
  it("begins anew at once, and stops the answer that nobody follows any more", async () => {
    const { session, said, say, copilot, client } = await conversing();
    copilot.running = "a";
    say(said.start("a", "hi"), said.card("p1", "sct_1"));
    session.clear();
    expect(session.get()).toEqual({
      sessionId: null,
      status: "idle",
      messages: [],
      proposal: null,
      error: null,
    });
    await settle();
    expect(copilot.of("POST").map(({ path }) => path)).toEqual(["sessions/chat-0/stop"]);
    expect(client.stats().channels.filter(({ subscribers }) => subscribers > 0)).toEqual([]);
  });

  it("leaves to others what they follow", async () => {
    const { session, said, say, copilot, client } = await conversing();
    say(said.start("a", "hi"));
    const other = client.copilot({ sessionId: "chat-0" });
    other.subscribe(() => {});
    await settle();
    session.clear();
    await settle();
    expect([session.get().messages.length, other.get().status]).toEqual([0, "answering"]);
    expect(copilot.of("POST")).toEqual([]);
  });

  it("while a message waits for its channel sends it no more", async () => {
    const { session, opened, copilot } = await conversing({}, null);
    const asked = codeOf(session.ask("hi"));
    const line = await opened(1);
    line.greet();
    session.clear();
    expect(await asked).toBe("ABORTED");
    expect(copilot.of("POST chat")).toEqual([]);
    expect(session.get()).toMatchObject({ sessionId: null, status: "idle", messages: [], error: null });
  });

  it("while a message is on its way has its answer stopped", async () => {
    const { session, copilot } = await conversing();
    copilot.holds.add("chat");
    const asked = codeOf(session.ask("hi"));
    await until(() => copilot.of("POST chat").length === 1, "the message");
    session.clear();
    copilot.running = "ans_1";
    copilot.letGo();
    expect(await asked).toBe("ABORTED");
    await until(() => copilot.of("POST sessions/chat-0/stop").length === 1, "the stop");
    expect(session.get()).toMatchObject({ messages: [], error: null });
  });

  it("while a conversation is being begun does not mix it with the next", async () => {
    const { session, copilot, opened, clock } = await conversing({}, null);
    copilot.holds.add("sessions");
    const first = codeOf(session.ask("one"));
    await until(() => copilot.of("POST sessions").length === 1, "the first");
    session.clear();
    const second = session.ask("two");
    await until(() => copilot.of("POST sessions").length === 2, "the second");
    copilot.letGo();
    expect(await first).toBe("ABORTED");
    const line = await opened(1);
    line.greet();
    const name = line.request.channels[0]?.name ?? "";
    line.say(new Said(name.replace("copilot:", "")).ack());
    clock.draw();
    await second;
    expect(copilot.of("POST sessions")).toHaveLength(2);
    expect(copilot.of("POST chat")).toMatchObject([{ body: { message: "two" } }]);
    expect(linesOf(session.get())).toEqual(["> two (sent)"]);
    expect(`copilot:${session.get().sessionId}`).toBe(name);
  });

  it("while a stop fails leaves the new conversation alone", async () => {
    const { session, said, say, copilot } = await conversing();
    say(said.start("a", "hi"));
    copilot.always.set("session/stop", { status: 503, code: "OVERLOADED" });
    copilot.holds.add("session/stop");
    const stopped = codeOf(session.stop());
    await until(() => copilot.of("POST").length === 1, "the stop");
    session.clear();
    copilot.letGo();
    expect(await stopped).toBe("OVERLOADED");
    await settle();
    expect(session.get()).toMatchObject({ status: "idle", error: null });
  });
});

describe("a conversation that nobody uses", () => {
  it("is heard for a while and then let go of, by whatever it was used", async () => {
    const { client, clock, copilot, opened } = copilotSetUp();
    const session = client.copilot();
    const asked = session.ask("hi");
    await opened(1);
    clock.advance(3_000);
    await asked;
    const held = () => client.stats().channels.filter(({ subscribers }) => subscribers > 0).length;
    expect(held()).toBe(1);
    clock.advance(30_000);
    expect(held()).toBe(0);
    expect(copilot.of("GET")).toEqual([]);
  });

  it("is not listened to by a question that comes back late", async () => {
    const { client, clock, copilot } = copilotSetUp();
    copilot.holds.add("session");
    const session = client.copilot({ sessionId: "chat-0" });
    const end = session.subscribe(() => {});
    await until(() => copilot.of("GET").length === 1, "the question");
    end();
    clock.advance(30_000);
    copilot.letGo();
    await settle();
    expect(client.stats().channels).toEqual([]);
    expect(clock.waiting).toBe(0);
  });

  it("leaves nothing behind", async () => {
    const { client, clock, end, session, said, say } = await conversing();
    say(...said.proposal("a", "p1", "sct_1"));
    end();
    clock.advance(30_000);
    expect(client.stats().channels).toEqual([]);
    session.subscribe(() => {});
    client.close();
    await settle();
    expect(clock.waiting).toBe(0);
  });

  it("asks nothing after the client's end", async () => {
    const { client, session, copilot, clock, said, say } = await conversing();
    say(said.start("a", "hi"));
    client.close();
    const count = copilot.asked.length;
    expect(await codeOf(session.ask("hi"))).toBe("NETWORK");
    expect(await codeOf(session.stop())).toBe("NETWORK");
    session.subscribe(() => {});
    clock.advance(100_000);
    await settle();
    expect(copilot.asked).toHaveLength(count);
    expect(clock.waiting).toBe(0);
  });
});
