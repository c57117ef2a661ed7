import { Button, SegmentedControl, VisuallyHidden } from "@mantine/core";
import type { CandleSeries, Interval } from "@spark/live-core";
import { useCandles } from "@spark/live-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorLink } from "../../components/ErrorLink";
import { AlertIcon, EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { intervalSign, intervalWords, spansOf } from "../../lib/intervals";
import { type Bar, barAt, summarize } from "./bars";
import { CandleChart } from "./CandleChart";
import { ChartHeader } from "./ChartHeader";
import classes from "./ChartPanel.module.css";
import { ChartPlaceholder } from "./ChartPlaceholder";
import { indexOfTime } from "./drawPlan";
import { Legend } from "./Legend";
import { causeWords, troubleWords } from "./trouble";
import { useSummary } from "./useSummary";

const PAGE = 500;
const MOST = 5_000;
/** Bars beyond a span, so that the view can be moved a little before more are asked for. */
const SPARE = 50;
/** More intervals than this need a line of their own sooner. */
const MANY = 3;
/** Below this width the second span has candles too thin to read. */
const NARROW_PX = 640;

/** Properties of {@link ChartPanel}. */
export interface ChartPanelProps {
  symbol: string;
  /** Lengths of bars that the symbol has, from the shortest. */
  intervals: readonly string[];
  interval: Interval;
  onInterval: (interval: string) => void;
}

/** The chart of one symbol: its price, its history and the bar that is forming. */
export function ChartPanel({ symbol, intervals, interval, onInterval }: ChartPanelProps) {
  const { t, i18n } = useTranslation("market");
  // The place of the span among those of the interval, so that another interval keeps it.
  const [place, setPlace] = useState(() => (window.innerWidth < NARROW_PX ? 0 : 1));
  const spans = spansOf(interval);
  const span = spans[place]?.bars ?? MOST;
  return (
    <Panel labelledBy="chart-title" className={classes.panel}>
      <div className={classes.head} data-many={intervals.length > MANY}>
        <ChartHeader symbol={symbol} interval={interval} />
        <div className={classes.choices}>
          {intervals.length > 1 && (
            <SegmentedControl
              className={classes.choice}
              aria-label={t("chart.length")}
              size="xs"
              withItemsBorders={false}
              data={intervals.map((value) => ({
                value,
                label: <Short text={intervalSign(value)} words={intervalWords(value)} />,
              }))}
              value={interval}
              onChange={onInterval}
              data-testid="intervals"
            />
          )}
          <SegmentedControl
            className={classes.choice}
            aria-label={t("chart.span")}
            size="xs"
            withItemsBorders={false}
            data={spans.map(({ label, words }, at) => ({
              value: String(at),
              label: <Short text={label} words={words} />,
            }))}
            value={String(place)}
            onChange={(at) => setPlace(Number(at))}
            data-testid="spans"
          />
        </div>
      </div>
      <ChartBody
        key={`${symbol} ${interval} ${i18n.language}`}
        symbol={symbol}
        interval={interval}
        span={span}
      />
    </Panel>
  );
}

/** A short text to be seen, and what it means to be read out. */
function Short({ text, words }: { text: string; words: string }) {
  return (
    <>
      <span aria-hidden="true">{text}</span>
      <VisuallyHidden component="span">{words}</VisuallyHidden>
    </>
  );
}

function ChartBody({ symbol, interval, span }: { symbol: string; interval: Interval; span: number }) {
  const { t, i18n } = useTranslation("market");
  const { t: errors } = useTranslation("errors");
  const [reached, setReached] = useState(PAGE);
  const [inspected, setInspected] = useState<number | null>(null);
  const [newestInView, setNewestInView] = useState(true);
  const [newestWish, setNewestWish] = useState(0);
  const limit = span === Number.POSITIVE_INFINITY ? MOST : Math.max(reached, span + SPARE);
  const snap = useCandles(symbol, interval, { limit });
  const series = snap.value;
  const summary = useSummary(series, summarize, i18n.language);

  const wantOlder = useCallback(() => {
    // Only once the bars asked for before have come; fewer than that for good means that there are no more.
    if (!series || series.length < limit) return;
    setReached(Math.min(limit + PAGE, MOST));
  }, [series, limit]);

  if (!series || series.length === 0) {
    return (
      <>
        <div className={classes.legend}>
          <Legend bar={null} interval={interval} />
        </div>
        <div className={classes.plot}>
          {snap.error ? (
            <Notice
              icon={<AlertIcon />}
              title={t("chart.failed")}
              action={<ErrorLink code={snap.error.code} />}
            >
              {causeWords(errors, snap.error)}
            </Notice>
          ) : snap.freshness === "pending" || snap.freshness === "disconnected" ? (
            <ChartPlaceholder />
          ) : (
            <Notice icon={<EmptyIcon />} title={t("chart.empty")}>
              {t("chart.emptyText")}
            </Notice>
          )}
        </div>
      </>
    );
  }

  return (
    <>
      <div className={classes.legend}>
        <Legend bar={inspectedBar(series, inspected)} interval={interval} />
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
            {troubleWords(errors, series, snap.error)} <ErrorLink code={snap.error.code} />
          </p>
        )}
        {!newestInView && (
          <Button
            className={classes.newest}
            size="compact-xs"
            variant="default"
            onClick={() => setNewestWish(newestWish + 1)}
          >
            {t("chart.newest")}
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
