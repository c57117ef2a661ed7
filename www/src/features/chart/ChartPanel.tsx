import { Button, SegmentedControl, VisuallyHidden } from "@mantine/core";
import type { CandleSeries } from "@spark/live-core";
import { useCandles } from "@spark/live-react";
import { useCallback, useState } from "react";
import { AlertIcon, EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { type Bar, barAt, summarize } from "./bars";
import { CandleChart } from "./CandleChart";
import { ChartHeader } from "./ChartHeader";
import classes from "./ChartPanel.module.css";
import { ChartPlaceholder } from "./ChartPlaceholder";
import { indexOfTime } from "./drawPlan";
import { Legend } from "./Legend";
import { asSentence, troubleWords } from "./trouble";
import { useSummary } from "./useSummary";

const PAGE = 500;
const MOST = 5_000;
/** Below this width six months of candles are too thin to read. */
const NARROW_PX = 640;

const SPANS = [
  { value: "63", label: "3M" },
  { value: "126", label: "6M" },
  { value: "252", label: "1Y" },
  { value: "Infinity", label: "All" },
];

/** The chart of one symbol: its price, its history and the bar that is forming. */
export function ChartPanel({ symbol }: { symbol: string }) {
  const [span, setSpan] = useState(() => (window.innerWidth < NARROW_PX ? "63" : "126"));
  return (
    <Panel labelledBy="chart-title" className={classes.panel}>
      <div className={classes.head}>
        <ChartHeader symbol={symbol} />
        <SegmentedControl
          className={classes.spans}
          aria-label="Span of the chart"
          size="xs"
          withItemsBorders={false}
          data={SPANS}
          value={span}
          onChange={setSpan}
        />
      </div>
      <ChartBody key={symbol} symbol={symbol} span={Number(span)} />
    </Panel>
  );
}

function ChartBody({ symbol, span }: { symbol: string; span: number }) {
  const [limit, setLimit] = useState(PAGE);
  const [inspected, setInspected] = useState<number | null>(null);
  const [newestInView, setNewestInView] = useState(true);
  const [newestWish, setNewestWish] = useState(0);
  const snap = useCandles(symbol, "1d", { limit: span === Number.POSITIVE_INFINITY ? MOST : limit });
  const series = snap.value;
  const summary = useSummary(series, summarize);

  const wantOlder = useCallback(() => {
    // Only once the bars asked for before have come; fewer than that for good means that there are no more.
    if (!series || series.length < limit) return;
    setLimit(Math.min(limit + PAGE, MOST));
  }, [series, limit]);

  if (!series || series.length === 0) {
    return (
      <>
        <div className={classes.legend}>
          <Legend bar={null} />
        </div>
        <div className={classes.plot}>
          {snap.error ? (
            <Notice icon={<AlertIcon />} title="The candles did not come">
              {asSentence(snap.error.message)}
            </Notice>
          ) : snap.freshness === "pending" || snap.freshness === "disconnected" ? (
            <ChartPlaceholder />
          ) : (
            <Notice icon={<EmptyIcon />} title="No candles yet">
              The first one appears as soon as the market moves.
            </Notice>
          )}
        </div>
      </>
    );
  }

  return (
    <>
      <div className={classes.legend}>
        <Legend bar={inspectedBar(series, inspected)} />
      </div>
      <div className={classes.plot}>
        <VisuallyHidden id="chart-summary">{summary}</VisuallyHidden>
        <CandleChart
          series={series}
          span={span}
          describedBy="chart-summary"
          onInspect={setInspected}
          onOldestInView={wantOlder}
          onNewestInView={setNewestInView}
          newestWish={newestWish}
        />
        {snap.error && (
          <p className={classes.warning} role="status">
            {troubleWords(series, snap.error)}
          </p>
        )}
        {!newestInView && (
          <Button
            className={classes.newest}
            size="compact-xs"
            variant="default"
            onClick={() => setNewestWish(newestWish + 1)}
          >
            Newest bar
          </Button>
        )}
      </div>
    </>
  );
}

/** The bar that is pointed at, else the newest. */
function inspectedBar(series: CandleSeries, openTime: number | null): Bar | null {
  const index = openTime === null ? -1 : indexOfTime(series.openTime, openTime);
  return barAt(series, index < 0 ? series.length - 1 : index);
}
