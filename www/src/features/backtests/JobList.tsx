import { Button, Progress, Skeleton } from "@mantine/core";
import type { Job, PagedRows } from "@spark/live-core";
import { useJob } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { ErrorNote } from "../../components/ErrorNote";
import { EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { formatMoment, formatPart } from "../../lib/format";
import { isBacktest, strategyWords } from "../../lib/params";
import { ROUTES } from "../../lib/routes";
import { CancelButton } from "./CancelButton";
import classes from "./JobList.module.css";
import { StateMark } from "./StateMark";

const ROWS = ["a", "b", "c", "d"];

/** One's own backtests, the newest first; those that run are followed. */
export function JobList({ jobs }: { jobs: PagedRows<Job> }) {
  const { t } = useTranslation("backtests");
  if (jobs.status === "failed" && jobs.error) {
    return <ErrorNote error={jobs.error} onRetry={() => jobs.retry()} />;
  }
  if (jobs.status !== "ready") {
    return (
      <div className={classes.loading} aria-hidden="true">
        {ROWS.map((row) => (
          <Skeleton key={row} height="2.75rem" radius="sm" />
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
        <Button variant="default" onClick={() => jobs.loadMore()} loading={jobs.isLoading}>
          {t("list.more")}
        </Button>
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
  const words = isBacktest(params)
    ? { what: `${params.symbol} · ${strategyWords(terms, params.strategy)}`, range: rangeOf(params) }
    : { what: job.jobId, range: "" };
  const isRunning = state === "queued" || state === "running";
  return (
    <li className={classes.row} data-testid="job-row" data-state={state}>
      <div className={classes.what}>
        <Link href={ROUTES.backtest(job.jobId)} className={classes.link}>
          {words.what}
        </Link>
        <span className={classes.soft}>{words.range}</span>
      </div>
      <div className={classes.state}>
        <StateMark status={state} />
        {state === "running" && <span>{formatPart(Math.round(progress * 100) / 100)}</span>}
      </div>
      <time className={classes.soft} dateTime={new Date(job.createdAt).toISOString()}>
        {formatMoment(job.createdAt)}
      </time>
      {isRunning && <CancelButton job={job} size="compact-sm" />}
      {state === "running" && (
        <Progress className={classes.progress} value={100 * progress} size="xs" aria-label={t("progress")} />
      )}
    </li>
  );
}

function rangeOf({
  from,
  to,
  interval,
}: {
  from?: string | null;
  to?: string | null;
  interval?: string;
}): string {
  return [interval, [from, to].filter(Boolean).join(" – ")].filter(Boolean).join(" · ");
}
