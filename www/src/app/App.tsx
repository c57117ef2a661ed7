import type { Transport } from "@spark/live-core";
import { LiveProvider } from "@spark/live-react";
import { useCallback, useSyncExternalStore } from "react";
import { Router } from "wouter";
import { keptAddress, replaceAddress } from "../lib/address";
import { Shell } from "./Shell";
import type { SessionStore } from "./session";

/** A link to a view with what was chosen, for whoever opens it in a tab of its own. */
function withKept(href: string): string {
  return keptAddress(href, window.location.search);
}

/** The page with its session. The address remembers what was chosen. */
export function App({ session }: { session: SessionStore }) {
  const { client, transport, lastSymbols } = useSyncExternalStore(session.subscribe, session.get);

  const chooseTransport = useCallback(
    (next: Transport) => {
      replaceAddress({ transport: next });
      session.setTransport(next);
    },
    [session],
  );

  return (
    <LiveProvider client={client}>
      <Router hrefs={withKept}>
        <Shell lastSymbols={lastSymbols} transport={transport} onTransport={chooseTransport} />
      </Router>
    </LiveProvider>
  );
}
