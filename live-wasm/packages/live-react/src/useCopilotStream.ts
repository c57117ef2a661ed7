"use client";

import type { CopilotSession, CopilotState, LiveClient } from "@spark/live-core";
import { useMemo, useState } from "react";
import { useLiveClient } from "./useLiveClient.js";
import { useReadable } from "./useReadable.js";

/** A conversation, and what can be done in it. The functions stay the same as long as the conversation does. */
export type CopilotStream = CopilotState &
  Pick<CopilotSession, "ask" | "confirm" | "decline" | "stop" | "clear">;

/** What a hook has to know to keep a conversation that was begun here when the page then names it. */
interface Kept {
  client: LiveClient;
  named: string | null;
  session: CopilotSession;
}

function keep(client: LiveClient, named: string | null): Kept {
  return { client, named, session: client.copilot({ sessionId: named }) };
}

/**
 * A conversation with the copilot: that of `sessionId`, or a new one without. Renders once for each flush that changes it;
 * messages that have not changed keep their references. Naming the conversation that was begun here, as `sessionId` of the
 * state does, goes on with it; naming none any more begins a new one, and goes on with one that was begun by `clear()`.
 */
export function useCopilotStream({ sessionId = null }: { sessionId?: string | null } = {}): CopilotStream {
  const client = useLiveClient();
  const [kept, setKept] = useState(() => keep(client, sessionId));
  let current = kept;
  if (kept.client !== client || kept.named !== sessionId) {
    const isSame = kept.client === client && kept.session.get().sessionId === sessionId;
    current = isSame ? { ...kept, named: sessionId } : keep(client, sessionId);
    setKept(current);
  }
  const { session } = current;
  const state = useReadable(session);
  return useMemo(() => {
    const { ask, confirm, decline, stop, clear } = session;
    return { ...state, ask, confirm, decline, stop, clear };
  }, [state, session]);
}
