//! What a strategy wants at the close of each bar. It is done at the open of the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::indicators::{CLOSE, HIGH, LOW, highest_before, lowest_before, rsi, sma};
use super::params::Strategy;
use crate::market::Row;

/// What to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// What is held now.
    Keep,
    /// Nothing.
    Flat,
    /// As many as the sizing says.
    Long,
    /// The same, owed.
    Short,
}

/// Averages and indices of one series of bars, made once however many strategies want them.
#[derive(Debug, Default)]
pub struct Shelf(Mutex<HashMap<Kind, Arc<[f64]>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Sma(u32),
    Rsi(u32),
}

impl Shelf {
    fn get(&self, rows: &[Row], kind: Kind) -> Arc<[f64]> {
        if let Some(series) = self.lock().get(&kind) {
            return Arc::clone(series);
        }
        let series: Arc<[f64]> = match kind {
            Kind::Sma(window) => sma(rows, window),
            Kind::Rsi(period) => rsi(rows, period),
        }
        .into();
        Arc::clone(self.lock().entry(kind).or_insert(series))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Arc<[f64]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a strategy wants at the close of each bar. It wants nothing before the second bar of which all its series are
/// known.
pub fn targets(strategy: &Strategy, rows: &[Row], shelf: &Shelf) -> Vec<Target> {
    match *strategy {
        Strategy::SmaCross { fast, slow, allow_short } => {
            let (fast, slow) = (shelf.get(rows, Kind::Sma(fast)), shelf.get(rows, Kind::Sma(slow)));
            let want = |at: usize| match fast[at] > slow[at] {
                true => Target::Long,
                false if allow_short && fast[at] < slow[at] => Target::Short,
                false => Target::Flat,
            };
            each(rows.len(), |at| fast[at].is_finite() && slow[at].is_finite(), want)
        }
        Strategy::RsiReversion { period, low, high, allow_short } => {
            let index = shelf.get(rows, Kind::Rsi(period));
            let want = |at: usize| match index[at] {
                value if value < low => Target::Long,
                value if value > high && allow_short => Target::Short,
                value if value > high => Target::Flat,
                _ => Target::Keep,
            };
            each(rows.len(), |at| index[at].is_finite(), want)
        }
        Strategy::DonchianBreakout { entry, exit, allow_short } => donchian(rows, entry, exit, allow_short),
        Strategy::BuyAndHold { .. } => vec![Target::Long; rows.len()],
    }
}

/// Wants from the second bar on of which everything is known; what is known stays so.
fn each(len: usize, is_known: impl Fn(usize) -> bool, want: impl Fn(usize) -> Target) -> Vec<Target> {
    let first = (0..len).find(|at| is_known(*at)).map_or(len, |first| first + 1);
    (0..len).map(|at| if at < first { Target::Keep } else { want(at) }).collect()
}

fn donchian(rows: &[Row], entry: u32, exit: u32, allow_short: bool) -> Vec<Target> {
    let (above, below) = (highest_before(rows, HIGH, entry), lowest_before(rows, LOW, entry));
    let (cover, leave) = (highest_before(rows, HIGH, exit), lowest_before(rows, LOW, exit));
    let mut held = Target::Flat;
    let want = |at: usize, held: Target| {
        let close = rows[at].1[CLOSE];
        match held {
            _ if close > above[at] => Target::Long,
            _ if allow_short && close < below[at] => Target::Short,
            Target::Long if close < leave[at] => Target::Flat,
            Target::Short if close > cover[at] => Target::Flat,
            held => held,
        }
    };
    let is_known = |at: usize| above[at].is_finite() && leave[at].is_finite();
    let first = (0..rows.len()).find(|at| is_known(*at)).map_or(rows.len(), |first| first + 1);
    (0..rows.len())
        .map(|at| {
            if at < first {
                return Target::Keep;
            }
            held = want(at, held);
            held
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(closes: &[f64]) -> Vec<Row> {
        closes.iter().zip(0..).map(|(close, at)| Row(at, [*close, *close, *close, *close, 1.0])).collect()
    }

    fn wanted(strategy: &Strategy, closes: &[f64]) -> String {
        let letter = |target| match target {
            Target::Keep => '.',
            Target::Flat => 'f',
            Target::Long => 'L',
            Target::Short => 'S',
        };
        targets(strategy, &rows(closes), &Shelf::default()).into_iter().map(letter).collect()
    }

    #[test]
    fn each_wants_what_it_says() {
        let closes = [5.0, 4.0, 3.0, 4.0, 6.0, 8.0, 7.0, 4.0, 2.0, 1.0];
        let cross = |allow_short| Strategy::SmaCross { fast: 1, slow: 2, allow_short };
        assert_eq!(wanted(&cross(false), &closes), "..fLLLffff");
        assert_eq!(wanted(&cross(true), &closes), "..SLLLSSSS");
        let rsi = |allow_short| Strategy::RsiReversion { period: 2, low: 30.0, high: 70.0, allow_short };
        assert_eq!(wanted(&rsi(false), &closes), "....ff.LLL");
        assert!(wanted(&rsi(true), &closes).contains('S'));
        let donchian = |allow_short| Strategy::DonchianBreakout { entry: 3, exit: 2, allow_short };
        assert_eq!(wanted(&donchian(false), &closes), "....LLLfff");
        assert_eq!(wanted(&donchian(true), &closes), "....LLLSSS");
        assert_eq!(wanted(&Strategy::BuyAndHold { allow_short: false }, &closes), "LLLLLLLLLL");
        for strategy in [cross(true), rsi(true), donchian(true)] {
            assert_eq!(wanted(&strategy, &closes[..2]), "..", "too few bars");
            assert_eq!(wanted(&strategy, &[]), "");
        }
    }
}
