//! Everything that a source has of its symbols, also what it has not played yet: what backtests are made of.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use live_core::event::Interval;

use super::aggregate::Book;
use super::replay::{Played, Tape};
use super::{Bar, intervals};

/// Where all bars of a symbol are.
pub trait Library: Send + Sync {
    /// All bars of a symbol in ascending order; `None` when it has none of that length. This takes as long as there are
    /// bars.
    fn bars(&self, symbol: &str, interval: Interval) -> Option<Vec<Bar>>;
}

/// What is played, by symbol.
#[derive(Debug, Default)]
pub struct Tapes(RwLock<BTreeMap<Arc<str>, Arc<Played>>>);

impl Tapes {
    /// Puts what is played of a symbol in, or in place of what was.
    pub fn put(&self, played: &Arc<Played>) {
        let mut tapes = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tapes.insert(Arc::clone(&played.symbol), Arc::clone(played));
    }
}

impl Library for Tapes {
    fn bars(&self, symbol: &str, interval: Interval) -> Option<Vec<Bar>> {
        let played = self.0.read().unwrap_or_else(PoisonError::into_inner).get(symbol).cloned()?;
        if let Some((_, bars)) = played.history.iter().find(|(length, _)| *length == interval) {
            return Some(bars.clone());
        }
        let mut closed = Vec::new();
        let book = match &played.tape {
            Tape::Bars(base, bars) if *base == interval => return Some(bars.clone()),
            Tape::Bars(base, bars) => {
                let mut book = Book::new(*base, 0);
                for bar in bars {
                    // One that does not fit is in no history either.
                    let _ = book.bar(bar, &mut closed);
                }
                book
            }
            Tape::Trades(trades) => {
                let mut book = Book::new(intervals::interval(intervals::STANDARD[0]), 0);
                for trade in trades {
                    let _ = book.trade(trade, &mut closed);
                }
                book
            }
        };
        let is_served = book.intervals().any(|served| served == interval);
        let mut book = book;
        book.finish(&mut closed);
        let of_it = closed.iter().filter(|update| update.interval == interval);
        is_served.then(|| of_it.map(|update| update.bar).collect())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::market::Trade;

    const DAY_MS: i64 = 86_400_000;

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
        assert_eq!(tapes.bars("A", interval("1d")), Some(days));
        assert_eq!(tapes.bars("A", interval("1h")), Some(hours), "a file of its own");
        let weeks = tapes.bars("A", interval("1w")).expect("made of days");
        let shown: Vec<_> =
            weeks.iter().map(|week| (week.open_time / DAY_MS, week.open, week.close)).collect();
        let price = |day: i64| Decimal::from(day + 10);
        assert_eq!(shown, [(4, price(4), price(10)), (11, price(11), price(17)), (18, price(18), price(24))]);
        assert_eq!((tapes.bars("A", interval("1m")), tapes.bars("B", interval("1d"))), (None, None));

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
        let minutes = tapes.bars("A", interval("1m")).expect("made of trades");
        let shown: Vec<_> = minutes.iter().map(|bar| (bar.open_time, bar.high)).collect();
        assert_eq!(shown, [(0, Decimal::from(7)), (60_000, Decimal::from(6))], "the last one too");
        assert_eq!(tapes.bars("A", interval("1d")).map(|days| days.len()), Some(1));
    }
}
