import { Skeleton } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import type { PagedRows, TradeRow } from "@spark/live-core";
import { useBacktestResult } from "@spark/live-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import {
  directionOf,
  formatBacktestTime,
  formatChange,
  formatCount,
  formatNumber,
  formatPrice,
} from "../../lib/format";
import { remPx } from "../../lib/rem";
import classes from "./BacktestView.module.css";
import own from "./TradesPanel.module.css";

/** Height of a row in units of the page's text; where there is no room for columns a trade has three lines. */
const ROW_REM = 2.25;
const NARROW_ROW_REM = 5;
/** Below this width there is no room for columns. */
const NARROW = "(max-width: 40em)";
/** Rows above and below the view that are there too. */
const OVERSCAN = 12;

/** Every trade. Of a hundred thousand those in view are there, and pages come as one scrolls. */
export function TradesPanel({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const rows = useBacktestResult(jobId, "trades", { limit: 500 });
  const { total, status, error } = rows;
  return (
    <Panel labelledBy="trades-title" className={classes.panel}>
      <div className={classes.head}>
        <h3 id="trades-title" className={classes.sub}>
          {t("trades.title")}
        </h3>
        {total !== null && (
          <span className={classes.soft}>
            {t("trades.count", { count: total, shown: formatCount(total) })}
          </span>
        )}
      </div>
      {status === "ready" && total === 0 && <p className={classes.soft}>{t("trades.empty")}</p>}
      {status === "ready" && total !== 0 && <Trades rows={rows} />}
      {status !== "ready" && !error && <Skeleton height="20rem" radius="sm" />}
      {error && <ErrorNote error={error} onRetry={() => rows.retry()} />}
    </Panel>
  );
}

const COLUMNS = ["n", "side", "units", "entry", "entryPrice", "exit", "exitPrice", "pnl", "fees"] as const;

function Trades({ rows }: { rows: PagedRows<TradeRow> }) {
  const { t } = useTranslation(["backtests", "common"]);
  const box = useRef<HTMLDivElement>(null);
  const count = rows.total ?? rows.length;
  const isNarrow = useMediaQuery(NARROW, false, { getInitialValueInEffect: false });
  const rowPx = (isNarrow ? NARROW_ROW_REM : ROW_REM) * remPx();
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    overscan: OVERSCAN,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when they have another height
  useEffect(() => virtual.measure(), [virtual, rowPx]);
  const items = virtual.getVirtualItems();
  const end = (items.at(-1)?.index ?? 0) + 1;
  const { length, hasMore, error } = rows;
  useEffect(() => {
    if (hasMore && !error && end > length) rows.loadMore(end);
  }, [rows, hasMore, error, end, length]);

  return (
    <section
      className={own.scroll}
      ref={box}
      aria-label={t("common:table", { name: t("trades.title") })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      data-testid="trades"
    >
      <table className={own.table} data-narrow={isNarrow} aria-rowcount={count + 1}>
        <thead>
          <tr aria-rowindex={1}>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" data-column={column}>
                {t(`trades.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody style={{ height: virtual.getTotalSize() }}>
          {items.map(({ index, start, size }) => (
            <tr
              key={index}
              aria-rowindex={index + 2}
              style={{ height: size, transform: `translateY(${start}px)` }}
              data-testid="trade"
            >
              <Cells trade={rows.row(index)} number={index + 1} />
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Cells({ trade, number }: { trade: TradeRow | undefined; number: number }) {
  const { t } = useTranslation("backtests");
  if (!trade) {
    return (
      <>
        <td data-column="n">{formatCount(number)}</td>
        <td data-column="side" className={own.coming}>
          {t("trades.coming")}
        </td>
      </>
    );
  }
  const { n, units, entryTime, entryPrice, exitTime, exitPrice, pnl, fees } = trade;
  return (
    <>
      <td data-column="n">{formatCount(n)}</td>
      <td data-column="side">{units < 0 ? t("trades.short") : t("trades.long")}</td>
      <td data-column="units">{formatCount(Math.abs(units))}</td>
      <td data-column="entry" data-name={t("trades.entry")}>
        {formatBacktestTime(entryTime)}
      </td>
      <td data-column="entryPrice">{formatPrice(entryPrice)}</td>
      <td data-column="exit" data-name={t("trades.exit")}>
        {exitTime === null ? t("trades.open") : formatBacktestTime(exitTime)}
      </td>
      <td data-column="exitPrice">{formatPrice(exitPrice)}</td>
      <td data-column="pnl" className={own[directionOf(pnl)]}>
        {formatChange(pnl)}
      </td>
      <td data-column="fees">{formatNumber(fees)}</td>
    </>
  );
}
