import type { SymbolList, SymbolsState, Transport } from "@spark/live-core";
import { useSymbols } from "@spark/live-react";
import { ChartPanel } from "../features/chart/ChartPanel";
import { WatchList } from "../features/market/WatchList";
import { StatusBar } from "../features/status/StatusBar";
import { intervalFor } from "../lib/intervals";
import { NoGateway, NoSymbols } from "./EmptyPages";
import { Header } from "./Header";
import { LoadingPage } from "./LoadingPage";
import classes from "./Page.module.css";
import { useSymbolNames } from "./useSymbolNames";

/** Properties of {@link Page}. */
export interface PageProps {
  /** Shown until the client has a list of its own. */
  lastSymbols: SymbolList | undefined;
  /** The symbol that was chosen; null, or one that is not served, means the first. */
  wanted: string | null;
  onSelect: (symbol: string) => void;
  /** The interval that was chosen; null, or one that the symbol has not, means the usual one. */
  interval: string | null;
  onInterval: (interval: string) => void;
  transport: Transport;
  onTransport: (transport: Transport) => void;
}

/** Header, watch list and chart side by side (below one another on a narrow window), status bar. */
export function Page(props: PageProps) {
  const { lastSymbols, wanted, onSelect, interval, onInterval, transport, onTransport } = props;
  const own = useSymbols();
  const state = own.value ? own : { ...own, value: lastSymbols };
  const symbols = useSymbolNames(state.value);
  const selected = wanted !== null && symbols.includes(wanted) ? wanted : (symbols[0] ?? null);
  const info = state.value?.symbols.find(({ symbol }) => symbol === selected);
  const source = state.value?.source;

  return (
    <div className={classes.page}>
      <Header source={state.value?.source ?? null} symbol={selected} />
      <main className={classes.main}>
        {selected === null ? (
          <WithoutSymbols state={state} />
        ) : (
          <>
            <WatchList
              symbols={symbols}
              selected={selected}
              onSelect={onSelect}
              trend={source === "replay" ? "1d" : "1m"}
            />
            <ChartPanel
              symbol={selected}
              intervals={info?.intervals ?? []}
              interval={intervalFor(info, source, interval)}
              onInterval={onInterval}
            />
          </>
        )}
      </main>
      <StatusBar symbol={selected} transport={transport} onTransport={onTransport} />
    </div>
  );
}

function WithoutSymbols({ state }: { state: SymbolsState }) {
  if (state.value) return <NoSymbols />;
  if (state.status === "error") return <NoGateway error={state.error} />;
  return <LoadingPage />;
}
