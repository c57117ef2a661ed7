import { Popover, UnstyledButton } from "@mantine/core";
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

/** Says where the prices are from, so that nobody takes history or chance for today's market. */
export function SourceBadge({ source }: { source: string }) {
  const { isLive, icon, label, short, about } = wordsOf(source);
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

function wordsOf(source: string): Words {
  if (source === "replay") return REPLAY;
  if (source === "synthetic") return SYNTHETIC;
  const name = source.charAt(0).toUpperCase() + source.slice(1);
  return {
    isLive: true,
    icon: <LiveIcon />,
    label: `Live from ${name}`,
    short: name,
    about: `Public market data of ${name}, as it comes in. Times are in UTC.`,
  };
}
