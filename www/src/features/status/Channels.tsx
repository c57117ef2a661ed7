import type { ChannelStats, Continuity } from "@spark/live-core";
import { useTranslation } from "react-i18next";
import { FreshnessMark } from "../../components/FreshnessMark";
import { EmptyIcon } from "../../components/icons";
import { Notice } from "../../components/Notice";
import { Panel } from "../../components/Panel";
import { formatCount, formatNumber, MISSING } from "../../lib/format";
import classes from "./StatusView.module.css";
import type { Reading } from "./useStats";

/** The columns, what counts first; those of numbers stand to the right. */
const COLUMNS = [
  { name: "channel" },
  { name: "freshness" },
  { name: "gaps" },
  { name: "mode" },
  { name: "transportOf" },
  { name: "rate", isNumber: true },
  { name: "merged", isNumber: true, about: "mergedAbout" },
  { name: "dropped", isNumber: true, about: "droppedAbout" },
  { name: "watchers", isNumber: true },
] as const;

/** Every channel that is held, and what was counted of it. */
export function Channels({ stats, rates, continuity }: Reading) {
  const { t } = useTranslation(["status", "common"]);
  return (
    <Panel labelledBy="channels-title" className={classes.wide}>
      <h2 id="channels-title" className={classes.title}>
        {t("view.channels")}
      </h2>
      {stats.channels.length === 0 ? (
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
                {COLUMNS.map((column) => (
                  <th
                    key={column.name}
                    scope="col"
                    data-number={"isNumber" in column || undefined}
                    title={"about" in column ? t(`view.${column.about}`) : undefined}
                  >
                    {t(`view.${column.name}`)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {stats.channels.map((channel) => (
                <ChannelRow
                  key={channel.channel}
                  channel={channel}
                  rate={rates.get(channel.channel)}
                  continuity={continuity.get(channel.channel) ?? "unknown"}
                />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Panel>
  );
}

const MODES = ["state", "keyed", "event", "lossless"] as const;

/** Properties of {@link ChannelRow}. */
interface ChannelRowProps {
  channel: ChannelStats;
  rate: number | undefined;
  continuity: Continuity;
}

function ChannelRow({ channel, rate, continuity }: ChannelRowProps) {
  const { t } = useTranslation("status");
  const { mode, transport, freshness, merged, dropped, subscribers, maxHz } = channel;
  const known = MODES.find((name) => name === mode);
  return (
    <tr>
      <th scope="row" className={classes.code}>
        {channel.channel}
      </th>
      <td className={classes.word}>
        <span className={classes.mark}>
          <FreshnessMark freshness={freshness} />
          {t(`freshness.${freshness}`)}
        </span>
      </td>
      <td className={classes.word}>
        <Gaps channel={channel} continuity={continuity} />
      </td>
      <td>{known ? t(`view.modes.${known}`) : (mode ?? MISSING)}</td>
      <td>{t(`transport.${transport}`)}</td>
      <td className={classes.word} data-number="">
        <span data-moving="">
          {rate === undefined ? MISSING : formatNumber(rate)}
          {maxHz !== null && ` / ${formatNumber(maxHz)}`}
        </span>
      </td>
      <td data-number="">
        <span data-moving="">{formatCount(merged)}</span>
      </td>
      <td data-number="" data-bad={dropped > 0}>
        <span data-moving="">{formatCount(dropped)}</span>
      </td>
      <td data-number="">{formatCount(subscribers)}</td>
    </tr>
  );
}

/** Whether nothing is missing, where that can be said: of a value that is awaited, or of a line that is cut, it cannot. */
function Gaps({ channel, continuity }: Omit<ChannelRowProps, "rate">) {
  const { t } = useTranslation("status");
  const { gaps, freshness } = channel;
  if (gaps > 0) return <span data-bad="true">{t("view.missed", { count: gaps })}</span>;
  const isProven = continuity === "proven" && (freshness === "fresh" || freshness === "stale");
  return (
    <span className={isProven ? undefined : classes.soft}>
      {t(isProven ? "view.whole" : "view.unproven")}
    </span>
  );
}
