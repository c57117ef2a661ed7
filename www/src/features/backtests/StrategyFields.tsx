import { Checkbox, NativeSelect, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { formatCount } from "../../lib/format";
import { STRATEGIES, type StrategyName, settingsOf } from "../../lib/params";
import classes from "./BacktestForm.module.css";
import type { FieldsProps } from "./fields";
import { COMBINATIONS_MAX, combinations, strategyDraft } from "./form";
import { NumberField } from "./NumberField";

/** The strategy with what it is set to: a number each, or in a sweep a list of numbers each. */
export function StrategyFields({ draft, change, wrong }: FieldsProps) {
  const { t } = useTranslation(["backtests", "proposal"]);
  const settings = settingsOf(draft.strategy);
  const isSweep = draft.isSweep && settings.length > 0;
  return (
    <>
      <NativeSelect
        name="strategy.name"
        label={t("form.strategy")}
        description={t(`form.about.${draft.strategy}`)}
        value={draft.strategy}
        onChange={(event) => change(strategyDraft(event.currentTarget.value as StrategyName))}
        data={Object.keys(STRATEGIES).map((value) => ({
          value,
          label: t(`proposal:strategies.${value as StrategyName}`),
        }))}
        error={wrong("strategy.name")}
      />
      {settings.length > 0 && (
        <div className={classes.row}>
          {settings.map((name) =>
            isSweep ? (
              <TextInput
                key={name}
                name={`sweep.${name}`}
                label={t(`form.settings.${name}`)}
                value={draft.sweep[name] ?? ""}
                onChange={(event) => change({ sweep: { ...draft.sweep, [name]: event.currentTarget.value } })}
                error={wrong(`sweep.${name}`)}
                autoComplete="off"
              />
            ) : (
              <NumberField
                key={name}
                name={`strategy.${name}`}
                label={t(`form.settings.${name}`)}
                value={draft.settings[name] ?? ""}
                onChange={(value) => change({ settings: { ...draft.settings, [name]: value } })}
                error={wrong(`strategy.${name}`)}
              />
            ),
          )}
        </div>
      )}
      {isSweep && <Combinations count={combinations(draft)} />}
      <div className={classes.checks}>
        {settings.length > 0 && (
          <Checkbox
            label={t("form.sweep")}
            description={draft.isSweep ? t("form.sweepHint") : undefined}
            checked={draft.isSweep}
            onChange={(event) => change({ isSweep: event.currentTarget.checked })}
          />
        )}
        <Checkbox
          label={t("form.allowShort")}
          checked={draft.allowShort}
          onChange={(event) => change({ allowShort: event.currentTarget.checked })}
        />
      </div>
    </>
  );
}

/** How many backtests a sweep is; null while a list of it cannot be read. */
function Combinations({ count }: { count: number | null }) {
  const { t } = useTranslation(["backtests", "proposal"]);
  const isTooMany = count !== null && count > COMBINATIONS_MAX;
  return (
    <p className={classes.count} data-bad={isTooMany}>
      {count === null
        ? t("form.wrong.list")
        : t("proposal:combinations", { count, shown: formatCount(count) })}
      {isTooMany && `: ${t("form.tooMany")}`}
    </p>
  );
}
