import { Popover, UnstyledButton } from "@mantine/core";
import { useStaleness } from "@spark/live-react";
import type { TFunction } from "i18next";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { DiceIcon, LiveIcon, ReplayIcon } from "../components/icons";
import { cx } from "../lib/cx";
import classes from "./Header.module.css";

interface Words {
  /** Whether these are prices of now, rather than ones that could be mistaken for them. */
  isLive: boolean;
  icon: ReactNode;
  /** In the header; `short` where there is little room. */
  label: string;
  short: string;
  about: string;
}

/** Properties of {@link SourceBadge}. */
export interface SourceBadgeProps {
  source: string;
  /** The symbol whose price is judged; null while none is selected. */
  symbol: string | null;
}

/**
 * Says where the prices are from, so that nobody takes history or chance for today's market, and calls nothing live
 * that is not.
 */
export function SourceBadge({ source, symbol }: SourceBadgeProps) {
  const { t } = useTranslation("market");
  if (symbol === null) return <Badge words={wordsOf(t, source, true)} />;
  return <JudgedBadge source={source} symbol={symbol} />;
}

function JudgedBadge({ source, symbol }: { source: string; symbol: string }) {
  const { t } = useTranslation("market");
  const { freshness } = useStaleness(`price:${symbol}`);
  return <Badge words={wordsOf(t, source, freshness !== "stale" && freshness !== "disconnected")} />;
}

function Badge({ words }: { words: Words }) {
  const { t } = useTranslation("market");
  const { isLive, icon, label, short, about } = words;
  return (
    <Popover
      position="bottom-start"
      width="min(20rem, calc(100vw - 2rem))"
      shadow="md"
      withinPortal
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <UnstyledButton
          className={cx(classes.badge, isLive && classes.live)}
          // What is seen of it is in its name, whichever of both that is.
          aria-label={label.includes(short) ? label : `${short}: ${label}`}
          data-testid="source-badge"
        >
          {icon}
          <span className={classes.wide}>{label}</span>
          <span className={classes.narrow} aria-hidden="true">
            {short}
          </span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("source.about")}>
        <p className={classes.about}>{about}</p>
      </Popover.Dropdown>
    </Popover>
  );
}

function wordsOf(t: TFunction<"market">, source: string, isHeard: boolean): Words {
  if (source === "replay") {
    return {
      isLive: false,
      icon: <ReplayIcon />,
      label: t("source.replay"),
      short: t("source.replayShort"),
      about: t("source.replayAbout"),
    };
  }
  if (source === "synthetic") {
    return {
      isLive: false,
      icon: <DiceIcon />,
      label: t("source.synthetic"),
      short: t("source.syntheticShort"),
      about: t("source.syntheticAbout"),
    };
  }
  const name = source.charAt(0).toUpperCase() + source.slice(1);
  return {
    isLive: isHeard,
    icon: <LiveIcon />,
    label: t(isHeard ? "source.live" : "source.notLive", { name }),
    short: name,
    about: t("source.liveAbout", { name }),
  };
}
