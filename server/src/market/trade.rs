//! What every source says in the end: trades, best offers, and bars of its own making.

use rust_decimal::Decimal;

/// Who took the other's offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Somebody bought at the offered price.
    Buy,
    /// Somebody sold at it.
    Sell,
}

/// One trade, as the source says it; nobody has judged it yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// When it was made, in milliseconds since the Unix epoch, by the source's clock.
    pub time: i64,
    /// The source's number of it, where it numbers them; they ascend.
    pub id: Option<u64>,
    /// Who took the other's offer, where that is known.
    pub side: Option<Side>,
    /// Price.
    pub price: Decimal,
    /// How much was traded, in the base's units.
    pub quantity: Decimal,
}

/// The best offers of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// When they stood, in milliseconds since the Unix epoch, by the source's clock.
    pub time: i64,
    /// Highest price that somebody pays.
    pub bid: Decimal,
    /// Lowest price that somebody takes.
    pub ask: Decimal,
}
