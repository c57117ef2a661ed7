import type { BacktestParams, BacktestStrategy } from "@spark/live-core";
import { readNumber, writeNumber } from "../../lib/numbers";
import { type Setting, STRATEGIES, type StrategyName, settingsOf } from "../../lib/params";
import { readDay } from "./day";

/** The most combinations that a sweep may have. */
export const COMBINATIONS_MAX = 2_000;
/** The most values that a range may name. */
const VALUES_MAX = COMBINATIONS_MAX;

/** What stands in the form: numbers and days as they were typed. */
export interface Draft {
  symbol: string;
  interval: string;
  from: string;
  to: string;
  strategy: StrategyName;
  settings: Partial<Record<Setting, string>>;
  sweep: Partial<Record<Setting, string>>;
  isSweep: boolean;
  allowShort: boolean;
  cash: string;
  fee: string;
  slippage: string;
  sizing: "all_in" | "fraction" | "units";
  fraction: string;
  units: string;
}

/** What is wrong with a field, as a key of the words and what they name. */
export interface Wrong {
  why: "number" | "range" | "whole" | "order" | "day" | "dates" | "list";
  min?: number;
  max?: number;
}

/** The fields that something is wrong with, by the names that the gateway uses: `strategy.fast`. */
export type Faults = Record<string, Wrong>;

interface Bounds {
  min: number;
  max: number;
  isWhole: boolean;
}

const WINDOW: Bounds = { min: 1, max: 1_000, isWhole: true };
const INDEX: Bounds = { min: 0, max: 100, isWhole: false };
const SETTINGS: Record<Setting, Bounds> = {
  fast: WINDOW,
  slow: { ...WINDOW, min: 2 },
  period: { ...WINDOW, min: 2 },
  low: INDEX,
  high: INDEX,
  entry: WINDOW,
  exit: WINDOW,
};

/** A form as it begins, for a symbol. */
export function emptyDraft(symbol: string, interval: string): Draft {
  return {
    symbol,
    interval,
    from: "",
    to: "",
    ...strategyDraft("sma_cross"),
    isSweep: false,
    allowShort: false,
    cash: "10000",
    fee: "0",
    slippage: "0",
    sizing: "all_in",
    fraction: writeNumber(0.5),
    units: "100",
  };
}

/** What changes in a form with the strategy. */
export function strategyDraft(strategy: StrategyName): Pick<Draft, "strategy" | "settings" | "sweep"> {
  const usual = STRATEGIES[strategy] as Partial<Record<Setting, number>>;
  const settings = Object.fromEntries(
    settingsOf(strategy).map((name) => [name, writeNumber(usual[name] ?? 0)]),
  );
  return { strategy, settings, sweep: settings };
}

/** A form that holds these parameters. */
export function draftOf(params: BacktestParams): Draft {
  const { strategy, sizing, sweep } = params;
  const given = strategy as Partial<Record<Setting, number>>;
  const settings = settingsOf(strategy.name);
  const lists = settings.map((name) => [name, (sweep?.[name] ?? [given[name] ?? ""]).join(", ")]);
  const texts = settings.map((name) => [name, given[name] === undefined ? "" : writeNumber(given[name])]);
  return {
    ...emptyDraft(params.symbol, params.interval ?? "1d"),
    from: params.from ?? "",
    to: params.to ?? "",
    strategy: strategy.name,
    settings: Object.fromEntries(texts),
    sweep: Object.fromEntries(lists),
    isSweep: sweep !== null && sweep !== undefined,
    allowShort: strategy.allowShort ?? false,
    cash: writeNumber(params.initialCash ?? 10_000),
    fee: writeNumber(params.feeBps ?? 0),
    slippage: writeNumber(params.slippageBps ?? 0),
    sizing: sizing?.kind ?? "all_in",
    ...(sizing?.kind === "fraction" && { fraction: writeNumber(sizing.fraction) }),
    ...(sizing?.kind === "units" && { units: writeNumber(sizing.units) }),
  };
}

/** A list of numbers such as `5, 10` or `5..20`; null where it is none. */
export function readList(text: string): number[] | null {
  const values: number[] = [];
  for (const part of text.split(/[,;\s]+/).filter(Boolean)) {
    const range = /^(\d+)\.\.(\d+)$/.exec(part);
    if (range) {
      const [first, last] = [Number(range[1]), Number(range[2])];
      if (last < first || last - first > VALUES_MAX) return null;
      for (let value = first; value <= last; value += 1) values.push(value);
    } else if (Number.isFinite(Number(part))) values.push(Number(part));
    else return null;
  }
  return values.length > 0 && values.length <= VALUES_MAX ? [...new Set(values)] : null;
}

/** The names of the fields that a form has, as the gateway names them, from its beginning to its end. */
export function fieldsOf({ strategy, isSweep, sizing }: Draft): string[] {
  return [
    ...["symbol", "interval", "from", "to", "strategy.name"],
    ...settingsOf(strategy).map((name) => `${isSweep ? "sweep" : "strategy"}.${name}`),
    ...["initialCash", "sizing.kind"],
    ...(sizing === "all_in" ? [] : [`sizing.${sizing}`]),
    ...["feeBps", "slippageBps"],
  ];
}

/** How many backtests a form is; null while a list of it cannot be read. */
export function combinations({ strategy, sweep, isSweep }: Draft): number | null {
  if (!isSweep) return 1;
  let product = 1;
  for (const name of settingsOf(strategy)) {
    const values = readList(sweep[name] ?? "");
    if (!values) return null;
    product *= values.length;
  }
  return product;
}

/** What a form asks for, or what is wrong with it. The gateway's own rules are stricter, and have the last word. */
export function readDraft(draft: Draft): { params: BacktestParams } | { faults: Faults } {
  const faults: Faults = {};
  const number = (field: string, text: string, bounds: Bounds): number => {
    const value = readNumber(text);
    const wrong = wrongNumber(value, bounds);
    if (wrong) faults[field] = wrong;
    return value;
  };
  const names = settingsOf(draft.strategy);
  const isSweep = draft.isSweep && names.length > 0;
  const settings: Partial<Record<Setting, number>> = {};
  const sweep: Record<string, number[]> = {};
  for (const name of names) {
    if (!isSweep) {
      settings[name] = number(`strategy.${name}`, draft.settings[name] ?? "", SETTINGS[name]);
      continue;
    }
    const values = readList(draft.sweep[name] ?? "");
    const bad = values?.map((value) => wrongNumber(value, SETTINGS[name])).find(Boolean);
    if (!values) faults[`sweep.${name}`] = { why: "list" };
    else if (bad) faults[`sweep.${name}`] = bad;
    else sweep[name] = values;
  }
  if (!isSweep) {
    const { fast, slow, low, high } = settings;
    if (!faults["strategy.fast"] && fast !== undefined && slow !== undefined && fast >= slow)
      faults["strategy.fast"] = { why: "order" };
    if (!faults["strategy.low"] && low !== undefined && high !== undefined && low >= high)
      faults["strategy.low"] = { why: "order" };
  }
  const day = (field: "from" | "to"): string | undefined => {
    if (draft[field].trim() === "") return undefined;
    const read = readDay(draft[field]);
    if (read === null) faults[field] = { why: "day" };
    return read ?? undefined;
  };
  const [from, to] = [day("from"), day("to")];
  if (from !== undefined && to !== undefined && from > to) faults.from = { why: "dates" };
  const initialCash = number("initialCash", draft.cash, { min: 1, max: 1_000_000_000_000, isWhole: false });
  const feeBps = number("feeBps", draft.fee, { min: 0, max: 1_000, isWhole: false });
  const slippageBps = number("slippageBps", draft.slippage, { min: 0, max: 1_000, isWhole: false });
  let sizing: BacktestParams["sizing"] = { kind: "all_in" };
  if (draft.sizing === "fraction") {
    const fraction = number("sizing.fraction", draft.fraction, { min: 0.0001, max: 1, isWhole: false });
    sizing = { kind: "fraction", fraction };
  } else if (draft.sizing === "units") {
    const units = number("sizing.units", draft.units, { min: 1, max: 1_000_000_000, isWhole: true });
    sizing = { kind: "units", units };
  }
  if (Object.keys(faults).length > 0) return { faults };
  const strategy = { name: draft.strategy, ...settings, allowShort: draft.allowShort } as BacktestStrategy;
  return {
    params: {
      symbol: draft.symbol,
      interval: draft.interval,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      strategy,
      initialCash,
      feeBps,
      slippageBps,
      sizing,
      ...(isSweep && { sweep }),
    },
  };
}

function wrongNumber(value: number, { min, max, isWhole }: Bounds): Wrong | null {
  if (!Number.isFinite(value)) return { why: "number" };
  if (value < min || value > max) return { why: "range", min, max };
  return isWhole && !Number.isInteger(value) ? { why: "whole" } : null;
}
