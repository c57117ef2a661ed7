import type { ChannelStats, LiveStats } from "@spark/live-core";
import { useHealth, useLiveClient, useLiveStatus } from "@spark/live-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { FreshnessMark } from "../../components/FreshnessMark";
import { CheckIcon, CrossIcon, EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { formatBytes, formatCount, formatMoment, formatNumber, MISSING } from "../../lib/format";
import classes from "./StatusView.module.css";

/** How often the counters are read. */
const EVERY_MS = 1_000;

/** The line, the gateway's parts, every channel that is held, and what was counted. */
export default function StatusView() {
  const { stats, rates } = useStats();
  return (
    <div className={classes.view}>
      <Line />
      <Gateway />
      <Channels channels={stats.channels} rates={rates} />
      <Totals stats={stats} />
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
          <dd>{link.since > 0 ? formatMoment(link.since) : MISSING}</dd>
        </div>
        <div>
          <dt>{t("view.attempts")}</dt>
          <dd>{formatCount(link.attempt)}</dd>
        </div>
        <div>
          <dt>{t("view.session")}</dt>
          <dd className={classes.code}>{link.sessionId ?? MISSING}</dd>
        </div>
      </dl>
      {link.error && <ErrorNote error={link.error} isNews={false} />}
    </Panel>
  );
}

const PARTS = ["broker", "source", "tokenStore"] as const;

function Gateway() {
  const { t } = useTranslation("status");
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
    </Panel>
  );
}

function Channels({ channels, rates }: { channels: readonly ChannelStats[]; rates: Map<string, number> }) {
  const { t } = useTranslation(["status", "common"]);
  return (
    <Panel labelledBy="channels-title" className={classes.wide}>
      <h2 id="channels-title" className={classes.title}>
        {t("view.channels")}
      </h2>
      {channels.length === 0 ? (
        <Notice icon={<EmptyIcon />} title={t("view.none")}>
          {t("view.noneText")}
        </Notice>
      ) : (
        <section
          className={classes.scroll}
          aria-label={t("common:table", { name: t("view.channels") })}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
          tabIndex={0}
        >
          <table className={classes.table} data-testid="channels">
            <thead>
              <tr>
                <th scope="col">{t("view.channel")}</th>
                <th scope="col">{t("view.mode")}</th>
                <th scope="col">{t("view.transportOf")}</th>
                <th scope="col">{t("view.freshness")}</th>
                <th scope="col">{t("view.rate")}</th>
                <th scope="col" title={t("view.mergedAbout")}>
                  {t("view.merged")}
                </th>
                <th scope="col" title={t("view.droppedAbout")}>
                  {t("view.dropped")}
                </th>
                <th scope="col">{t("view.gaps")}</th>
                <th scope="col">{t("view.watchers")}</th>
              </tr>
            </thead>
            <tbody>
              {channels.map((channel) => (
                <ChannelRow key={channel.channel} channel={channel} rate={rates.get(channel.channel)} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  );
}

function ChannelRow({ channel, rate }: { channel: ChannelStats; rate: number | undefined }) {
  const { t } = useTranslation("status");
  const { mode, transport, freshness, merged, dropped, gaps, subscribers, maxHz } = channel;
  return (
    <tr>
      <th scope="row" className={classes.code}>
        {channel.channel}
      </th>
      <td>{mode ?? MISSING}</td>
      <td>{t(`transport.${transport}`)}</td>
      <td>
        <span className={classes.mark}>
          <FreshnessMark freshness={freshness} />
          {t(`freshness.${freshness}`)}
        </span>
      </td>
      <td data-number="">
        {rate === undefined ? MISSING : formatNumber(rate)}
        {maxHz !== null && ` / ${formatNumber(maxHz)}`}
      </td>
      <td data-number="">{formatCount(merged)}</td>
      <td data-number="" data-bad={dropped > 0}>
        {formatCount(dropped)}
      </td>
      <td data-bad={gaps > 0}>{gaps === 0 ? t("view.whole") : t("view.missed", { count: gaps })}</td>
      <td data-number="">{formatCount(subscribers)}</td>
    </tr>
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
      <h2 id="totals-title" className={classes.title}>
        {t("view.totals")}
      </h2>
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

interface Reading {
  stats: LiveStats;
  at: number;
  /** Envelopes a second since the reading before, by channel. */
  rates: Map<string, number>;
}

/** The counters, read once a second. */
function useStats(): Reading {
  const client = useLiveClient();
  const [reading, setReading] = useState<Reading>(() => ({
    stats: client.stats(),
    at: Date.now(),
    rates: new Map(),
  }));
  useEffect(() => {
    const timer = setInterval(() => {
      setReading((last) => {
        const [stats, at] = [client.stats(), Date.now()];
        const before = new Map(last.stats.channels.map(({ channel, delivered }) => [channel, delivered]));
        const rates = new Map<string, number>();
        for (const { channel, delivered } of stats.channels) {
          const earlier = before.get(channel);
          if (earlier !== undefined)
            rates.set(channel, (1_000 * (delivered - earlier)) / Math.max(1, at - last.at));
        }
        return { stats, at, rates };
      });
    }, EVERY_MS);
    return () => clearInterval(timer);
  }, [client]);
  return reading;
}
