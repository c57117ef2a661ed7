import { UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ChevronIcon } from "../../components/icons";
import { formatCount, MISSING } from "../../lib/format";
import { writeNumber } from "../../lib/numbers";
import type { Setting } from "../../lib/params";
import { remPx } from "../../lib/rem";
import classes from "./BacktestView.module.css";
import { formatMetric } from "./metrics";
import own from "./SweepTable.module.css";
import { columnsOf, firstOrder, hasRun, isBest, type SweepColumn, type SweepResult, sorted } from "./sweep";

/** Height of a row in units of the page's text. */
const ROW_REM = 2;
/** Rows above and below the view that are there too. */
const OVERSCAN = 12;

/** Every combination of a sweep, sorted by what a person chooses. Of two thousand those in view are there. */
export function SweepTable({ sweep }: { sweep: SweepResult }) {
  const { t } = useTranslation(["backtests", "proposal", "common"]);
  const columns = useMemo(() => columnsOf(sweep), [sweep]);
  const [order, setOrder] = useState(() =>
    firstOrder(columns.find(({ metric }) => metric === "totalReturn") ?? columns[0] ?? NONE),
  );
  const rows = useMemo(() => {
    const by = columns.find(({ name }) => name === order.column);
    return sorted(sweep.rows, by, order.isDescending);
  }, [sweep, columns, order]);

  const nameOf = ({ name, metric }: SweepColumn): string =>
    metric ? t(`metrics.names.${metric}`) : t(`proposal:settings.${name as Setting}`);
  const idle = sweep.rows.filter((row) => !hasRun(columns, row)).length;
  // As wide as its name with a sign beside it, or as its longest number.
  const widths = columns.map(
    (column) => `${Math.max(column.metric ? 8 : 4, nameOf(column).length) * 0.5 + 2}rem`,
  );
  return (
    <>
      <div className={classes.head}>
        <h4 className={classes.sub}>{t("sweep.title")}</h4>
        <span className={classes.soft}>
          {t("sweep.count", { shown: formatCount(rows.length) })}
          {idle > 0 && ` · ${t("sweep.impossible", { shown: formatCount(idle) })}`}
        </span>
      </div>
      <Rows sweep={sweep} columns={columns} rows={rows} template={`3.5rem ${widths.join(" ")}`}>
        <tr aria-rowindex={1}>
          <th scope="col">
            <VisuallyHidden>{t("sweep.best")}</VisuallyHidden>
          </th>
          {columns.map((column) => {
            const isOn = order.column === column.name;
            const first = firstOrder(column);
            const turn = { ...first, isDescending: isOn ? !order.isDescending : first.isDescending };
            const sort = order.isDescending ? "descending" : "ascending";
            return (
              <th key={column.name} scope="col" aria-sort={isOn ? sort : "none"}>
                <UnstyledButton
                  onClick={() => setOrder(turn)}
                  className={own.sort}
                  data-sort={isOn ? sort : ""}
                >
                  <ChevronIcon />
                  {nameOf(column)}
                </UnstyledButton>
              </th>
            );
          })}
        </tr>
      </Rows>
    </>
  );
}

const NONE: SweepColumn = { name: "", at: 0, metric: null };

/** Properties of {@link Rows}. */
interface RowsProps {
  sweep: SweepResult;
  columns: readonly SweepColumn[];
  rows: readonly SweepResult["rows"][number][];
  /** Widths of the columns. */
  template: string;
  /** The head. */
  children: ReactNode;
}

function Rows({ sweep, columns, rows, template, children }: RowsProps) {
  const { t } = useTranslation(["backtests", "common"]);
  const box = useRef<HTMLDivElement>(null);
  const rowPx = ROW_REM * remPx();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    overscan: OVERSCAN,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows are measured anew when the text has another size
  useEffect(() => virtual.measure(), [virtual, rowPx]);
  return (
    <section
      ref={box}
      className={own.scroll}
      aria-label={t("common:table", { name: t("sweep.title") })}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      data-testid="sweep"
    >
      <table
        className={own.table}
        style={{ "--columns": template } as CSSProperties}
        aria-rowcount={rows.length + 1}
      >
        <thead>{children}</thead>
        <tbody style={{ height: virtual.getTotalSize() }}>
          {virtual.getVirtualItems().map(({ index, start, size }) => {
            const row = rows[index] ?? [];
            const isTop = isBest(sweep, row);
            return (
              <tr
                key={index}
                aria-rowindex={index + 2}
                style={{ height: size, transform: `translateY(${start}px)` }}
                data-best={isTop}
              >
                <td>{isTop && <span className={own.best}>{t("sweep.best")}</span>}</td>
                {columns.map(({ name, at, metric }) => {
                  const value = row[at] ?? null;
                  return (
                    <td key={name}>
                      {metric
                        ? formatMetric(t, metric, value)
                        : value === null
                          ? MISSING
                          : writeNumber(value)}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}
