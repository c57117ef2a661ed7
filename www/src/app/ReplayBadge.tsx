import { Popover, UnstyledButton } from "@mantine/core";
import { ReplayIcon } from "../components/icons";
import classes from "./Header.module.css";

/** Says that the prices are history played back, so that nobody takes them for today's. */
export function ReplayBadge() {
  return (
    <Popover position="bottom-start" width="min(20rem, calc(100vw - 2rem))" shadow="md" withinPortal>
      <Popover.Target>
        <UnstyledButton className={classes.badge} data-testid="replay-badge">
          <ReplayIcon />
          Replay
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown aria-label="About the replay">
        <p className={classes.about}>
          These are real prices of the past, played back as if they came in now. The market date beside each
          price says which day it belongs to.
        </p>
      </Popover.Dropdown>
    </Popover>
  );
}
