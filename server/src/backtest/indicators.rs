//! Series that strategies are made of. Each value is made of the bars up to its own, and is `None` (NaN within) before
//! there are enough.
//!
//! Of our own, since each is a few lines and has to be what the documentation says to the last digit: the crates that have
//! them (`ta`, `yata`) begin an average before its window is full, or smooth the first values of an RSI otherwise than
//! Wilder does.

use std::collections::VecDeque;

use crate::market::Row;

/// Number of a bar's high, low and close among its five.
pub(super) const HIGH: usize = 1;
pub(super) const LOW: usize = 2;
pub(super) const CLOSE: usize = 3;

/// The sum of the newest `window` numbers, with what rounding loses kept beside it (Neumaier 1974), so that it does not
/// drift however long the series is.
struct RollingSum {
    window: usize,
    numbers: VecDeque<f64>,
    sum: f64,
    lost: f64,
}

impl RollingSum {
    fn new(window: usize) -> Self {
        Self { window, numbers: VecDeque::with_capacity(window + 1), sum: 0.0, lost: 0.0 }
    }

    /// The sum with a new number; NaN before there are enough.
    fn push(&mut self, number: f64) -> f64 {
        self.add(number);
        self.numbers.push_back(number);
        if self.numbers.len() > self.window
            && let Some(oldest) = self.numbers.pop_front()
        {
            self.add(-oldest);
        }
        if self.numbers.len() < self.window { f64::NAN } else { self.sum + self.lost }
    }

    fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        let (larger, smaller) =
            if self.sum.abs() >= number.abs() { (self.sum, number) } else { (number, self.sum) };
        self.lost += (larger - sum) + smaller;
        self.sum = sum;
    }
}

/// A simple moving average of closes, as they come: the mean of the newest `window`.
pub struct Sma {
    sum: RollingSum,
    window: f64,
}

impl Sma {
    /// An average that has seen nothing yet.
    pub fn new(window: u32) -> Self {
        Self { sum: RollingSum::new(window as usize), window: f64::from(window) }
    }

    /// The average with the next close.
    pub fn push(&mut self, close: f64) -> f64 {
        self.sum.push(close) / self.window
    }
}

/// The same of all closes.
pub fn sma(rows: &[Row], window: u32) -> Vec<f64> {
    let mut average = Sma::new(window);
    rows.iter().map(|row| average.push(row.1[CLOSE])).collect()
}

/// A relative strength index of closes, as they come (J. Welles Wilder, "New Concepts in Technical Trading Systems", 1978):
/// gains and losses from close to close, averaged over `period` bars, first as their mean and from then on as
/// `(average * (period - 1) + newest) / period`; `100 - 100 / (1 + gains / losses)`. Without losses it is 100, without
/// either 50.
pub struct Rsi {
    period: u32,
    last: Option<f64>,
    gains: f64,
    losses: f64,
    changes: u32,
}

impl Rsi {
    /// An index that has seen nothing yet.
    pub fn new(period: u32) -> Self {
        Self { period, last: None, gains: 0.0, losses: 0.0, changes: 0 }
    }

    /// The index with the next close.
    pub fn push(&mut self, close: f64) -> f64 {
        let length = f64::from(self.period);
        let Some(last) = self.last.replace(close) else { return f64::NAN };
        let change = close - last;
        let (gain, loss) = (change.max(0.0), (-change).max(0.0));
        self.changes = self.changes.saturating_add(1);
        if self.changes <= self.period {
            self.gains += gain / length;
            self.losses += loss / length;
        } else {
            self.gains = (self.gains * (length - 1.0) + gain) / length;
            self.losses = (self.losses * (length - 1.0) + loss) / length;
        }
        match (self.changes >= self.period, self.gains > 0.0, self.losses > 0.0) {
            (false, ..) => f64::NAN,
            (true, _, true) => 100.0 - 100.0 / (1.0 + self.gains / self.losses),
            (true, true, false) => 100.0,
            (true, false, false) => 50.0,
        }
    }
}

/// The same of all closes.
pub fn rsi(rows: &[Row], period: u32) -> Vec<f64> {
    let mut index = Rsi::new(period);
    rows.iter().map(|row| index.push(row.1[CLOSE])).collect()
}

/// The highest, or the lowest, of the `window` numbers before each one, as they come.
pub struct Extreme {
    window: u64,
    seen: u64,
    /// Numbers that may still be the extreme, each with its place; the extreme first.
    numbers: VecDeque<(u64, f64)>,
    is_beaten: fn(f64, f64) -> bool,
}

impl Extreme {
    /// The highest of what comes before.
    pub fn highest(window: u32) -> Self {
        Self::new(window, |a, b| a <= b)
    }

    /// The lowest of what comes before.
    pub fn lowest(window: u32) -> Self {
        Self::new(window, |a, b| a >= b)
    }

    fn new(window: u32, is_beaten: fn(f64, f64) -> bool) -> Self {
        Self { window: u64::from(window), seen: 0, numbers: VecDeque::new(), is_beaten }
    }

    /// The extreme before the next number.
    pub fn push(&mut self, number: f64) -> f64 {
        let at = self.seen;
        self.seen += 1;
        while self.numbers.front().is_some_and(|(place, _)| place + self.window < at) {
            self.numbers.pop_front();
        }
        let extreme =
            self.numbers.front().filter(|_| at >= self.window).map_or(f64::NAN, |(_, number)| *number);
        while self.numbers.back().is_some_and(|(_, before)| (self.is_beaten)(*before, number)) {
            self.numbers.pop_back();
        }
        self.numbers.push_back((at, number));
        extreme
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(closes: &[f64]) -> Vec<Row> {
        closes
            .iter()
            .zip(0..)
            .map(|(close, at)| Row(at, [*close, close + 1.0, close - 1.0, *close, 1.0]))
            .collect()
    }

    #[test]
    fn averages_are_those_of_full_windows() {
        let values = sma(&rows(&[1.0, 2.0, 3.0, 4.0, 6.0]), 3);
        assert!(values[0].is_nan() && values[1].is_nan());
        assert_eq!(values[2..], [2.0, 3.0, 13.0 / 3.0]);
        // Of one price it is that price, however long.
        assert!(sma(&rows(&[0.1; 10_000]), 7)[6..].iter().all(|value| (value - 0.1).abs() < 1e-17));
    }

    #[test]
    fn the_index_is_wilders() {
        // Gains 1, 0, 2; losses 0, 1, 0; then a gain of 1.
        let values = rsi(&rows(&[10.0, 11.0, 10.0, 12.0, 13.0]), 3);
        assert!(values[..3].iter().all(|value| value.is_nan()));
        assert!((values[3] - 75.0).abs() < 1e-12, "{values:?}");
        let (gains, losses) = ((1.0 * 2.0 + 1.0) / 3.0, (1.0 / 3.0 * 2.0) / 3.0);
        assert!((values[4] - (100.0 - 100.0 / (1.0 + gains / losses))).abs() < 1e-12, "{values:?}");
        assert_eq!(rsi(&rows(&[1.0, 2.0, 3.0]), 2)[2], 100.0);
        assert_eq!(rsi(&rows(&[1.0, 1.0, 1.0]), 2)[2], 50.0);
        assert_eq!(rsi(&rows(&[3.0, 2.0, 1.0]), 2)[2], 0.0);
        assert!(rsi(&[], 2).is_empty());
    }

    proptest! {
        #[test]
        fn channels_are_those_of_the_bars_before(
            closes in prop::collection::vec(1.0..100.0_f64, 0..60), window in 1_u32..12,
        ) {
            let rows = rows(&closes);
            let (mut highest, mut lowest) = (Extreme::highest(window), Extreme::lowest(window));
            let highest: Vec<f64> = rows.iter().map(|row| highest.push(row.1[HIGH])).collect();
            let lowest: Vec<f64> = rows.iter().map(|row| lowest.push(row.1[LOW])).collect();
            for at in 0..rows.len() {
                let Some(before) = at.checked_sub(window as usize).map(|from| &rows[from..at]) else {
                    prop_assert!(highest[at].is_nan() && lowest[at].is_nan());
                    continue;
                };
                let high = before.iter().map(|row| row.1[HIGH]).fold(f64::MIN, f64::max);
                let low = before.iter().map(|row| row.1[LOW]).fold(f64::MAX, f64::min);
                prop_assert_eq!((highest[at], lowest[at]), (high, low));
            }
        }

        #[test]
        fn averages_do_not_drift(closes in prop::collection::vec(0.001..1e9_f64, 1..400), window in 1_u32..50) {
            let rows = rows(&closes);
            for (at, value) in sma(&rows, window).into_iter().enumerate() {
                let Some(from) = (at + 1).checked_sub(window as usize) else { continue };
                let mean = closes[from..=at].iter().sum::<f64>() / f64::from(window);
                prop_assert!((value - mean).abs() <= mean * 1e-13, "{value} {mean}");
            }
        }
    }
}
