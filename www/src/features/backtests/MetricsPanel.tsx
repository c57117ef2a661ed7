import { Popover, Skeleton, UnstyledButton } from "@mantine/core";
import { useBacktestResult } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { HelpIcon } from "../../components/icons";
import { Panel } from "../../components/Panel";
import classes from "./BacktestView.module.css";
import own from "./MetricsPanel.module.css";
import { formatMetric, METRIC_NAMES, type Metric } from "./metrics";
import { SweepTable } from "./SweepTable";

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
      {metrics?.sweep && <SweepTable sweep={metrics.sweep} />}
    </Panel>
  );
}

function About({ name, isDefined }: { name: Metric; isDefined: boolean }) {
  const { t } = useTranslation("backtests");
  return (
    <Popover
      position="top"
      width="min(18rem, calc(100vw - 2rem))"
      shadow="md"
      withinPortal
      trapFocus
      returnFocus
    >
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
