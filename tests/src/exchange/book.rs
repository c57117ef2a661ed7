//! What an exchange knows: the trades that were made, and the bars of the past.

use std::collections::BTreeMap;

/// One trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Print {
    /// Its number; those of a symbol ascend by one.
    pub id: u64,
    /// Milliseconds since the Unix epoch, by the exchange's clock.
    pub time: i64,
    /// Price, as it is sent.
    pub price: String,
    /// Amount, as it is sent.
    pub quantity: String,
    /// Whether the taker sold; every other one.
    pub is_sale: bool,
}

/// One bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candle {
    /// Milliseconds since the Unix epoch.
    pub open_time: i64,
    /// Open, high, low, close and volume, as they are sent.
    pub values: [String; 5],
    /// Whether it is final.
    pub is_closed: bool,
}

impl Candle {
    /// A bar of these values: open, high, low, close and volume.
    #[must_use]
    pub fn new(open_time: i64, values: [&str; 5], is_closed: bool) -> Self {
        Self { open_time, values: values.map(str::to_owned), is_closed }
    }
}

/// All symbols of an exchange.
#[derive(Debug, Default)]
pub struct Book {
    tapes: BTreeMap<String, Vec<Print>>,
    next: BTreeMap<String, u64>,
    candles: BTreeMap<(String, String), BTreeMap<i64, Candle>>,
}

impl Book {
    /// A trade is made.
    pub(super) fn print(&mut self, symbol: &str, time: i64, price: &str, quantity: &str) -> Print {
        let next = self.next.entry(symbol.to_owned()).or_insert(1);
        let tape = self.tapes.entry(symbol.to_owned()).or_default();
        // Not more than two in a millisecond: answers that begin at a time have only so much room for each.
        let time = tape.last().map_or(time, |last| time.max(last.time + i64::from(next.is_multiple_of(2))));
        let (price, quantity) = (price.to_owned(), quantity.to_owned());
        let print = Print { id: *next, time, price, quantity, is_sale: next.is_multiple_of(2) };
        *next += 1;
        tape.push(print.clone());
        print
    }

    pub(super) fn number_from(&mut self, symbol: &str, id: u64) {
        self.next.insert(symbol.to_owned(), id);
    }

    pub(super) fn candle(&mut self, symbol: &str, interval: &str, candle: &Candle) {
        let candles = self.candles.entry((symbol.to_owned(), interval.to_owned())).or_default();
        candles.insert(candle.open_time, candle.clone());
    }

    /// The trades of a symbol, oldest first.
    #[must_use]
    pub fn tape(&self, symbol: &str) -> &[Print] {
        self.tapes.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// The newest bars of a symbol, oldest first.
    #[must_use]
    pub fn candles(&self, symbol: &str, interval: &str, count: usize) -> Vec<&Candle> {
        let candles = self.candles.get(&(symbol.to_owned(), interval.to_owned()));
        let mut newest: Vec<&Candle> =
            candles.into_iter().flat_map(|candles| candles.values().rev().take(count)).collect();
        newest.reverse();
        newest
    }
}
