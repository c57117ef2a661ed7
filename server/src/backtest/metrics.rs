//! What a backtest came to, in numbers. Each is defined here and in `BACKTEST.md`; one that is undefined is `None`, and
//! none is ever NaN or infinite.

use serde::Serialize;

/// A year, in milliseconds: 365.25 days.
const YEAR_MS: f64 = 365.25 * 86_400_000.0;

/// What a backtest came to. Ratios are fractions: 0.1 is a tenth.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metrics {
    /// Equity at the last close.
    pub final_equity: f64,
    /// `finalEquity / initialCash - 1`.
    pub total_return: f64,
    /// Compound annual growth rate: `(finalEquity / initialCash) ^ (1 / years) - 1`, with the years between the first and
    /// the last bar.
    pub cagr: Option<f64>,
    /// Standard deviation (with n - 1) of the returns from bar to bar, times the root of the bars a year.
    pub volatility: Option<f64>,
    /// Mean of the returns from bar to bar, over their standard deviation, times the root of the bars a year.
    pub sharpe: Option<f64>,
    /// The same over the root of the mean of the squares of the negative returns.
    pub sortino: Option<f64>,
    /// `cagr / maxDrawdown`.
    pub calmar: Option<f64>,
    /// Largest fall of the equity from its highest before, as a fraction of that.
    pub max_drawdown: f64,
    /// Longest time from a highest equity to the bar at which it is reached again, or to the last bar, in milliseconds.
    pub max_drawdown_duration_ms: i64,
    /// Closed trades with a profit, of all closed trades.
    pub win_rate: Option<f64>,
    /// Profits of the closed trades over their losses.
    pub profit_factor: Option<f64>,
    /// Bars at whose close something is held or owed, of all bars.
    pub exposure: f64,
    /// Fees of all orders.
    pub fees: f64,
    /// Trades, one that is still open among them.
    pub trades: u64,
    /// Bars.
    pub bars: u64,
}

/// Takes in what happens, and knows in the end what it came to; it keeps nothing of it.
#[derive(Debug)]
pub struct Tally {
    initial: f64,
    /// The first bar, and the last one with its equity.
    first_time: Option<i64>,
    last: (i64, f64),
    bars: u64,
    held: u64,
    /// Of the returns: mean, sum of squares about it (Welford 1962), sum of the squares of the negative ones.
    mean: f64,
    squares: f64,
    falls: f64,
    peak: f64,
    peak_time: i64,
    is_below: bool,
    max_drawdown: f64,
    max_duration: i64,
    closed: u64,
    wins: u64,
    profit: f64,
    loss: f64,
    trades: u64,
}

impl Tally {
    /// Of an account that begins with so much.
    pub fn new(initial: f64) -> Self {
        Self {
            initial,
            first_time: None,
            last: (0, initial),
            bars: 0,
            held: 0,
            mean: 0.0,
            squares: 0.0,
            falls: 0.0,
            peak: initial,
            peak_time: 0,
            is_below: false,
            max_drawdown: 0.0,
            max_duration: 0,
            closed: 0,
            wins: 0,
            profit: 0.0,
            loss: 0.0,
            trades: 0,
        }
    }

    /// The equity at the close of a bar, and whether something is held or owed. Returns how far it is below its highest.
    pub fn bar(&mut self, time: i64, equity: f64, is_held: bool) -> f64 {
        if self.first_time.is_none() {
            self.first_time = Some(time);
            self.peak_time = time;
        } else if self.last.1 > 0.0 {
            let change = equity / self.last.1 - 1.0;
            let count = self.bars as f64;
            let apart = change - self.mean;
            self.mean += apart / count;
            self.squares += apart * (change - self.mean);
            self.falls += change.min(0.0).powi(2);
        }
        self.bars += 1;
        self.held += u64::from(is_held);
        self.last = (time, equity);
        if equity >= self.peak {
            if self.is_below {
                self.max_duration = self.max_duration.max(time - self.peak_time);
            }
            (self.peak, self.peak_time, self.is_below) = (equity, time, false);
            return 0.0;
        }
        self.is_below = true;
        self.max_duration = self.max_duration.max(time - self.peak_time);
        let drawdown = 1.0 - equity / self.peak;
        self.max_drawdown = self.max_drawdown.max(drawdown);
        drawdown
    }

    /// A trade was opened.
    pub fn opened(&mut self) {
        self.trades += 1;
    }

    /// A trade was closed, with so much gained after its fees.
    pub fn closed(&mut self, pnl: f64) {
        self.closed += 1;
        if pnl > 0.0 {
            self.wins += 1;
            self.profit += pnl;
        } else {
            self.loss -= pnl;
        }
    }

    /// What it came to, with the fees of all orders.
    pub fn metrics(&self, fees: f64) -> Metrics {
        let (last_time, equity) = self.last;
        let span = self.first_time.map_or(0, |first| last_time - first) as f64;
        let years = Some(span / YEAR_MS).filter(|years| *years > 0.0);
        let growth = equity / self.initial;
        let cagr = years.filter(|_| growth >= 0.0).map(|years| growth.powf(1.0 / years) - 1.0);
        let changes = self.bars.saturating_sub(1) as f64;
        let a_year = years.map(|years| (changes / years).sqrt());
        let deviation = Some((self.squares / (changes - 1.0)).sqrt()).filter(|_| changes > 1.0);
        let below = Some((self.falls / changes).sqrt()).filter(|_| changes > 0.0);
        let over = |part: Option<f64>| match (part, a_year) {
            (Some(part), Some(a_year)) if part > 0.0 => finite(self.mean / part * a_year),
            _ => None,
        };
        let ratio = |part: f64, whole: f64| if whole > 0.0 { finite(part / whole) } else { None };
        Metrics {
            final_equity: equity,
            total_return: growth - 1.0,
            cagr: cagr.and_then(finite),
            volatility: deviation.zip(a_year).and_then(|(deviation, a_year)| finite(deviation * a_year)),
            sharpe: over(deviation),
            sortino: over(below),
            calmar: cagr.and_then(|cagr| ratio(cagr, self.max_drawdown)),
            max_drawdown: self.max_drawdown,
            max_drawdown_duration_ms: self.max_duration,
            win_rate: ratio(self.wins as f64, self.closed as f64),
            profit_factor: ratio(self.profit, self.loss),
            exposure: ratio(self.held as f64, self.bars as f64).unwrap_or_default(),
            fees,
            trades: self.trades,
            bars: self.bars,
        }
    }
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    #[test]
    fn each_is_as_it_is_defined() {
        let mut tally = Tally::new(100.0);
        let equity = [100.0, 110.0, 99.0, 104.5, 110.0, 121.0, 60.5, 66.55];
        let drawdowns: Vec<f64> =
            equity.iter().zip(0..).map(|(equity, at)| tally.bar(at * DAY, *equity, at % 2 == 0)).collect();
        assert!(
            (drawdowns[2] - 0.1).abs() < 1e-12 && drawdowns[4] == 0.0 && (drawdowns[6] - 0.5).abs() < 1e-12
        );
        for pnl in [10.0, -5.0, 15.0, 0.0] {
            tally.opened();
            tally.closed(pnl);
        }
        tally.opened();
        let metrics = tally.metrics(3.5);
        let changes: Vec<f64> = equity.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
        let count = changes.len() as f64;
        let mean = changes.iter().sum::<f64>() / count;
        let variance = changes.iter().map(|change| (change - mean).powi(2)).sum::<f64>() / (count - 1.0);
        let below = (changes.iter().map(|change| change.min(0.0).powi(2)).sum::<f64>() / count).sqrt();
        let (years, near) =
            (7.0 / 365.25_f64, |a: Option<f64>, b: f64| (a.expect("defined") - b).abs() < 1e-9 * b.abs());
        let a_year = (count / years).sqrt();
        assert!((metrics.total_return + 0.3345).abs() < 1e-12);
        assert!(near(metrics.cagr, 0.6655_f64.powf(1.0 / years) - 1.0));
        assert!(near(metrics.volatility, variance.sqrt() * a_year));
        assert!(near(metrics.sharpe, mean / variance.sqrt() * a_year));
        assert!(near(metrics.sortino, mean / below * a_year));
        assert!(near(metrics.calmar, metrics.cagr.expect("defined") / 0.5));
        assert_eq!(
            (metrics.max_drawdown, metrics.max_drawdown_duration_ms),
            (0.5, 3 * DAY),
            "from the second bar on"
        );
        assert!(near(metrics.win_rate, 0.5) && near(metrics.profit_factor, 5.0) && metrics.exposure == 0.5);
        assert_eq!((metrics.trades, metrics.bars, metrics.fees), (5, 8, 3.5));
    }

    #[test]
    fn what_is_undefined_is_none() {
        let mut tally = Tally::new(100.0);
        assert_eq!(tally.metrics(0.0), Metrics { final_equity: 100.0, ..Metrics::default() });
        for at in 0..3 {
            tally.bar(at * DAY, 100.0, false);
        }
        let metrics = tally.metrics(0.0);
        assert_eq!((metrics.cagr, metrics.volatility), (Some(0.0), Some(0.0)));
        assert_eq!((metrics.sharpe, metrics.sortino, metrics.calmar), (None, None, None));
        assert_eq!((metrics.win_rate, metrics.profit_factor), (None, None));
        let text = serde_json::to_string(&metrics).expect("JSON");
        assert!(text.contains("\"sharpe\":null") && text.contains("\"maxDrawdownDurationMs\":0"), "{text}");
    }
}
