"""Runs SMA crossovers with the package `backtesting`, as the gateway's engine defines them, for the test that compares
both. Reads a list of jobs as JSON from its input, {bars: path of a CSV, fast, slow, cash, commission}; writes what each
came to, in order, as JSON."""

import json
import math
import sys
import warnings

import pandas as pd
from backtesting import Backtest, Strategy

warnings.filterwarnings("ignore")


def sma(values, window):
    """Rounded once. Pandas' own loses a digit on the way, which on IBM makes a tie of two averages (75.812, exactly) a
    crossing."""
    return [math.nan] * (window - 1) + [
        math.fsum(values[end - window : end]) / window for end in range(window, len(values) + 1)
    ]


class Cross(Strategy):
    """Long while the fast average of closes is above the slow one."""

    fast = 10
    slow = 30

    def init(self):
        self.quick = self.I(sma, self.data.Close, self.fast)
        self.calm = self.I(sma, self.data.Close, self.slow)

    def next(self):
        if self.quick[-1] > self.calm[-1]:
            if not self.position:
                self.buy()
        elif self.position:
            self.position.close()


def run(job):
    bars = pd.read_csv(job["bars"], index_col=0, parse_dates=True)
    test = Backtest(bars, Cross, cash=job["cash"], commission=job["commission"])
    stats = test.run(fast=job["fast"], slow=job["slow"])
    trades = stats["_trades"]
    columns = ["EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "Size", "PnL", "Commission"]
    return {
        "trades": trades[columns].values.tolist(),
        "equity": stats["_equity_curve"]["Equity"].tolist(),
        "return": stats["Return [%]"] / 100,
        "cagr": stats["CAGR [%]"] / 100,
        "maxDrawdown": -stats["Max. Drawdown [%]"] / 100,
        "maxDrawdownDays": stats["Max. Drawdown Duration"].days,
        "winRate": stats["Win Rate [%]"] / 100,
    }


if __name__ == "__main__":
    json.dump([run(job) for job in json.load(sys.stdin)], sys.stdout)
