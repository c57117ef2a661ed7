import { VisuallyHidden } from "@mantine/core";
import { useBacktestResult } from "@spark/live-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Delta } from "../../components/Delta";
import { formatPercent } from "../../lib/format";
import classes from "./JobList.module.css";

/** What a backtest has returned. Asked for once it is in view, since a list may be long. */
export function Outcome({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const place = useRef<HTMLSpanElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!place.current) return;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) setSeen(true);
    });
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  const { row } = useBacktestResult(isSeen ? jobId : null, "metrics");
  const totalReturn = row(0)?.totalReturn;
  return (
    <span ref={place} className={classes.outcome} data-testid="outcome">
      {totalReturn !== undefined && (
        <>
          <VisuallyHidden component="span">{`${t("metrics.names.totalReturn")} `}</VisuallyHidden>
          <Delta value={100 * totalReturn}>{formatPercent(100 * totalReturn)}</Delta>
        </>
      )}
    </span>
  );
}
