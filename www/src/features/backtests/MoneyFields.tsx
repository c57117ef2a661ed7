import { NativeSelect } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./BacktestForm.module.css";
import type { FieldsProps } from "./fields";
import type { Draft } from "./form";
import { NumberField } from "./NumberField";

const SIZINGS = ["all_in", "fraction", "units"] as const;

/** What there is to trade with, how much of it a trade takes, and what a trade costs. */
export function MoneyFields({ draft, change, wrong }: FieldsProps) {
  const { t } = useTranslation("backtests");
  return (
    <>
      <div className={classes.row}>
        <NumberField
          name="initialCash"
          label={t("form.cash")}
          value={draft.cash}
          onChange={(cash) => change({ cash })}
          error={wrong("initialCash")}
        />
        <NativeSelect
          name="sizing.kind"
          label={t("form.sizing")}
          value={draft.sizing}
          onChange={(event) => change({ sizing: event.currentTarget.value as Draft["sizing"] })}
          data={SIZINGS.map((value) => ({ value, label: t(`form.sizings.${value}`) }))}
          error={wrong("sizing.kind")}
        />
      </div>
      {draft.sizing === "fraction" && (
        <NumberField
          name="sizing.fraction"
          label={t("form.fraction")}
          value={draft.fraction}
          onChange={(fraction) => change({ fraction })}
          error={wrong("sizing.fraction")}
        />
      )}
      {draft.sizing === "units" && (
        <NumberField
          name="sizing.units"
          label={t("form.units")}
          value={draft.units}
          onChange={(units) => change({ units })}
          error={wrong("sizing.units")}
        />
      )}
      <div className={classes.row}>
        <NumberField
          name="feeBps"
          label={t("form.fee")}
          description={t("form.bps")}
          value={draft.fee}
          onChange={(fee) => change({ fee })}
          error={wrong("feeBps")}
        />
        <NumberField
          name="slippageBps"
          label={t("form.slippage")}
          description={t("form.bps")}
          value={draft.slippage}
          onChange={(slippage) => change({ slippage })}
          error={wrong("slippageBps")}
        />
      </div>
    </>
  );
}
