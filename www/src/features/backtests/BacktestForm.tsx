import { NativeSelect, TextInput } from "@mantine/core";
import type { BacktestParams, LiveError, SymbolInfo } from "@spark/live-core";
import { type FormEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { BusyButton } from "../../components/BusyButton";
import { ErrorNote } from "../../components/ErrorNote";
import { reasonWords } from "../../lib/errorWords";
import { formatShort } from "../../lib/format";
import { intervalName, intervalSign } from "../../lib/intervals";
import classes from "./BacktestForm.module.css";
import type { FieldsProps } from "./fields";
import { type Draft, draftOf, emptyDraft, type Faults, fieldsOf, readDraft } from "./form";
import { MoneyFields } from "./MoneyFields";
import { StrategyFields } from "./StrategyFields";

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
  const { t } = useTranslation("backtests");
  const { t: errors } = useTranslation("errors");
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState<Draft>(() =>
    initial ? draftOf(initial) : emptyDraft(symbols[0]?.symbol ?? "", symbols[0]?.intervals[0] ?? "1d"),
  );
  const [faults, setFaults] = useState<Faults>({});
  const change = (next: Partial<Draft>): void => setDraft((last) => ({ ...last, ...next }));

  const focus = (field: string | undefined): void =>
    form.current?.querySelector<HTMLElement>(`[name="${CSS.escape(field ?? "")}"]`)?.focus();
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    // Enter in a field does not ask the button.
    if (isBusy) return;
    const read = readDraft(draft);
    const wrongs = "faults" in read ? read.faults : {};
    setFaults(wrongs);
    if ("params" in read) onPropose(read.params);
    else focus(fieldsOf(draft).find((field) => wrongs[field]));
  };

  // One value of a list may be at fault: `sweep.fast[2]`.
  const refused = refusal?.field?.replace(/\[\d+\]$/, "");
  const isPlaced = refused !== undefined && fieldsOf(draft).includes(refused);
  const showRefused = useEffectEvent(() => {
    if (isPlaced) focus(refused);
  });
  useEffect(() => {
    if (refusal) showRefused();
  }, [refusal]);

  /** What is wrong with a field: by the form's own rules, else by the gateway's word. */
  const wrong = (field: string): string | undefined => {
    const fault = faults[field];
    if (fault) {
      const { why, min = 0, max = 0 } = fault;
      if (why === "range") return t("form.wrong.range", { min: formatShort(min), max: formatShort(max) });
      return t(`form.wrong.${why}`);
    }
    return refusal && refused === field ? (reasonWords(errors, refusal) ?? refusal.message) : undefined;
  };

  const group = { draft, change, wrong };
  return (
    <form ref={form} className={classes.form} onSubmit={submit} noValidate data-testid="backtest-form">
      <MarketFields symbols={symbols} {...group} />
      <StrategyFields {...group} />
      <MoneyFields {...group} />
      {refusal && !isPlaced && <ErrorNote error={refusal} />}
      <div className={classes.end}>
        <BusyButton type="submit" isBusy={isBusy} disabled={symbols.length === 0} data-testid="propose">
          {t("form.propose")}
        </BusyButton>
        <p className={classes.hint}>{symbols.length === 0 ? t("form.marketClosed") : t("form.next")}</p>
      </div>
    </form>
  );
}

/** What is traded, and when. */
function MarketFields({ symbols, draft, change, wrong }: FieldsProps & { symbols: readonly SymbolInfo[] }) {
  const { t } = useTranslation("backtests");
  const intervalsOf = (symbol: string) => symbols.find((one) => one.symbol === symbol)?.intervals ?? [];
  const choose = (symbol: string): void => {
    const served = intervalsOf(symbol);
    change({ symbol, ...(!served.includes(draft.interval) && { interval: served[0] ?? "1d" }) });
  };
  // What ran before may be of a symbol, or of bars, that are not served any more; the gateway says so.
  const names = symbols.map(({ symbol }) => symbol);
  const intervals = intervalsOf(draft.symbol);
  return (
    <>
      <div className={classes.row}>
        <NativeSelect
          name="symbol"
          label={t("form.symbol")}
          value={draft.symbol}
          onChange={(event) => choose(event.currentTarget.value)}
          data={names.includes(draft.symbol) ? names : [draft.symbol, ...names]}
          error={wrong("symbol")}
        />
        <NativeSelect
          name="interval"
          label={t("form.interval")}
          value={draft.interval}
          onChange={(event) => change({ interval: event.currentTarget.value })}
          data={(intervals.includes(draft.interval) ? intervals : [draft.interval, ...intervals]).map(
            (value) => ({ value, label: `${intervalSign(value)} · ${intervalName(value)}` }),
          )}
          error={wrong("interval")}
        />
      </div>
      <div className={classes.row}>
        {(["from", "to"] as const).map((end) => (
          <TextInput
            key={end}
            name={end}
            label={t(`form.${end}`)}
            description={t(end === "from" ? "form.firstBar" : "form.lastBar")}
            placeholder={t("form.day")}
            value={draft[end]}
            onChange={(event) => change({ [end]: event.currentTarget.value })}
            error={wrong(end)}
            autoComplete="off"
          />
        ))}
      </div>
    </>
  );
}
