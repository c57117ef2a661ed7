//! What is counted of the market, whatever the source.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct MarketStats {
    /// Trades and prints that were taken in.
    pub trades: AtomicU64,
    /// Best offers that were taken in.
    pub quotes: AtomicU64,
    /// What the source said and cannot be right.
    pub refused: AtomicU64,
    /// Trades that came after their bars were final.
    pub late: AtomicU64,
    /// Prices that were published.
    pub ticks: AtomicU64,
    /// Forming bars that were published.
    pub bars: AtomicU64,
    /// Bars that became final.
    pub closed: AtomicU64,
    /// Publications that the engine did not take.
    pub unpublished: AtomicU64,
    /// The source has lost its own feed.
    pub is_down: AtomicBool,
}

impl MarketStats {
    /// Counts one more, and says whether a log should tell of it: the first, the second, the fourth and so on, so that
    /// what comes a thousand times a second is told of ten times.
    pub(super) fn count(counter: &AtomicU64) -> bool {
        (counter.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two()
    }
}
