import type { Transport } from "@spark/live-core";
import { LiveProvider } from "@spark/live-react";
import { useCallback, useState, useSyncExternalStore } from "react";
import { readAddress, replaceAddress } from "../lib/address";
import { Page } from "./Page";
import type { SessionStore } from "./session";

/** The page with its session, its selected symbol, and the address that remembers both. */
export function App({ session }: { session: SessionStore }) {
  const { client, transport, lastSymbols } = useSyncExternalStore(session.subscribe, session.get);
  const [wanted, setWanted] = useState(() => readAddress(window.location.search).symbol);

  const select = useCallback((symbol: string) => {
    setWanted(symbol);
    replaceAddress({ symbol });
  }, []);

  const [interval, setInterval] = useState(() => readAddress(window.location.search).interval);
  const chooseInterval = useCallback((next: string) => {
    setInterval(next);
    replaceAddress({ interval: next });
  }, []);

  const chooseTransport = useCallback(
    (next: Transport) => {
      replaceAddress({ transport: next });
      session.setTransport(next);
    },
    [session],
  );

  return (
    <LiveProvider client={client}>
      <Page
        lastSymbols={lastSymbols}
        wanted={wanted}
        onSelect={select}
        interval={interval}
        onInterval={chooseInterval}
        transport={transport}
        onTransport={chooseTransport}
      />
    </LiveProvider>
  );
}
