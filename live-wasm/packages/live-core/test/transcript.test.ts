import { describe, expect, it } from "vitest";
import { Transcript } from "../src/copilot/transcript.js";
import type { AssistantMessage } from "../src/copilot/types.js";
import type { Envelope } from "../src/envelope.js";
import type { LiveError } from "../src/types.js";

let seq = 0;

function said(event: string, data: object): Envelope<unknown> {
  seq += 1;
  return { v: 1, event, channel: "copilot:s1", seq, ts: seq, ok: true, errorCode: null, data };
}

/** Some that are never told. */
function lost(count: number): void {
  seq += count;
}

const start = (answerId: string, message: string, confirms = false) =>
  said("copilot.start", { answerId, message, confirms });
const delta = (text: string) => said("copilot.delta", { text });
const done = (answerId: string) => said("copilot.done", { answerId, reason: "stop" });
const proposal = (proposalId: string) => ({
  proposalId,
  tool: "startBacktest",
  params: { symbol: "AAPL" },
  paramsHash: "aa",
  summary: "a backtest",
  combinations: 1,
  bars: 10,
  expiresAt: 1_000,
});
const card = (proposalId: string, confirmationToken?: string) =>
  said("copilot.confirm", {
    ...proposal(proposalId),
    ...(confirmationToken !== undefined && { confirmationToken }),
  });
const confirmed = (proposalId: string, jobId: string) =>
  said("copilot.confirmed", { proposalId, paramsHash: "aa", jobId });
const call = (callId: string, tool: string) => said("copilot.tool_call", { callId, tool, arguments: {} });
const result = (callId: string, tool: string, ok: boolean, data: object, errorCode?: string) =>
  said("copilot.tool_result", { callId, tool, ok, data, ...(errorCode !== undefined && { errorCode }) });

/** A whole conversation: text, a tool, a card, more text; then the card is confirmed. */
const CONVERSATION = [
  start("a1", "backtest AAPL"),
  delta("I "),
  delta("look. "),
  call("c1", "getMarketSnapshot"),
  result("c1", "getMarketSnapshot", true, { prices: [] }),
  call("c2", "startBacktest"),
  result("c2", "startBacktest", true, {}),
  card("p1", "sct_secret"),
  delta("Confirm "),
  delta("it."),
  done("a1"),
  start("a2", "", true),
  call("c3", "confirmBacktest"),
  result("c3", "confirmBacktest", true, { jobId: "job_1", paramsHash: "aa" }),
  confirmed("p1", "job_1"),
  delta("Started."),
  done("a2"),
];

function transcript() {
  const tokens = new Map<string, string>();
  /** The cards that something was proposed anew for. */
  const anew = new Map<string, string>();
  const taken: LiveError[] = [];
  let missed = 0;
  const of = new Transcript({
    proposed: (id, token) => token !== undefined && tokens.set(id, token),
    hasToken: (id) => tokens.has(id),
    cardOf: (id) => anew.get(id) ?? id,
    taken: (error) => taken.push(error),
    missed: () => {
      missed += 1;
    },
    toLocal: (gatewayMs) => gatewayMs + 7,
  });
  const take = (...envelopes: Envelope<unknown>[]) => {
    for (const envelope of envelopes) of.take(envelope);
  };
  return { of, take, tokens, anew, taken, missed: () => missed };
}

/** A line for each message. */
function lines(of: Transcript): string[] {
  return of.messages().map((message) => {
    if (message.role === "user") return `> ${message.text} (${message.status})`;
    const parts = message.parts.map((part) => (part.kind === "text" ? part.text : `[${part.status}]`));
    return `${parts.join("")} (${message.status}${message.isIncomplete ? ", incomplete" : ""})`;
  });
}

const status = (of: Transcript, id: string) => of.card(id)?.status;

/** Numbers of [0, 1) that are the same in each run. */
function chance(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a transcript", () => {
  it("is made of text, tools and cards in their order", () => {
    const { of, tokens } = transcript();
    for (const envelope of CONVERSATION) of.take(envelope);
    const [question, answer, confirmed, last] = of.messages();
    expect(question).toMatchObject({ role: "user", text: "backtest AAPL", status: "sent" });
    const { parts, status } = answer as AssistantMessage;
    expect(status).toBe("done");
    expect(parts.map((part) => (part.kind === "text" ? part.text : `${part.kind} ${part.status}`))).toEqual([
      "I look. ",
      "tool done",
      "tool done",
      "proposal confirmed",
      "Confirm it.",
    ]);
    expect(parts[3]).toMatchObject({ jobId: "job_1", proposal: { proposalId: "p1", expiresAt: 1_007 } });
    expect(confirmed).toMatchObject({ role: "user", text: "", confirms: true });
    expect(last).toMatchObject({ role: "assistant", status: "done" });
    expect(tokens).toEqual(new Map([["p1", "sct_secret"]]));
    expect(JSON.stringify(of.messages())).not.toContain("sct_");
  });

  it("comes to the same however often somebody looks, and keeps what has not changed", () => {
    const whole = transcript().of;
    for (const envelope of CONVERSATION) whole.take(envelope);
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = chance(seed);
      const { of } = transcript();
      let last = of.messages();
      for (const envelope of CONVERSATION) {
        of.take(envelope);
        if (random() < 0.5) continue;
        const now = of.messages();
        const before = JSON.stringify(last);
        for (const [at, message] of now.entries()) {
          const old = last[at];
          if (old && old !== message) expect(JSON.stringify(old)).not.toBe(JSON.stringify(message));
        }
        // What was handed out stays as it was.
        expect(JSON.stringify(last)).toBe(before);
        expect(of.messages()).toBe(now);
        last = now;
      }
      expect(of.messages()).toEqual(whole.messages());
    }
  });

  it("joins text once for each look, not for each piece", () => {
    const { of } = transcript();
    of.take(start("a1", "hi"));
    for (let piece = 0; piece < 20_000; piece += 1) of.take(delta("x"));
    const [, answer] = of.messages();
    const [part] = (answer as AssistantMessage).parts;
    expect(part?.kind === "text" && part.text.length).toBe(20_000);
    expect(of.answering).toBe("a1");
  });

  it("shows a message before it is taken, and once when it is", () => {
    const { of } = transcript();
    of.say("hi");
    expect(of.messages()).toMatchObject([{ text: "hi", status: "sending" }]);
    of.take(start("a1", "hi"));
    expect(of.messages()).toMatchObject([
      { text: "hi", status: "sent" },
      { role: "assistant", status: "answering" },
    ]);
  });

  it("keeps a message that was not taken, with the reason, until the same is said again", () => {
    const { of } = transcript();
    of.notSent(of.say("hi"), { code: "NETWORK", message: "no way" });
    expect(of.messages()).toMatchObject([{ text: "hi", status: "failed", error: { code: "NETWORK" } }]);
    of.say("ho");
    of.say("hi");
    expect(lines(of)).toEqual(["> ho (sending)", "> hi (sending)"]);
  });

  it("tells how an answer has ended", () => {
    const { of } = transcript();
    of.take(start("a1", "one"));
    of.take(call("c1", "getCandles"));
    of.take(said("copilot.stopped", { answerId: "a1" }));
    of.take(start("a2", "two"));
    of.take(said("copilot.done", { answerId: "a2", reason: "length" }));
    of.take(start("a3", "three"));
    of.take(said("copilot.error", { answerId: "a3", code: "MODEL_FAILED", message: "no" }));
    of.take(said("copilot.error", { answerId: "a0", code: "INTERNAL", message: "restarted" }));
    const answers = of.messages().filter((message) => message.role === "assistant");
    expect(answers.map(({ status }) => status)).toEqual(["stopped", "cut", "failed", "failed"]);
    expect((answers[0] as AssistantMessage).parts[0]).toMatchObject({ status: "failed" });
    expect(answers[2]?.error).toEqual({ code: "MODEL_FAILED", message: "no" });
  });

  it("leaves aside what it does not know, and pieces of an answer whose beginning is gone", () => {
    const { of } = transcript();
    of.take(said("copilot.wonder", {}));
    of.take(delta("lost"));
    of.take(result("c9", "getCandles", true, {}));
    expect(of.messages()).toEqual([]);
  });

  it("ties a message to its answer by the answer's id, whatever words come back", () => {
    const { of, take } = transcript();
    const id = of.say("take sct_abc-1 now");
    of.taken(id, "a1");
    expect([lines(of), of.answering]).toEqual([["> take sct_abc-1 now (sent)"], "a1"]);
    take(start("a1", "take [token] now"));
    expect(lines(of)).toEqual(["> take [token] now (sent)", " (answering)"]);
    expect(of.messages()[0]?.id).toBe(id);
  });

  it("knows its own message before it is told that it was taken, also with a token in it", () => {
    const { of, take } = transcript();
    const id = of.say("take sct_abc");
    take(start("a1", "take [token]"), done("a1"));
    of.taken(id, "a1");
    expect([lines(of), of.answering]).toEqual([["> take [token] (sent)", " (done)"], null]);
    const other = of.say("what was not recognised");
    take(start("a2", "in other words"));
    of.taken(other, "a2");
    expect(lines(of).slice(2)).toEqual(["> in other words (sent)", " (answering)"]);
  });

  it("takes a message for sent of which only the answer was lost, and says so", () => {
    const { of, take, taken } = transcript();
    const error = { code: "NETWORK", message: "no way" };
    of.notSent(of.say("hi"), error);
    of.notSent(of.say("refused"), { code: "RATE_LIMITED", message: "later" });
    take(start("a1", "hi"), done("a1"), start("a2", "refused"));
    expect(taken).toEqual([error]);
    expect(lines(of)).toEqual([
      "> refused (failed)",
      "> hi (sent)",
      " (done)",
      "> refused (sent)",
      " (answering)",
    ]);
  });
});

describe("a transcript whose channel begins anew", () => {
  it("shows nothing twice, and keeps the references of what is the same", () => {
    const { of, take } = transcript();
    take(...CONVERSATION);
    const before = of.messages();
    for (const envelope of CONVERSATION) {
      take(envelope);
      expect(JSON.stringify(of.messages())).toBe(JSON.stringify(before));
      expect(of.answering).toBeNull();
    }
    for (const [at, message] of of.messages().entries()) expect(message).toBe(before[at]);
  });

  it("goes on in the middle of an answer without losing or repeating a piece", () => {
    for (let cut = 1; cut < CONVERSATION.length; cut += 1) {
      const { of, take } = transcript();
      let most = 0;
      const look = () => {
        const parts = of.messages().flatMap((message) => (message.role === "user" ? [] : message.parts));
        const size = parts.reduce((sum, part) => sum + (part.kind === "text" ? part.text.length : 100), 0);
        expect(size).toBeGreaterThanOrEqual(most);
        most = size;
      };
      take(...CONVERSATION.slice(0, cut));
      look();
      for (const envelope of CONVERSATION) {
        take(envelope);
        look();
      }
      const whole = transcript();
      whole.take(...CONVERSATION);
      expect(of.messages()).toEqual(whole.of.messages());
    }
  });

  it("keeps what is not told again, and puts what was missed where it belongs", () => {
    const { of, take } = transcript();
    const [a, b, c] = ["a", "b", "c"].map((id) => [start(id, `${id}?`), delta(id), done(id)] as const);
    take(...(a ?? []), ...(c ?? []));
    of.notSent(of.say("not sent"), { code: "RATE_LIMITED", message: "later" });
    take(...(b ?? []), ...(c ?? []));
    expect(lines(of).filter((line) => line.startsWith(">"))).toEqual([
      "> a? (sent)",
      "> c? (sent)",
      "> not sent (failed)",
      "> b? (sent)",
    ]);
    const again = transcript();
    again.take(...(a ?? []), ...(c ?? []));
    again.take(...(a ?? []), ...(b ?? []), ...(c ?? []), start("d", "d?"));
    expect(lines(again.of).filter((line) => line.startsWith(">"))).toEqual([
      "> a? (sent)",
      "> b? (sent)",
      "> c? (sent)",
      "> d? (sent)",
    ]);
  });

  it("does not put pieces of other answers into the one that is open", () => {
    const { of, take } = transcript();
    const old = [start("a", "a?"), delta("old"), done("a")];
    const open = [start("b", "b?"), delta("new")];
    take(...old, ...open);
    // The history has lost its front meanwhile.
    take(...old.slice(1), ...open, delta("er"));
    expect(lines(of)).toEqual(["> a? (sent)", "old (done)", "> b? (sent)", "newer (answering)"]);
  });

  it("keeps what has become of cards here", () => {
    const { of, take } = transcript();
    const told = [start("a", "x"), card("p1"), card("p2"), card("p3"), done("a")];
    take(...told);
    of.changeCard("p1", { status: "declined" });
    of.renew("p2", { ...proposal("p2-again"), expiresAt: 9_000 });
    of.renew("p2-again", { ...proposal("p2-anew"), expiresAt: 9_000 });
    take(...told);
    const cards = of.cards().map(({ proposal, status }) => [proposal.proposalId, status]);
    expect(cards).toEqual([
      ["p1", "declined"],
      ["p2-anew", "waiting"],
      ["p3", "waiting"],
    ]);
    expect([of.wasRenewed("p2"), of.wasRenewed("p2-anew")]).toEqual([true, false]);
  });
});

describe("a transcript of which something is missing", () => {
  it("says of which answer, and asks what is running", () => {
    const { of, take, missed } = transcript();
    take(start("a1", "one"), delta("begin "));
    lost(2);
    take(delta("end"));
    expect(missed()).toBe(1);
    take(done("a1"));
    expect(lines(of)).toEqual(["> one (sent)", "begin end (done, incomplete)"]);
  });

  it("takes joined text for what it is", () => {
    const { of, take, missed } = transcript();
    take(start("a1", "one"), delta("a"));
    const from = seq + 1;
    lost(3);
    take(said("copilot.delta", { text: "bcde", fromSeq: from }), done("a1"));
    expect([lines(of), missed()]).toEqual([["> one (sent)", "abcde (done)"], 0]);
  });

  it("does not say that one answer is another", () => {
    const { of, take } = transcript();
    take(start("a1", "one"), delta("of one"));
    lost(4);
    take(delta("of two"), done("a2"));
    expect(lines(of)).toEqual(["> one (sent)", "of one (answering)", "of two (done, incomplete)"]);
    of.conclude(null);
    expect(lines(of)[1]).toBe("of one (failed, incomplete)");
    expect((of.messages()[1] as AssistantMessage).error?.code).toBe("CURSOR_EXPIRED");
  });

  it("goes on with the answer that is running, known or not", () => {
    const known = transcript();
    known.take(start("a1", "one"), delta("begin "));
    lost(2);
    known.take(delta("mid "));
    expect(known.of.agrees("a1")).toBe(false);
    known.of.conclude("a1");
    expect(known.of.agrees("a1")).toBe(true);
    known.take(delta("end"), done("a1"));
    expect(lines(known.of)).toEqual(["> one (sent)", "begin mid end (done, incomplete)"]);

    const other = transcript();
    other.take(start("a1", "one"), delta("begin"));
    lost(3);
    other.take(delta("another "));
    other.of.conclude("a2");
    other.take(delta("one"), done("a2"));
    expect(lines(other.of)).toEqual([
      "> one (sent)",
      "begin (failed, incomplete)",
      "another one (done, incomplete)",
    ]);
  });

  it("is whole again where everything is told once more", () => {
    const { of, take } = transcript();
    const told = [start("a1", "one"), delta("a"), delta("b"), delta("c"), done("a1")];
    take(...told.slice(0, 2), ...told.slice(3));
    expect(lines(of)[1]).toBe("ac (done, incomplete)");
    take(...told);
    expect(lines(of)[1]).toBe("abc (done)");
    expect(of.messages()[1]).not.toHaveProperty("isIncomplete");
  });

  it("shows an answer that was promised and never heard", () => {
    const { of, take } = transcript();
    of.taken(of.say("hi"), "a1");
    expect(of.agrees("a1")).toBe(false);
    of.conclude("a1");
    expect([lines(of), of.answering]).toEqual([["> hi (sent)", " (answering, incomplete)"], "a1"]);
    take(start("a1", "hi"), delta("whole"), done("a1"));
    expect(lines(of)).toEqual(["> hi (sent)", "whole (done)"]);
    of.taken(of.say("ho"), "a2");
    of.conclude(null);
    expect(lines(of).slice(2)).toEqual(["> ho (sent)", " (failed, incomplete)"]);
  });

  it("takes the end of an answer that was thought lost", () => {
    const { of, take } = transcript();
    take(start("a1", "one"), delta("a"));
    of.conclude(null);
    take(done("a1"));
    expect(lines(of)).toEqual(["> one (sent)", "a (done, incomplete)"]);
    expect(of.messages()[1]?.error).toBeNull();
  });
});

describe("a confirmation", () => {
  it("is of the card that it names, whatever its parameters", () => {
    const { of, take, tokens } = transcript();
    take(start("a", "x"), card("p1", "sct_1"), card("p2"), confirmed("p1", "job_1"));
    expect([status(of, "p1"), status(of, "p2"), of.card("p1")?.jobId]).toEqual([
      "confirmed",
      "waiting",
      "job_1",
    ]);
    expect(tokens.has("p1")).toBe(true);
    of.changeCard("p2", { status: "declined" });
    take(confirmed("p2", "job_2"));
    expect(status(of, "p2")).toBe("confirmed");
  });

  it("of a proposal that nobody has seen is of the newest open card, first of those without a token here", () => {
    const { of, take } = transcript();
    take(start("a", "x"), card("p1"), card("p2"), card("p3", "sct_3"), card("p4"), done("a"));
    of.changeCard("p4", { status: "declined" });
    of.changeCard("p2", { status: "expired" });
    take(confirmed("unseen", "job_1"));
    const all = ["p1", "p2", "p3", "p4"];
    expect(all.map((id) => status(of, id))).toEqual(["waiting", "confirmed", "waiting", "declined"]);
    // The same once more, as a history tells it, is no other card's.
    take(confirmed("unseen", "job_1"));
    expect(all.map((id) => status(of, id))).toEqual(["waiting", "confirmed", "waiting", "declined"]);
    take(confirmed("unseen-too", "job_2"));
    expect(all.map((id) => status(of, id))).toEqual(["confirmed", "confirmed", "waiting", "declined"]);
    // Another window had no token for the card that this one could still confirm: it counts once.
    take(confirmed("unseen as well", "job_3"), confirmed("of nothing", "job_4"));
    expect(all.map((id) => status(of, id))).toEqual(["confirmed", "confirmed", "confirmed", "declined"]);
  });

  it("is of a card that came without the beginning of its answer, and of no other one", () => {
    const { of, take } = transcript();
    take(start("a", "x"), card("p1"), done("a"));
    take(card("p2"), confirmed("p2", "job_2"), done("b"));
    expect([status(of, "p1"), status(of, "p2"), of.card("p2")?.jobId]).toEqual([
      "waiting",
      "confirmed",
      "job_2",
    ]);
  });

  it("of what was proposed anew here is of the card that it was proposed for", () => {
    const { of, take, tokens, anew } = transcript();
    take(start("a", "x"), card("p1"), card("p2"));
    tokens.set("p1", "sct_anew");
    anew.set("p1-anew", "p1");
    take(confirmed("p1-anew", "job_1"));
    expect([status(of, "p1"), status(of, "p2")]).toEqual(["confirmed", "waiting"]);
  });

  it("counts within an answer and between two", () => {
    const { of, take } = transcript();
    take(start("a", "x"), card("p1"), done("a"), start("b", "y"), card("p2"), confirmed("p1", "job_1"));
    take(delta("and"), confirmed("p2", "job_2"), delta(" on"), done("b"));
    expect([status(of, "p1"), status(of, "p2")]).toEqual(["confirmed", "confirmed"]);
    expect(lines(of).at(-1)).toBe("[confirmed]and on (done)");
  });
});
