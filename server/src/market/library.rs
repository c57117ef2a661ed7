//! Everything that a source has of its symbols, also what it has not played yet: what backtests are made of. Unlike what
//! is played it is adjusted for splits.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use live_core::event::Interval;

use super::aggregate::Book;
use super::files::Loaded;
use super::replay::{Played, Tape, played};
use super::splits::{Factors, Split, Splits};
use super::{Bar, Row, Trade, Update, intervals};

/// Where all bars of a symbol are.
pub trait Library: Send + Sync {
    /// All bars of a symbol in ascending order, in units of after its last split; `None` when it has none of that length.
    fn bars(&self, symbol: &str, interval: Interval) -> Option<Bars>;
}

/// Bars in ascending order, where they are, adjusted for splits when they are read.
pub struct Bars {
    held: Held,
    /// What they are still to be adjusted by.
    factors: Factors,
    /// What they are adjusted by once they are read.
    splits: Vec<Split>,
}

/// Where they are.
enum Held {
    /// What is played.
    Tape(Arc<Played>),
    /// A file of its own beside what is played, by its number.
    Beside(Arc<Played>, usize),
    /// Made of others for whoever asked.
    Made(Vec<Bar>),
    /// Closed ones of a source that has no end, as they are handed out.
    Closed(Vec<Row>),
}

impl Bars {
    /// Closed bars of a source that has no end.
    pub fn closed(rows: Vec<Row>) -> Self {
        Self { held: Held::Closed(rows), factors: Factors::default(), splits: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.held {
            Held::Closed(rows) => rows.len(),
            _ => self.bars().len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first one that begins at a time or later, in milliseconds since the Unix epoch; their number where there is none.
    pub fn first_from(&self, time: i64) -> usize {
        match &self.held {
            Held::Closed(rows) => rows.partition_point(|row| row.0 < time),
            _ => self.bars().partition_point(|bar| bar.open_time < time),
        }
    }

    /// Those of a range of numbers, as they come.
    pub fn rows(&self, range: Range<usize>) -> impl Iterator<Item = Row> {
        range.filter_map(|at| match &self.held {
            Held::Closed(rows) => rows.get(at).copied(),
            _ => self.bars().get(at).map(|bar| Row::of(&self.factors.adjusted(*bar))),
        })
    }

    /// The splits that bars from a time on are adjusted for, also those after the last of them.
    pub fn splits_after(&self, time: i64) -> &[Split] {
        &self.splits[self.splits.partition_point(|split| split.time <= time)..]
    }

    /// Each as it is, in exact decimals.
    #[cfg(test)]
    pub fn exact(&self) -> Vec<Bar> {
        self.bars().iter().map(|bar| self.factors.adjusted(*bar)).collect()
    }

    fn bars(&self) -> &[Bar] {
        match &self.held {
            Held::Tape(played) => match &played.tape {
                Tape::Bars(_, bars) => bars,
                Tape::Trades(_) => &[],
            },
            Held::Beside(played, at) => played.history.get(*at).map_or(&[], |(_, bars)| bars),
            Held::Made(bars) => bars,
            Held::Closed(_) => &[],
        }
    }
}

/// What is played, by symbol, and the splits that have to be thought of.
#[derive(Debug, Default)]
pub struct Tapes {
    played: RwLock<BTreeMap<Arc<str>, Arc<Played>>>,
    splits: RwLock<Arc<Splits>>,
}

impl Tapes {
    /// Of what was read of files, without playing it.
    pub fn of(loaded: Loaded) -> Self {
        let tapes = Self::default();
        played(loaded.files).into_iter().for_each(|played| tapes.put(&Arc::new(played)));
        tapes.set_splits(loaded.splits.unwrap_or_default());
        tapes
    }

    /// Puts what is played of a symbol in, or in place of what was.
    pub fn put(&self, played: &Arc<Played>) {
        let mut tapes = self.played.write().unwrap_or_else(PoisonError::into_inner);
        tapes.insert(Arc::clone(&played.symbol), Arc::clone(played));
    }

    /// Puts splits in place of those that were known. Who asks from now on has bars by these.
    pub fn set_splits(&self, splits: Splits) {
        *self.splits.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(splits);
    }
}

impl Library for Tapes {
    fn bars(&self, symbol: &str, interval: Interval) -> Option<Bars> {
        let played = self.played.read().unwrap_or_else(PoisonError::into_inner).get(symbol).cloned()?;
        let known = Arc::clone(&self.splits.read().unwrap_or_else(PoisonError::into_inner));
        let (factors, splits) = (known.factors(symbol), known.of(symbol).to_vec());
        if let Some(at) = played.history.iter().position(|(length, _)| *length == interval) {
            return Some(Bars { held: Held::Beside(played, at), factors, splits });
        }
        // Adjusted before they are put together: a longer bar may hold a split.
        let made = match &played.tape {
            Tape::Bars(base, _) if *base == interval => {
                return Some(Bars { held: Held::Tape(played), factors, splits });
            }
            Tape::Bars(base, bars) => {
                bars_of_bars(*base, bars.iter().map(|bar| factors.adjusted(*bar)), interval)
            }
            Tape::Trades(trades) => {
                bars_of_trades(trades.iter().map(|trade| factors.adjusted_trade(*trade)), interval)
            }
        };
        made.map(|bars| Bars { held: Held::Made(bars), factors: Factors::default(), splits })
    }
}

fn bars_of_bars(base: Interval, bars: impl Iterator<Item = Bar>, interval: Interval) -> Option<Vec<Bar>> {
    let mut closed = Vec::new();
    let mut book = Book::new(base, 0);
    for bar in bars {
        // One that does not fit is in no history either.
        let _ = book.bar(&bar, &mut closed);
    }
    finished(book, closed, interval)
}

fn bars_of_trades(trades: impl Iterator<Item = Trade>, interval: Interval) -> Option<Vec<Bar>> {
    let mut closed = Vec::new();
    let mut book = Book::new(intervals::interval(intervals::STANDARD[0]), 0);
    for trade in trades {
        let _ = book.trade(&trade, &mut closed);
    }
    finished(book, closed, interval)
}

/// The bars of one length, the last one too.
fn finished(mut book: Book, mut closed: Vec<Update>, interval: Interval) -> Option<Vec<Bar>> {
    let is_served = book.intervals().any(|served| served == interval);
    book.finish(&mut closed);
    let of_it = closed.iter().filter(|update| update.interval == interval);
    is_served.then(|| of_it.map(|update| update.bar).collect())
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::market::load_shipped;

    const DAY_MS: i64 = 86_400_000;

    fn all(tapes: &Tapes, symbol: &str, interval: Interval) -> Option<Vec<Bar>> {
        tapes.bars(symbol, interval).map(|bars| bars.exact())
    }

    fn bar(day: i64) -> Bar {
        let price = Decimal::from(day + 10);
        let open_time = day * DAY_MS;
        Bar { open_time, open: price, high: price, low: price, close: price, volume: Decimal::ONE }
    }

    fn interval(name: &str) -> Interval {
        Interval::parse(name).expect("a good name")
    }

    #[test]
    fn bars_that_were_not_played_yet_are_there_too() {
        let tapes = Tapes::default();
        // Monday the 5th of January 1970 is day 4.
        let days: Vec<Bar> = (4..4 + 21).map(bar).collect();
        let hours = vec![Bar { open_time: 3_600_000, ..bar(0) }];
        tapes.put(&Arc::new(Played {
            symbol: "A".into(),
            tape: Tape::Bars(interval("1d"), days.clone()),
            history: vec![(interval("1h"), hours.clone())],
            skipped_rows: 0,
        }));
        assert_eq!(all(&tapes, "A", interval("1d")), Some(days));
        assert_eq!(all(&tapes, "A", interval("1h")), Some(hours), "a file of its own");
        let weeks = all(&tapes, "A", interval("1w")).expect("made of days");
        let shown: Vec<_> =
            weeks.iter().map(|week| (week.open_time / DAY_MS, week.open, week.close)).collect();
        let price = |day: i64| Decimal::from(day + 10);
        assert_eq!(shown, [(4, price(4), price(10)), (11, price(11), price(17)), (18, price(18), price(24))]);
        assert_eq!((all(&tapes, "A", interval("1m")), all(&tapes, "B", interval("1d"))), (None, None));

        let trade = |time: i64, price: i64| Trade {
            time,
            id: None,
            side: None,
            price: Decimal::from(price),
            quantity: Decimal::ONE,
        };
        tapes.put(&Arc::new(Played {
            symbol: "A".into(),
            tape: Tape::Trades(vec![trade(1_000, 5), trade(1_500, 7), trade(61_000, 6)]),
            history: Vec::new(),
            skipped_rows: 0,
        }));
        let minutes = all(&tapes, "A", interval("1m")).expect("made of trades");
        let shown: Vec<_> = minutes.iter().map(|bar| (bar.open_time, bar.high)).collect();
        assert_eq!(shown, [(0, Decimal::from(7)), (60_000, Decimal::from(6))], "the last one too");
        assert_eq!(all(&tapes, "A", interval("1d")).map(|days| days.len()), Some(1));
    }
    fn splits(of: &[(i64, &str)]) -> Splits {
        let mut splits = Splits::default();
        for (day, ratio) in of {
            let split = Split { time: day * DAY_MS, ratio: ratio.parse().expect("a number") };
            splits.add("A", split).expect("good");
        }
        splits
    }

    /// Open, high, low, close and volume.
    fn numbers(bar: &Bar) -> [String; 5] {
        [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|number| number.normalize().to_string())
    }

    #[test]
    fn a_week_that_holds_a_split_is_made_of_adjusted_days() {
        let tapes = Tapes::default();
        // Two weeks from Monday the 5th, at 14 to 27 a share.
        let days: Vec<Bar> = (4..4 + 14).map(bar).collect();
        let played = |tape, history| Played { symbol: "A".into(), tape, history, skipped_rows: 0 };
        let as_traded = Tape::Bars(interval("1d"), days.clone());
        tapes.put(&Arc::new(played(as_traded, vec![(interval("1h"), days.clone())])));
        tapes.set_splits(splits(&[(6, "2"), (13, "0.5")]));
        // The first week: two days at 14 and 15 before the first split, then five at 16 to 20; all before the second.
        let weeks = all(&tapes, "A", interval("1w")).expect("made of days");
        assert_eq!(numbers(&weeks[0]), ["14", "40", "14", "40", "4.5"]);
        // The second: two days at 21 and 22 before the second split, then five at 23 to 27.
        assert_eq!(numbers(&weeks[1]), ["42", "44", "23", "27", "6"]);
        let closes = |name| -> Vec<String> {
            let bars = all(&tapes, "A", interval(name)).expect("as files have it");
            bars.iter().map(|bar| bar.close.normalize().to_string()).collect()
        };
        let expected = ["14", "15", "32", "34", "36", "38", "40", "42", "44", "23", "24", "25", "26", "27"];
        assert_eq!((closes("1d"), closes("1h")), (expected.map(String::from).to_vec(), closes("1d")));

        // Splits that are known no longer change nothing, and what was read is as it was.
        tapes.set_splits(Splits::default());
        assert_eq!(all(&tapes, "A", interval("1d")), Some(days));
    }

    #[test]
    fn trades_are_adjusted_before_they_make_bars() {
        let tapes = Tapes::default();
        let price = |price: i64, time| Trade {
            time,
            id: None,
            side: None,
            price: Decimal::from(price),
            quantity: Decimal::ONE,
        };
        let tape =
            Tape::Trades(vec![price(30, 4 * DAY_MS), price(33, 5 * DAY_MS - 1), price(10, 5 * DAY_MS)]);
        tapes.put(&Arc::new(Played { symbol: "A".into(), tape, history: Vec::new(), skipped_rows: 0 }));
        tapes.set_splits(splits(&[(5, "3")]));
        let weeks = all(&tapes, "A", interval("1w")).expect("made of trades");
        assert_eq!(weeks.iter().map(numbers).collect::<Vec<_>>(), [["10", "11", "10", "10", "7"]]);
    }

    #[test]
    fn the_shipped_splits_are_no_falls() {
        let tapes = Tapes::of(load_shipped());
        let close = |symbol: &str, day: &str| {
            let day: jiff::civil::Date = day.parse().expect("a day");
            let noon = day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).expect("in range");
            let bars = all(&tapes, symbol, interval("1d")).expect("shipped");
            let open_time = noon.timestamp().as_millisecond() - DAY_MS / 2;
            let bar = bars.iter().find(|bar| bar.open_time == open_time).expect("a day of trade");
            bar.close.normalize().to_string()
        };
        // As traded they are 101.25 and 55.63, 88.99 and 44.86, 48.3 and 24.96.
        for (symbol, before, after) in [
            ("AAPL", "2000-06-20", "2000-06-21"),
            ("AAPL", "2005-02-25", "2005-02-28"),
            ("MSFT", "2003-02-14", "2003-02-18"),
        ] {
            let (before, after) = (close(symbol, before), close(symbol, after));
            let ratio = after.parse::<f64>().expect("a number") / before.parse::<f64>().expect("a number");
            assert!((0.9..1.15).contains(&ratio), "{symbol}: {before} and {after}");
        }
        assert_eq!(
            (close("AAPL", "2000-03-01"), close("IBM", "2000-03-01")),
            ("32.5775".to_owned(), "100.25".to_owned())
        );
    }
}
