import { Delta } from "../../components/Delta";
import { cx } from "../../lib/cx";
import {
  formatChange,
  formatMarketDate,
  formatPercent,
  formatPrice,
  formatVolume,
  MISSING,
} from "../../lib/format";
import { type Bar, changeOf } from "./bars";
import classes from "./Legend.module.css";

/** The numbers of one bar: the one pointed at, else the newest. Always as many places, so nothing moves. */
export function Legend({ bar }: { bar: Bar | null }) {
  const moved = bar ? changeOf(bar) : null;
  return (
    <div className={classes.row}>
      <dl className={classes.legend} data-testid="legend">
        <div className={cx(classes.entry, classes.date)}>
          <dt className={classes.hidden}>Date</dt>
          <dd>{bar ? formatMarketDate(bar.time) : MISSING}</dd>
        </div>
        <Entry name="Open" short="O">
          {formatPrice(bar?.open)}
        </Entry>
        <Entry name="High" short="H">
          {formatPrice(bar?.high)}
        </Entry>
        <Entry name="Low" short="L">
          {formatPrice(bar?.low)}
        </Entry>
        <Entry name="Close" short="C">
          {formatPrice(bar?.close)}
        </Entry>
        <Entry name="Volume" short="V">
          {formatVolume(bar?.volume)}
        </Entry>
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

function Entry({ name, short, children }: { name: string; short: string; children: string }) {
  return (
    <div className={classes.entry}>
      <dt>
        <abbr title={name}>{short}</abbr>
      </dt>
      <dd>{children}</dd>
    </div>
  );
}
