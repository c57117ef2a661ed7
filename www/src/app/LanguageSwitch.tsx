import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
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

/** English or Turkish. The page stays in its language where the other cannot be downloaded, and says so. */
export function LanguageSwitch() {
  const { t } = useTranslation();
  const [isAway, setAway] = useState(false);
  const choose = (value: string): void => {
    const chosen = languageOf(value);
    setAway(false);
    if (chosen) void chooseLanguage(chosen).catch(() => setAway(true));
  };
  return (
    <div className={classes.choice}>
      <SegmentedControl
        className={classes.theme}
        classNames={{ label: classes.themeLabel }}
        aria-label={t("language")}
        size="xs"
        withItemsBorders={false}
        data={CHOICES}
        value={language()}
        onChange={choose}
        // Whoever has read it goes on elsewhere.
        onBlur={() => setAway(false)}
      />
      {isAway && (
        <p className={classes.away} role="alert">
          {t("languageAway")}
        </p>
      )}
    </div>
  );
}
