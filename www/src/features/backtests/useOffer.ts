import type { BacktestParams, Confirmed, LiveError, Proposal, ProposalStatus } from "@spark/live-core";
import { useLiveClient } from "@spark/live-react";
import { useEffect, useRef, useState } from "react";

/** A proposal of the form, and what became of it. */
export interface Offer {
  proposal: Proposal<BacktestParams>;
  status: ProposalStatus;
  jobId: string | null;
  error: LiveError | null;
  /** Whether its confirmation has been on its way: then it may have come through, whatever was heard of it. */
  wasSent: boolean;
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
  /** Has the same proposed anew, to be looked at again. */
  renew: () => Promise<void>;
}

/** Codes that say something about the confirmation itself. Any other leaves open whether it has come through. */
const VERDICT = /^(?:TOKEN|CONFIRM|IDEMPOTENCY|PARAMS)_/;

const fresh = (proposal: Proposal<BacktestParams>): Offer => ({
  proposal,
  status: "waiting",
  jobId: null,
  error: null,
  wasSent: false,
});

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

  /** Changes the offer, if it is still the one that is meant. */
  const change = (of: Offer, next: Partial<Offer>): void =>
    setOffer((last) => (last?.proposal === of.proposal ? { ...last, ...next } : last));

  const { proposal, status, wasSent } = offer ?? {};
  useEffect(() => {
    // What may have come through is asked for once more before it counts as expired.
    if (!proposal || status !== "waiting" || wasSent) return;
    const end = (): void =>
      setOffer((last) => (last?.proposal === proposal ? { ...last, status: "expired" } : last));
    const timer = setTimeout(end, proposal.expiresAt - Date.now());
    return () => clearTimeout(timer);
  }, [proposal, status, wasSent]);

  const propose = async (params: BacktestParams): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      setOffer(fresh(await client.proposeBacktest(params)));
    } catch (error) {
      setRefusal(error as LiveError);
      setOffer(null);
    }
    setBusy(false);
  };

  const confirm = async (): Promise<void> => {
    if (!offer) return;
    change(offer, { status: "confirming", error: null, wasSent: true });
    try {
      started(offer, await client.confirmBacktest(offer.proposal));
    } catch (thrown) {
      const error = thrown as LiveError;
      const jobId = error.jobId ?? null;
      if (error.code === "TOKEN_EXPIRED") change(offer, { status: "expired" });
      else if (error.code === "TOKEN_USED" && offer.wasSent && jobId !== null) started(offer, { jobId });
      else if (VERDICT.test(error.code)) change(offer, { status: "failed", error, jobId });
      else change(offer, { status: "waiting", error });
    }
  };
  const started = (of: Offer, { jobId }: Pick<Confirmed, "jobId">): void => {
    change(of, { status: "confirmed", jobId });
    if (isHere.current) onStarted(jobId);
  };

  const renew = async (): Promise<void> => {
    if (!offer) return;
    change(offer, { status: "renewing", error: null });
    try {
      const again = fresh(await client.proposeBacktest(offer.proposal.params));
      setOffer((last) => (last?.proposal === offer.proposal ? again : last));
    } catch (error) {
      change(offer, { status: offer.status, error: error as LiveError });
    }
  };

  const decline = (): void => setOffer((last) => last && { ...last, status: "declined", error: null });
  return { offer, isBusy, refusal, propose, confirm, decline, renew };
}
