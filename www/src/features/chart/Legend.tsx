import { VisuallyHidden } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { ChartCredit } from "../../components/ChartCredit";
import { Delta } from "../../components/Delta";
import { cx } from "../../lib/cx";
import {
  formatBarTime,
  formatChange,
  formatPercent,
  formatPrice,
  formatVolume,
  MISSING,
} from "../../lib/format";
import { lengthOf } from "../../lib/intervals";
import { type Bar, changeOf } from "./bars";
import classes from "./Legend.module.css";

const NUMBERS = {
  open: (bar) => formatPrice(bar?.open),
  high: (bar) => formatPrice(bar?.high),
  low: (bar) => formatPrice(bar?.low),
  close: (bar) => formatPrice(bar?.close),
  volume: (bar) => formatVolume(bar?.volume),
} as const satisfies Record<string, (bar: Bar | null) => string>;

/** The numbers of one bar: the one pointed at, else the newest. Always as many places, so nothing moves. */
export function Legend({ bar, interval }: { bar: Bar | null; interval: string }) {
  const { t } = useTranslation("market");
  const moved = bar ? changeOf(bar) : null;
  return (
    <div className={classes.box}>
      <div className={classes.row}>
        <dl className={classes.legend} data-testid="legend">
          <div className={cx(classes.entry, classes.date)}>
            <VisuallyHidden component="dt">{t("chart.begins")}</VisuallyHidden>
            <dd>{formatBarTime(bar?.time, lengthOf(interval))}</dd>
          </div>
          {(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]).map((name) => (
            <div key={name} className={classes.entry}>
              <dt>
                <abbr title={t(`chart.numbers.${name}`)}>{t(`chart.short.${name}`)}</abbr>
              </dt>
              <dd>{NUMBERS[name](bar)}</dd>
            </div>
          ))}
          <div className={cx(classes.entry, classes.move)}>
            <VisuallyHidden component="dt">{t("chart.numbers.change")}</VisuallyHidden>
            <dd>
              <Delta value={moved?.percent}>
                {moved ? `${formatChange(moved.change)} (${formatPercent(moved.percent)})` : MISSING}
              </Delta>
            </dd>
          </div>
        </dl>
        <ChartCredit />
      </div>
    </div>
  );
}
