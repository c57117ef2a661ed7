import type { Engine } from "../engine.js";
import { Value } from "../readable.js";
import type { LiveClient } from "../types.js";
import type { Conversation } from "./conversation.js";
import type { CopilotState } from "./types.js";

/** A conversation in which nothing was said. One object for all, so that it is equal by reference. */
const NEW: CopilotState = { sessionId: null, status: "idle", messages: [], proposal: null, error: null };

/** What of a client has to do with the copilot and its proposals. */
export type CopilotCalls = Pick<LiveClient, "copilot" | "proposeBacktest" | "confirmBacktest">;

/** What knows of conversations is downloaded with the first: a page that has none does without it. */
export function lazyCopilot(engine: Engine, download = () => import("./copilot.js")): CopilotCalls {
  let loading: ReturnType<typeof load> | undefined;
  const load = async () => {
    const { Conversation, Proposals } = await download();
    return { Conversation, proposals: new Proposals(engine) };
  };
  const loaded = () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    copilot: ({ sessionId = null } = {}) => {
      const initial: CopilotState = sessionId === null ? NEW : { ...NEW, sessionId, status: "loading" };
      const state = new Value(initial);
      let made: Promise<Conversation> | undefined;
      /** Those who watch it, from when it is there. */
      const watches = new Set<{ begin: (conversation: Conversation) => void }>();
      let known: Conversation | undefined;
      const make = ({ Conversation }: Awaited<ReturnType<typeof load>>) => {
        const conversation = new Conversation(engine, sessionId, initial);
        conversation.state.subscribe(() => state.set(conversation.state.get()));
        known = conversation;
        for (const { begin } of watches) begin(conversation);
        return conversation;
      };
      const conversation = () => {
        made ??= loaded().then(make, (error: unknown) => {
          made = undefined;
          throw error;
        });
        return made;
      };
      return {
        get: state.get,
        getServer: () => initial,
        subscribe: (callback) => {
          let end = () => {};
          const watch = {
            begin: (conversation: Conversation) => {
              end = conversation.watch();
            },
          };
          const unwatch = state.subscribe(callback);
          watches.add(watch);
          if (known) watch.begin(known);
          // One that nobody has begun needs nothing yet. What could not be loaded is loaded when something is asked.
          else if (sessionId !== null) conversation().catch(() => {});
          return () => {
            watches.delete(watch);
            unwatch();
            end();
          };
        },
        ask: async (message) => (await conversation()).ask(message),
        confirm: async (proposalId) => (await conversation()).confirm(proposalId),
        decline: (proposalId) => void conversation().then((it) => it.decline(proposalId)),
        stop: async () => (await conversation()).stop(),
        clear: () => void conversation().then((it) => it.clear()),
      };
    },
    proposeBacktest: async (params) => (await loaded()).proposals.propose(params),
    confirmBacktest: async (proposal) => (await loaded()).proposals.confirm(proposal),
  };
}
