import type { BacktestParams, Confirmed, LiveError, Proposal, ProposalStatus } from "@spark/live-core";
import { useLiveClient } from "@spark/live-react";
import { useEffect, useRef, useState } from "react";

/** A proposal of the form, and what became of it. */
export interface Offer {
  proposal: Proposal<BacktestParams>;
  status: ProposalStatus;
  jobId: string | null;
  error: LiveError | null;
}

/** What a person can do with a form: have it proposed, and decide on the proposal. */
export interface OfferDesk {
  offer: Offer | null;
  /** Whether a proposal is on its way. */
  isBusy: boolean;
  /** Why the gateway has refused what was proposed last. */
  refusal: LiveError | null;
  propose: (params: BacktestParams) => Promise<void>;
  confirm: () => Promise<void>;
  decline: () => void;
}

/**
 * The proposal of a form. It stands until its time is over, and is expired then. `onStarted` is called with the job that a
 * confirmation has started, unless the view was left meanwhile.
 */
export function useOffer(onStarted: (jobId: string) => void): OfferDesk {
  const client = useLiveClient();
  const [isBusy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<LiveError | null>(null);
  const [offer, setOffer] = useState<Offer | null>(null);
  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = true;
    return () => {
      isHere.current = false;
    };
  }, []);

  const { proposal, status } = offer ?? {};
  useEffect(() => {
    if (!proposal || status !== "waiting") return;
    const end = (): void =>
      setOffer((last) => (last?.proposal === proposal ? { ...last, status: "expired" } : last));
    const timer = setTimeout(end, proposal.expiresAt - Date.now());
    return () => clearTimeout(timer);
  }, [proposal, status]);

  const propose = async (params: BacktestParams): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      const made = await client.proposeBacktest(params);
      setOffer({ proposal: made, status: "waiting", jobId: null, error: null });
    } catch (error) {
      setRefusal(error as LiveError);
      setOffer(null);
    }
    setBusy(false);
  };

  const confirm = async (): Promise<void> => {
    if (!proposal) return;
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
    change({ status: "confirmed", jobId: confirmed.jobId });
    if (isHere.current) onStarted(confirmed.jobId);
  };

  const decline = (): void => setOffer((last) => last && { ...last, status: "declined" });
  return { offer, isBusy, refusal, propose, confirm, decline };
}
