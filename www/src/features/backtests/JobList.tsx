import { Progress, Skeleton, VisuallyHidden } from "@mantine/core";
import type { BacktestParams, Job, PagedRows } from "@spark/live-core";
import { useJob } from "@spark/live-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { BusyButton } from "../../components/BusyButton";
import { ErrorNote } from "../../components/ErrorNote";
import { EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { formatMoment, formatPart } from "../../lib/format";
import { intervalSign } from "../../lib/intervals";
import { isBacktest, subjectWords } from "../../lib/params";
import { ROUTES } from "../../lib/routes";
import { CancelButton } from "./CancelButton";
import classes from "./JobList.module.css";
import { Outcome } from "./Outcome";
import { StateMark } from "./StateMark";

const ROWS = ["a", "b", "c", "d"];

/** One's own backtests, the newest first; those that run are followed. */
export function JobList({ jobs }: { jobs: PagedRows<Job> }) {
  const { t } = useTranslation(["backtests", "common"]);
  if (jobs.status === "failed" && jobs.error) {
    return <ErrorNote error={jobs.error} onRetry={() => jobs.retry()} />;
  }
  if (jobs.status !== "ready") {
    return (
      <div className={classes.loading}>
        <VisuallyHidden role="status">{t("common:loading")}</VisuallyHidden>
        {ROWS.map((row) => (
          <Skeleton key={row} height="2.75rem" radius="sm" aria-hidden="true" />
        ))}
      </div>
    );
  }
  if (jobs.length === 0) {
    return (
      <Notice icon={<EmptyIcon />} title={t("list.empty")}>
        {t("list.emptyText")}
      </Notice>
    );
  }
  return (
    <>
      <ul className={classes.list} data-testid="jobs">
        {jobs.rows.map((job) => (
          <JobRow key={job.jobId} told={job} />
        ))}
      </ul>
      {jobs.error && <ErrorNote error={jobs.error} onRetry={() => jobs.retry()} />}
      {jobs.hasMore && (
        <BusyButton variant="default" onClick={() => jobs.loadMore()} isBusy={jobs.isLoading}>
          {t("list.more")}
        </BusyButton>
      )}
    </>
  );
}

function JobRow({ told }: { told: Job }) {
  const { t } = useTranslation("backtests");
  const { t: terms } = useTranslation("proposal");
  const isOpen = told.state === "queued" || told.state === "running";
  const followed = useJob(isOpen ? told.jobId : null);
  const job = (followed.job as Job | undefined) ?? told;
  const { params, state, progress } = job;
  const isRunning = state === "queued" || state === "running";
  return (
    <li className={classes.row} data-testid="job-row" data-state={state}>
      <div className={classes.what}>
        <Link href={ROUTES.backtest(job.jobId)} className={classes.link}>
          {isBacktest(params) ? subjectWords(terms, params) : job.jobId}
        </Link>
        <span className={classes.soft}>{isBacktest(params) && rangeOf(terms, params)}</span>
      </div>
      <div className={classes.state}>
        <StateMark status={state} />
        {state === "running" && <span>{formatPart(Math.round(progress * 100) / 100)}</span>}
      </div>
      <time className={classes.soft} dateTime={new Date(job.createdAt).toISOString()}>
        {formatMoment(job.createdAt)}
      </time>
      <div className={classes.end}>
        {isRunning && <CancelButton job={job} size="compact-sm" />}
        {/* A sweep's numbers come with all of its combinations, which is too much for a line of a list. */}
        {state === "done" && isBacktest(params) && !params.sweep && <Outcome jobId={job.jobId} />}
      </div>
      {state === "running" && (
        <Progress className={classes.progress} value={100 * progress} size="xs" aria-label={t("progress")} />
      )}
    </li>
  );
}

/** The bars that it ran over: `1d · 2005-01-01 – last bar`, or only their length where it was all there are. */
function rangeOf(t: TFunction<"proposal">, { from, to, interval }: BacktestParams): string {
  const days = (from || to) && `${from ?? t("first")} – ${to ?? t("last")}`;
  return [interval && intervalSign(interval), days].filter(Boolean).join(" · ");
}
