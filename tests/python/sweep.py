"""Runs SMA crossovers with the package `backtesting` for the benchmark of sweeps, as its own documentation has it: one
`Backtest`, a run for each pair, averages by pandas. Reads {bars: [[time, open, high, low, close, volume]], cash, pairs:
[[fast, slow]]} as JSON from its input; writes the final equity of each pair and how long the runs took, and how long
`optimize` takes for the same pairs on all cores, as JSON."""

import json
import platform
import sys
import time
import warnings

import backtesting
import numpy
import pandas as pd
from backtesting import Backtest

from backtests import Cross

warnings.filterwarnings("ignore")


def sma(values, window):
    """Pandas' average loses a digit on the way, which would make a tie of two of them a crossing (19/76 on 2003-03-13).
    Rounding restores it at next to no cost; averages that differ do so by more than 1e-8."""
    return pd.Series(values).rolling(window).mean().round(9)


class Rolling(Cross):
    """The same rules with pandas' averages."""

    def init(self):
        self.quick = self.I(sma, self.data.Close, self.fast)
        self.calm = self.I(sma, self.data.Close, self.slow)


def frame(bars):
    columns = ["Time", "Open", "High", "Low", "Close", "Volume"]
    table = pd.DataFrame(bars, columns=columns).astype({name: float for name in columns[1:]})
    return table.set_index(pd.to_datetime(table.pop("Time"), unit="ms"))


def plain(test, pairs):
    began = time.perf_counter()
    equity = [test.run(fast=fast, slow=slow)["Equity Final [$]"] for fast, slow in pairs]
    return {"equity": equity, "seconds": time.perf_counter() - began}


def optimized(test, pairs):
    """Seconds of `optimize` for these pairs. It takes ranges, and what is not to be run of their grid is left out."""
    wanted = {tuple(pair) for pair in pairs}
    began = time.perf_counter()
    test.optimize(
        fast=sorted({fast for fast, _ in wanted}),
        slow=sorted({slow for _, slow in wanted}),
        constraint=lambda p: (p.fast, p.slow) in wanted,
        maximize="Equity Final [$]",
    )
    return time.perf_counter() - began


def main():
    job = json.load(sys.stdin)
    test = Backtest(frame(job["bars"]), Rolling, cash=job["cash"])
    # What is loaded and compiled at the first run is not counted.
    plain(test, job["pairs"][:1])
    versions = {"Python": platform.python_version(), "backtesting": backtesting.__version__}
    versions |= {"pandas": pd.__version__, "numpy": numpy.__version__}
    done = plain(test, job["pairs"])
    json.dump({**done, "optimizeSeconds": optimized(test, job["pairs"]), "versions": versions}, sys.stdout)


if __name__ == "__main__":
    main()
