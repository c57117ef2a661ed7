import { Popover, UnstyledButton } from "@mantine/core";
import { useStaleness } from "@spark/live-react";
import type { ReactNode } from "react";
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

const REPLAY: Words = {
  isLive: false,
  icon: <ReplayIcon />,
  label: "Replay",
  short: "Replay",
  about:
    "These are real prices of the past, played back as if they came in now. The market date beside each price says which day it belongs to.",
};
const SYNTHETIC: Words = {
  isLive: false,
  icon: <DiceIcon />,
  label: "Made-up prices",
  short: "Made-up",
  about: "These prices are a random walk, made for load and demonstrations. They are those of no market.",
};

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
  if (symbol === null) return <Badge words={wordsOf(source, true)} />;
  return <JudgedBadge source={source} symbol={symbol} />;
}

function JudgedBadge({ source, symbol }: { source: string; symbol: string }) {
  const { freshness } = useStaleness(`price:${symbol}`);
  return <Badge words={wordsOf(source, freshness !== "stale" && freshness !== "disconnected")} />;
}

function Badge({ words }: { words: Words }) {
  const { isLive, icon, label, short, about } = words;
  return (
    <Popover position="bottom-start" width="min(20rem, calc(100vw - 2rem))" shadow="md" withinPortal>
      <Popover.Target>
        <UnstyledButton
          className={cx(classes.badge, isLive && classes.live)}
          aria-label={label}
          data-testid="source-badge"
        >
          {icon}
          <span className={classes.wide}>{label}</span>
          <span className={classes.narrow} aria-hidden="true">
            {short}
          </span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label="About the prices">
        <p className={classes.about}>{about}</p>
      </Popover.Dropdown>
    </Popover>
  );
}

function wordsOf(source: string, isHeard: boolean): Words {
  if (source === "replay") return REPLAY;
  if (source === "synthetic") return SYNTHETIC;
  const name = source.charAt(0).toUpperCase() + source.slice(1);
  return {
    isLive: isHeard,
    icon: <LiveIcon />,
    label: isHeard ? `Live from ${name}` : `${name}, not live`,
    short: name,
    about: `Public market data of ${name}, as it comes in. Times are in UTC.`,
  };
}
