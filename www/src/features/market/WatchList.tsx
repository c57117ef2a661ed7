import { VisuallyHidden } from "@mantine/core";
import type { Interval } from "@spark/live-core";
import {
  type KeyboardEvent,
  type MouseEvent,
  useEffectEvent,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { useTranslation } from "react-i18next";
import { Panel } from "../../components/Panel";
import { fold } from "../../lib/fold";
import { formatCount } from "../../lib/format";
import { nextRow } from "./rowKeys";
import { SymbolFilter } from "./SymbolFilter";
import { useRows } from "./useRows";
import classes from "./WatchList.module.css";
import { WatchRow } from "./WatchRow";

/** Properties of {@link WatchList}. */
export interface WatchListProps {
  /** Symbols in the order in which they are shown. */
  symbols: readonly string[];
  selected: string;
  onSelect: (symbol: string) => void;
  /** Length of the bars of the trend lines. */
  trend: Interval;
}

/** With more symbols than this there is a field to find one by. */
const FILTER_ABOVE = 12;

/**
 * Symbols with their prices; choosing one changes the chart. A list box with one tab stop: arrow keys,
 * Home, End and letters move the selection and the focus together. Of a long list only rows in view are there and
 * subscribe, so that a thousand symbols cost no more than twenty.
 */
export function WatchList({ symbols, selected, onSelect, trend }: WatchListProps) {
  const { t } = useTranslation("market");
  const list = useRef<HTMLDivElement>(null);
  const [filter, setFilter] = useState("");
  const hasFilter = symbols.length > FILTER_ABOVE;
  const wanted = hasFilter ? fold(filter.trim()) : "";
  const shown = wanted === "" ? symbols : symbols.filter((symbol) => fold(symbol).includes(wanted));
  const at = shown.indexOf(selected);
  // Where Tab leads: the selected row, or the first of what was found.
  const stop = Math.max(at, 0);
  const rows = useRows(list, shown.length, stop);

  /** The symbol that takes the focus once its row is there. */
  const focused = useRef<string | null>(null);
  useLayoutEffect(() => {
    if (focused.current === null) return;
    const row = list.current?.querySelector<HTMLElement>(`[data-symbol="${CSS.escape(focused.current)}"]`);
    focused.current = null;
    row?.focus({ preventScroll: true });
  });

  const revealSelected = useEffectEvent(() => rows.reveal(at < 0 ? 0 : at));
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, and whenever other symbols are looked for
  useLayoutEffect(() => revealSelected(), [wanted]);

  /** Chooses a row and puts the focus on it. */
  const go = (index: number): void => {
    const symbol = shown[index];
    if (symbol === undefined) return;
    focused.current = symbol;
    rows.reveal(index);
    if (symbol !== selected) onSelect(symbol);
    else list.current?.querySelector<HTMLElement>('[aria-selected="true"]')?.focus({ preventScroll: true });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = nextRow(event.key, at, shown);
    if (index === null) return;
    event.preventDefault();
    go(index);
  };

  const onClick = (event: MouseEvent): void => {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-symbol]") : null;
    if (row?.dataset.symbol !== undefined) onSelect(row.dataset.symbol);
  };

  return (
    <Panel labelledBy="watch-list-title" className={classes.panel}>
      <ListHead all={symbols.length} found={wanted === "" ? null : shown.length} />
      {hasFilter && (
        <SymbolFilter
          value={filter}
          onChange={setFilter}
          onChoose={() => onSelect(shown[stop] ?? selected)}
          onLeave={() => go(stop)}
        />
      )}
      <Columns trend={trend} />
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
          style={rows.height === undefined ? undefined : { height: rows.height }}
        >
          {rows.placed.map(({ index, top }) => {
            const symbol = shown[index] ?? "";
            return (
              <WatchRow
                key={symbol}
                symbol={symbol}
                selected={index === at}
                isTabStop={index === stop}
                trend={trend}
                index={index}
                count={shown.length}
                top={top}
              />
            );
          })}
        </div>
        {shown.length === 0 && <p className={classes.none}>{t("list.none", { text: filter.trim() })}</p>}
      </div>
    </Panel>
  );
}

/** The title, and how many symbols there are; `found` of them while one is looked for. */
function ListHead({ all, found }: { all: number; found: number | null }) {
  const { t } = useTranslation("market");
  const shown = formatCount(all);
  return (
    <div className={classes.head}>
      <h2 id="watch-list-title" className={classes.title}>
        {t("list.title")}
      </h2>
      <span className={classes.count} role="status" data-testid="symbol-count">
        {found === null
          ? t("list.count", { count: all, shown })
          : t("list.found", { count: all, shown, found: formatCount(found) })}
      </span>
    </div>
  );
}

function Columns({ trend }: { trend: Interval }) {
  const { t } = useTranslation("market");
  return (
    <>
      <div className={classes.columns} aria-hidden="true">
        <span>{t("list.symbol")}</span>
        <span className={classes.trendHead}>{t(trend === "1d" ? "list.days" : "list.minutes")}</span>
        <span className={classes.end}>{t("list.last")}</span>
        <span className={classes.end}>{t("list.change")}</span>
      </div>
      <VisuallyHidden id="watch-list-help">{t("list.help")}</VisuallyHidden>
    </>
  );
}
