//! What is counted of an exchange.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use crate::metrics::{Field, Reading, counters as labelled};

/// Counts since the start, and a few values of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExchangeStats {
    /// Connections that were opened.
    pub connects: u64,
    /// Connections that could not be opened, or not with all their subscriptions.
    pub connect_failures: u64,
    /// Connections that were lost.
    pub disconnects: u64,
    /// Connections of those that were lost because nothing was heard.
    pub silences: u64,
    /// Connections that were replaced before the exchange ended them.
    pub renewals: u64,
    /// Frames that came.
    pub frames: u64,
    /// Frames that were not what the protocol says.
    pub frames_malformed: u64,
    /// Frames of a kind or symbol that was not asked for.
    pub frames_unknown: u64,
    /// Refusals and errors in the exchange's words.
    pub errors_told: u64,
    /// Trades that were passed on.
    pub trades: u64,
    /// Trades that were not believed: a price or an amount that is not above 0.
    pub trades_refused: u64,
    /// Trades that had come before.
    pub trades_repeated: u64,
    /// Trades that were missed and could be fetched; counted among `trades` as well.
    pub trades_filled: u64,
    /// Trades that were missed and could not be had.
    pub trades_lost: u64,
    /// Times that numbers of trades were missing.
    pub gaps: u64,
    /// Times that the numbers of a symbol's trades began again.
    pub restarts: u64,
    /// Best offers that were passed on.
    pub quotes: u64,
    /// Best offers that were not believed.
    pub quotes_refused: u64,
    /// Bars that were passed on.
    pub bars: u64,
    /// Bars that were not believed.
    pub bars_refused: u64,
    /// REST requests that were sent.
    pub requests: u64,
    /// REST requests that failed, bans among them.
    pub requests_failed: u64,
    /// Times that the exchange said there were too many requests.
    pub bans: u64,
    /// The exchange's clock less ours, in milliseconds; 0 until it is known.
    pub clock_offset_ms: i64,
}

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// The same while it is counted.
        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: AtomicU64,)*
            pub(super) clock_offset_ms: AtomicI64,
            pub(super) is_clock_known: AtomicBool,
        }

        impl Counters {
            /// The counts of now.
            pub(super) fn stats(&self) -> ExchangeStats {
                ExchangeStats {
                    $($name: self.$name.load(Ordering::Relaxed),)*
                    clock_offset_ms: self.clock_offset_ms.load(Ordering::Relaxed),
                }
            }
        }
    };
}

counters!(
    connects,
    connect_failures,
    disconnects,
    silences,
    renewals,
    frames,
    frames_malformed,
    frames_unknown,
    errors_told,
    trades,
    trades_refused,
    trades_repeated,
    trades_filled,
    trades_lost,
    gaps,
    restarts,
    quotes,
    quotes_refused,
    bars,
    bars_refused,
    requests,
    requests_failed,
    bans,
);

/// A name, its help, its label, and the label's values with their counters.
type Family = (&'static str, &'static str, &'static str, &'static [Field<Counters>]);

/// How far ahead of the exchange's clock a time may be: it is not known to the millisecond.
const AHEAD_MS: i64 = 10_000;
/// What is measured of an exchange.
const FAMILIES: [Family; 7] = [
    (
        "spark_exchange_connections_total",
        "Connections to the exchange, by what became of them.",
        "outcome",
        &[
            ("opened", |c| &c.connects),
            ("failed", |c| &c.connect_failures),
            ("lost", |c| &c.disconnects),
            ("silent", |c| &c.silences),
            ("renewed", |c| &c.renewals),
        ],
    ),
    (
        "spark_exchange_frames_total",
        "Frames from the exchange: all, and those of them that said nothing.",
        "kind",
        &[
            ("all", |c| &c.frames),
            ("malformed", |c| &c.frames_malformed),
            ("unknown", |c| &c.frames_unknown),
            ("refusal", |c| &c.errors_told),
        ],
    ),
    (
        "spark_exchange_trades_total",
        "Trades of the exchange. Those that were filled in are among those that were passed on.",
        "outcome",
        &[
            ("passed", |c| &c.trades),
            ("filled", |c| &c.trades_filled),
            ("refused", |c| &c.trades_refused),
            ("repeated", |c| &c.trades_repeated),
            ("lost", |c| &c.trades_lost),
        ],
    ),
    (
        "spark_exchange_gaps_total",
        "Times that numbers of trades were missing, or began again.",
        "kind",
        &[("missing", |c| &c.gaps), ("restarted", |c| &c.restarts)],
    ),
    (
        "spark_exchange_quotes_total",
        "Best offers of the exchange.",
        "outcome",
        &[("passed", |c| &c.quotes), ("refused", |c| &c.quotes_refused)],
    ),
    (
        "spark_exchange_bars_total",
        "Bars of the exchange's own making.",
        "outcome",
        &[("passed", |c| &c.bars), ("refused", |c| &c.bars_refused)],
    ),
    (
        "spark_exchange_requests_total",
        "REST requests to the exchange: all, and those of them that failed.",
        "kind",
        &[("all", |c| &c.requests), ("failed", |c| &c.requests_failed)],
    ),
];

impl Counters {
    /// The latest time of something that is believed, by the exchange's clock; the end of time until that is known.
    pub(super) fn latest(&self) -> i64 {
        let offset = self.clock_offset_ms.load(Ordering::Relaxed);
        let is_known = self.is_clock_known.load(Ordering::Acquire);
        if is_known { super::rest::unix_ms().saturating_add(offset + AHEAD_MS) } else { i64::MAX }
    }

    /// What can be measured of it.
    pub(super) fn readings(counters: &Arc<Self>) -> Vec<Reading> {
        let family = |(name, help, label, fields): &Family| {
            labelled(counters, name, help, label, fields.iter().copied())
        };
        let mut readings: Vec<Reading> = FAMILIES.iter().flat_map(family).collect();
        let of = Arc::clone(counters);
        let offset = move || of.clock_offset_ms.load(Ordering::Relaxed) as f64 / 1_000.0;
        let help = "The exchange's clock less ours, in seconds; 0 until it is known.";
        let bans = Arc::clone(counters);
        readings.push(Reading::counter(
            "spark_exchange_bans_total",
            "Times that the exchange said there were too many requests.",
            move || bans.bans.load(Ordering::Relaxed),
        ));
        readings.push(Reading::gauge("spark_exchange_clock_offset_seconds", help, offset));
        readings
    }
}

/// Counts one more, and says whether a log should tell of it: the first, the second, the fourth and so on, so that
/// what comes a thousand times a second is told of ten times.
pub(super) fn count(counter: &AtomicU64) -> bool {
    (counter.fetch_add(1, Ordering::Relaxed) + 1).is_power_of_two()
}

/// Counts several more, up to what there is room for: of numbers that skip far ahead all between count as lost.
pub(super) fn count_many(counter: &AtomicU64, more: u64) {
    let sum = |before: u64| Some(before.saturating_add(more));
    let _always = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_stays_at_its_largest() {
        let counters = Counters::default();
        count_many(&counters.trades_lost, 3);
        count_many(&counters.trades_lost, u64::MAX - 1);
        assert_eq!(counters.stats().trades_lost, u64::MAX);
    }

    #[test]
    fn what_comes_often_is_told_of_ever_less() {
        let counters = Counters::default();
        let told: Vec<u64> =
            (1..=100).filter(|_| count(&counters.frames)).map(|_| counters.stats().frames).collect();
        assert_eq!(told, [1, 2, 4, 8, 16, 32, 64]);
    }
}
