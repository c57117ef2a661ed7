import type { JobState } from "@spark/live-core";
import { useTranslation } from "react-i18next";
import classes from "./StateMark.module.css";

/** A job's state, as a mark with its word. */
export function StateMark({ status }: { status: JobState["status"] }) {
  const { t } = useTranslation("backtests");
  return (
    <span className={classes.state} data-status={status}>
      <span className={classes.mark} aria-hidden="true" />
      {t(`states.${status}`)}
    </span>
  );
}
