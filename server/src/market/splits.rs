//! Splits: from a day on a share is several, or a part of one, at a price to match.
//!
//! Prices and volumes stay as they were traded wherever they are shown. A backtest would take a split for a loss, or a
//! gain, that nobody had, and so reads what was before it in units of after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Bar, Trade};

/// Most that a symbol's splits multiply to, each counted in the direction above 1: with prices and volumes of any file
/// their products and quotients stay far from where decimals overflow.
pub const PRODUCT_MAX: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);

/// One split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// The first moment after it, in milliseconds since the Unix epoch: midnight (UTC) of the day from which on is traded
    /// in new units, as the open times of bars count days.
    pub time: i64,
    /// New units for an old one, above zero: 2 where each share became two, 0.1 where ten became one.
    pub ratio: Decimal,
}

/// Why a split is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitFault {
    /// The ratio is not above zero.
    #[error("the ratio is not above zero")]
    NotAboveZero,
    /// The symbol has one at that time.
    #[error("there is one at that time already")]
    Duplicate,
    /// Together with the symbol's others it is beyond [`PRODUCT_MAX`].
    #[error("the splits together are beyond {PRODUCT_MAX} to 1")]
    TooMuch,
}

/// The splits of all symbols.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Splits(BTreeMap<Arc<str>, Vec<Split>>);

impl Splits {
    /// Adds a split of a symbol, in any order of times.
    ///
    /// # Errors
    /// When it is not one that can be, beside those that are there; nothing has changed then.
    pub fn add(&mut self, symbol: &str, split: Split) -> Result<(), SplitFault> {
        if split.ratio <= Decimal::ZERO {
            return Err(SplitFault::NotAboveZero);
        }
        let known = self.of(symbol);
        let Err(at) = known.binary_search_by_key(&split.time, |known| known.time) else {
            return Err(SplitFault::Duplicate);
        };
        let mut product = Decimal::ONE;
        for Split { ratio, .. } in known.iter().chain([&split]) {
            let factor = if *ratio < Decimal::ONE { Decimal::ONE.checked_div(*ratio) } else { Some(*ratio) };
            let larger = factor.and_then(|factor| product.checked_mul(factor));
            product = larger.filter(|product| *product <= PRODUCT_MAX).ok_or(SplitFault::TooMuch)?;
        }
        self.0.entry(symbol.into()).or_default().insert(at, split);
        Ok(())
    }

    /// Those of a symbol, in ascending order.
    pub fn of(&self, symbol: &str) -> &[Split] {
        self.0.get(symbol).map_or(&[], Vec::as_slice)
    }

    /// All of them, by symbol and time.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Split)> {
        self.0.iter().flat_map(|(symbol, splits)| splits.iter().map(move |split| (&**symbol, split)))
    }

    /// What the bars and trades of a symbol are adjusted by.
    pub fn factors(&self, symbol: &str) -> Factors {
        Factors::of(self.of(symbol))
    }
}

/// What is adjusted for splits: of each, in ascending order, its time and the product of its ratio and all later ones.
#[derive(Clone, Debug, Default)]
pub struct Factors(Vec<(i64, Decimal)>);

impl Factors {
    fn of(splits: &[Split]) -> Self {
        let mut product = Decimal::ONE;
        let mut factors: Vec<(i64, Decimal)> = Vec::with_capacity(splits.len());
        for split in splits.iter().rev() {
            product *= split.ratio;
            factors.push((split.time, product));
        }
        factors.reverse();
        Self(factors)
    }

    /// A bar in the units of after the last split: before one, prices are divided by its ratio and the volume is
    /// multiplied. A bar is before a split when it begins before it.
    pub fn adjusted(&self, bar: Bar) -> Bar {
        let Some(ratio) = self.at(bar.open_time) else { return bar };
        Bar {
            open: bar.open / ratio,
            high: bar.high / ratio,
            low: bar.low / ratio,
            close: bar.close / ratio,
            volume: bar.volume * ratio,
            ..bar
        }
    }

    /// The same of a trade.
    pub fn adjusted_trade(&self, trade: Trade) -> Trade {
        let Some(ratio) = self.at(trade.time) else { return trade };
        Trade { price: trade.price / ratio, quantity: trade.quantity * ratio, ..trade }
    }

    /// What a price at a moment is to be divided by; `None` after the last split.
    fn at(&self, time: i64) -> Option<Decimal> {
        let next = self.0.partition_point(|(split, _)| *split <= time);
        self.0.get(next).map(|(_, ratio)| *ratio)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(time: i64, ratio: &str) -> Split {
        Split { time, ratio: ratio.parse().expect("a number") }
    }

    fn splits(of: &[(i64, &str)]) -> Splits {
        let mut splits = Splits::default();
        for (time, ratio) in of {
            splits.add("A", split(*time, ratio)).expect("good");
        }
        splits
    }

    /// Close and volume of bars of one price and volume, after the splits.
    fn adjusted(splits: &Splits, times: &[i64]) -> Vec<(String, String)> {
        let price = Decimal::new(12_010, 2);
        let bar = |time: &i64| Bar {
            open_time: *time,
            open: price,
            high: price + Decimal::TWO,
            low: price,
            close: price,
            volume: Decimal::from(1_000),
        };
        let factors = splits.factors("A");
        let bars: Vec<Bar> = times.iter().map(|time| factors.adjusted(bar(time))).collect();
        let shown = |number: Decimal| number.normalize().to_string();
        assert!(bars.iter().all(|bar| bar.open == bar.close && bar.low == bar.close && bar.high > bar.close));
        bars.iter().map(|bar| (shown(bar.close), shown(bar.volume))).collect()
    }

    fn check(of: &[(i64, &str)], times: &[i64], expected: &[(&str, &str)]) {
        let found = adjusted(&splits(of), times);
        let found: Vec<_> = found.iter().map(|(price, volume)| (&**price, &**volume)).collect();
        assert_eq!(found, expected, "{of:?}");
    }

    #[test]
    fn what_was_before_a_split_is_in_units_of_after_it() {
        check(&[(5, "2")], &[4, 5, 6], &[("60.05", "2000"), ("120.1", "1000"), ("120.1", "1000")]);
        check(&[(5, "1.5")], &[4, 5], &[("80.06666666666666666666666667", "1500"), ("120.1", "1000")]);
        check(&[(5, "0.1")], &[4, 5], &[("1201", "100"), ("120.1", "1000")]);
        check(&[], &[4], &[("120.1", "1000")]);
    }

    #[test]
    fn several_multiply_in_whatever_order_they_are_told() {
        let expected =
            [("20.016666666666666666666666667", "6000"), ("40.033333333333333333333333333", "3000")];
        let expected = [expected[0], expected[1], ("120.1", "1000")];
        check(&[(5, "2"), (8, "3")], &[4, 7, 8], &expected);
        check(&[(8, "3"), (5, "2")], &[4, 7, 8], &expected);
        check(&[(5, "10"), (8, "0.1")], &[4, 7, 8], &[("120.1", "1000"), ("1201", "100"), ("120.1", "1000")]);
    }

    #[test]
    fn trades_and_other_symbols() {
        let splits = splits(&[(5, "2")]);
        let trade =
            |time| Trade { time, id: None, side: None, price: Decimal::from(5), quantity: Decimal::from(3) };
        let of = |symbol| [4, 5].map(|time| splits.factors(symbol).adjusted_trade(trade(time)));
        assert_eq!(of("B"), [trade(4), trade(5)]);
        let before = Trade { price: Decimal::new(25, 1), quantity: Decimal::from(6), ..trade(4) };
        assert_eq!(of("A"), [before, trade(5)]);
        assert_eq!((splits.of("A").len(), splits.of("B").len(), splits.iter().count()), (1, 0, 1));
    }

    #[test]
    fn one_that_cannot_be_is_refused() {
        let mut known = splits(&[(5, "2"), (8, "1000000")]);
        for (time, ratio, fault) in [
            (5, "3", SplitFault::Duplicate),
            (6, "0", SplitFault::NotAboveZero),
            (6, "-2", SplitFault::NotAboveZero),
            (6, "501", SplitFault::TooMuch),
            (6, "0.001", SplitFault::TooMuch),
            (6, "79228162514264337593543950335", SplitFault::TooMuch),
            (6, "0.0000000000000000000000000001", SplitFault::TooMuch),
        ] {
            assert_eq!(known.add("A", split(time, ratio)), Err(fault), "{ratio}");
        }
        assert_eq!(known, splits(&[(5, "2"), (8, "1000000")]));
        known.add("A", split(6, "500")).expect("the most");
        let (most, least) = (Decimal::from(10_i64.pow(15)), Decimal::from(9_007_199_254_740_991_i64));
        let bar = Bar { open_time: 0, open: most, high: most, low: most, close: most, volume: least };
        assert_eq!(known.factors("A").adjusted(bar).volume, least * PRODUCT_MAX);
        let mut reverse = Splits::default();
        reverse.add("A", split(5, "0.000000001")).expect("the least");
        assert_eq!(reverse.factors("A").adjusted(bar).close, most * PRODUCT_MAX);
    }
}
