import { SegmentedControl, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { MoonIcon, ScreenIcon, SunIcon } from "../components/icons";
import classes from "./Header.module.css";

/** Light, dark, or as the system says. */
export function ThemeSwitch() {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      className={classes.theme}
      classNames={{ label: classes.themeLabel }}
      aria-label={t("theme.label")}
      size="xs"
      withItemsBorders={false}
      data={[
        { value: "light", label: choice(<SunIcon />, t("theme.light")) },
        { value: "auto", label: choice(<ScreenIcon />, t("theme.auto")) },
        { value: "dark", label: choice(<MoonIcon />, t("theme.dark")) },
      ]}
      value={colorScheme}
      onChange={setColorScheme}
    />
  );
}

function choice(icon: ReactNode, name: string): ReactNode {
  return (
    <span className={classes.themeChoice} title={name}>
      {icon}
      <VisuallyHidden component="span">{name}</VisuallyHidden>
    </span>
  );
}
