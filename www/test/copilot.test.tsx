import type { AssistantMessage, CopilotPart, CopilotState, UserMessage } from "@spark/live-core";
import { act, screen, waitFor, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FakeClient } from "../dev/fakeClient";
import { chooseLanguage } from "../src/i18n";
import { renderPage } from "./page";

const rendered = vi.hoisted(() => new Map<string, number>());

// Counts how often each text is rendered.
vi.mock("../src/features/copilot/FormattedText", async (load) => {
  const real = await load<typeof import("../src/features/copilot/FormattedText")>();
  return {
    ...real,
    FormattedText: (props: Parameters<typeof real.FormattedText>[0]) => {
      const name = props.text.split(" ")[0] ?? "";
      rendered.set(name, (rendered.get(name) ?? 0) + 1);
      return real.FormattedText(props);
    },
  };
});

vi.mock("../src/features/chart/ChartController", () => import("./stillChart"));

// Counts how often the text field is rendered, which measures itself each time.
vi.mock("@mantine/core", async (load) => {
  const real = await load<typeof import("@mantine/core")>();
  const Textarea = (props: Parameters<typeof real.Textarea>[0]) => {
    rendered.set("field", (rendered.get("field") ?? 0) + 1);
    return <real.Textarea {...props} />;
  };
  return { ...real, Textarea };
});

// The text field grows anew when its font has come.
Object.defineProperty(document, "fonts", { value: new EventTarget() });

beforeEach(() => {
  window.history.replaceState(null, "", "/");
  rendered.clear();
  resize(1_440);
});
afterEach(async () => {
  localStorage.clear();
  await chooseLanguage("en");
  localStorage.clear();
});

function resize(width: number): void {
  const { happyDOM } = window as unknown as { happyDOM: { setViewport(size: object): void } };
  happyDOM.setViewport({ width, height: 900 });
}

const said = (text: string, change: Partial<UserMessage> = {}): UserMessage => ({
  id: `said-${text}`,
  role: "user",
  text,
  status: "sent",
  confirms: false,
  error: null,
  ...change,
});

const answered = (
  id: string,
  parts: readonly CopilotPart[],
  change: Partial<AssistantMessage> = {},
): AssistantMessage => ({ id, role: "assistant", status: "done", parts, error: null, ...change });

const text = (words: string): CopilotPart => ({ kind: "text", text: words });

const button = (name: string | RegExp): HTMLElement => screen.getByRole("button", { name });
const input = (): HTMLTextAreaElement => screen.getByRole("textbox", { name: "Ask the copilot" });

async function opened() {
  const page = renderPage();
  page.move((client) => client.listSymbols());
  await page.user.click(button("Copilot"));
  await screen.findByRole("textbox", { name: "Ask the copilot" }, { timeout: 4_000 });
  const client = (): FakeClient => page.clients.at(-1) as FakeClient;
  const become = (change: Partial<CopilotState>): void =>
    page.move(({ conversation }) => conversation.set({ ...conversation.get(), ...change }));
  return { ...page, client, become };
}

test("before it is opened nobody asks for a conversation, whatever the address names", async () => {
  localStorage.setItem("spark-live-copilot", "closed");
  window.history.replaceState(null, "", "/?copilot=chat-1");
  const page = renderPage();
  const ask = vi.spyOn(page.clients[0] as FakeClient, "copilot");
  page.move((client) => client.listSymbols());
  expect(screen.queryByRole("complementary")).toBeNull();
  expect(ask).not.toHaveBeenCalled();
  expect(window.location.search).toContain("copilot=chat-1");
  await page.user.click(button("Copilot"));
  await screen.findByRole("complementary", { name: "Copilot" }, { timeout: 4_000 });
  expect(ask).toHaveBeenCalledWith({ sessionId: "chat-1" });
});

test("opening it by hand leads to the text field, closing it back to the button; a page that has it open does neither", async () => {
  const page = await opened();
  expect(document.activeElement).toBe(input());
  await page.user.click(button("Close"));
  expect(document.activeElement).toBe(button("Copilot"));
  await page.user.click(button("Copilot"));
  page.unmount();
  renderPage().move((client) => client.listSymbols());
  await screen.findByRole("textbox", { name: "Ask the copilot" }, { timeout: 4_000 });
  expect(document.activeElement).toBe(document.body);
});

test("on a small window it is a dialog with a name, which Escape closes", async () => {
  resize(500);
  const page = await opened();
  expect(screen.getByRole("dialog", { name: "Copilot" })).toBeTruthy();
  await waitFor(() => expect(document.activeElement).toBe(input()));
  await page.user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(document.activeElement).toBe(button("Copilot"));
});

test("on a small window a link out of it leads to the view, not to what covers it", async () => {
  resize(500);
  const page = await opened();
  const proposal = { proposalId: "p-1", tool: "startBacktest", params: {}, paramsHash: "ab", summary: "it" };
  const card = {
    kind: "proposal",
    proposal: { ...proposal, combinations: 1, bars: 9, expiresAt: 0 },
    status: "confirmed",
    jobId: "job_1",
    error: null,
  } as const;
  page.become({ messages: [answered("a", [card])] });
  await page.user.click(screen.getByRole("link", { name: "Open the progress" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(window.location.pathname).toBe("/backtests/job_1");
  await waitFor(() => expect(document.activeElement?.id).toBe("content"));
});

test("Enter sends, Shift+Enter begins a line, and what is typed outlives closing", async () => {
  const page = await opened();
  await page.user.keyboard("one{Shift>}{Enter}{/Shift}two");
  await page.user.click(button("Close"));
  await page.user.click(button("Copilot"));
  expect(input().value).toBe("one\ntwo");
  await page.user.keyboard("{Enter}");
  expect(page.client().copilotCalls).toEqual([["ask", "one\ntwo"]]);
  expect(input().value).toBe("");
});

test("what could not even be begun to be sent is typed still", async () => {
  const page = await opened();
  page.client().copilotAnswers.reject = new Error("no way there");
  await page.user.keyboard("keep me{Enter}");
  await waitFor(() => expect(input().value).toBe("keep me"));
});

test("what was not taken says so and is sent again from the list", async () => {
  const page = await opened();
  const error = { code: "NETWORK", message: "no way there" };
  page.become({ messages: [said("lost", { status: "failed", error })], error });
  expect(screen.getAllByTestId("error-note")).toHaveLength(1);
  await page.user.click(button("Send again"));
  expect(page.client().copilotCalls).toEqual([["ask", "lost"]]);
  expect(document.activeElement).toBe(input());
});

test("an example is asked as it stands, and the keyboard goes on in the text field", async () => {
  const page = await opened();
  await page.user.click(button("How is MSFT doing?"));
  expect(page.client().copilotCalls).toEqual([["ask", "How is MSFT doing?"]]);
  expect(document.activeElement).toBe(input());
});

test("while it answers there is a stop, and afterwards the keyboard is in the text field", async () => {
  const page = await opened();
  page.become({ status: "answering", messages: [said("hi"), answered("a", [], { status: "answering" })] });
  expect(screen.getByText("Thinking")).toBeTruthy();
  await page.user.click(button("Stop"));
  expect(page.client().copilotCalls).toEqual([["stop"]]);
  page.become({ status: "idle", messages: [said("hi"), answered("a", [], { status: "stopped" })] });
  expect(screen.getByText("Stopped.")).toBeTruthy();
  expect(document.activeElement).toBe(input());
  await page.user.click(button("Ask again"));
  expect(page.client().copilotCalls.at(-1)).toEqual(["ask", "hi"]);
});

test("an answer of which a piece was lost says so", async () => {
  const page = await opened();
  page.become({ messages: [answered("a", [text("So")], { isIncomplete: true })] });
  expect(screen.getByText("A piece of this answer was lost on its way.")).toBeTruthy();
});

test("an answer that failed says why and can be asked for again", async () => {
  const page = await opened();
  const error = { code: "COPILOT_UNAVAILABLE", message: "gone" };
  page.become({ messages: [said("hi"), answered("a", [text("So")], { status: "failed", error })] });
  expect(screen.getByTestId("error-note").dataset.code).toBe("COPILOT_UNAVAILABLE");
  await page.user.click(button("Ask again"));
  expect(page.client().copilotCalls).toEqual([["ask", "hi"]]);
});

test("a conversation that is gone says so and leads to a new one", async () => {
  window.history.replaceState(null, "", "/?copilot=chat-1");
  const page = renderPage();
  page.move((client) => {
    client.listSymbols();
    client.conversation.set({ ...client.conversation.get(), sessionId: "chat-1", status: "missing" });
  });
  await page.user.click(await screen.findByRole("button", { name: "New conversation" }, { timeout: 4_000 }));
  expect(page.clients[0]?.copilotCalls).toEqual([["clear"]]);
});

test("a tool is a line: what was done, with what, and whether it worked", async () => {
  const page = await opened();
  const step = { kind: "tool", callId: "c", data: undefined, errorCode: null } as const;
  page.become({
    messages: [
      answered("a", [
        { ...step, tool: "getMarketSnapshot", arguments: { symbols: ["AAPL", "IBM"] }, status: "done" },
        { ...step, tool: "getBacktestStatus", arguments: { jobId: "job_1" }, status: "running" },
        { ...step, tool: "getCandles", arguments: { symbol: "X" }, status: "failed", errorCode: "NOT_FOUND" },
        { ...step, tool: "dance", arguments: null, status: "done" },
      ]),
    ],
  });
  expect(screen.getByText("Looked at the market: AAPL, IBM").textContent).toMatch(/, done$/);
  expect(screen.getByText("Looked at a backtest: job_1").textContent).toMatch(/, running$/);
  expect(screen.getByText("Read candles: X").textContent).toMatch(/, failed$/);
  expect(screen.getByRole("link", { name: "NOT_FOUND" }).closest("summary")).toBeNull();
  expect(screen.getByText("Called dance")).toBeTruthy();
});

test("text has paragraphs, lists and marks, and nothing of it becomes markup", async () => {
  const page = await opened();
  const words = "One **bold** `code`\nsame\n\n- a\n- b\n\n3. c\n4. d\n<img src=x onerror=alert(1)>";
  page.become({ messages: [answered("a", [text(words)])] });
  const log = screen.getByRole("log");
  expect(within(log).getByText("bold").tagName).toBe("STRONG");
  expect(within(log).getByText("code").tagName).toBe("CODE");
  const [dots, numbers] = within(log).getAllByRole("list");
  expect(dots?.textContent).toBe("ab");
  expect((numbers as HTMLOListElement).start).toBe(3);
  expect(log.querySelector("img")).toBeNull();
  expect(log.textContent).toContain("<img src=x");
});

test("an answer is read out when it is whole, not piece by piece", async () => {
  const page = await opened();
  const told = (): (string | null)[] => screen.getAllByRole("status").map((it) => it.textContent);
  page.become({ messages: [answered("a", [text("So it")], { status: "answering" })], status: "answering" });
  expect(told()).not.toContain("So it");
  page.become({ messages: [answered("a", [text("So it is.")])], status: "idle" });
  expect(told()).toContain("So it is.");
});

test("a piece of text renders its own answer once and no other", async () => {
  const page = await opened();
  const before = [said("q"), answered("old", [text("Old answer")]), said("r")];
  const grow = (words: string): CopilotState["messages"] => [
    ...before,
    answered("new", [text(words)], { status: "answering" }),
  ];
  page.become({ status: "answering", messages: grow("New") });
  const [old, fresh] = [rendered.get("Old") ?? 0, rendered.get("New") ?? 0];
  // A flush brings five hundred pieces as one state.
  page.become({ messages: grow(`New ${"piece ".repeat(500)}`) });
  expect(rendered.get("Old")).toBe(old);
  expect(rendered.get("New")).toBe(fresh + 1);
});

test("an answer that grows leaves the text field as it is", async () => {
  const page = await opened();
  const grow = (words: string): void =>
    page.become({ status: "answering", messages: [answered("a", [text(words)], { status: "answering" })] });
  grow("So");
  const before = rendered.get("field");
  for (const words of ["So it", "So it is", "So it is."]) grow(words);
  expect(rendered.get("field")).toBe(before);
});

test("while the line is away an answer is said to go on", async () => {
  const page = await opened();
  page.become({ status: "answering", messages: [answered("a", [text("So")], { status: "answering" })] });
  page.move((client) => client.setLink({ status: "disconnected", attempt: 1 }));
  expect(screen.getByTestId("copilot-away").textContent).toContain("goes on when it is back");
  expect(screen.getByRole("log").textContent).toContain("So");
});

test("a card confirms, declines and is proposed anew by its own id", async () => {
  const page = await opened();
  const proposal = {
    proposalId: "p-1",
    tool: "startBacktest",
    params: { symbol: "AAPL", strategy: { name: "buy_and_hold" } },
    paramsHash: "ab",
    summary: "it",
    combinations: 1,
    bars: 9,
    expiresAt: Date.now() + 60_000,
  };
  const card = { kind: "proposal", proposal, status: "waiting", jobId: null, error: null } as const;
  page.become({ messages: [answered("a", [card])] });
  await page.user.click(button("Confirm"));
  await page.user.click(button("Decline"));
  page.become({ messages: [answered("a", [{ ...card, status: "expired" }])] });
  await page.user.click(button("Propose again"));
  expect(page.client().copilotCalls).toEqual([
    ["confirm", "p-1"],
    ["decline", "p-1"],
    ["confirm", "p-1"],
  ]);
});

test("in Turkish it speaks Turkish", async () => {
  const page = await opened();
  await act(() => chooseLanguage("tr"));
  expect(button("MSFT nasıl gidiyor?")).toBeTruthy();
  page.become({ messages: [said("selam")] });
  expect(button("Yeni konuşma")).toBeTruthy();
});
