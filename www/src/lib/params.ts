import type { BacktestParams, BacktestStrategy } from "@spark/live-core";
import type { TFunction } from "i18next";
import { formatCount, formatPart, formatPrice, formatShort, MISSING } from "./format";
import { intervalSign } from "./intervals";
import { writeNumber } from "./numbers";

/** The strategies, with their settings and what those are where nothing is said. */
export const STRATEGIES = {
  sma_cross: { fast: 10, slow: 30 },
  rsi_reversion: { period: 14, low: 30, high: 70 },
  donchian_breakout: { entry: 20, exit: 10 },
  buy_and_hold: {},
} as const satisfies Record<BacktestStrategy["name"], Record<string, number>>;

/** A strategy's name. */
export type StrategyName = keyof typeof STRATEGIES;

/** A setting's name. */
export type Setting = "fast" | "slow" | "period" | "low" | "high" | "entry" | "exit";

/** The settings of a strategy. */
export function settingsOf(name: StrategyName): Setting[] {
  return Object.keys(STRATEGIES[name]) as Setting[];
}

/** Whether these are the parameters of a backtest, of a strategy that the page knows. */
export function isBacktest(params: unknown): params is BacktestParams {
  const { symbol, strategy } = (params ?? {}) as Partial<BacktestParams>;
  return typeof symbol === "string" && Object.hasOwn(STRATEGIES, strategy?.name ?? "");
}

/** How many backtests these parameters are; 1 without a sweep. */
export function combinationsOf({ sweep }: BacktestParams): number {
  return Object.values(sweep ?? {}).reduce((product, values) => product * values.length, 1);
}

/** What a backtest is, in a line: `AAPL · SMA crossover 10/30`, `IBM · SMA crossover …/50 · 30 combinations`. */
export function subjectWords(t: TFunction<"proposal">, params: BacktestParams): string {
  const count = combinationsOf(params);
  const subject = `${params.symbol} · ${strategyWords(t, params.strategy, params.sweep)}`;
  return params.sweep ? `${subject} · ${t("combinations", { count, shown: formatCount(count) })}` : subject;
}

/** A strategy in words: `SMA crossover 10/30`, with `…` for what is swept. */
function strategyWords(
  t: TFunction<"proposal">,
  strategy: BacktestStrategy,
  sweep: BacktestParams["sweep"],
): string {
  const given = strategy as Partial<Record<Setting, number>>;
  const values = settingsOf(strategy.name).map((name) => {
    const swept = sweep?.[name] ?? [];
    return swept.length > 1 ? "…" : formatSetting(swept[0] ?? given[name]);
  });
  return [t(`strategies.${strategy.name}`), values.join("/")].join(" ").trim();
}

/** What runs and what it costs, as names with values, in the order of a form. */
export function describe(
  t: TFunction<"proposal">,
  params: BacktestParams,
): { name: string; value: string }[] {
  const { symbol, interval, from, to, strategy, initialCash, feeBps, slippageBps, sizing, sweep } = params;
  const bps = (value: number | undefined): string =>
    value ? t("bps", { value: formatShort(value) }) : t("none");
  const given = strategy as Partial<Record<Setting, number>>;
  // What is swept has many values, and the rest the one that it always has.
  const settings = settingsOf(strategy.name)
    .filter((name) => !sweep?.[name])
    .map((name) => `${t(`settings.${name}`)} ${formatSetting(given[name])}`);
  const grid = Object.entries(sweep ?? {}).map(
    ([name, values]) => `${t(`settings.${name as Setting}`)} ${brief(values)}`,
  );
  return [
    { name: t("fields.symbol"), value: `${symbol} · ${intervalSign(interval ?? "1d")}` },
    { name: t("fields.range"), value: `${from ?? t("first")} – ${to ?? t("last")}` },
    {
      name: t("fields.strategy"),
      value: [t(`strategies.${strategy.name}`), ...settings].join(", "),
    },
    ...(grid.length > 0 ? [{ name: t("fields.sweep"), value: grid.join("; ") }] : []),
    { name: t("fields.short"), value: strategy.allowShort ? t("yes") : t("no") },
    { name: t("fields.cash"), value: formatPrice(initialCash) },
    { name: t("fields.fees"), value: bps(feeBps) },
    { name: t("fields.slippage"), value: bps(slippageBps) },
    { name: t("fields.sizing"), value: sizingWords(t, sizing) },
  ];
}

/** How many backtests over how many bars. */
export function costWords(t: TFunction<"proposal">, combinations: number, bars: number): string {
  const shown = formatCount(bars);
  const over = combinations > 1 ? t("barsEach", { shown }) : t("bars", { count: bars, shown });
  const tests = t("cost", { count: combinations, shown: formatCount(combinations) });
  return bars > 0 ? t("costs", { tests, over }) : tests;
}

function sizingWords(t: TFunction<"proposal">, sizing: BacktestParams["sizing"]): string {
  if (sizing?.kind === "fraction") return t("sizings.fraction", { value: formatPart(sizing.fraction) });
  if (sizing?.kind === "units") return t("sizings.units", { value: formatCount(sizing.units) });
  return t("sizings.all_in");
}

/** A few values, or the first and last of many. */
function brief(values: readonly number[]): string {
  const shown = values.map(formatSetting);
  // Where a comma stands within numbers it cannot stand between them.
  const between = shown.some((value) => value.includes(",")) ? "; " : ", ";
  return shown.length <= 6
    ? shown.join(between)
    : `${shown.slice(0, 2).join(between)} … ${shown.at(-1)} (${shown.length})`;
}

/** A number of a strategy, as it is typed into the form. */
function formatSetting(value: number | undefined): string {
  return value === undefined ? MISSING : writeNumber(value);
}
