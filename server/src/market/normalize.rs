//! From prints to typed events: every print is a `price.tick` and a new state of its bar.

use live_core::event::{CandleBar, PriceTick};
use rust_decimal::{Decimal, RoundingStrategy};

use super::decimal::nearest;
use super::{Bar, DAY, Instrument, Print};

/// Decimal places of `changePct`.
const PERCENT_PLACES: u32 = 4;

/// Why a print was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintFault {
    /// The source named an instrument that it does not have.
    #[error("instrument {0} is unknown")]
    Instrument(usize),
    /// A price of zero or below, or a negative quantity.
    #[error("price or quantity is not positive")]
    NotPositive,
    /// The bar is older than the newest one.
    #[error("bar at {0} is older than the newest one")]
    Old(i64),
    /// The numbers are larger than any market's.
    #[error("numbers are too large to compute with")]
    Overflow,
}

/// What a print becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalized {
    /// The price.
    pub tick: PriceTick,
    /// Its bar as it stands now.
    pub bar: CandleBar,
    /// The bar, exactly, when this print was its last.
    pub closed: Option<Bar>,
}

/// Keeps the forming bar and the last close of every instrument.
#[derive(Debug)]
pub struct Normalizer {
    states: Vec<State>,
}

#[derive(Debug)]
struct State {
    symbol: Box<str>,
    /// The newest bar of the history, where the instrument starts (over).
    origin: Option<Bar>,
    last_closed: Option<Bar>,
    forming: Option<Bar>,
}

impl Normalizer {
    /// A normalizer of a source's instruments, in the source's order.
    pub fn new(instruments: &[Instrument]) -> Self {
        let state = |instrument: &Instrument| {
            let origin = instrument.history.last().copied();
            State { symbol: (&*instrument.symbol).into(), origin, last_closed: origin, forming: None }
        };
        Self { states: instruments.iter().map(state).collect() }
    }

    /// Goes back to where the instrument's history ends.
    pub fn restart(&mut self, instrument: usize) {
        if let Some(state) = self.states.get_mut(instrument) {
            state.last_closed = state.origin;
            state.forming = None;
        }
    }

    /// Takes a print in.
    ///
    /// # Errors
    /// When the print cannot be right; nothing has changed then.
    pub fn take(&mut self, print: &Print) -> Result<Normalized, PrintFault> {
        let state = self.states.get_mut(print.instrument).ok_or(PrintFault::Instrument(print.instrument))?;
        if print.price <= Decimal::ZERO || print.quantity < Decimal::ZERO {
            return Err(PrintFault::NotPositive);
        }
        let bar = state.bar_after(print)?;
        // Before there is a close to compare with, a bar is compared with its own open.
        let reference = state.last_closed.map_or(bar.open, |bar| bar.close);
        let change = print.price.checked_sub(reference).ok_or(PrintFault::Overflow)?;
        let percent = change
            .checked_mul(Decimal::ONE_HUNDRED)
            .and_then(|hundredfold| hundredfold.checked_div(reference))
            .ok_or(PrintFault::Overflow)?
            .round_dp_with_strategy(PERCENT_PLACES, RoundingStrategy::MidpointAwayFromZero);
        let tick = PriceTick {
            symbol: state.symbol.clone(),
            price: nearest(print.price),
            bid: None,
            ask: None,
            volume: nearest(bar.volume),
            change: nearest(change),
            change_pct: nearest(percent),
            market_time: bar.open_time,
        };
        let closed = print.closes_bar.then_some(bar);
        let event = state.event(&bar, print.closes_bar);
        if print.closes_bar {
            state.last_closed = Some(bar);
            state.forming = None;
        } else {
            state.forming = Some(bar);
        }
        Ok(Normalized { tick, bar: event, closed })
    }
}

impl State {
    /// The print's bar with the print in it.
    fn bar_after(&self, print: &Print) -> Result<Bar, PrintFault> {
        let Print { price, quantity, open_time, .. } = *print;
        let newest = self.forming.or(self.last_closed).map(|bar| bar.open_time);
        match self.forming {
            Some(bar) if bar.open_time == open_time => Ok(Bar {
                high: bar.high.max(price),
                low: bar.low.min(price),
                close: price,
                volume: bar.volume.checked_add(quantity).ok_or(PrintFault::Overflow)?,
                ..bar
            }),
            _ if newest.is_some_and(|newest| open_time <= newest) => Err(PrintFault::Old(open_time)),
            _ => Ok(Bar { open_time, open: price, high: price, low: price, close: price, volume: quantity }),
        }
    }

    fn event(&self, bar: &Bar, closed: bool) -> CandleBar {
        CandleBar {
            symbol: self.symbol.clone(),
            interval: DAY.into(),
            open_time: bar.open_time,
            open: nearest(bar.open),
            high: nearest(bar.high),
            low: nearest(bar.low),
            close: nearest(bar.close),
            volume: nearest(bar.volume),
            closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn number(text: &str) -> Decimal {
        text.parse().expect("a number")
    }

    fn bar(open_time: i64, prices: [&str; 4], volume: &str) -> Bar {
        let [open, high, low, close] = prices.map(number);
        Bar { open_time, open, high, low, close, volume: number(volume) }
    }

    fn normalizer(history: Vec<Bar>) -> Normalizer {
        let gap = Duration::from_millis(250);
        let instrument = Instrument {
            symbol: "A".into(),
            history,
            skipped_rows: 0,
            print_gap: gap,
            bar_duration: 4 * gap,
        };
        Normalizer::new(&[instrument])
    }

    fn print(open_time: i64, price: &str, quantity: &str, closes_bar: bool) -> Print {
        Print { instrument: 0, price: number(price), quantity: number(quantity), open_time, closes_bar }
    }

    #[test]
    fn prints_build_up_a_bar() {
        let mut normalizer = normalizer(vec![bar(0, ["1", "1", "1", "118.56"], "5")]);
        let first = normalizer.take(&print(1, "120", "10", false)).expect("good");
        assert_eq!((first.tick.change, first.tick.change_pct), (1.44, 1.2146));
        assert_eq!(
            (first.bar.open, first.bar.close, first.bar.closed, first.closed),
            (120.0, 120.0, false, None)
        );
        normalizer.take(&print(1, "118.5", "10", false)).expect("good");
        normalizer.take(&print(1, "132.06", "10", false)).expect("good");
        let last = normalizer.take(&print(1, "130.31", "12", true)).expect("good");
        assert_eq!(last.closed, Some(bar(1, ["120", "132.06", "118.5", "130.31"], "42")));
        assert_eq!((last.tick.volume, last.tick.market_time, last.bar.closed), (42.0, 1, true));
        let next = normalizer.take(&print(2, "130.31", "1", false)).expect("good");
        assert_eq!((next.tick.change, next.tick.change_pct, next.tick.volume), (0.0, 0.0, 1.0));
    }

    #[test]
    fn the_first_bar_of_all_is_compared_with_its_own_open() {
        let mut normalizer = normalizer(Vec::new());
        assert_eq!(normalizer.take(&print(1, "10", "1", false)).expect("good").tick.change, 0.0);
        let tick = normalizer.take(&print(1, "9", "1", true)).expect("good").tick;
        assert_eq!((tick.change, tick.change_pct), (-1.0, -10.0));
    }

    #[test]
    fn a_restart_goes_back_to_the_end_of_the_history() {
        let mut normalizer = normalizer(vec![bar(0, ["1", "1", "1", "100"], "5")]);
        normalizer.take(&print(1, "200", "1", true)).expect("good");
        assert_eq!(normalizer.take(&print(1, "200", "1", true)), Err(PrintFault::Old(1)));
        normalizer.restart(0);
        assert_eq!(normalizer.take(&print(1, "150", "1", false)).expect("good").tick.change_pct, 50.0);
    }

    #[test]
    fn prints_that_cannot_be_right_are_refused_and_change_nothing() {
        let mut normalizer = normalizer(vec![bar(5, ["1", "1", "1", "100"], "5")]);
        normalizer.take(&print(6, "100", "1", false)).expect("good");
        assert_eq!(normalizer.take(&print(6, "0", "1", false)), Err(PrintFault::NotPositive));
        assert_eq!(normalizer.take(&print(6, "1", "-1", false)), Err(PrintFault::NotPositive));
        assert_eq!(normalizer.take(&print(4, "1", "1", false)), Err(PrintFault::Old(4)));
        assert_eq!(
            normalizer.take(&Print { instrument: 1, ..print(6, "1", "1", false) }),
            Err(PrintFault::Instrument(1))
        );
        let huge = Print { price: Decimal::MAX, ..print(6, "1", "1", false) };
        assert_eq!(normalizer.take(&huge), Err(PrintFault::Overflow));
        let bar = normalizer.take(&print(6, "101", "1", false)).expect("good").bar;
        assert_eq!((bar.low, bar.high, bar.volume), (100.0, 101.0, 2.0));
    }
}
