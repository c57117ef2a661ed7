import { Button, Loader, Progress, VisuallyHidden } from "@mantine/core";
import type { AssistantMessage, CopilotMessage, CopilotPart, ToolPart, UserMessage } from "@spark/live-core";
import { useJob } from "@spark/live-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { CodeBox } from "../../components/CodeBox";
import { ErrorNote } from "../../components/ErrorNote";
import { CheckIcon, CrossIcon } from "../../components/icons";
import { ProposalCard } from "../../components/ProposalCard";
import { formatPart } from "../../lib/format";
import { asJson } from "../../lib/json";
import { ROUTES } from "../../lib/routes";
import { FormattedText } from "./FormattedText";
import classes from "./MessageView.module.css";

/** Properties of {@link MessageView}. */
export interface MessageViewProps {
  message: CopilotMessage;
  /** What the person had said before it. */
  asked: string;
  onConfirm: (proposalId: string) => Promise<void>;
  onDecline: (proposalId: string) => void;
  onAsk: (text: string) => void;
}

/** One message. Rendered again only when it has changed. */
export const MessageView = memo(function MessageView({ message, ...actions }: MessageViewProps) {
  return message.role === "user" ? (
    <Said message={message} onAsk={actions.onAsk} />
  ) : (
    <Answered message={message} {...actions} />
  );
});

function Said({ message, onAsk }: { message: UserMessage; onAsk: MessageViewProps["onAsk"] }) {
  const { t } = useTranslation("copilot");
  const { text, status, confirms, error } = message;
  if (text === "" && confirms) return <p className={classes.note}>{t("confirmedBy")}</p>;
  return (
    <div className={classes.said} data-status={status}>
      <p className={classes.bubble}>{text}</p>
      {status === "failed" && error && (
        <>
          <ErrorNote error={error} />
          <Button size="compact-sm" variant="default" onClick={() => onAsk(text)}>
            {t("again")}
          </Button>
        </>
      )}
    </div>
  );
}

type AnsweredProps = Omit<MessageViewProps, "message"> & { message: AssistantMessage };

function Answered({ message, asked, onConfirm, onDecline, onAsk }: AnsweredProps) {
  const { t } = useTranslation("copilot");
  const { id, parts, status, error, isIncomplete } = message;
  const isEmpty = parts.length === 0 && status === "answering";
  return (
    <div className={classes.answer} data-testid="answer" data-status={status}>
      {isEmpty && (
        <p className={classes.note}>
          <Loader size="xs" type="dots" aria-hidden="true" /> {t("thinking")}
        </p>
      )}
      {parts.map((part, at) => (
        <Part
          // biome-ignore lint/suspicious/noArrayIndexKey: parts are only ever added at the end
          key={`${id} ${at}`}
          part={part}
          isGrowing={status === "answering" && at === parts.length - 1}
          onConfirm={onConfirm}
          onDecline={onDecline}
        />
      ))}
      {status === "stopped" && <p className={classes.note}>{t("stopped")}</p>}
      {status === "cut" && <p className={classes.note}>{t("cut")}</p>}
      {isIncomplete && <p className={classes.note}>{t("incomplete")}</p>}
      {error && <ErrorNote error={error} />}
      {(status === "failed" || status === "stopped") && asked !== "" && (
        <Button className={classes.again} size="compact-sm" variant="default" onClick={() => onAsk(asked)}>
          {t("askAgain")}
        </Button>
      )}
    </div>
  );
}

function Part({
  part,
  isGrowing,
  onConfirm,
  onDecline,
}: Pick<AnsweredProps, "onConfirm" | "onDecline"> & { part: CopilotPart; isGrowing: boolean }) {
  switch (part.kind) {
    case "text":
      return <FormattedText text={part.text} isGrowing={isGrowing} />;
    case "tool":
      return <Step part={part} />;
    case "proposal": {
      const { proposalId } = part.proposal;
      // What fails is told by the card.
      const confirm = (): void => void onConfirm(proposalId).catch(() => {});
      const { jobId } = part;
      return (
        <ProposalCard
          part={part}
          onConfirm={confirm}
          onDecline={() => onDecline(proposalId)}
          onRenew={confirm}
        >
          {jobId !== null && <JobLine jobId={jobId} />}
        </ProposalCard>
      );
    }
  }
}

const STEPS = [
  "getRuntimeHealth",
  "getMarketSnapshot",
  "getCandles",
  "startBacktest",
  "confirmBacktest",
  "getBacktestStatus",
  "getBacktestResult",
  "cancelBacktest",
] as const;

/** A tool that was called, in a line; what it was given and answered when asked for. */
function Step({ part }: { part: ToolPart }) {
  const { t } = useTranslation("copilot");
  const known = STEPS.find((name) => name === part.tool);
  const words = known ? t(`tools.${known}`) : t("tools.other", { tool: part.tool });
  const about = aboutOf(part.arguments);
  return (
    <div className={classes.step} data-status={part.status} data-tool={part.tool}>
      <details>
        <summary>
          <span className={classes.mark}>
            {part.status === "running" && <Loader size="0.875rem" aria-hidden="true" />}
            {part.status === "done" && <CheckIcon />}
            {part.status === "failed" && <CrossIcon />}
          </span>
          <span>
            {about === "" ? words : `${words}: ${about}`}
            <VisuallyHidden component="span">, {t(`toolStates.${part.status}`)}</VisuallyHidden>
          </span>
        </summary>
        <CodeBox name={t("withArguments")}>
          {[part.arguments, part.data]
            .filter((json) => json !== undefined)
            .map((value) => asJson(value))
            .join("\n")}
        </CodeBox>
      </details>
      {part.errorCode !== null && (
        <Link href={ROUTES.error(part.errorCode)} className={classes.code}>
          {part.errorCode}
        </Link>
      )}
    </div>
  );
}

/** What a tool was asked about: the symbols, or the backtest. */
function aboutOf(given: unknown): string {
  const { symbol, symbols, jobId } = (given ?? {}) as Partial<Record<string, unknown>>;
  if (Array.isArray(symbols)) return symbols.join(", ");
  const one = symbol ?? jobId;
  return typeof one === "string" ? one : "";
}

/** How the backtest stands that a card has started. */
function JobLine({ jobId }: { jobId: string }) {
  const { t } = useTranslation("copilot");
  const state = useJob(jobId);
  const progress = state.job?.progress ?? 0;
  return (
    <div className={classes.job} data-testid="job-line" data-status={state.status}>
      <span>
        {t(`job.${state.status}`)}
        {state.status === "running" && ` · ${formatPart(Math.round(progress * 100) / 100)}`}
      </span>
      {!state.isEnded && <Progress value={100 * progress} size="sm" aria-label={t(`job.${state.status}`)} />}
      <Link href={ROUTES.backtest(jobId)} className={classes.link} data-testid="job-link">
        {state.status === "done" ? t("result") : t("progress")}
      </Link>
    </div>
  );
}
