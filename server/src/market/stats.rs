//! What is counted of the market, whatever the source.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::metrics::{Field, Reading, counters};

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

    /// What can be measured of it.
    pub(super) fn readings(stats: &Arc<Self>) -> Vec<Reading> {
        let of = |name, help, read: fn(&Self) -> &AtomicU64| {
            let stats = Arc::clone(stats);
            Reading::counter(name, help, move || read(&stats).load(Ordering::Relaxed))
        };
        let heard = Arc::clone(stats);
        let mut readings = vec![
            of("spark_market_trades_total", "Trades and prints that were taken in.", |s| &s.trades),
            of("spark_market_quotes_total", "Best offers that were taken in.", |s| &s.quotes),
            of("spark_market_ticks_total", "Prices that were published.", |s| &s.ticks),
            of("spark_market_unpublished_total", "Publications that the engine did not take.", |s| {
                &s.unpublished
            }),
            Reading::gauge(
                "spark_market_source_up",
                "1 while the source hears its own feed, else 0.",
                move || {
                    if heard.is_down.load(Ordering::Relaxed) { 0.0 } else { 1.0 }
                },
            ),
        ];
        let refused: [Field<Self>; 2] = [("invalid", |s| &s.refused), ("late", |s| &s.late)];
        readings.extend(counters(
            stats,
            "spark_market_refused_total",
            "What the source said and was passed over: it cannot be right, or its bar was final.",
            "reason",
            refused,
        ));
        let bars: [Field<Self>; 2] = [("forming", |s| &s.bars), ("closed", |s| &s.closed)];
        let help = "States of forming bars that were published, and bars that became final.";
        readings.extend(counters(stats, "spark_market_bars_total", help, "state", bars));
        readings
    }
}
