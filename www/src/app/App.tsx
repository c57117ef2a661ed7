import type { Transport } from "@spark/live-core";
import { LiveProvider } from "@spark/live-react";
import { useCallback, useSyncExternalStore } from "react";
import { replaceAddress } from "../lib/address";
import { Shell } from "./Shell";
import type { SessionStore } from "./session";

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
      <Shell lastSymbols={lastSymbols} transport={transport} onTransport={chooseTransport} />
    </LiveProvider>
  );
}
