import { Popover, UnstyledButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { FreshnessMark } from "../../components/FreshnessMark";
import { HelpIcon } from "../../components/icons";
import classes from "./StatusHelp.module.css";

const MEANINGS = ["fresh", "stale", "disconnected", "pending"] as const;

/** What the words of the status bar mean. */
export function StatusHelp() {
  const { t } = useTranslation("status");
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
        <UnstyledButton className={classes.button} aria-label={t("help.open")} data-testid="status-help">
          <HelpIcon />
          <span className={classes.words}>{t("help.open")}</span>
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.box} aria-label={t("help.title")}>
        <dl className={classes.list}>
          {MEANINGS.map((freshness) => (
            <div key={freshness}>
              <dt className={classes.name}>
                <FreshnessMark freshness={freshness} />
                {t(`freshness.${freshness}`)}
              </dt>
              <dd className={classes.text}>{t(`help.${freshness}`)}</dd>
            </div>
          ))}
        </dl>
        <p className={classes.note}>{t("help.note")}</p>
      </Popover.Dropdown>
    </Popover>
  );
}
