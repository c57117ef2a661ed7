import { Skeleton, VisuallyHidden } from "@mantine/core";
import { usePrice } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { Delta } from "../../components/Delta";
import { cx } from "../../lib/cx";
import { formatChange, formatPercent, formatPrice, marketMoment } from "../../lib/format";
import { intervalName } from "../../lib/intervals";
import classes from "./ChartHeader.module.css";

/** Symbol, last price, change, the length of a candle and the market's own date or time. */
export function ChartHeader({ symbol, interval }: { symbol: string; interval: string }) {
  const { t } = useTranslation("market");
  const snap = usePrice(symbol);
  const price = snap.value;
  const moment = marketMoment(price?.marketTime);
  return (
    <div className={classes.header} data-freshness={snap.freshness}>
      <h2 id="chart-title" className={classes.symbol}>
        {symbol}
      </h2>
      <div className={classes.figures}>
        {price === undefined && snap.error ? (
          <span className={classes.refused}>{t("list.notAvailable")}</span>
        ) : price === undefined ? (
          <>
            <span className={cx(classes.price, classes.anchor)}>{"\u00a0"}</span>
            <Skeleton className={classes.awaited} width="9rem" height="1.125rem" radius="sm" />
          </>
        ) : (
          <>
            <VisuallyHidden component="span">{`${t("list.lastPrice")} `}</VisuallyHidden>
            <span className={classes.price} data-testid="chart-price" data-seq={snap.seq}>
              {formatPrice(price.price)}
            </span>
            <span className={classes.change}>
              <Delta value={price.change}>{formatChange(price.change)}</Delta>
              <Delta value={price.changePct}>{`(${formatPercent(price.changePct)})`}</Delta>
            </span>
          </>
        )}
      </div>
      <p className={classes.date}>
        {t("chart.candles", { interval: intervalName(interval), moment: t(`chart.${moment.name}`) })}{" "}
        <span className={classes.day} data-testid="chart-date">
          {moment.text}
        </span>
      </p>
    </div>
  );
}
