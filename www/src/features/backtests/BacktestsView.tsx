import { Button, Loader } from "@mantine/core";
import type { BacktestParams, Confirmed, LiveError, Proposal, ProposalStatus } from "@spark/live-core";
import { useJobs, useLiveClient, useSymbols } from "@spark/live-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation, useSearch } from "wouter";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import { ProposalCard } from "../../components/ProposalCard";
import { isBacktest } from "../../lib/params";
import { ROUTES } from "../../lib/routes";
import { BacktestForm } from "./BacktestForm";
import classes from "./BacktestsView.module.css";
import { JobList } from "./JobList";

import "./mantine.css";

/** A proposal of the form, and what became of it. */
interface Offer {
  proposal: Proposal<BacktestParams>;
  status: ProposalStatus;
  jobId: string | null;
  error: LiveError | null;
}

/** A form for a new backtest, and one's own backtests. */
export default function BacktestsView() {
  const { t } = useTranslation("backtests");
  const client = useLiveClient();
  const [, navigate] = useLocation();
  const symbols = useSymbols();
  const jobs = useJobs({ limit: 50 });
  const again = useAgain();
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<LiveError | null>(null);
  const [offer, setOffer] = useState<Offer | null>(null);

  const card = useRef<HTMLDivElement>(null);
  const proposalId = offer?.proposal.proposalId;
  // What is to be decided on comes into view, with the way to say yes.
  useEffect(() => {
    if (proposalId === undefined) return;
    card.current?.scrollIntoView({ block: "nearest" });
    card.current?.querySelector("button")?.focus({ preventScroll: true });
  }, [proposalId]);

  const propose = async (params: BacktestParams): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      const proposal = await client.proposeBacktest(params);
      setOffer({ proposal, status: "waiting", jobId: null, error: null });
    } catch (error) {
      setRefusal(error as LiveError);
      setOffer(null);
    }
    setBusy(false);
  };
  const confirm = async ({ proposal }: Offer): Promise<void> => {
    const change = (next: Partial<Offer>): void =>
      setOffer((last) => (last?.proposal === proposal ? { ...last, ...next } : last));
    change({ status: "confirming", error: null });
    let confirmed: Confirmed;
    try {
      confirmed = await client.confirmBacktest(proposal);
    } catch (thrown) {
      const error = thrown as LiveError;
      if (error.code === "TOKEN_EXPIRED") change({ status: "expired" });
      else change({ status: "failed", error, jobId: error.jobId ?? null });
      return;
    }
    jobs.refresh();
    navigate(ROUTES.backtest(confirmed.jobId));
  };

  return (
    <div className={classes.view}>
      <Panel labelledBy="form-title" className={classes.panel}>
        <h2 id="form-title" className={classes.title}>
          {t("form.title")}
        </h2>
        {symbols.value ? (
          <BacktestForm
            key={again?.key ?? "new"}
            symbols={symbols.value.symbols}
            initial={again?.params ?? null}
            isBusy={isBusy}
            refusal={refusal}
            onPropose={(params) => void propose(params)}
          />
        ) : symbols.error ? (
          <ErrorNote error={symbols.error} isNews={false} />
        ) : (
          <Loader size="sm" aria-label={t("form.marketClosed")} />
        )}
        {offer && (
          <div ref={card}>
            <ProposalCard
              part={offer}
              onConfirm={() => void confirm(offer)}
              onDecline={() => setOffer({ ...offer, status: "declined" })}
              onRenew={() => void propose(offer.proposal.params)}
            />
          </div>
        )}
      </Panel>
      <Panel labelledBy="jobs-title" className={classes.panel}>
        <div className={classes.head}>
          <h2 id="jobs-title" className={classes.title}>
            {t("list.title")}
          </h2>
          <Button size="compact-sm" variant="default" onClick={() => jobs.refresh()} loading={jobs.isLoading}>
            {t("list.refresh")}
          </Button>
        </div>
        <JobList jobs={jobs} />
      </Panel>
    </div>
  );
}

/** Parameters that the address brings, of a backtest that is to run again with changes. */
function useAgain(): { key: string; params: BacktestParams } | null {
  const id = new URLSearchParams(useSearch()).get("again");
  const client = useLiveClient();
  return useMemo(() => {
    const params = id === null ? undefined : client.job(id).get().job?.params;
    return id !== null && isBacktest(params) ? { key: id, params } : null;
  }, [client, id]);
}
