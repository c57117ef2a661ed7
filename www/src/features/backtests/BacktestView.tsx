import { Button, Progress, Skeleton, VisuallyHidden } from "@mantine/core";
import type { BacktestParams, JobState } from "@spark/live-core";
import { useJob } from "@spark/live-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import { formatMoment, formatPart } from "../../lib/format";
import { describe, isBacktest, subjectWords } from "../../lib/params";
import { ROUTES } from "../../lib/routes";
import classes from "./BacktestView.module.css";
import { CancelButton } from "./CancelButton";
import { DownloadButton } from "./DownloadButton";
import { EquityPanel } from "./EquityPanel";
import { MetricsPanel } from "./MetricsPanel";
import { StateMark } from "./StateMark";
import { TradesPanel } from "./TradesPanel";

import "./mantine.css";

/** One backtest: what ran, how it stands, and what it came to. */
export default function BacktestView({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const { t: terms } = useTranslation("proposal");
  const state = useJob<unknown>(jobId);
  const { job } = state;
  const params = job?.params;
  const title = isBacktest(params) ? subjectWords(terms, params) : t("title");
  return (
    <div className={classes.view} data-testid="backtest" data-status={state.status}>
      <Panel labelledBy="backtest-title" className={classes.panel}>
        <Link href={ROUTES.backtests} className={classes.back}>
          ← {t("back")}
        </Link>
        <div className={classes.head}>
          <h2 id="backtest-title" className={classes.title}>
            {job || state.isEnded ? title : <Skeleton width="16rem" height="1.5rem" />}
          </h2>
          <StateMark status={state.status} />
          {job && (
            <time className={classes.soft} dateTime={new Date(job.createdAt).toISOString()}>
              {formatMoment(job.createdAt)}
            </time>
          )}
          <div className={classes.buttons}>
            {job && !state.isEnded && <CancelButton job={job} />}
            {state.status === "done" && <DownloadButton jobId={jobId} />}
            {job && isBacktest(params) && (
              <Button
                component={Link}
                href={`${ROUTES.backtests}?again=${jobId}`}
                variant="default"
                size="sm"
              >
                {t("again")}
              </Button>
            )}
          </div>
        </div>
        <Standing state={state} />
        <VisuallyHidden role="status">{spoken(t, state)}</VisuallyHidden>
        {isBacktest(params) && <Params params={params} />}
      </Panel>
      {state.status === "done" && (
        <>
          <EquityPanel jobId={jobId} />
          <MetricsPanel jobId={jobId} />
          <TradesPanel jobId={jobId} />
        </>
      )}
    </div>
  );
}

/** What a screen reader is told: how it stands and what it is at, and not each percent. */
function spoken(t: TFunction<"backtests">, state: JobState): string {
  const phase = phaseOf(state);
  return [t(`states.${state.status}`), phase && t(`phases.${phase}`)].filter(Boolean).join(", ");
}

function phaseOf({ job, isEnded }: JobState): "computing" | "storing" | undefined {
  return isEnded ? undefined : (["computing", "storing"] as const).find((name) => name === job?.phase);
}

/** How far it is, or why it has ended without a result. */
function Standing({ state }: { state: JobState }) {
  const { t } = useTranslation("backtests");
  const { job, error, status, isEnded, updates } = state;
  if (isEnded) return error && <ErrorNote error={error} isNews={false} />;
  if (!job) return error ? <ErrorNote error={error} /> : <p className={classes.soft}>{t("loading")}</p>;
  const phase = phaseOf(state);
  return (
    <div className={classes.standing}>
      <Progress
        value={100 * job.progress}
        size="lg"
        animated={status === "running"}
        aria-label={t("progress")}
        data-testid="progress"
      />
      <p className={classes.soft}>
        {formatPart(Math.round(job.progress * 100) / 100)}
        {phase && ` · ${t(`phases.${phase}`)}`}
        {job.attempt > 1 && ` · ${t("attempt", { count: job.attempt })}`}
        {updates === "polling" && ` · ${t("polling")}`}
      </p>
      {error && <ErrorNote error={error} />}
    </div>
  );
}

function Params({ params }: { params: BacktestParams }) {
  const { t } = useTranslation("backtests");
  const { t: terms } = useTranslation("proposal");
  return (
    <dl className={classes.params} aria-label={t("params")}>
      {describe(terms, params).map(({ name, value }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
