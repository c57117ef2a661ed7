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

const NUMBERS: { name: string; short: string; of: (bar: Bar | null) => string }[] = [
  { name: "Open", short: "O", of: (bar) => formatPrice(bar?.open) },
  { name: "High", short: "H", of: (bar) => formatPrice(bar?.high) },
  { name: "Low", short: "L", of: (bar) => formatPrice(bar?.low) },
  { name: "Close", short: "C", of: (bar) => formatPrice(bar?.close) },
  { name: "Volume", short: "V", of: (bar) => formatVolume(bar?.volume) },
];

/** The numbers of one bar: the one pointed at, else the newest. Always as many places, so nothing moves. */
export function Legend({ bar, interval }: { bar: Bar | null; interval: string }) {
  const moved = bar ? changeOf(bar) : null;
  return (
    <div className={classes.row}>
      <dl className={classes.legend} data-testid="legend">
        <div className={cx(classes.entry, classes.date)}>
          <dt className={classes.hidden}>Begins</dt>
          <dd>{formatBarTime(bar?.time, lengthOf(interval))}</dd>
        </div>
        {NUMBERS.map(({ name, short, of }) => (
          <div key={name} className={classes.entry}>
            <dt>
              <abbr title={name}>{short}</abbr>
            </dt>
            <dd>{of(bar)}</dd>
          </div>
        ))}
        <div className={cx(classes.entry, classes.move)}>
          <dt className={classes.hidden}>Change</dt>
          <dd>
            <Delta value={moved?.percent}>
              {moved ? `${formatChange(moved.change)} (${formatPercent(moved.percent)})` : MISSING}
            </Delta>
          </dd>
        </div>
      </dl>
      <a
        className={classes.credit}
        href="https://www.tradingview.com/"
        target="_blank"
        rel="noreferrer"
        title="Lightweight Charts, Copyright TradingView, Inc."
      >
        Chart by TradingView
      </a>
    </div>
  );
}
