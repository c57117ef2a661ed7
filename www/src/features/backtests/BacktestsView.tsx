import { Skeleton, VisuallyHidden } from "@mantine/core";
import type { LiveError, SymbolInfo } from "@spark/live-core";
import { useJob, useJobs, useSymbols } from "@spark/live-react";
import { useEffect, useEffectEvent, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";
import { BusyButton } from "../../components/BusyButton";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import { ProposalCard } from "../../components/ProposalCard";
import { JOBS_PAGE } from "../../lib/jobs";
import { isBacktest } from "../../lib/params";
import { ROUTES } from "../../lib/routes";
import { BacktestForm } from "./BacktestForm";
import classes from "./BacktestsView.module.css";
import { JobList } from "./JobList";
import { type OfferDesk, useOffer } from "./useOffer";

import "./mantine.css";

/** A form for a new backtest, what it proposes, and one's own backtests. */
export default function BacktestsView() {
  const { t } = useTranslation("backtests");
  const [, navigate] = useLocation();
  const jobs = useJobs({ limit: JOBS_PAGE });
  const desk = useOffer((jobId) => {
    jobs.refresh();
    navigate(ROUTES.backtest(jobId));
  });
  const { offer } = desk;
  const form = useRef<HTMLDivElement>(null);
  const card = useRef<HTMLDivElement>(null);

  /** What is to be decided on comes into view, and is read before it is said yes to: the focus goes to it, not to the yes. */
  const showCard = useEffectEvent(() => {
    card.current?.scrollIntoView({ block: "nearest" });
    if (form.current?.contains(document.activeElement)) {
      card.current?.querySelector("article")?.focus({ preventScroll: true });
    }
  });
  const proposalId = offer?.proposal.proposalId;
  useEffect(() => {
    if (proposalId !== undefined) showCard();
  }, [proposalId]);

  return (
    <div className={classes.view}>
      <Panel labelledBy="form-title" className={classes.form}>
        <h2 id="form-title" className={classes.title}>
          {t("form.title")}
        </h2>
        <div ref={form}>
          <NewBacktest desk={desk} />
        </div>
      </Panel>
      <div className={classes.side}>
        {offer && (
          <div ref={card}>
            <ProposalCard
              part={offer}
              onConfirm={() => void desk.confirm()}
              onDecline={desk.decline}
              onRenew={() => void desk.renew()}
            />
          </div>
        )}
        <Panel labelledBy="jobs-title" className={classes.list}>
          <div className={classes.head}>
            <h2 id="jobs-title" className={classes.title}>
              {t("list.title")}
            </h2>
            <BusyButton
              size="compact-sm"
              variant="default"
              onClick={() => jobs.refresh()}
              isBusy={jobs.isLoading}
            >
              {t("list.refresh")}
            </BusyButton>
          </div>
          <JobList jobs={jobs} />
        </Panel>
      </div>
    </div>
  );
}

/** The form, once it is known what it can ask for: the symbols, and what an earlier backtest was. */
function NewBacktest({ desk }: { desk: OfferDesk }) {
  const symbols = useSymbols();
  // The address may name a backtest that is to run again with changes.
  const id = new URLSearchParams(useSearch()).get("again");
  const again = useJob<unknown>(id);
  if (symbols.value === undefined) return <Awaited error={symbols.error} />;
  if (again.status === "pending") return <Awaited error={again.error} />;
  return (
    <>
      {again.status === "missing" && <ErrorNote error={again.error} isNews={false} />}
      <Form key={id} symbols={symbols.value.symbols} params={again.job?.params} desk={desk} />
    </>
  );
}

function Form({
  symbols,
  params,
  desk,
}: {
  symbols: readonly SymbolInfo[];
  params: unknown;
  desk: OfferDesk;
}) {
  return (
    <BacktestForm
      symbols={symbols}
      initial={isBacktest(params) ? params : null}
      isBusy={desk.isBusy}
      refusal={desk.refusal}
      onPropose={(next) => void desk.propose(next)}
    />
  );
}

const ROWS = ["a", "b", "c", "d", "e", "f"];

/** The shape of the form, until it is known what it can ask for. */
function Awaited({ error }: { error: LiveError | null }) {
  const { t } = useTranslation("common");
  return (
    <div className={classes.awaited}>
      {error && <ErrorNote error={error} isNews={false} />}
      <VisuallyHidden role="status">{t("loading")}</VisuallyHidden>
      {ROWS.map((row) => (
        <Skeleton key={row} height="3.75rem" radius="sm" aria-hidden="true" />
      ))}
    </div>
  );
}
