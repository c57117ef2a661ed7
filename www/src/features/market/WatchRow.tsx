import { Skeleton, VisuallyHidden } from "@mantine/core";
import type { Interval, Price, Snap } from "@spark/live-core";
import { usePrice } from "@spark/live-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { Delta } from "../../components/Delta";
import { FreshnessMark } from "../../components/FreshnessMark";
import { i18n } from "../../i18n";
import { cx } from "../../lib/cx";
import { errorWords } from "../../lib/errorWords";
import { formatChange, formatMarketMoment, formatPercent, formatPrice } from "../../lib/format";
import { type LivenessWords, livenessWords } from "../../lib/liveness";
import { TrendLine } from "./TrendLine";
import { useTickDirection } from "./useTickDirection";
import classes from "./WatchRow.module.css";

/** Properties of {@link WatchRow}. */
export interface WatchRowProps {
  symbol: string;
  selected: boolean;
  /** Whether Tab leads to it, of all rows. */
  isTabStop: boolean;
  /** Length of the bars of its trend. */
  trend: Interval;
  /** Place in the list, from 0, and how many there are: most of a long list are not there to be counted. */
  index: number;
  count: number;
  /** Where it begins in a list of which only a part is there, in pixels; null where rows follow one another. */
  top: number | null;
}

/** One symbol of the watch list. It subscribes for itself, so a price renders this row and no other. */
export const WatchRow = memo(function WatchRow(props: WatchRowProps) {
  const { symbol, selected, isTabStop, trend, index, count, top } = props;
  const { t } = useTranslation("market");
  const snap = usePrice(symbol);
  const price = snap.value;
  const words = wordsFor(snap);
  const dated = price === undefined ? "" : formatMarketMoment(price.marketTime);

  return (
    <div
      className={classes.row}
      role="option"
      aria-selected={selected}
      aria-posinset={index + 1}
      aria-setsize={count}
      style={top === null ? undefined : { position: "absolute", insetInline: 0, top }}
      tabIndex={isTabStop ? 0 : -1}
      data-symbol={symbol}
      data-testid={`row-${symbol}`}
      data-freshness={snap.freshness}
    >
      <span className={classes.name}>
        <span className={classes.symbol}>{symbol}</span>
        <span className={classes.meta} title={`${words.label} ${words.detail}`.trim()}>
          <FreshnessMark freshness={snap.freshness} />
          <VisuallyHidden component="span">
            {`, ${words.label.toLocaleLowerCase(i18n.language)} ${words.detail}`.trimEnd()}
            {dated === "" ? "" : `, ${t("list.dated")} `}
          </VisuallyHidden>
          <span className={classes.date} data-testid={`date-${symbol}`}>
            {dated}
          </span>
        </span>
      </span>
      <TrendLine symbol={symbol} interval={trend} />
      <LastPrice symbol={symbol} snap={snap} />
      <span className={classes.change} data-testid={`change-${symbol}`}>
        {price === undefined ? (
          <Blank of={snap} width="3.25rem" />
        ) : (
          <>
            <VisuallyHidden component="span">{`, ${t("chart.numbers.change").toLocaleLowerCase(i18n.language)} `}</VisuallyHidden>
            <Delta value={price.changePct}>{formatPercent(price.changePct)}</Delta>
            <VisuallyHidden component="span">, </VisuallyHidden>
            <span className={classes.absolute}>{formatChange(price.change)}</span>
          </>
        )}
      </span>
    </div>
  );
});

function wordsFor(snap: Snap<Price>): LivenessWords {
  if (snap.value === undefined && snap.error) {
    const words = errorWords(i18n.getFixedT(null, "errors"), snap.error.code);
    return { label: i18n.t("market:list.notAvailableWhy"), detail: words?.title ?? snap.error.message };
  }
  return livenessWords(snap.freshness, snap.cause);
}

function LastPrice({ symbol, snap }: { symbol: string; snap: Snap<Price> }) {
  const price = snap.value?.price;
  const direction = useTickDirection(symbol, price);
  return (
    <span
      className={classes.price}
      data-testid={`price-${symbol}`}
      data-seq={snap.seq}
      data-price={price}
      data-move={direction}
    >
      {price === undefined ? (
        <Blank of={snap} width="4rem" />
      ) : (
        <>
          <span key={price} className={cx(classes.flash, classes[direction])} aria-hidden="true" />
          <span className={classes.figure}>{formatPrice(price)}</span>
        </>
      )}
    </span>
  );
}

/** Stands where a number will be: a grey bar while it is awaited, words when it will not come. */
function Blank({ of: snap, width }: { of: Snap<Price>; width: string }) {
  if (snap.error) return <span className={classes.refused}>{i18n.t("market:list.noNumber")}</span>;
  return <Skeleton className={classes.blank} width={width} height="0.75rem" radius="sm" />;
}
