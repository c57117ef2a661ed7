import { Skeleton } from "@mantine/core";
import { useBacktestResult } from "@spark/live-react";
import type { TFunction } from "i18next";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ChartCredit } from "../../components/ChartCredit";
import { ErrorNote } from "../../components/ErrorNote";
import { Panel } from "../../components/Panel";
import { formatCount, formatPrice, formatRatio } from "../../lib/format";
import classes from "./BacktestView.module.css";
import { type CurveFacts, factsOf, POINTS_MAX, thinned } from "./curve";
import { EquityChart } from "./EquityChart";
import own from "./EquityPanel.module.css";

/** The longest curve that is loaded whole: most of a year of minutes. Of a longer one its beginning is drawn, and said. */
const BARS_MAX = 500_000;
/** What is drawn before all of it is there. */
const FIRST_PAGE = 5_000;

/** The equity bar by bar, with the drawdown below it. */
export function EquityPanel({ jobId }: { jobId: string }) {
  const { t } = useTranslation("backtests");
  const rows = useBacktestResult(jobId, "equity", { limit: FIRST_PAGE });
  const { length, total, hasMore, isLoading, error, resultHash } = rows;
  const wanted = Math.min(total ?? 0, BARS_MAX);
  useEffect(() => {
    if (hasMore && !isLoading && !error && length < wanted) rows.loadMore(wanted);
  }, [rows, hasMore, isLoading, error, length, wanted]);
  // Drawn in steps: with the first page, and when all of it is there. The pages between change nothing of either.
  const shown = length >= wanted ? wanted : Math.min(length, FIRST_PAGE);
  // biome-ignore lint/correctness/useExhaustiveDependencies: rows that are there stay as they are as long as the result does
  const points = useMemo(() => thinned(shown, (at) => rows.row(at)), [shown, resultHash]);
  const facts = useMemo(() => factsOf(points), [points]);
  return (
    <Panel labelledBy="equity-title" className={classes.panel}>
      <div className={classes.head}>
        <h3 id="equity-title" className={classes.sub}>
          {t("equity.title")}
        </h3>
        {total !== null && (
          <span className={classes.soft} data-testid="equity-loaded" data-loaded={length} data-total={total}>
            {extentWords(t, length, total)}
          </span>
        )}
        <span className={own.credit}>
          <ChartCredit />
        </span>
      </div>
      {facts ? (
        <EquityChart points={points} name={summary(t, facts)} />
      ) : rows.status === "ready" ? (
        <p className={classes.soft}>{t("equity.empty")}</p>
      ) : (
        !error && <Skeleton height="24rem" radius="sm" />
      )}
      {error && <ErrorNote error={error} onRetry={() => rows.retry()} />}
    </Panel>
  );
}

/** How much of the curve is there, or drawn; empty where that is simply all. */
function extentWords(t: TFunction<"backtests">, length: number, total: number): string {
  const words = { shown: formatCount(length), total: formatCount(total) };
  if (length < Math.min(total, BARS_MAX)) return t("equity.loaded", words);
  if (total > BARS_MAX) return t("equity.cut", words);
  return total > POINTS_MAX ? t("equity.thinned", words) : "";
}

function summary(t: TFunction<"backtests">, { first, last, low, high, drawdown }: CurveFacts): string {
  return t("equity.summary", {
    first: formatPrice(first),
    last: formatPrice(last),
    low: formatPrice(low),
    high: formatPrice(high),
    drawdown: formatRatio(0 - drawdown),
  });
}
