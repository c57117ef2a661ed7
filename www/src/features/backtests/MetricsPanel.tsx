import { Button, Popover, Skeleton, UnstyledButton } from "@mantine/core";
import type { MetricsRow } from "@spark/live-core";
import { useBacktestResult } from "@spark/live-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { HelpIcon } from "../../components/icons";
import { Panel } from "../../components/Panel";
import { MISSING } from "../../lib/format";
import type { Setting } from "../../lib/params";
import classes from "./BacktestView.module.css";
import own from "./MetricsPanel.module.css";
import { formatMetric, METRIC_NAMES, type Metric, metricOf } from "./metrics";

/** Combinations that are shown before somebody asks for all. */
const FEW = 20;

/** What the backtest comes to, each number with what it means. */
export function MetricsPanel({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const rows = useBacktestResult(jobId, "metrics");
  const metrics = rows.row(0);
  return (
    <Panel labelledBy="metrics-title" className={classes.panel}>
      <h3 id="metrics-title" className={classes.sub}>
        {t("metrics.title")}
      </h3>
      <dl className={own.grid} data-testid="metrics">
        {METRIC_NAMES.map((name) => (
          <div key={name} className={own.metric}>
            <dt>
              {t(`metrics.names.${name}`)}
              <About name={name} isDefined={metrics?.[name] !== null} />
            </dt>
            <dd data-metric={name} data-value={metrics?.[name] ?? ""}>
              {metrics ? (
                formatMetric(t, name, metrics[name])
              ) : (
                <Skeleton component="span" display="block" width="5rem" height="1.25rem" />
              )}
            </dd>
          </div>
        ))}
      </dl>
      {rows.error && <ErrorNote error={rows.error} onRetry={() => rows.retry()} />}
      {metrics?.sweep && <Sweep sweep={metrics.sweep} />}
    </Panel>
  );
}

function About({ name, isDefined }: { name: Metric; isDefined: boolean }) {
  const { t } = useTranslation("backtests");
  return (
    <Popover position="top" width="min(18rem, calc(100vw - 2rem))" shadow="md" withinPortal>
      <Popover.Target>
        <UnstyledButton
          className={own.help}
          aria-label={t("metrics.why", { name: t(`metrics.names.${name}`) })}
        >
          <HelpIcon />
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t(`metrics.names.${name}`)}>
        <p className={classes.soft}>{t(`metrics.about.${name}`)}</p>
        {!isDefined && <p className={classes.soft}>{t("metrics.undefined")}</p>}
      </Popover.Dropdown>
    </Popover>
  );
}

/** Every combination of a sweep, sorted by what a person chooses. */
function Sweep({ sweep }: { sweep: NonNullable<MetricsRow["sweep"]> }) {
  const { t } = useTranslation(["backtests", "proposal", "common"]);
  const { columns, rows, best } = sweep;
  const [by, setBy] = useState(() => Math.max(0, columns.indexOf("totalReturn")));
  const [isAll, setAll] = useState(false);
  const sorted = [...rows].sort(
    (a, b) => (b[by] ?? Number.NEGATIVE_INFINITY) - (a[by] ?? Number.NEGATIVE_INFINITY),
  );
  const shown = isAll ? sorted : sorted.slice(0, FEW);
  const nameOf = (column: string): string => {
    const metric = metricOf(column);
    return metric ? t(`metrics.names.${metric}`) : t(`proposal:settings.${column as Setting}`);
  };
  const isBest = (row: (number | null)[]): boolean =>
    Object.entries(best).every(([name, value]) => row[columns.indexOf(name)] === value);
  return (
    <>
      <h4 className={classes.sub}>{t("sweep.title")}</h4>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard */}
      <section className={own.scroll} aria-label={t("common:table", { name: t("sweep.title") })} tabIndex={0}>
        <table className={own.table}>
          <thead>
            <tr>
              {columns.map((column, at) => (
                <th key={column} scope="col" aria-sort={at === by ? "descending" : "none"}>
                  <UnstyledButton onClick={() => setBy(at)} className={own.sort} data-on={at === by}>
                    {nameOf(column)}
                  </UnstyledButton>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={row.slice(0, Object.keys(best).length).join()} data-best={isBest(row)}>
                {row.map((value, at) => {
                  const column = columns[at] ?? "";
                  const metric = metricOf(column);
                  return <td key={column}>{metric ? formatMetric(t, metric, value) : (value ?? MISSING)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {!isAll && rows.length > FEW && (
        <Button variant="default" size="sm" onClick={() => setAll(true)} w="fit-content">
          {t("sweep.more", { count: rows.length })}
        </Button>
      )}
    </>
  );
}
