import { Popover, UnstyledButton } from "@mantine/core";
import type { Staleness } from "@spark/live-core";
import { FreshnessMark } from "../../components/FreshnessMark";
import { HelpIcon } from "../../components/icons";
import classes from "./StatusHelp.module.css";

const MEANINGS: { freshness: Staleness["freshness"]; name: string; text: string }[] = [
  { freshness: "fresh", name: "Fresh", text: "The newest price is as recent as the feed promises." },
  {
    freshness: "stale",
    name: "Stale",
    text: "The newest price is older than the feed promises. The words beside it say who is silent: the feed, the gateway, or the gateway's own link to the feed.",
  },
  {
    freshness: "disconnected",
    name: "Disconnected",
    text: "There is no line to the gateway. The last known prices stay, greyed, and the page tries again by itself.",
  },
  { freshness: "pending", name: "Waiting", text: "Asked for, and nothing has come yet." },
];

/** What the words of the status bar mean. */
export function StatusHelp() {
  return (
    <Popover
      position="top-end"
      offset={10}
      width="min(23rem, calc(100vw - 2rem))"
      shadow="md"
      withinPortal
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <UnstyledButton className={classes.button} aria-label="What does this mean?">
          <HelpIcon />
          <span className={classes.words}>What does this mean?</span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.box} aria-label="What the status bar says">
        <dl className={classes.list}>
          {MEANINGS.map(({ freshness, name, text }) => (
            <div key={freshness} className={classes.entry}>
              <dt className={classes.name}>
                <FreshnessMark freshness={freshness} />
                {name}
              </dt>
              <dd className={classes.text}>{text}</dd>
            </div>
          ))}
        </dl>
        <p className={classes.note}>
          The age counts from the price’s own time at its source, not from when it reached this page, and
          keeps growing while nothing newer comes.
        </p>
      </Popover.Dropdown>
    </Popover>
  );
}
