import type { SymbolsState } from "@spark/live-core";
import { ChartPanel } from "../features/chart/ChartPanel";
import { WatchList } from "../features/market/WatchList";
import { intervalFor } from "../lib/intervals";
import { NoGateway, NoSymbols } from "./EmptyPages";
import { LoadingPage } from "./LoadingPage";
import classes from "./MarketView.module.css";

/** Properties of {@link MarketView}. */
export interface MarketViewProps {
  list: SymbolsState;
  symbols: readonly string[];
  /** Null while there are none. */
  selected: string | null;
  onSelect: (symbol: string) => void;
  /** The interval that was chosen; null, or one that the symbol has not, means the usual one. */
  interval: string | null;
  onInterval: (interval: string) => void;
}

/** Watch list and chart side by side, below one another on a narrow window. */
export function MarketView(props: MarketViewProps) {
  return (
    <div className={classes.view}>
      {props.selected === null ? without(props.list) : market(props, props.selected)}
    </div>
  );
}

function market({ list, symbols, onSelect, interval, onInterval }: MarketViewProps, selected: string) {
  const source = list.value?.source;
  const info = list.value?.symbols.find(({ symbol }) => symbol === selected);
  return (
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
  );
}

function without(list: SymbolsState) {
  if (list.value) return <NoSymbols />;
  if (list.status === "error") return <NoGateway error={list.error} />;
  return <LoadingPage />;
}
