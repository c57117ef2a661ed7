import { CloseButton, TextInput } from "@mantine/core";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import classes from "./WatchList.module.css";

/** Properties of {@link SymbolFilter}. */
export interface SymbolFilterProps {
  value: string;
  onChange: (value: string) => void;
  /** Enter: the first that was found is meant. */
  onChoose: () => void;
  /** Arrow down: on to the list. */
  onLeave: () => void;
}

/** The field that finds a symbol in a long list. Escape empties it. */
export function SymbolFilter({ value, onChange, onChoose, onLeave }: SymbolFilterProps) {
  const { t } = useTranslation("market");
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape" && value !== "") onChange("");
    else if (event.key === "Enter") onChoose();
    else if (event.key === "ArrowDown") onLeave();
    else return;
    event.preventDefault();
  };
  return (
    <TextInput
      className={classes.filter}
      size="xs"
      aria-label={t("list.find")}
      placeholder={t("list.find")}
      autoComplete="off"
      autoCapitalize="characters"
      spellCheck={false}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      rightSection={
        value !== "" && <CloseButton size="xs" aria-label={t("list.all")} onClick={() => onChange("")} />
      }
      data-testid="filter"
    />
  );
}
