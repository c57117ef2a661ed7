import { describe, expect, it } from "vitest";
import {
  cardsOf,
  codeOf,
  conversing,
  copilotSetUp,
  type Mishap,
  PROPOSAL_MS,
  Said,
} from "./copilot-gateway.js";
import { settle, until } from "./harness.js";

const CONFIRM = "POST tools/confirmBacktest";
const PROPOSE = "POST tools/startBacktest";
const PARAMS = { symbol: "AAPL", strategy: { name: "buy_and_hold" } } as const;

/** A conversation with one card, whose token this page has, unless it was loaded anew. */
async function carded({ isReloaded = false } = {}) {
  const setup = await conversing();
  const { said, say, session, copilot } = setup;
  say(...said.proposal("a", "p1", isReloaded ? undefined : "sct_1"));
  const card = () => cardsOf(session)[0];
  return { ...setup, card, confirms: () => copilot.of(CONFIRM), proposes: () => copilot.of(PROPOSE) };
}

/** The same after a reload: the history has no token. */
const reloaded = () => carded({ isReloaded: true });

describe("a card", () => {
  it("is confirmed by its token, which nobody is shown", async () => {
    const { session, card, confirms, said } = await carded();
    expect(session.get().proposal).toBe(card());
    await session.confirm();
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1", error: null });
    expect(session.get().proposal).toBeNull();
    expect(confirms()).toMatchObject([{ body: { confirmationToken: "sct_1" } }]);
    expect(confirms()[0]?.key).toMatch(/^confirm-[0-9a-z]+$/);
    expect(JSON.stringify(session.get())).not.toContain("sct_");
    expect(said.kept.at(-1)?.event).toBe("copilot.done");
  });

  it("is on its way once, however often it is pressed", async () => {
    const { session, card, confirms, copilot } = await carded();
    copilot.holds.add("tools/confirmBacktest");
    const pressed = [session.confirm("p1"), session.confirm("p1"), session.confirm()];
    await until(() => confirms().length > 0, "the confirmation");
    expect(card()?.status).toBe("confirming");
    session.decline("p1");
    expect(card()?.status).toBe("confirming");
    copilot.letGo();
    await Promise.all(pressed);
    await session.confirm("p1");
    session.decline("p1");
    expect([card()?.status, confirms().length]).toEqual(["confirmed", 1]);
  });

  it("is confirmed by the word of its channel, whatever comes of the question", async () => {
    const { session, card, confirms, copilot, said, say } = await carded();
    copilot.holds.add("tools/confirmBacktest");
    copilot.next("tools/confirmBacktest", "lost");
    const pressed = session.confirm();
    await until(() => confirms().length > 0, "the confirmation");
    say(said.confirmed("p1", "job_1"));
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1" });
    copilot.letGo();
    await pressed;
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1", error: null });
    expect(session.get().error).toBeNull();
  });

  it("that another window has confirmed is confirmed here, and starts nothing more", async () => {
    const { session, card, said, say, copilot } = await carded();
    say(said.confirmed("p1", "job_7"));
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_7" });
    await session.confirm("p1");
    expect(copilot.of("POST")).toEqual([]);
  });

  it.each<[string, Mishap]>([
    ["the answer is lost", "lost"],
    ["a proxy does not get through", { proxy: 502 }],
    ["a proxy waits no longer", { proxy: 504 }],
    ["it is asked too often", { status: 429, code: "RATE_LIMITED" }],
    ["the gateway ends", { status: 503, code: "DRAINING" }],
    ["the gateway has too much to do", { status: 503, code: "OVERLOADED" }],
    ["too many jobs wait", { status: 429, code: "JOB_LIMIT" }],
    ["the store is away", { status: 503, code: "STORE_UNAVAILABLE" }],
    ["the request came too slowly", { status: 408, code: "BODY_TIMEOUT" }],
    ["a proxy lets nobody through", { proxy: 403 }],
    ["the person has to sign in again", { status: 401, code: "AUTH_EXPIRED" }],
  ])("stays as it is where %s, and is the same confirmation when it is repeated", async (_what, mishap) => {
    const { session, card, confirms, copilot, proposes } = await carded();
    copilot.next("tools/confirmBacktest", mishap);
    const code = await codeOf(session.confirm());
    expect(code).not.toBeNull();
    expect(card()).toMatchObject({ status: "waiting", jobId: null, error: { code } });
    expect(session.get()).toMatchObject({ error: { code }, proposal: { error: { code } } });
    await session.confirm();
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1", error: null });
    expect(session.get().error).toBeNull();
    const [first, second] = confirms();
    expect([second?.body, second?.key]).toEqual([first?.body, first?.key]);
    expect([proposes().length, copilot.used.size]).toEqual([0, 1]);
  });

  it("that was confirmed elsewhere fails with the job that runs it", async () => {
    const { session, card, copilot, confirms } = await carded();
    copilot.used.set("sct_1", { jobId: "job_9", key: "another" });
    expect(await codeOf(session.confirm())).toBe("TOKEN_USED");
    expect(card()).toMatchObject({ status: "failed", jobId: "job_9", error: { code: "TOKEN_USED" } });
    await session.confirm("p1");
    expect(confirms()).toHaveLength(1);
    expect(copilot.of(PROPOSE)).toEqual([]);
  });

  it("that is used after this page has sent it was used by this page", async () => {
    const { session, card, copilot } = await carded();
    copilot.next("tools/confirmBacktest", "lost", { status: 409, code: "TOKEN_USED", jobId: "job_1" });
    expect(await codeOf(session.confirm())).toBe("NETWORK");
    await session.confirm();
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1", error: null });
    expect(session.get().error).toBeNull();
  });

  it("expires with its time, and is not confirmed any more then", async () => {
    const { session, card, clock, confirms, proposes } = await carded();
    clock.advance(PROPOSAL_MS - 2_000);
    expect(card()?.status).toBe("waiting");
    clock.advance(2_000);
    expect([card()?.status, session.get().proposal]).toEqual(["expired", null]);
    expect(await codeOf(session.confirm())).toBe("PARAMS_INVALID");
    expect([confirms().length, proposes().length]).toEqual([0, 0]);
  });

  it("expires by the gateway's word", async () => {
    const { session, card, copilot } = await carded();
    copilot.next("tools/confirmBacktest", { status: 410, code: "TOKEN_EXPIRED" });
    expect(await codeOf(session.confirm())).toBe("TOKEN_EXPIRED");
    expect(card()).toMatchObject({ status: "expired", error: null });
  });

  it("of which nobody knows whether it came through is asked about also after its time", async () => {
    const { session, card, copilot, clock, proposes } = await carded();
    copilot.next("tools/confirmBacktest", "lost");
    expect(await codeOf(session.confirm())).toBe("NETWORK");
    clock.advance(2 * PROPOSAL_MS);
    expect(card()?.status).toBe("waiting");
    await session.confirm();
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1" });
    expect([proposes().length, copilot.used.size]).toEqual([0, 1]);
  });

  it("is put away, and one that is not there is not", async () => {
    const { session, card } = await carded();
    session.decline("unknown");
    session.decline();
    session.decline();
    expect([card()?.status, session.get().proposal]).toEqual(["declined", null]);
    expect(await codeOf(session.confirm("unknown"))).toBe("PARAMS_INVALID");
  });

  it("is confirmed also after the conversation was left", async () => {
    const { session, confirms, copilot } = await carded();
    copilot.holds.add("tools/confirmBacktest");
    const pressed = session.confirm();
    await until(() => confirms().length > 0, "the confirmation");
    session.clear();
    copilot.letGo();
    await pressed;
    expect(session.get()).toMatchObject({ messages: [], error: null });
  });
});

describe("a card whose token is not here", () => {
  it("is proposed anew within its conversation, and confirmed by that", async () => {
    const { session, card, confirms, proposes, said, say } = await reloaded();
    await session.confirm("p1");
    expect(proposes()).toMatchObject([
      { path: "tools/startBacktest?sessionId=chat-0", body: { symbol: "AAPL" } },
    ]);
    expect(confirms()).toMatchObject([{ body: { confirmationToken: "sct_anew1" } }]);
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1", proposal: { proposalId: "p1" } });
    // The channel tells of it as another proposal, which is of no other card.
    say(...said.proposal("b", "p2"), said.confirmed("anew_1", "job_1"));
    expect(cardsOf(session).map(({ status }) => status)).toEqual(["confirmed", "waiting"]);
  });

  it("is confirmed by the word of its channel before the answer comes, and no other card is", async () => {
    const { session, confirms, copilot, said, say } = await reloaded();
    say(...said.proposal("b", "p2"));
    copilot.holds.add("tools/confirmBacktest");
    copilot.next("tools/confirmBacktest", { proxy: 504 });
    const pressed = session.confirm("p1");
    await until(() => confirms().length > 0, "the confirmation");
    say(said.confirmed("anew_1", "job_1"));
    expect(cardsOf(session).map(({ status }) => status)).toEqual(["confirmed", "waiting"]);
    copilot.letGo();
    await pressed;
  });

  it("starts nothing where another window has confirmed it while it was proposed anew", async () => {
    const { session, card, confirms, proposes, copilot, said, say } = await reloaded();
    copilot.holds.add("tools/startBacktest");
    const pressed = session.confirm("p1");
    await until(() => proposes().length > 0, "the proposal");
    say(said.confirmed("p1", "job_5"));
    copilot.letGo();
    await pressed;
    expect(confirms()).toEqual([]);
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_5" });
  });

  it("is proposed anew once, also where the confirmation has to be repeated", async () => {
    const { session, card, confirms, proposes, copilot } = await reloaded();
    copilot.next("tools/confirmBacktest", "lost");
    expect(await codeOf(session.confirm("p1"))).toBe("NETWORK");
    await session.confirm("p1");
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1" });
    expect([proposes().length, copilot.used.size]).toEqual([1, 1]);
    expect(new Set(confirms().map(({ key }) => key)).size).toBe(1);
  });

  it("is refused where anything else would run", async () => {
    const { session, card, confirms, copilot } = await reloaded();
    copilot.proposes = { paramsHash: "cd".repeat(32) };
    expect(await codeOf(session.confirm("p1"))).toBe("CONFIRM_REFUSED");
    expect(card()).toMatchObject({ status: "failed", jobId: null, error: { code: "CONFIRM_REFUSED" } });
    expect(confirms()).toEqual([]);
  });

  it("stays as it is where it cannot be proposed now", async () => {
    const { session, card, copilot } = await reloaded();
    copilot.next("tools/startBacktest", { status: 429, code: "PROPOSAL_LIMIT" });
    expect(await codeOf(session.confirm("p1"))).toBe("PROPOSAL_LIMIT");
    expect(card()).toMatchObject({ status: "waiting", error: { code: "PROPOSAL_LIMIT" } });
  });

  it("is confirmed where the history says so, whichever window that was", async () => {
    const setup = copilotSetUp();
    const said = new Said("chat-0");
    said.proposal("a", "p1");
    said.proposal("b", "p2");
    said.confirmed("p1", "job_1");
    said.confirmed("proposed anew elsewhere", "job_2");
    const session = setup.client.copilot({ sessionId: "chat-0" });
    session.subscribe(() => {});
    await setup.takeUp(said);
    expect(cardsOf(session).map(({ status, jobId }) => [status, jobId])).toEqual([
      ["confirmed", "job_1"],
      ["confirmed", "job_2"],
    ]);
    await session.confirm("p1");
    expect(setup.copilot.of("POST")).toEqual([]);
  });
});

describe("a card that is over", () => {
  /** One that was declined, expired, or failed without a job. */
  async function over(how: string) {
    const setup = await carded();
    const { session, copilot, clock, card } = setup;
    if (how === "declined") session.decline();
    if (how === "expired") clock.advance(PROPOSAL_MS);
    if (how === "failed") {
      copilot.next("tools/confirmBacktest", { status: 400, code: "TOKEN_INVALID" });
      expect(await codeOf(session.confirm())).toBe("TOKEN_INVALID");
    }
    expect(card()).toMatchObject({ status: how, jobId: null });
    const before = setup.confirms().length;
    return { ...setup, confirms: () => copilot.of(CONFIRM).slice(before) };
  }

  it.each(["declined", "expired", "failed"])(
    "since it was %s is proposed anew, to be looked at",
    async (how) => {
      const { session, card, confirms, copilot } = await over(how);
      copilot.holds.add("tools/startBacktest");
      const pressed = [session.confirm("p1"), session.confirm("p1")];
      await settle();
      expect(card()).toMatchObject({ status: "renewing", error: null });
      expect(session.get().proposal).toBeNull();
      copilot.letGo();
      await Promise.all(pressed);
      expect(card()).toMatchObject({ status: "waiting", error: null, proposal: { proposalId: "anew_1" } });
      // A press that was meant for what stood there before confirms nothing that was not seen.
      await session.confirm("p1");
      expect([confirms().length, copilot.of(PROPOSE).length]).toEqual([0, 1]);
      expect(copilot.of(PROPOSE)[0]?.path).toBe("tools/startBacktest?sessionId=chat-0");
      await session.confirm();
      expect(card()).toMatchObject({ status: "confirmed", jobId: "job_1" });
      expect(confirms()).toMatchObject([{ body: { confirmationToken: "sct_anew1" } }]);
    },
  );

  it.each(["declined", "expired", "failed"])("since it was %s says why that cannot be done", async (how) => {
    const { session, card, copilot } = await over(how);
    copilot.next("tools/startBacktest", { status: 429, code: "PROPOSAL_LIMIT" });
    expect(await codeOf(session.confirm("p1"))).toBe("PROPOSAL_LIMIT");
    expect(card()).toMatchObject({ status: how, error: { code: "PROPOSAL_LIMIT" } });
    expect(session.get().error?.code).toBe("PROPOSAL_LIMIT");
    await session.confirm("p1");
    expect(card()).toMatchObject({ status: "waiting", error: null });
    expect(session.get().error).toBeNull();
  });

  it("stays so, and what was proposed in its place too, when the channel begins anew", async () => {
    const { session, said, say, gateway, clock, opened } = await over("declined");
    say(...said.proposal("b", "p2", "sct_2"));
    session.decline("p2");
    await session.confirm("p2");
    gateway.line.close();
    clock.advance(5_000);
    const line = await opened(2);
    line.greet();
    line.say(said.ack(false, { epoch: "epoch002" }), ...said.kept);
    clock.draw();
    expect(cardsOf(session).map(({ status, proposal }) => [proposal.proposalId, status])).toEqual([
      ["p1", "declined"],
      ["anew_1", "waiting"],
    ]);
  });

  it("is confirmed where it turns out that it was, and what was proposed meanwhile is nothing", async () => {
    const { session, card, copilot, said, say } = await over("declined");
    copilot.holds.add("tools/startBacktest");
    const pressed = session.confirm("p1");
    await until(() => copilot.of(PROPOSE).length > 0, "the proposal");
    say(said.confirmed("p1", "job_5"));
    copilot.letGo();
    await pressed;
    expect(card()).toMatchObject({ status: "confirmed", jobId: "job_5", proposal: { proposalId: "p1" } });
  });
});

describe("a proposal without the copilot", () => {
  it("is confirmed by the same confirmation however often it is repeated", async () => {
    const { client, copilot } = copilotSetUp();
    const proposal = await client.proposeBacktest(PARAMS);
    expect(copilot.of(PROPOSE)).toMatchObject([{ path: "tools/startBacktest", body: PARAMS }]);
    expect(JSON.stringify(proposal)).not.toContain("sct_");
    copilot.next("tools/confirmBacktest", "lost");
    expect(await codeOf(client.confirmBacktest(proposal))).toBe("NETWORK");
    expect(await client.confirmBacktest(proposal)).toEqual({
      jobId: "job_1",
      state: "queued",
      replayed: true,
    });
    expect(new Set(copilot.of(CONFIRM).map(({ key }) => key)).size).toBe(1);
  });

  it("expires by this machine's clock when it does by the gateway's", async () => {
    const { client, clock } = copilotSetUp();
    const { expiresAt } = await client.proposeBacktest(PARAMS);
    expect(expiresAt).toBe(clock.wallNow() + PROPOSAL_MS);
  });

  it("of another client is refused, and why something was refused is in the error", async () => {
    const [one, other] = [copilotSetUp(), copilotSetUp()];
    const proposal = await one.client.proposeBacktest(PARAMS);
    expect(await codeOf(other.client.confirmBacktest(proposal))).toBe("TOKEN_INVALID");
    one.copilot.next("tools/confirmBacktest", { status: 409, code: "TOKEN_USED", jobId: "job_3" });
    const error: unknown = await one.client.confirmBacktest(proposal).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).message).toBe("it is TOKEN_USED");
    expect({ ...(error as object) }).toEqual({ code: "TOKEN_USED", jobId: "job_3" });
    one.client.close();
    expect(await codeOf(one.client.confirmBacktest(proposal))).toBe("NETWORK");
    await settle();
  });
});
