import { VisuallyHidden } from "@mantine/core";
import { type KeyboardEvent, type MouseEvent, useCallback, useRef } from "react";
import { Panel } from "../../components/Panel";
import { nextRow } from "./rowKeys";
import classes from "./WatchList.module.css";
import { WatchRow } from "./WatchRow";

/** Properties of {@link WatchList}. */
export interface WatchListProps {
  /** Symbols in the order in which they are shown. */
  symbols: readonly string[];
  selected: string;
  /** Must keep its identity, or every row renders again. */
  onSelect: (symbol: string) => void;
}

/**
 * Symbols with their prices; choosing one changes the chart. A list box with one tab stop: arrow keys,
 * Home, End and letters move the selection and the focus together.
 */
export function WatchList({ symbols, selected, onSelect }: WatchListProps) {
  const list = useRef<HTMLDivElement>(null);

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const index = nextRow(event.key, symbols.indexOf(selected), symbols);
      const symbol = index === null ? undefined : symbols[index];
      if (symbol === undefined) return;
      event.preventDefault();
      onSelect(symbol);
      list.current?.querySelector<HTMLElement>(`[data-symbol="${CSS.escape(symbol)}"]`)?.focus();
    },
    [symbols, selected, onSelect],
  );

  const onClick = useCallback(
    (event: MouseEvent) => {
      const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-symbol]") : null;
      if (row?.dataset.symbol !== undefined) onSelect(row.dataset.symbol);
    },
    [onSelect],
  );

  return (
    <Panel labelledBy="watch-list-title" className={classes.panel}>
      <div className={classes.head}>
        <h2 id="watch-list-title" className={classes.title}>
          Watch list
        </h2>
        <span className={classes.count}>
          {symbols.length} {symbols.length === 1 ? "symbol" : "symbols"}
        </span>
      </div>
      <div className={classes.columns} aria-hidden="true">
        <span>Symbol</span>
        <span className={classes.trendHead}>30 days</span>
        <span className={classes.end}>Last</span>
        <span className={classes.end}>Change</span>
      </div>
      <VisuallyHidden id="watch-list-help">Arrow keys choose the symbol that the chart shows.</VisuallyHidden>
      <div
        ref={list}
        className={classes.list}
        role="listbox"
        tabIndex={-1}
        aria-labelledby="watch-list-title"
        aria-describedby="watch-list-help"
        data-testid="watch-list"
        onKeyDown={onKeyDown}
        onClick={onClick}
      >
        {symbols.map((symbol) => (
          <WatchRow key={symbol} symbol={symbol} selected={symbol === selected} />
        ))}
      </div>
    </Panel>
  );
}
