import { VisuallyHidden } from "@mantine/core";
import type { ChannelName } from "@spark/live-core";
import { useAge, useStaleness } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { FreshnessMark } from "../../components/FreshnessMark";
import { cx } from "../../lib/cx";
import { formatAge } from "../../lib/format";
import { livenessWords } from "../../lib/liveness";
import classes from "./StatusBar.module.css";

/** How far the selected symbol's price can be trusted, and why not further. */
export function FreshnessStatus({ channel }: { channel: ChannelName }) {
  const { t } = useTranslation("status");
  const { freshness, cause } = useStaleness(channel);
  const words = livenessWords(freshness, cause);
  return (
    <div
      className={classes.item}
      data-testid="status-freshness"
      data-freshness={freshness}
      data-cause={cause ?? undefined}
    >
      <VisuallyHidden component="span">{`${t("data")} `}</VisuallyHidden>
      <FreshnessMark freshness={freshness} />
      <span className={classes.label}>{words.label}</span>
      {words.detail !== "" && <span className={classes.detail}>{words.detail}</span>}
    </div>
  );
}

/** Age of the selected symbol's last price, counted from the price's own time and not from its arrival. */
export function AgeStatus({ channel, symbol }: { channel: ChannelName; symbol: string }) {
  const { t } = useTranslation("status");
  const ageMs = useAge(channel, 1_000);
  return (
    <div className={classes.item}>
      <span className={cx(classes.detail, classes.roomy)}>{t("updated", { symbol })}</span>
      <span className={classes.age} data-testid="status-age">
        {Number.isFinite(ageMs) ? t("ago", { age: formatAge(ageMs) }) : t("never")}
      </span>
    </div>
  );
}
