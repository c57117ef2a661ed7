import type { LoadState } from "./core-loader.js";
import type { LinkState } from "./types.js";

/** The link before anything was asked for. */
export const LINK_IDLE: LinkState = Object.freeze({
  status: "idle",
  transport: null,
  since: 0,
  attempt: 0,
  retryAt: null,
  sessionId: null,
  error: null,
});

/** The worse a status is, the more a person should see of it. */
const SEVERITY: Record<LinkState["status"], number> = {
  idle: 0,
  connected: 1,
  connecting: 2,
  disconnected: 3,
  closed: 4,
};

/** One state for all lines: the worst of them, so that a line that is down is never hidden by one that is up. */
export function worstLink(
  states: readonly LinkState[],
  load: LoadState,
  isClosed: boolean,
  last: LinkState,
  wallNow: number,
): LinkState {
  const next = present(states, load, isClosed, last);
  if (next.since === 0 && next !== LINK_IDLE) next.since = next.status === last.status ? last.since : wallNow;
  return lastIfSame(next, last);
}

/** The last state when the next one says the same, so that it is equal by reference. */
export function lastIfSame(next: LinkState, last: LinkState): LinkState {
  const keys = Object.keys(next) as (keyof LinkState)[];
  return keys.every((key) => Object.is(next[key], last[key])) ? last : next;
}

/** What the link is now; `since` is 0 where the caller has to say it. */
function present(
  states: readonly LinkState[],
  load: LoadState,
  isClosed: boolean,
  last: LinkState,
): LinkState {
  if (isClosed) return { ...LINK_IDLE, status: "closed", transport: last.transport };
  if (load.error) return { ...LINK_IDLE, status: "disconnected", retryAt: load.retryAt, error: load.error };
  let worst: LinkState = LINK_IDLE;
  for (const state of states) if (SEVERITY[state.status] > SEVERITY[worst.status]) worst = state;
  if (worst !== LINK_IDLE) return worst;
  if (load.isLoading) return { ...LINK_IDLE, status: "connecting" };
  return last.since === 0 ? LINK_IDLE : { ...LINK_IDLE };
}
