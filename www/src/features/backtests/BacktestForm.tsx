import { Button, Checkbox, NativeSelect, TextInput } from "@mantine/core";
import type { BacktestParams, LiveError, SymbolInfo } from "@spark/live-core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { ErrorNote } from "../../components/ErrorNote";
import { formatCount, formatMarketDate, formatNumber } from "../../lib/format";
import { intervalName } from "../../lib/intervals";
import { type Setting, STRATEGIES, type StrategyName, settingsOf } from "../../lib/params";
import classes from "./BacktestForm.module.css";
import {
  COMBINATIONS_MAX,
  combinations,
  type Draft,
  draftOf,
  emptyDraft,
  type Faults,
  readDraft,
  strategyDraft,
} from "./form";

/** Properties of {@link BacktestForm}. */
export interface BacktestFormProps {
  symbols: readonly SymbolInfo[];
  /** What the form begins with. */
  initial: BacktestParams | null;
  /** Whether a proposal is on its way. */
  isBusy: boolean;
  /** Why the gateway has refused what was proposed last. */
  refusal: LiveError | null;
  onPropose: (params: BacktestParams) => void;
}

/** A backtest without the copilot. What is wrong is said at the field that it is wrong with. */
export function BacktestForm({ symbols, initial, isBusy, refusal, onPropose }: BacktestFormProps) {
  const { t } = useTranslation(["backtests", "proposal"]);
  const [draft, setDraft] = useState<Draft>(() =>
    initial ? draftOf(initial) : emptyDraft(symbols[0]?.symbol ?? "", symbols[0]?.intervals[0] ?? "1d"),
  );
  const [faults, setFaults] = useState<Faults>({});
  const change = (next: Partial<Draft>): void => setDraft((last) => ({ ...last, ...next }));

  const info = symbols.find(({ symbol }) => symbol === draft.symbol);
  const intervals = info?.intervals ?? [draft.interval];
  const [first, last] = [formatMarketDate(info?.firstTime), formatMarketDate(info?.lastTime)];
  const count = combinations(draft);
  const settings = settingsOf(draft.strategy);

  const submit = (event: FormEvent): void => {
    event.preventDefault();
    const read = readDraft(draft);
    setFaults("faults" in read ? read.faults : {});
    if ("params" in read) {
      onPropose(read.params);
      return;
    }
    const [field] = Object.keys(read.faults);
    document.getElementsByName(field ?? "")[0]?.focus();
  };

  /** What is wrong with a field: by the form's own rules, else by the gateway's word. */
  const wrong = (field: string): string | undefined => {
    const fault = faults[field];
    if (fault) {
      const { why, min = 0, max = 0 } = fault;
      if (why === "range") return t("form.wrong.range", { min: shortNumber(min), max: shortNumber(max) });
      return t(`form.wrong.${why}`);
    }
    return refusal?.field === field ? refusal.message : undefined;
  };
  const isPlaced = refusal?.field !== undefined && document.getElementsByName(refusal.field).length > 0;
  const text = (field: string, label: string, value: string, onChange: (text: string) => void) => (
    <TextInput
      name={field}
      label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={wrong(field)}
      inputMode="decimal"
      autoComplete="off"
    />
  );

  return (
    <form className={classes.form} onSubmit={submit} noValidate data-testid="backtest-form">
      <div className={classes.row}>
        <NativeSelect
          name="symbol"
          label={t("form.symbol")}
          value={draft.symbol}
          onChange={(event) => {
            const symbol = event.currentTarget.value;
            const next = symbols.find((one) => one.symbol === symbol)?.intervals ?? [];
            change({ symbol, ...(!next.includes(draft.interval) && { interval: next[0] ?? "1d" }) });
          }}
          data={symbols.map(({ symbol }) => symbol)}
          error={wrong("symbol")}
        />
        <NativeSelect
          name="interval"
          label={t("form.interval")}
          value={draft.interval}
          onChange={(event) => change({ interval: event.currentTarget.value })}
          data={intervals.map((value) => ({ value, label: `${value} · ${intervalName(value)}` }))}
          error={wrong("interval")}
        />
      </div>
      <div className={classes.row}>
        {(["from", "to"] as const).map((end) => (
          <TextInput
            key={end}
            name={end}
            type="date"
            label={t(`form.${end}`)}
            value={draft[end]}
            min={first}
            max={last}
            onChange={(event) => change({ [end]: event.currentTarget.value })}
            error={wrong(end)}
          />
        ))}
      </div>
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
      />
      {settings.length > 0 && (
        <div className={classes.row}>
          {settings.map((name: Setting) =>
            draft.isSweep ? (
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
              <div key={name}>
                {text(`strategy.${name}`, t(`form.settings.${name}`), draft.settings[name] ?? "", (value) =>
                  change({ settings: { ...draft.settings, [name]: value } }),
                )}
              </div>
            ),
          )}
        </div>
      )}
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
      {draft.isSweep && settings.length > 0 && (
        <p className={classes.count} data-bad={count !== null && count > COMBINATIONS_MAX}>
          {count === null ? t("form.wrong.list") : t("form.combinations", { count })}
          {count !== null && count > COMBINATIONS_MAX && `: ${t("form.tooMany")}`}
        </p>
      )}
      <div className={classes.row}>
        {text("initialCash", t("form.cash"), draft.cash, (cash) => change({ cash }))}
        {text("feeBps", t("form.fee"), draft.fee, (fee) => change({ fee }))}
        {text("slippageBps", t("form.slippage"), draft.slippage, (slippage) => change({ slippage }))}
      </div>
      <div className={classes.row}>
        <NativeSelect
          name="sizing.kind"
          label={t("form.sizing")}
          value={draft.sizing}
          onChange={(event) => change({ sizing: event.currentTarget.value as Draft["sizing"] })}
          data={(["all_in", "fraction", "units"] as const).map((value) => ({
            value,
            label: t(`form.sizings.${value}`),
          }))}
        />
        {draft.sizing === "fraction" &&
          text("sizing.fraction", t("form.fraction"), draft.fraction, (fraction) => change({ fraction }))}
        {draft.sizing === "units" &&
          text("sizing.units", t("form.units"), draft.units, (units) => change({ units }))}
      </div>
      {refusal && !isPlaced && <ErrorNote error={refusal} />}
      <div className={classes.end}>
        <Button type="submit" loading={isBusy} disabled={symbols.length === 0} data-testid="propose">
          {t("form.propose")}
        </Button>
        <p className={classes.hint}>{symbols.length === 0 ? t("form.marketClosed") : t("form.next")}</p>
      </div>
    </form>
  );
}

function shortNumber(value: number): string {
  return Number.isInteger(value) ? formatCount(value) : formatNumber(value);
}
