import { describe, expect, it } from "vitest";
import { answersOf, codeOf, conversing, copilotSetUp, linesOf, Said } from "./copilot-gateway.js";
import { refusal, settle, until } from "./harness.js";

/** What becomes of an answer that is heard for three seconds no more. */
const CONCLUDED_MS = 3_000;

describe("a conversation", () => {
  it("is heard from its beginning, and grows", async () => {
    const { session, said, say, copilot } = await conversing();
    expect(session.get()).toMatchObject({ sessionId: "chat-0", status: "idle", error: null });
    say(...said.answer("a", "hi", "hello"), said.start("b", "more"), said.text("yes"));
    expect(linesOf(session.get())).toEqual([
      "> hi (sent)",
      "hello (done)",
      "> more (sent)",
      "yes (answering)",
    ]);
    expect(session.get().status).toBe("answering");
    await settle();
    expect(copilot.of("").map(({ method, path }) => `${method} ${path}`)).toEqual(["GET sessions/chat-0"]);
  });

  it("is begun by the first message, which is sent once its channel is there", async () => {
    const { session, opened, copilot, clock } = await conversing({}, null);
    const asked = session.ask(" hi ");
    expect(session.get()).toMatchObject({ sessionId: null, status: "idle" });
    const line = await opened(1);
    expect(session.get()).toMatchObject({
      sessionId: "chat-1",
      status: "sending",
      messages: [{ text: "hi" }],
    });
    line.greet();
    await settle();
    expect(copilot.of("POST chat")).toEqual([]);
    line.say(new Said("chat-1").ack());
    clock.draw();
    await asked;
    expect(copilot.of("POST chat")).toMatchObject([{ body: { sessionId: "chat-1", message: "hi" } }]);
  });

  it("is asked all the same where its channel does not come", async () => {
    const { session, opened, copilot, clock } = await conversing({}, null);
    const asked = session.ask("hi");
    await opened(1);
    await until(() => session.get().status === "sending", "the message");
    clock.advance(3_000);
    await asked;
    expect(copilot.of("POST chat")).toHaveLength(1);
  });
});

describe("sessions in one conversation", () => {
  it("share one channel and what was heard on it, also after one of them has ended", async () => {
    const { client, session, said, say, end, copilot, gateway } = await conversing();
    say(...said.answer("a", "hi", "hello"));
    const other = client.copilot({ sessionId: "chat-0" });
    const seen: string[] = [];
    const endOther = other.subscribe(() => seen.push(other.get().status));
    await settle();
    expect(other.get()).toBe(session.get());
    end();
    const third = client.copilot({ sessionId: "chat-0" });
    third.subscribe(() => {});
    await settle();
    say(said.start("b", "more"));
    expect([other.get().status, third.get().status, seen.at(-1)]).toEqual(Array(3).fill("answering"));
    endOther();
    expect([gateway.lines.length, copilot.of("GET").length]).toEqual([1, 1]);
  });

  it("that come again soon, one after the other, find what was heard", async () => {
    const { client, clock, session, said, say, end, takeUp } = await conversing();
    say(...said.answer("a", "hi", "hello"));
    end();
    const other = client.copilot({ sessionId: "chat-9" });
    const endOther = other.subscribe(() => {});
    await takeUp(new Said("chat-9"), 2);
    expect(other.get()).toMatchObject({ status: "idle", messages: [] });
    endOther();
    clock.advance(29_000);
    const again = client.copilot({ sessionId: "chat-0" });
    again.subscribe(() => {});
    await settle();
    expect(again.get()).toBe(session.get());
    expect(linesOf(again.get())).toEqual(["> hi (sent)", "hello (done)"]);
  });

  it("find each other also where one has begun it", async () => {
    const { client, session, clock, opened, copilot } = await conversing({}, null);
    const asked = session.ask("hi");
    const line = await opened(1);
    line.greet();
    line.say(new Said("chat-1").ack());
    clock.draw();
    await asked;
    const other = client.copilot({ sessionId: "chat-1" });
    other.subscribe(() => {});
    await settle();
    expect(linesOf(other.get())).toEqual(["> hi (sent)"]);
    expect(copilot.of("GET")).toEqual([]);
  });
});

describe("a conversation beside somebody who listens to its channel", () => {
  it("is heard from its beginning, and nothing is told to them twice", async () => {
    const setup = copilotSetUp();
    const { client, gateway, clock, say, opened } = setup;
    const said = new Said("chat-0");
    const told: number[] = [];
    const texts: string[] = [];
    client.channel("copilot:chat-0").onEvent(({ seq, data }) => {
      told.push(seq);
      texts.push(JSON.stringify(data));
    });
    await setup.takeUp(said);
    say(said.start("a", "hi"), said.text("hel"), said.card("p1", "sct_1"));
    for (let round = 0; round < 2; round += 1) {
      const session = client.copilot({ sessionId: "chat-0" });
      const end = session.subscribe(() => {});
      const line = await opened(2 + round);
      line.greet();
      line.say(said.ack(), ...said.kept, said.text(`lo ${round}`));
      clock.draw();
      expect(linesOf(session.get())[0]).toBe("> hi (sent)");
      expect(answersOf(session.get())[0]?.parts[0]).toMatchObject({ text: "hel" });
      end();
      clock.advance(30_000);
    }
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(texts.join()).not.toContain("sct_");
    // Another history is told whole, however short.
    const other = new Said("chat-0");
    gateway.line.close();
    clock.advance(5_000);
    const line = await opened(4);
    line.greet();
    line.say(other.ack(false, { epoch: "epoch002" }), { ...other.start("z", "new"), ts: 1_800_000_000_000 });
    clock.draw();
    expect(told).toEqual([1, 2, 3, 4, 5, 1]);
  });

  it("does not wait for what is there already", async () => {
    const setup = copilotSetUp();
    setup.client.channel("copilot:chat-0").retain();
    await setup.takeUp(new Said("chat-0"));
    const session = setup.client.copilot({ sessionId: "chat-0" });
    session.subscribe(() => {});
    await until(() => session.get().status === "idle", "the conversation");
  });
});

describe("an answer whose end was lost", () => {
  /** One that was open when the line was lost, and is asked about when there is a line again. */
  async function cut() {
    const setup = await conversing();
    const { said, say, gateway, clock, opened } = setup;
    setup.copilot.running = "a";
    say(said.start("a", "hi"), said.text("hel"));
    gateway.line.close();
    clock.advance(5_000);
    const line = await opened(2);
    line.greet();
    return setup;
  }

  it("is asked about when the channel is there again, and then is no longer waited for", async () => {
    const { copilot, said, say, session, clock } = await cut();
    copilot.running = null;
    say(said.ack(false, { head: 9, errorCode: "CURSOR_EXPIRED" }));
    expect(session.get().status).toBe("answering");
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    clock.advance(CONCLUDED_MS - 1);
    expect(session.get().status).toBe("answering");
    clock.advance(1);
    expect(session.get().status).toBe("idle");
    expect(linesOf(session.get())).toEqual(["> hi (sent)", "hel (failed, incomplete)"]);
    expect(answersOf(session.get())[0]?.error?.code).toBe("CURSOR_EXPIRED");
  });

  it("is waited for while it is running, and while its end may be on its way", async () => {
    const { copilot, said, say, session, clock } = await cut();
    say(said.ack(true));
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    clock.advance(CONCLUDED_MS * 2);
    expect(session.get().status).toBe("answering");
    copilot.running = null;
    await until(() => {
      say(said.text("l"));
      return answersOf(session.get())[0]?.status === "answering";
    });
    say(said.text("o"), said.done("a"));
    expect(linesOf(session.get())[1]).toBe("hello (done)");
  });

  it("is asked about once more where something was heard since the question", async () => {
    const { copilot, said, say, session, clock } = await cut();
    copilot.running = null;
    say(said.ack(true));
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    say(said.text("lo"));
    clock.advance(CONCLUDED_MS);
    await until(() => copilot.of("GET").length === 3, "another question");
    expect(session.get().status).toBe("answering");
    say(said.done("a"));
    await settle();
    clock.advance(CONCLUDED_MS);
    expect(linesOf(session.get())[1]).toBe("hello (done)");
  });

  it("is told by the answer to a stop", async () => {
    const { copilot, said, say, session, clock } = await conversing();
    say(said.start("a", "hi"), said.text("hel"));
    await session.stop();
    expect([session.get().status, copilot.of("POST sessions/chat-0/stop").length]).toEqual(["stopping", 1]);
    clock.advance(CONCLUDED_MS);
    expect(session.get().status).toBe("idle");
    expect(linesOf(session.get())[1]).toBe("hel (failed, incomplete)");
    await session.stop();
    expect(copilot.of("POST")).toHaveLength(1);
  });

  it("is asked about where a piece is missing, and the answer that runs goes on with the gap in it", async () => {
    const { copilot, said, say, session, clock } = await conversing();
    copilot.running = "a";
    say(said.start("a", "hi"), said.text("hel"));
    said.text("never told");
    say(said.text("lo"));
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    clock.advance(CONCLUDED_MS);
    say(said.text("!"), said.done("a"));
    expect(linesOf(session.get())[1]).toBe("hello! (done, incomplete)");
  });

  it("does not block the conversation where the question fails for a time", async () => {
    const { copilot, said, say, session, clock } = await cut();
    copilot.running = null;
    copilot.next("session", { status: 503, code: "OVERLOADED" });
    say(said.ack(true));
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    clock.advance(500);
    await until(() => copilot.of("GET").length === 3, "the next one");
    await settle();
    clock.advance(CONCLUDED_MS);
    expect(session.get()).toMatchObject({ status: "idle", error: null });
  });
});

describe("a channel that begins anew", () => {
  it("shows nothing twice", async () => {
    const { said, say, session, gateway, clock, opened, copilot } = await conversing();
    copilot.running = "b";
    say(...said.answer("a", "hi", "hello"), said.start("b", "more"), said.text("y"));
    const before = session.get().messages;
    gateway.line.close();
    clock.advance(5_000);
    const line = await opened(2);
    line.greet();
    // All of it once more, as another gateway tells it, or the same to a module that was started anew.
    line.say(said.ack(false, { epoch: "epoch002" }), ...said.kept, said.text("es"), said.done("b"));
    clock.draw();
    expect(linesOf(session.get())).toEqual(["> hi (sent)", "hello (done)", "> more (sent)", "yes (done)"]);
    expect(session.get().messages[1]).toBe(before[1]);
  });

  it("leaves in sight what is held no more", async () => {
    const { said, say, session, end, clock, takeUp, copilot } = await conversing();
    say(...said.answer("a", "hi", "hello"));
    end();
    clock.advance(30_000);
    session.subscribe(() => {});
    const empty = new Said("chat-0");
    empty.seq = said.seq;
    await until(() => copilot.of("GET").length === 2, "the question");
    await takeUp(empty, 2);
    expect(session.get()).toMatchObject({ status: "idle", messages: [{ text: "hi" }, { status: "done" }] });
    say(...empty.answer("b", "more", "yes"));
    expect(linesOf(session.get())).toEqual(["> hi (sent)", "hello (done)", "> more (sent)", "yes (done)"]);
  });
});

describe("a message", () => {
  it("that was taken counts as being answered before the answer begins", async () => {
    const { session, said, say, copilot } = await conversing();
    copilot.running = "ans_1";
    await session.ask("hi");
    expect(session.get()).toMatchObject({ status: "answering", messages: [{ status: "sent" }] });
    await session.stop();
    expect(copilot.of("POST sessions/chat-0/stop")).toHaveLength(1);
    say(said.start("ans_1", "hi"), said.event("copilot.stopped", { answerId: "ans_1" }));
    expect(session.get().status).toBe("idle");
    expect(linesOf(session.get())).toEqual(["> hi (sent)", " (stopped)"]);
  });

  it("is the one that comes back in other words", async () => {
    const { session, said, say } = await conversing();
    await session.ask("confirm sct_abc");
    say(...said.answer("ans_1", "confirm [token]", "I cannot"));
    expect(linesOf(session.get())).toEqual(["> confirm [token] (sent)", "I cannot (done)"]);
  });

  it("whose answer was lost is sent when it is heard, and then nothing is wrong", async () => {
    const { session, said, say, copilot } = await conversing();
    copilot.next("chat", "lost");
    expect(await codeOf(session.ask("hi"))).toBe("NETWORK");
    expect(session.get()).toMatchObject({ error: { code: "NETWORK" }, messages: [{ status: "failed" }] });
    say(said.start("ans_1", "hi"));
    expect(session.get()).toMatchObject({ status: "answering", error: null });
    expect(linesOf(session.get())).toEqual(["> hi (sent)", " (answering)"]);
  });

  it("that is refused says so, until the next call", async () => {
    const { session, copilot } = await conversing();
    copilot.next("chat", { status: 429, code: "RATE_LIMITED" });
    expect(await codeOf(session.ask("hi"))).toBe("RATE_LIMITED");
    expect(session.get()).toMatchObject({ status: "idle", error: { code: "RATE_LIMITED" } });
    await session.ask("hi");
    expect(session.get()).toMatchObject({ error: null, messages: [{ text: "hi", status: "sent" }] });
  });

  it("whose answer never begins is not waited for", async () => {
    const { session, said, say, copilot, gateway, clock, opened } = await conversing();
    await session.ask("hi");
    gateway.line.close();
    clock.advance(5_000);
    const line = await opened(2);
    line.greet();
    say(said.ack(true));
    await until(() => copilot.of("GET").length === 2, "the question");
    await settle();
    clock.advance(CONCLUDED_MS);
    expect(linesOf(session.get())).toEqual(["> hi (sent)", " (failed, incomplete)"]);
    expect(session.get().status).toBe("idle");
  });
});

describe("a conversation that cannot be had", () => {
  it("because there is none says so, and goes on in another one with the next message", async () => {
    const { client, copilot, opened, clock } = copilotSetUp();
    copilot.always.set("session", { status: 404, code: "NOT_FOUND" });
    const session = client.copilot({ sessionId: "gone" });
    session.subscribe(() => {});
    await until(() => session.get().status === "missing", "the word");
    const asked = session.ask("hi");
    const line = await opened(1);
    line.greet();
    line.say(new Said("chat-1").ack());
    clock.draw();
    await asked;
    expect(session.get()).toMatchObject({ sessionId: "chat-1", status: "answering", error: null });
    expect(copilot.of("POST chat")).toMatchObject([{ body: { sessionId: "chat-1" } }]);
  });

  it("is not missing for good", async () => {
    const { client, copilot, takeUp } = copilotSetUp();
    copilot.next("session", { status: 404, code: "NOT_FOUND" });
    const session = client.copilot({ sessionId: "chat-0" });
    const end = session.subscribe(() => {});
    await until(() => session.get().status === "missing", "the word");
    end();
    session.subscribe(() => {});
    await takeUp(new Said("chat-0"));
    expect(session.get()).toMatchObject({ status: "idle", error: null });
  });

  it.each(["SUBSCRIPTION_LIMIT", "FORBIDDEN", "CHANNEL_UNKNOWN"])(
    "for %s of its channel is asked for again more and more rarely, and says why",
    async (code) => {
      const { client, copilot, opened, clock, gateway, network } = copilotSetUp();
      const session = client.copilot({ sessionId: "chat-0" });
      session.subscribe(() => {});
      const line = await opened(1);
      line.greet();
      const delays: number[] = [];
      for (let round = 1; round <= 6; round += 1) {
        gateway.line.say(refusal(code, "copilot:chat-0"));
        clock.draw();
        expect(session.get().error?.code).toBe(code);
        const from = clock.now();
        const count = copilot.of("GET").length;
        while (copilot.of("GET").length === count) {
          clock.advance(50);
          clock.draw();
          await settle();
        }
        delays.push(clock.now() - from);
        clock.advance(50);
        await settle();
        if (!gateway.line.isOpen) gateway.line.greet();
      }
      expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000]);
      network.emit("online");
      gateway.line.say(new Said("chat-0").ack());
      clock.draw();
      expect(session.get()).toMatchObject({ status: "idle", error: null });
    },
  );

  it("for want of a good token is asked for again rarely", async () => {
    const { client, copilot, clock } = copilotSetUp({ auth: async () => ({ token: "t" }) });
    copilot.always.set("session", { status: 401, code: "UNAUTHENTICATED" });
    const session = client.copilot({ sessionId: "chat-0" });
    session.subscribe(() => {});
    await until(() => session.get().error !== null, "the error");
    expect(session.get()).toMatchObject({ status: "loading", error: { code: "UNAUTHENTICATED" } });
    const count = copilot.of("GET").length;
    for (let at = 0; at < 29; at += 1) {
      clock.advance(1_000);
      await settle();
    }
    expect(copilot.of("GET")).toHaveLength(count);
    clock.advance(1_000);
    await until(() => copilot.of("GET").length > count, "another attempt");
  });

  it("is asked for again no sooner than the gateway says", async () => {
    const { client, copilot, clock } = copilotSetUp();
    copilot.next("session", { status: 503, code: "DRAINING", retryAfterS: 7 });
    const session = client.copilot({ sessionId: "chat-0" });
    session.subscribe(() => {});
    await until(() => session.get().error !== null, "the error");
    clock.advance(6_999);
    await settle();
    expect(copilot.of("GET")).toHaveLength(1);
    clock.advance(1);
    await until(() => copilot.of("GET").length === 2, "another attempt");
  });
});
