import type { BacktestParams, BacktestStrategy } from "@spark/live-core";
import { type Setting, STRATEGIES, type StrategyName, settingsOf } from "../../lib/params";

/** The most combinations that a sweep may have. */
export const COMBINATIONS_MAX = 2_000;
/** The most values that a range may name. */
const VALUES_MAX = COMBINATIONS_MAX;

/** What stands in the form: numbers as they were typed. */
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
  why: "number" | "range" | "whole" | "order" | "dates" | "list";
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
    fraction: "0.5",
    units: "100",
  };
}

/** What changes in a form with the strategy. */
export function strategyDraft(strategy: StrategyName): Pick<Draft, "strategy" | "settings" | "sweep"> {
  const usual = STRATEGIES[strategy] as Partial<Record<Setting, number>>;
  const settings = Object.fromEntries(settingsOf(strategy).map((name) => [name, String(usual[name])]));
  return { strategy, settings, sweep: settings };
}

/** A form that holds these parameters. */
export function draftOf(params: BacktestParams): Draft {
  const { strategy, sizing, sweep } = params;
  const given = strategy as Partial<Record<Setting, number>>;
  const texts = (of: Partial<Record<Setting, number | readonly number[]>>) =>
    Object.fromEntries(
      settingsOf(strategy.name).map((name) => [name, [of[name] ?? given[name] ?? ""].flat().join(", ")]),
    );
  return {
    ...emptyDraft(params.symbol, params.interval ?? "1d"),
    from: params.from ?? "",
    to: params.to ?? "",
    strategy: strategy.name,
    settings: texts(given),
    sweep: texts(sweep ?? {}),
    isSweep: sweep !== null && sweep !== undefined,
    allowShort: strategy.allowShort ?? false,
    cash: String(params.initialCash ?? 10_000),
    fee: String(params.feeBps ?? 0),
    slippage: String(params.slippageBps ?? 0),
    sizing: sizing?.kind ?? "all_in",
    ...(sizing?.kind === "fraction" && { fraction: String(sizing.fraction) }),
    ...(sizing?.kind === "units" && { units: String(sizing.units) }),
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
    const wrong = wrongNumber(text, bounds);
    if (wrong) faults[field] = wrong;
    return Number(text);
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
    const bad = values?.map((value) => wrongNumber(String(value), SETTINGS[name])).find(Boolean);
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
  if (draft.from !== "" && draft.to !== "" && draft.from > draft.to) faults.from = { why: "dates" };
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
      ...(draft.from !== "" && { from: draft.from }),
      ...(draft.to !== "" && { to: draft.to }),
      strategy,
      initialCash,
      feeBps,
      slippageBps,
      sizing,
      ...(isSweep && { sweep }),
    },
  };
}

function wrongNumber(text: string, { min, max, isWhole }: Bounds): Wrong | null {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) return { why: "number" };
  if (value < min || value > max) return { why: "range", min, max };
  return isWhole && !Number.isInteger(value) ? { why: "whole" } : null;
}
