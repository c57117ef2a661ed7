import { act, cleanup, renderHook } from "@testing-library/react";
import { type ReactNode, StrictMode } from "react";
import { afterEach, describe, expect, it } from "vitest";
import { copilotSetUp, linesOf, Said } from "../../live-core/test/copilot-gateway.js";
import { settle, until } from "../../live-core/test/harness.js";
import { type CopilotStream, LiveProvider, useCopilotStream, useHealth } from "../src/index.js";

afterEach(cleanup);

function start(...args: Parameters<typeof copilotSetUp>) {
  const setup = copilotSetUp(...args);
  const wrapper = ({ children }: { children: ReactNode }) => (
    <StrictMode>
      <LiveProvider client={setup.client}>{children}</LiveProvider>
    </StrictMode>
  );
  return { ...setup, wrapper };
}

/** A component that shows the conversation of that name. */
function show({ wrapper }: ReturnType<typeof start>, sessionId: string | null) {
  const renders: CopilotStream[] = [];
  const hook = renderHook(
    ({ sessionId }: { sessionId: string | null }) => {
      const stream = useCopilotStream({ sessionId });
      renders.push(stream);
      return stream;
    },
    { wrapper, initialProps: { sessionId } },
  );
  const name = (sessionId: string | null) => hook.rerender({ sessionId });
  return { ...hook, name, renders };
}

/** Has the conversation begun by a first message, which is then named by the page as its own. */
async function begun(setup: ReturnType<typeof start>) {
  const shown = show(setup, null);
  const said = new Said("chat-1");
  let asked: Promise<void> | undefined;
  await act(async () => {
    asked = shown.result.current.ask("hi");
    await setup.takeUp(said);
    await asked;
  });
  shown.name("chat-1");
  return { ...shown, said };
}

describe("useCopilotStream", () => {
  it("in StrictMode is one question and one stream, and renders what is said", async () => {
    const setup = start();
    const { result } = show(setup, "chat-0");
    expect(result.current).toMatchObject({ sessionId: "chat-0", status: "loading", messages: [] });
    const said = new Said("chat-0");
    await act(() => setup.takeUp(said));
    act(() => setup.say(...said.answer("a", "hi", "hello")));
    expect(linesOf(result.current)).toEqual(["> hi (sent)", "hello (done)"]);
    expect([setup.copilot.asked.length, setup.gateway.lines.length]).toEqual([1, 1]);
  });

  it("goes on with the conversation that was begun here when the page names it", async () => {
    const setup = start();
    const { result, said } = await begun(setup);
    expect(result.current).toMatchObject({ sessionId: "chat-1", status: "answering" });
    act(() => setup.say(...said.answer("ans_1", "hi", "hello")));
    expect(linesOf(result.current)).toEqual(["> hi (sent)", "hello (done)"]);
    expect([setup.copilot.of("GET").length, setup.gateway.lines.length]).toEqual([0, 1]);
  });

  it("begins a new one when the page names none any more", async () => {
    const setup = start();
    const { result, name, said } = await begun(setup);
    const { ask } = result.current;
    name(null);
    expect(result.current).toMatchObject({ sessionId: null, status: "idle", messages: [] });
    expect(result.current.ask).not.toBe(ask);
    act(() => setup.say(...said.answer("ans_1", "hi", "hello")));
    expect(result.current.messages).toEqual([]);
    name("chat-1");
    expect(linesOf(result.current)).toEqual(["> hi (sent)", "hello (done)"]);
  });

  it("goes on with a cleared one, and with what is begun in it", async () => {
    const setup = start();
    const { result, name, renders } = await begun(setup);
    const { ask, clear } = result.current;
    act(() => {
      clear();
      name(null);
    });
    expect(result.current).toMatchObject({ sessionId: null, status: "idle", messages: [] });
    expect(result.current.ask).toBe(ask);
    const since = renders.length;
    const said = new Said("chat-2");
    await act(async () => {
      const asked = result.current.ask("again");
      await setup.opened(2);
      setup.gateway.line.greet();
      setup.gateway.line.say(said.ack());
      setup.clock.draw();
      await asked;
    });
    name("chat-2");
    expect(result.current).toMatchObject({ sessionId: "chat-2", messages: [{ text: "again" }] });
    expect(renders.slice(since).every(({ messages }) => messages.length < 2)).toBe(true);
  });

  it("moves between conversations, and finds each as it was", async () => {
    const setup = start();
    const { result, name } = show(setup, "chat-0");
    const said = new Said("chat-0");
    await act(() => setup.takeUp(said));
    act(() => setup.say(...said.answer("a", "hi", "hello")));
    const { messages } = result.current;
    name("chat-9");
    expect(result.current).toMatchObject({ sessionId: "chat-9", status: "loading", messages: [] });
    await act(() => setup.takeUp(new Said("chat-9"), 2));
    expect(result.current.status).toBe("idle");
    name("chat-0");
    await act(settle);
    expect(result.current.messages).toBe(messages);
  });

  it("renders once for each flush, and a message that has not changed keeps its reference", async () => {
    const setup = start();
    const { result, renders } = show(setup, "chat-0");
    const said = new Said("chat-0");
    await act(() => setup.takeUp(said));
    act(() => setup.say(...said.answer("a", "hi", "hello"), said.start("b", "more")));
    const [question, answer] = result.current.messages;
    const before = new Set(renders).size;
    for (let flush = 0; flush < 5; flush += 1) {
      act(() => setup.say(...Array.from({ length: 20 }, () => said.text("x"))));
    }
    expect(new Set(renders).size - before).toBe(5);
    expect(result.current.messages[0]).toBe(question);
    expect(result.current.messages[1]).toBe(answer);
  });
});

describe("useHealth", () => {
  it("renders when something has changed, and not each time it is asked for", async () => {
    const setup = start({
      fetch: async () => Response.json({ data: { checks: { broker: { ok: true } } } }),
    });
    const renders: string[] = [];
    renderHook(() => renders.push(useHealth().status), { wrapper: setup.wrapper });
    await act(() => until(() => renders.includes("ready"), "the answer"));
    const count = renders.length;
    for (let round = 0; round < 3; round += 1) {
      await act(async () => {
        setup.clock.advance(5_000);
        await settle();
      });
    }
    expect(renders).toHaveLength(count);
  });
});
