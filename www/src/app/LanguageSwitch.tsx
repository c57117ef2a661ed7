import { SegmentedControl } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { chooseLanguage, language } from "../i18n";
import { LANGUAGES, languageOf } from "../i18n/language";
import classes from "./Header.module.css";

const CHOICES = LANGUAGES.map(({ value, name }) => ({
  value,
  label: (
    <abbr className={classes.language} title={name} lang={value}>
      {value.toUpperCase()}
    </abbr>
  ),
}));

/** English or Turkish. */
export function LanguageSwitch() {
  const { t } = useTranslation();
  const choose = (value: string): void => {
    const chosen = languageOf(value);
    if (chosen) void chooseLanguage(chosen);
  };
  return (
    <SegmentedControl
      className={classes.theme}
      classNames={{ label: classes.themeLabel }}
      aria-label={t("language")}
      size="xs"
      withItemsBorders={false}
      data={CHOICES}
      value={language()}
      onChange={choose}
    />
  );
}
