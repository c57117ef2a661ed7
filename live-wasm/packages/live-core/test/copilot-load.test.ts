import { beforeEach, describe, expect, it, vi } from "vitest";
import { codeOf, copilotSetUp, Said } from "./copilot-gateway.js";
import { settle, until } from "./harness.js";

const download = vi.hoisted(() => ({ fails: true, count: 0 }));

vi.mock("../src/copilot/lazy.js", async (original) => {
  const lazy = await original<typeof import("../src/copilot/lazy.js")>();
  return {
    ...lazy,
    lazyCopilot: (engine: never) =>
      lazy.lazyCopilot(engine, () => {
        download.count += 1;
        return download.fails
          ? Promise.reject(new Error("no such file"))
          : import("../src/copilot/copilot.js");
      }),
  };
});

beforeEach(() => {
  download.fails = true;
  download.count = 0;
});

describe("what knows of conversations", () => {
  it("is downloaded with the first watcher, and again after a failure, which is told", async () => {
    const { client, clock, takeUp, copilot } = copilotSetUp();
    const session = client.copilot({ sessionId: "chat-0" });
    await settle();
    expect(download.count).toBe(0);
    let changes = 0;
    session.subscribe(() => {
      changes += 1;
    });
    await until(() => session.get().error !== null, "the error");
    expect(session.get()).toMatchObject({
      sessionId: "chat-0",
      status: "loading",
      error: { code: "NETWORK", message: "no such file" },
    });
    expect(changes).toBeGreaterThan(0);
    expect(await codeOf(session.ask("hi"))).toBe("NETWORK");
    expect(await codeOf(client.proposeBacktest({ symbol: "A", strategy: { name: "buy_and_hold" } }))).toBe(
      "NETWORK",
    );
    download.fails = false;
    clock.advance(15_000);
    await until(() => copilot.asked.length > 0, "the conversation");
    expect(download.count).toBe(4);
    await takeUp(new Said("chat-0"));
    expect(session.get()).toMatchObject({ status: "idle", error: null });
  });

  it("is not needed to begin anew, to put away a card that is not there, or to stop nothing", async () => {
    const { client } = copilotSetUp();
    const session = client.copilot({ sessionId: "chat-0" });
    let changes = 0;
    session.subscribe(() => {
      changes += 1;
    });
    session.decline();
    session.decline("p1");
    await session.stop();
    session.clear();
    expect(session.get()).toMatchObject({ sessionId: null, status: "idle" });
    expect(changes).toBe(1);
    await settle();
    expect(session.get()).toMatchObject({ sessionId: null, error: { code: "NETWORK" } });
  });

  it("is waited for no more once nobody watches, or the client has ended", async () => {
    const { client, clock } = copilotSetUp();
    const end = client.copilot({ sessionId: "a" }).subscribe(() => {});
    client.copilot({ sessionId: "b" }).subscribe(() => {});
    await settle();
    end();
    client.close();
    clock.advance(60_000);
    await settle();
    expect([download.count, clock.waiting]).toEqual([1, 0]);
  });
});
