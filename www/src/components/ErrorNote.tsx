import { Button } from "@mantine/core";
import type { LiveError } from "@spark/live-core";
import { useTranslation } from "react-i18next";
import { errorDetail, errorWords } from "../lib/errorWords";
import { ErrorLink } from "./ErrorLink";
import classes from "./ErrorNote.module.css";
import { AlertIcon } from "./icons";

/** Properties of {@link ErrorNote}. */
export interface ErrorNoteProps {
  error: LiveError;
  /** Offers to try again. */
  onRetry?: (() => void) | undefined;
  /** Left out where the error is no news, such as of a backtest that failed yesterday. */
  isNews?: boolean;
}

/** What went wrong in plain words, what can be done, and the way to an explanation of the code. */
export function ErrorNote({ error, onRetry, isNews = true }: ErrorNoteProps) {
  const { t } = useTranslation(["errors", "common"]);
  const words = errorWords(t, error.code);
  const detail = errorDetail(t, error);
  return (
    <div
      className={classes.note}
      role={isNews ? "alert" : undefined}
      data-testid="error-note"
      data-code={error.code}
    >
      <AlertIcon />
      <div className={classes.text}>
        <strong>{words?.title ?? error.code}</strong>
        {words && <p>{words.what}</p>}
        {detail && (
          <p className={classes.detail} lang={detail.lang}>
            {detail.text}
          </p>
        )}
        {words && <p>{words.todo}</p>}
        <div className={classes.foot}>
          {onRetry && (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {t("common:retry")}
            </Button>
          )}
          <ErrorLink code={error.code} />
        </div>
      </div>
    </div>
  );
}
