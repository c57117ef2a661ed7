//! What is believed of what an exchange says.

use rust_decimal::Decimal;

use super::super::{Bar, Quote, Trade};

/// Largest price: digits enough for any market, and far from where decimals overflow.
const PRICE_MAX: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0); // 10^15
/// Largest amount: 2^53 - 1, the largest integer that the wire carries exactly.
const AMOUNT_MAX: Decimal = Decimal::from_parts(0xFFFF_FFFF, 0x001F_FFFF, 0, false, 0);
/// Latest time, in milliseconds since the Unix epoch: the year 3000.
const TIME_MAX: i64 = 32_503_680_000_000;

/// Whether a trade can have been made: a price and an amount, both above 0.
pub(super) fn is_trade(trade: &Trade) -> bool {
    is_price(trade.price)
        && trade.quantity > Decimal::ZERO
        && trade.quantity <= AMOUNT_MAX
        && is_time(trade.time)
}

/// Whether two offers can stand beside each other.
pub(super) fn is_quote(quote: &Quote) -> bool {
    is_price(quote.bid) && is_price(quote.ask) && quote.bid <= quote.ask && is_time(quote.time)
}

/// Whether a bar can have been: its prices between low and high, its volume not negative.
pub(super) fn is_bar(bar: &Bar) -> bool {
    let is_inside = |price: Decimal| price >= bar.low && price <= bar.high;
    is_price(bar.low)
        && is_price(bar.high)
        && is_inside(bar.open)
        && is_inside(bar.close)
        && bar.volume >= Decimal::ZERO
        && bar.volume <= AMOUNT_MAX
        && is_time(bar.open_time)
}

fn is_price(price: Decimal) -> bool {
    price > Decimal::ZERO && price <= PRICE_MAX
}

fn is_time(time: i64) -> bool {
    (0..=TIME_MAX).contains(&time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trade(price: i64, quantity: i64, time: i64) -> bool {
        is_trade(&Trade { time, id: None, side: None, price: price.into(), quantity: quantity.into() })
    }

    #[test]
    fn a_trade_has_a_price_an_amount_and_a_time() {
        assert!(trade(1, 1, 0) && trade(1_000_000_000_000_000, 9_007_199_254_740_991, TIME_MAX));
        assert!(!trade(0, 1, 0) && !trade(-1, 1, 0) && !trade(1_000_000_000_000_001, 1, 0));
        assert!(!trade(1, 0, 0) && !trade(1, -1, 0) && !trade(1, 9_007_199_254_740_992, 0));
        assert!(!trade(1, 1, -1) && !trade(1, 1, i64::MAX));
    }

    #[test]
    fn offers_do_not_cross_and_bars_hold_their_prices() {
        let quote = |bid: i64, ask: i64| is_quote(&Quote { time: 0, bid: bid.into(), ask: ask.into() });
        assert!(quote(1, 2) && quote(2, 2));
        assert!(!quote(2, 1) && !quote(0, 1) && !quote(-1, 1));
        let bar = |[open, high, low, close, volume]: [i64; 5]| {
            let [open, high, low, close, volume] = [open, high, low, close, volume].map(Decimal::from);
            is_bar(&Bar { open_time: 0, open, high, low, close, volume })
        };
        assert!(bar([2, 3, 1, 2, 0]));
        for bad in [[4, 3, 1, 2, 0], [2, 3, 1, 0, 0], [2, 1, 3, 2, 0], [0, 3, 0, 2, 0], [2, 3, 1, 2, -1]] {
            assert!(!bar(bad), "{bad:?}");
        }
    }
}
