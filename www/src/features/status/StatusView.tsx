import type { LiveStats } from "@spark/live-core";
import { useHealth, useLiveStatus } from "@spark/live-react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { ErrorNote } from "../../components/ErrorNote";
import { CheckIcon, CrossIcon } from "../../components/icons";
import { Panel } from "../../components/Panel";
import { formatBytes, formatCount, formatMoment, MISSING } from "../../lib/format";
import { ROUTES } from "../../lib/routes";
import { Channels } from "./Channels";
import classes from "./StatusView.module.css";
import { useStats } from "./useStats";

/** The line, the gateway's parts, what was counted, and every channel that is held. */
export default function StatusView() {
  const reading = useStats();
  return (
    <div className={classes.view}>
      <Line />
      <Gateway />
      <Totals stats={reading.stats} />
      {/* The last one, since it grows when the first channels come. */}
      <Channels {...reading} />
    </div>
  );
}

function Line() {
  const { t } = useTranslation("status");
  const link = useLiveStatus();
  return (
    <Panel labelledBy="line-title" className={classes.panel}>
      <h2 id="line-title" className={classes.title}>
        {t("view.line")}
      </h2>
      <dl className={classes.facts}>
        <div>
          <dt>{t("view.state")}</dt>
          <dd data-testid="view-link">{t(`link.${link.status}`)}</dd>
        </div>
        <div>
          <dt>{t("view.transportOf")}</dt>
          <dd>{link.transport ? t(`transport.${link.transport}`) : MISSING}</dd>
        </div>
        <div>
          <dt>{t("view.since")}</dt>
          <dd>
            <span data-moving="">{link.since > 0 ? formatMoment(link.since) : MISSING}</span>
          </dd>
        </div>
        <div>
          <dt>{t("view.attempts")}</dt>
          <dd>{formatCount(link.attempt)}</dd>
        </div>
        <div>
          <dt>{t("view.session")}</dt>
          <dd className={classes.code}>
            <span data-moving="">{link.sessionId ?? MISSING}</span>
          </dd>
        </div>
      </dl>
      {link.error && <ErrorNote error={link.error} isNews={false} />}
    </Panel>
  );
}

const PARTS = ["broker", "source", "tokenStore"] as const;

function Gateway() {
  const { t } = useTranslation(["status", "common"]);
  const { status, value, error } = useHealth();
  return (
    <Panel labelledBy="gateway-title" className={classes.panel}>
      <h2 id="gateway-title" className={classes.title}>
        {t("view.gateway")}
      </h2>
      <dl className={classes.facts} data-testid="gateway-health" data-status={status}>
        {PARTS.map((part) => {
          const isOk = error ? undefined : value?.[part]?.ok;
          return (
            <div key={part}>
              <dt>{t(`view.parts.${part}`)}</dt>
              <dd className={isOk === undefined ? undefined : isOk ? classes.good : classes.bad}>
                {isOk === true && <CheckIcon />}
                {isOk === false && <CrossIcon />}
                {isOk === undefined
                  ? error
                    ? MISSING
                    : t("view.asking")
                  : t(isOk ? "view.works" : "view.fails")}
              </dd>
            </div>
          );
        })}
      </dl>
      {error && <ErrorNote error={error} isNews={false} />}
      <p className={classes.foot}>
        {t("view.codesAbout")}{" "}
        <Link href={ROUTES.errors} className={classes.link}>
          {t("common:nav.errors")}
        </Link>
      </p>
    </Panel>
  );
}

const COUNTERS = [
  "frames",
  "bytes",
  "accepted",
  "rejected",
  "ignored",
  "merged",
  "dropped",
  "gaps",
  "flushes",
  "connects",
  "restarts",
] as const;

function Totals({ stats }: { stats: LiveStats }) {
  const { t } = useTranslation("status");
  return (
    <Panel labelledBy="totals-title" className={classes.wide}>
      <div className={classes.head}>
        <h2 id="totals-title" className={classes.title}>
          {t("view.totals")}
        </h2>
        <p className={classes.soft}>{t("view.totalsAbout")}</p>
      </div>
      <dl className={classes.grid} data-testid="totals">
        {COUNTERS.map((name) => (
          <div key={name}>
            <dt>{t(`view.counters.${name}`)}</dt>
            <dd>{name === "bytes" ? formatBytes(stats.bytes) : formatCount(stats[name])}</dd>
          </div>
        ))}
      </dl>
    </Panel>
  );
}
