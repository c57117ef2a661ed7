import { SegmentedControl, useMantineColorScheme, VisuallyHidden } from "@mantine/core";
import type { ReactNode } from "react";
import { MoonIcon, ScreenIcon, SunIcon } from "../components/icons";
import classes from "./Header.module.css";

const CHOICES = [
  { value: "light", label: choice(<SunIcon />, "Light") },
  { value: "auto", label: choice(<ScreenIcon />, "As the system") },
  { value: "dark", label: choice(<MoonIcon />, "Dark") },
] as const;

/** Light, dark, or as the system says. */
export function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <SegmentedControl
      className={classes.theme}
      classNames={{ label: classes.themeLabel }}
      aria-label="Theme"
      size="xs"
      withItemsBorders={false}
      data={[...CHOICES]}
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
