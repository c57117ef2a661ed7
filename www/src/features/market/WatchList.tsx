import { CloseButton, TextInput, VisuallyHidden } from "@mantine/core";
import type { Interval } from "@spark/live-core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, type MouseEvent, useCallback, useLayoutEffect, useRef, useState } from "react";
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
  /** Length of the bars of the trend lines. */
  trend: Interval;
}

/** From so many symbols on there is a field to find one by. */
const FILTER_FROM = 12;
/** Up to so many symbols all rows are there; a connection has room for two channels of each. */
const ROWS_MAX = 40;
/** Rows that are kept ready above and below those in view. */
const OVERSCAN = 4;
/** Height of a row in rem, as in the style sheet. */
const ROW_REM = 3.75;

/**
 * Symbols with their prices; choosing one changes the chart. A list box with one tab stop: arrow keys,
 * Home, End and letters move the selection and the focus together. Of a long list only rows in view are there and
 * subscribe, so that a thousand symbols cost no more than twenty.
 */
export function WatchList({ symbols, selected, onSelect, trend }: WatchListProps) {
  const list = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState("");
  /** The symbol that takes the focus once its row is there. */
  const focused = useRef<string | null>(null);
  const hasFilter = symbols.length >= FILTER_FROM;
  const wanted = hasFilter ? filter.trim().toUpperCase() : "";
  const shown = wanted === "" ? symbols : symbols.filter((symbol) => symbol.toUpperCase().includes(wanted));

  const isLong = shown.length > ROWS_MAX;
  const rows = useVirtualizer({
    count: shown.length,
    enabled: isLong,
    getScrollElement: () => list.current,
    estimateSize: () => ROW_REM * rootPx(),
    overscan: OVERSCAN,
  });

  const placed: { index: number; start: number | null }[] = isLong
    ? rows.getVirtualItems()
    : shown.map((_, index) => ({ index, start: null }));

  const onKeyDown = useCallback(
    (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const index = nextRow(event.key, shown.indexOf(selected), shown);
      const symbol = index === null ? undefined : shown[index];
      if (symbol === undefined || index === null) return;
      event.preventDefault();
      focused.current = symbol;
      if (isLong) rows.scrollToIndex(index);
      onSelect(symbol);
    },
    [shown, selected, onSelect, rows, isLong],
  );

  useLayoutEffect(() => {
    if (focused.current === null) return;
    const row = list.current?.querySelector<HTMLElement>(`[data-symbol="${CSS.escape(focused.current)}"]`);
    if (!row) return;
    focused.current = null;
    row.focus({ preventScroll: true });
  });

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
        <span className={classes.count} role="status">
          {wanted === "" ? "" : `${shown.length} of `}
          {symbols.length} {symbols.length === 1 ? "symbol" : "symbols"}
        </span>
      </div>
      {hasFilter && (
        <TextInput
          className={classes.filter}
          size="xs"
          aria-label="Find a symbol"
          placeholder="Find a symbol"
          value={filter}
          onChange={(event) => setFilter(event.currentTarget.value)}
          rightSection={
            filter !== "" && (
              <CloseButton size="xs" aria-label="Show all symbols" onClick={() => setFilter("")} />
            )
          }
          data-testid="filter"
        />
      )}
      <div className={classes.columns} aria-hidden="true">
        <span>Symbol</span>
        <span className={classes.trendHead}>{trend === "1d" ? "30 days" : "30 min"}</span>
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
        <div
          role="presentation"
          className={classes.room}
          style={isLong ? { height: rows.getTotalSize() } : undefined}
        >
          {placed.map(({ index, start }) => {
            const symbol = shown[index] ?? "";
            return (
              <WatchRow
                key={symbol}
                symbol={symbol}
                selected={symbol === selected}
                trend={trend}
                index={index}
                count={shown.length}
                top={start}
              />
            );
          })}
        </div>
        {shown.length === 0 && <p className={classes.none}>No symbol has “{filter.trim()}” in its name.</p>}
      </div>
    </Panel>
  );
}

function rootPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}
