import type { LiveClient, SymbolList, Transport } from "@spark/live-core";

/** Makes the client of a page that prefers a transport. Another one in tests. */
export type MakeClient = (transport: Transport) => LiveClient;

/** The live client of the page, the transport that it was made for, and what the page goes on showing. */
export interface Session {
  client: LiveClient;
  transport: Transport;
  /** The newest list that clients before this one had: the page stands on it until this one has its own. */
  lastSymbols: SymbolList | undefined;
}

/** Holds the session outside the component tree, so that a render never opens or closes a line. */
export interface SessionStore {
  get(): Session;
  subscribe(callback: () => void): () => void;
  /** Moves to another transport: a new client takes over, then the old one is closed. */
  setTransport(transport: Transport): void;
}

/** Starts a session on a transport. No line is opened until something is watched. */
export function createSession(makeClient: MakeClient, transport: Transport): SessionStore {
  let session: Session = { client: makeClient(transport), transport, lastSymbols: undefined };
  const watchers = new Set<() => void>();
  return {
    get: () => session,
    subscribe(callback) {
      watchers.add(callback);
      return () => watchers.delete(callback);
    },
    setTransport(next) {
      if (next === session.transport) return;
      const old = session.client;
      const lastSymbols = old.symbols().get().value ?? session.lastSymbols;
      session = { client: makeClient(next), transport: next, lastSymbols };
      for (const callback of watchers) callback();
      // The hooks let go of the old client while the page renders; only then may it end.
      setTimeout(() => old.close(), 0);
    },
  };
}
