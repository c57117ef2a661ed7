import { Skeleton } from "@mantine/core";
import { useBacktestResult } from "@spark/live-react";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import { formatCount, formatPrice, formatRatio } from "../../lib/format";
import classes from "./BacktestView.module.css";
import { factsOf, POINTS_MAX, thinned } from "./curve";
import { EquityChart } from "./EquityChart";

/** The longest curve that is loaded whole: half a year of minutes. Of a longer one its beginning is drawn, and said. */
const BARS_MAX = 250_000;

/** The equity bar by bar, with the drawdown below it. */
export function EquityPanel({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const rows = useBacktestResult(jobId, "equity", { limit: 5_000 });
  const { length, total, hasMore, isLoading, error } = rows;
  const wanted = Math.min(total ?? 0, BARS_MAX);
  useEffect(() => {
    if (hasMore && !isLoading && !error && length < wanted) rows.loadMore(wanted);
  }, [rows, hasMore, isLoading, error, length, wanted]);
  const isWhole = rows.status === "ready" && length >= wanted;
  // Drawn in steps: with the first page, and when all of it is there.
  const shown = isWhole ? length : Math.min(length, 5_000);
  const points = useMemo(() => thinned(shown, (at) => rows.row(at)), [rows, shown]);
  const facts = useMemo(() => factsOf(points), [points]);
  return (
    <Panel labelledBy="equity-title" className={classes.panel}>
      <div className={classes.head}>
        <h3 id="equity-title" className={classes.sub}>
          {t("equity.title")}
        </h3>
        {total !== null && (
          <span className={classes.soft} data-testid="equity-loaded" data-loaded={length} data-total={total}>
            {length < total && t("equity.loaded", { shown: formatCount(length), total: formatCount(total) })}
            {length >= total && total > POINTS_MAX && t("equity.thinned", { total: formatCount(total) })}
          </span>
        )}
      </div>
      {facts ? (
        <EquityChart
          points={points}
          name={t("equity.summary", {
            first: formatPrice(facts.first),
            last: formatPrice(facts.last),
            low: formatPrice(facts.low),
            high: formatPrice(facts.high),
            drawdown: formatRatio(-facts.drawdown),
          })}
        />
      ) : rows.status === "ready" ? (
        <p className={classes.soft}>{t("equity.empty")}</p>
      ) : (
        !error && <Skeleton height="22rem" radius="sm" />
      )}
      {error && <ErrorNote error={error} onRetry={() => rows.retry()} />}
    </Panel>
  );
}
