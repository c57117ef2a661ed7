import { describe, expect, it } from "vitest";
import { Transcript } from "../src/copilot/transcript.js";
import type { AssistantMessage, ProposalPart } from "../src/copilot/types.js";
import type { Envelope } from "../src/envelope.js";

let seq = 0;

function said(event: string, data: object): Envelope<unknown> {
  seq += 1;
  return { v: 1, event, channel: "copilot:s1", seq, ts: seq, ok: true, errorCode: null, data };
}

const start = (answerId: string, message: string, confirms = false) =>
  said("copilot.start", { answerId, message, confirms });
const delta = (text: string) => said("copilot.delta", { text });
const done = (answerId: string) => said("copilot.done", { answerId, reason: "stop" });
const card = (proposalId: string, confirmationToken?: string) =>
  said("copilot.confirm", {
    proposalId,
    tool: "startBacktest",
    params: { symbol: "AAPL" },
    paramsHash: "aa",
    summary: "a backtest",
    combinations: 1,
    bars: 10,
    expiresAt: 1_000,
    ...(confirmationToken !== undefined && { confirmationToken }),
  });
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
  delta("Started."),
  done("a2"),
];

function transcript() {
  const tokens = new Map<string, string | undefined>();
  const of = new Transcript({
    proposed: (id, token) => tokens.set(id, token),
    toLocal: (gatewayMs) => gatewayMs + 7,
  });
  return { of, tokens };
}

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
    expect(of.isAnswering).toBe(true);
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

  it("keeps a message that was not taken, with the reason", () => {
    const { of } = transcript();
    const id = of.say("hi");
    of.notSent(id, { code: "NETWORK", message: "no way" });
    of.restart();
    expect(of.messages()).toMatchObject([{ text: "hi", status: "failed", error: { code: "NETWORK" } }]);
    of.forget(id);
    expect(of.messages()).toEqual([]);
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

  it("confirms the newest card of the same parameters that is not confirmed", () => {
    const { of } = transcript();
    of.take(start("a1", "x"));
    of.take(card("p1"));
    of.take(card("p2"));
    of.take(call("c1", "confirmBacktest"));
    of.take(result("c1", "confirmBacktest", true, { jobId: "job_1", paramsHash: "aa" }));
    const state = (id: string) => (of.card(id) as ProposalPart).status;
    expect([state("p1"), state("p2")]).toEqual(["waiting", "confirmed"]);
    of.changeCard("p1", { status: "declined" });
    expect([state("p1"), state("p2")]).toEqual(["declined", "confirmed"]);
  });

  it("leaves aside what it does not know, and pieces of an answer whose beginning is gone", () => {
    const { of } = transcript();
    of.take(said("copilot.wonder", {}));
    of.take(delta("lost"));
    of.take(result("c9", "getCandles", true, {}));
    expect(of.messages()).toEqual([]);
  });
});
