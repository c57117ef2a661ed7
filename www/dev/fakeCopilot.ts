import type { CopilotSession, CopilotState, Readable } from "@spark/live-core";

/** What a page has asked of a conversation. */
export type CopilotCall = readonly [name: "ask" | "confirm" | "decline" | "stop" | "clear", given?: string];

/** A conversation that does as it is told by hand: the state is set, and what is called is written down. */
export function fakeCopilot(
  state: Readable<CopilotState>,
  calls: CopilotCall[],
  answers: { reject: Error | null },
): CopilotSession {
  const call = (name: CopilotCall[0], given?: string): Promise<void> => {
    calls.push(given === undefined ? [name] : [name, given]);
    return answers.reject ? Promise.reject(answers.reject) : Promise.resolve();
  };
  return {
    ...state,
    ask: (message) => call("ask", message),
    confirm: (proposalId) => call("confirm", proposalId),
    stop: () => call("stop"),
    decline: (proposalId) => void call("decline", proposalId).catch(() => {}),
    clear: () => void call("clear").catch(() => {}),
  };
}
