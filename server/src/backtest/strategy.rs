//! What a strategy wants at the close of each bar. It is done at the open of the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::indicators::{CLOSE, Extreme, HIGH, LOW, Rsi, Sma, rsi, sma};
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

/// Numbers of all series on a shelf together: 64 MiB.
const SHELF_MAX: usize = 8 * 1024 * 1024;

/// Averages and indices of one series of bars, made once however many strategies want them, as long as there is room: what
/// finds none is made each time.
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
        let mut known = self.lock();
        match known.len() < SHELF_MAX / rows.len().max(1) {
            true => Arc::clone(known.entry(kind).or_insert(series)),
            false => series,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Arc<[f64]>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a strategy wants at the close of each bar. It wants nothing before the second bar of which all its series are
/// known. What several strategies share is taken from the shelf; it is the same as what a [`Watcher`] says.
pub fn targets(strategy: &Strategy, rows: &[Row], shelf: &Shelf) -> Vec<Target> {
    match *strategy {
        Strategy::SmaCross { fast, slow, allow_short } => {
            let (fast, slow) = (shelf.get(rows, Kind::Sma(fast)), shelf.get(rows, Kind::Sma(slow)));
            let mut patience = Patience::default();
            let want = |(fast, slow): (&f64, &f64)| cross(*fast, *slow, allow_short, &mut patience);
            fast.iter().zip(&*slow).map(want).collect()
        }
        Strategy::RsiReversion { period, low, high, allow_short } => {
            let index = shelf.get(rows, Kind::Rsi(period));
            let mut patience = Patience::default();
            index.iter().map(|index| reversion(*index, (low, high), allow_short, &mut patience)).collect()
        }
        Strategy::DonchianBreakout { .. } | Strategy::BuyAndHold { .. } => {
            let mut watcher = Watcher::new(strategy);
            rows.iter().map(|row| watcher.next(row)).collect()
        }
    }
}

/// Whether everything was known before.
#[derive(Default)]
struct Patience(bool);

impl Patience {
    /// Whether something may be wanted at a bar at which everything is known, or not.
    fn is_over(&mut self, is_known: bool) -> bool {
        let was_known = self.0;
        self.0 |= is_known;
        was_known
    }
}

fn cross(fast: f64, slow: f64, allow_short: bool, patience: &mut Patience) -> Target {
    if !patience.is_over(fast.is_finite() && slow.is_finite()) {
        return Target::Keep;
    }
    match fast > slow {
        true => Target::Long,
        false if allow_short && fast < slow => Target::Short,
        false => Target::Flat,
    }
}

fn reversion(index: f64, (low, high): (f64, f64), allow_short: bool, patience: &mut Patience) -> Target {
    if !patience.is_over(index.is_finite()) {
        return Target::Keep;
    }
    match index {
        index if index < low => Target::Long,
        index if index > high && allow_short => Target::Short,
        index if index > high => Target::Flat,
        _ => Target::Keep,
    }
}

/// A strategy that looks at bars as they come. It keeps no more than its longest window.
pub struct Watcher {
    patience: Patience,
    series: Series,
}

/// What a strategy looks at.
enum Series {
    Cross { fast: Sma, slow: Sma, allow_short: bool },
    Reversion { index: Rsi, bounds: (f64, f64), allow_short: bool },
    Breakout(Box<Channel>),
    Always,
}

/// Channels of a breakout, and what is held.
struct Channel {
    above: Extreme,
    below: Extreme,
    cover: Extreme,
    leave: Extreme,
    allow_short: bool,
    held: Target,
}

impl Watcher {
    /// One that has seen nothing yet.
    pub fn new(strategy: &Strategy) -> Self {
        let series = match *strategy {
            Strategy::SmaCross { fast, slow, allow_short } => {
                Series::Cross { fast: Sma::new(fast), slow: Sma::new(slow), allow_short }
            }
            Strategy::RsiReversion { period, low, high, allow_short } => {
                Series::Reversion { index: Rsi::new(period), bounds: (low, high), allow_short }
            }
            Strategy::DonchianBreakout { entry, exit, allow_short } => Series::Breakout(Box::new(Channel {
                above: Extreme::highest(entry),
                below: Extreme::lowest(entry),
                cover: Extreme::highest(exit),
                leave: Extreme::lowest(exit),
                allow_short,
                held: Target::Flat,
            })),
            Strategy::BuyAndHold { .. } => Series::Always,
        };
        Self { patience: Patience::default(), series }
    }

    /// What it wants at the close of the next bar.
    pub fn next(&mut self, row: &Row) -> Target {
        let close = row.1[CLOSE];
        match &mut self.series {
            Series::Cross { fast, slow, allow_short } => {
                cross(fast.push(close), slow.push(close), *allow_short, &mut self.patience)
            }
            Series::Reversion { index, bounds, allow_short } => {
                reversion(index.push(close), *bounds, *allow_short, &mut self.patience)
            }
            Series::Breakout(channel) => channel.next(row, &mut self.patience),
            Series::Always => Target::Long,
        }
    }
}

impl Channel {
    fn next(&mut self, row: &Row, patience: &mut Patience) -> Target {
        let (high, low, close) = (row.1[HIGH], row.1[LOW], row.1[CLOSE]);
        let (above, below) = (self.above.push(high), self.below.push(low));
        let (cover, leave) = (self.cover.push(high), self.leave.push(low));
        if !patience.is_over(above.is_finite() && leave.is_finite()) {
            return Target::Keep;
        }
        self.held = match self.held {
            _ if close > above => Target::Long,
            _ if self.allow_short && close < below => Target::Short,
            Target::Long if close < leave => Target::Flat,
            Target::Short if close > cover => Target::Flat,
            held => held,
        };
        self.held
    }
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
        let rows = rows(closes);
        let mut watcher = Watcher::new(strategy);
        let watched: Vec<Target> = rows.iter().map(|row| watcher.next(row)).collect();
        assert_eq!(targets(strategy, &rows, &Shelf::default()), watched);
        watched.into_iter().map(letter).collect()
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
