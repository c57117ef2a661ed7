import type { Engine } from "../engine.js";
import { once, watchLater } from "../later.js";
import { Value } from "../readable.js";
import type { LiveClient, LiveError } from "../types.js";
import type { Copilot, Session } from "./sessions.js";
import type { CopilotState } from "./types.js";

/** A conversation in which nothing was said. One object for all, so that it is equal by reference. */
const NEW: CopilotState = { sessionId: null, status: "idle", messages: [], proposal: null, error: null };

/** What of a client has to do with the copilot and its proposals. */
export type CopilotCalls = Pick<LiveClient, "copilot" | "proposeBacktest" | "confirmBacktest">;

/** What knows of conversations is downloaded with the first: a page that has none does without it. */
export function lazyCopilot(engine: Engine, download = () => import("./copilot.js")): CopilotCalls {
  let copilot: Copilot | undefined;
  const load = once(async () => {
    copilot = new (await download()).Copilot(engine, NEW);
    return copilot;
  });
  return {
    copilot: ({ sessionId = null } = {}) => {
      let initial: CopilotState = sessionId === null ? NEW : { ...NEW, sessionId, status: "loading" };
      const before = new Value(initial);
      let session: Session | undefined;
      const find = () => {
        session ??= copilot?.session(initial);
        return session;
      };
      const open = async () => {
        await load();
        return find() as Session;
      };
      return {
        get: () => (find() ?? before).get(),
        getServer: before.getServer,
        subscribe: (callback) => {
          const unwatch = before.subscribe(callback);
          const failed = (error: LiveError) => before.set({ ...initial, error });
          const end = watchLater(engine, find, load, failed, callback);
          return () => {
            unwatch();
            end();
          };
        },
        ask: async (message) => (await open()).ask(message),
        confirm: async (proposalId) => (await open()).confirm(proposalId),
        decline: (proposalId) => find()?.decline(proposalId),
        stop: async () => find()?.stop(),
        clear: () => {
          find()?.clear();
          initial = NEW;
          before.set(NEW);
        },
      };
    },
    proposeBacktest: async (params) => (await load()).proposals.propose(params),
    confirmBacktest: async (proposal) => (await load()).proposals.confirm(proposal),
  };
}
