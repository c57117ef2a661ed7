import { Button, Loader, Progress, VisuallyHidden } from "@mantine/core";
import type { ProposalPart } from "@spark/live-core";
import { type ReactNode, type RefObject, useEffect, useId, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { formatCountdown } from "../lib/format";
import { asJson } from "../lib/json";
import { costWords, describe, isBacktest, subjectWords } from "../lib/params";
import { ROUTES } from "../lib/routes";
import { BusyButton } from "./BusyButton";
import { CodeBox } from "./CodeBox";
import { ErrorNote } from "./ErrorNote";
import { CheckIcon } from "./icons";
import classes from "./ProposalCard.module.css";

/** How long a proposal stands unless the gateway is set up otherwise; of one that was made earlier less is left. */
const USUAL_MS = 300_000;

/** Properties of {@link ProposalCard}. */
export interface ProposalCardProps {
  part: Pick<ProposalPart, "proposal" | "status" | "jobId" | "error">;
  onConfirm: () => void;
  onDecline: () => void;
  /** Has the same proposed anew, to be looked at and confirmed again. */
  onRenew: () => void;
  /** In place of the link to what was confirmed. */
  children?: ReactNode;
}

/** What will run when a person confirms it, what it costs, how long that can be done, and what became of it. */
export function ProposalCard({ part, onConfirm, onDecline, onRenew, children }: ProposalCardProps) {
  const { t } = useTranslation("proposal");
  const titleId = useId();
  const { proposal, status, jobId, error } = part;
  const isOpen = status === "waiting" || status === "confirming";
  const isOver =
    status === "declined" || status === "expired" || status === "failed" || status === "renewing";
  const card = useRef<HTMLElement>(null);
  const press = useKeptFocus(card, status);
  return (
    <article
      ref={card}
      tabIndex={-1}
      className={classes.card}
      aria-labelledby={titleId}
      data-testid="proposal"
      data-status={status}
      data-proposal={proposal.proposalId}
    >
      <h3 id={titleId} className={classes.title}>
        {isOpen ? t("title") : <Subject proposal={proposal} />}
      </h3>
      {isOpen && <Terms proposal={proposal} />}
      {status === "waiting" && <Countdown key={proposal.proposalId} until={proposal.expiresAt} />}
      {status === "confirmed" && (
        <p className={classes.good}>
          <CheckIcon /> {t("confirmed")}
        </p>
      )}
      {status === "declined" && <p className={classes.soft}>{t("declined")}</p>}
      {status === "expired" && (
        <ErrorNote error={{ code: "TOKEN_EXPIRED", message: t("expired") }} isNews={false} />
      )}
      <VisuallyHidden role="status">
        {status === "declined" || status === "expired" || status === "confirmed" ? t(status) : ""}
      </VisuallyHidden>
      {error && <ErrorNote error={error} />}
      {status === "confirmed" && children}
      {jobId !== null && (status !== "confirmed" || children === undefined) && (
        <Link href={ROUTES.backtest(jobId)} className={classes.link}>
          {status === "confirmed" ? t("open") : t("openOther")}
        </Link>
      )}
      {isOpen && (
        <>
          <div className={classes.buttons}>
            <ConfirmButton isConfirming={status === "confirming"} onClick={press(onConfirm)} />
            <Button variant="default" onClick={press(onDecline)} disabled={status === "confirming"}>
              {t("decline")}
            </Button>
          </div>
          <p className={classes.soft}>{t(error ? "twice" : "promise")}</p>
        </>
      )}
      {!isOpen && (
        <details className={classes.details}>
          <summary>{t("what")}</summary>
          <Terms proposal={proposal} />
        </details>
      )}
      {isOver && jobId === null && (
        <div className={classes.buttons}>
          <BusyButton variant="default" isBusy={status === "renewing"} onClick={press(onRenew)}>
            {t("again")}
          </BusyButton>
        </div>
      )}
    </article>
  );
}

/** What it is about, in a few words. */
function Subject({ proposal }: Pick<ProposalPart, "proposal">) {
  const { t } = useTranslation("proposal");
  const { params, summary } = proposal;
  return isBacktest(params) ? subjectWords(t, params) : summary;
}

/** It keeps the focus while it works, and takes no second press. */
function ConfirmButton({ isConfirming, onClick }: { isConfirming: boolean; onClick: () => void }) {
  const { t } = useTranslation("proposal");
  return (
    <Button
      aria-disabled={isConfirming}
      leftSection={isConfirming && <Loader size="1rem" color="currentColor" aria-hidden="true" />}
      onClick={isConfirming ? undefined : onClick}
      data-testid="confirm"
    >
      {t(isConfirming ? "confirming" : "confirm")}
    </Button>
  );
}

/** Buttons go away with what they do. The focus of whoever has pressed one stays at the card. */
function useKeptFocus(card: RefObject<HTMLElement | null>, status: string) {
  const isMine = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the buttons change with the status
  useLayoutEffect(() => {
    if (!isMine.current) return;
    const { activeElement } = document;
    const isLost = activeElement === null || activeElement === document.body;
    if (isLost) card.current?.focus({ preventScroll: true });
    else if (!card.current?.contains(activeElement)) isMine.current = false;
  }, [status]);
  return (act: () => void) => (): void => {
    isMine.current = true;
    act();
  };
}

function Terms({ proposal }: Pick<ProposalPart, "proposal">) {
  const { t } = useTranslation("proposal");
  const { params, combinations, bars, paramsHash } = proposal;
  const terms = isBacktest(params)
    ? describe(t, params)
    : Object.entries((params ?? {}) as Record<string, unknown>).map(([name, value]) => ({
        name,
        value: typeof value === "string" ? value : asJson(value, false),
      }));
  return (
    <>
      <dl className={classes.terms}>
        {terms.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        <div className={classes.cost}>
          <dt>{t("fields.cost")}</dt>
          <dd>{costWords(t, combinations, bars)}</dd>
        </div>
      </dl>
      <details className={classes.details}>
        <summary>{t("details")}</summary>
        <CodeBox name={t("details")}>{asJson(params)}</CodeBox>
        <p>
          {t("hash")}: <code>{paramsHash}</code>
        </p>
      </details>
    </>
  );
}

/** How much time is left. Read out when it begins and when it ends soon, not each second. */
function Countdown({ until }: { until: number }) {
  const { t } = useTranslation("proposal");
  const [now, setNow] = useState(Date.now);
  const [first] = useState(() => until - Date.now());
  const [whole] = useState(() => Math.max(USUAL_MS, until - Date.now()));
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const left = Math.max(0, until - now);
  return (
    <div className={classes.countdown}>
      <Progress
        value={(100 * left) / whole}
        size="xs"
        aria-hidden="true"
        color={left < 10_000 ? "red" : "brand"}
      />
      <span className={classes.soft} role="timer" data-testid="countdown">
        {t("left", { time: formatCountdown(left) })}
      </span>
      <VisuallyHidden role="status">
        {left > 10_000 ? t("waits", { time: formatCountdown(first) }) : left > 0 && t("soon")}
      </VisuallyHidden>
    </div>
  );
}
