import { ActionIcon, Popover } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { SettingsIcon } from "../components/icons";
import classes from "./Header.module.css";
import { LanguageSwitch } from "./LanguageSwitch";
import { ThemeSwitch } from "./ThemeSwitch";

/** From this width on there is room for both in the header. */
const ROOMY = "(min-width: 62em)";

/** How the page speaks and looks: in the header, or where there is little room behind a button of it. */
export function Settings() {
  const { t } = useTranslation();
  const isRoomy = useMediaQuery(ROOMY, true, { getInitialValueInEffect: false });
  const both = (
    <>
      <LanguageSwitch />
      <ThemeSwitch />
    </>
  );
  if (isRoomy) return both;
  return (
    <Popover position="bottom-end" shadow="md" withinPortal trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="default" size="lg" aria-label={t("settings")} data-testid="settings">
          <SettingsIcon />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown className={classes.settings} aria-label={t("settings")}>
        {both}
      </Popover.Dropdown>
    </Popover>
  );
}
