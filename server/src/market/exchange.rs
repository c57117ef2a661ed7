//! A real exchange: its public trades, best offers and bars, as it says them.
//!
//! ```text
//! Exchange (what one says and how)                 ┌─ shard: one connection, gaps, back-fill ─┐
//!        `──────────────▶ Link (what all need) ────┼─ shard                                   ├──▶ ExchangeEvent
//!                           `─ Rest: bars, trades, └─ …                                       ┘
//!                                    clock, bans
//! ```
//! [`Exchange`] is what differs: addresses, limits, frames. [`Link`] is what does not: it connects, subscribes in
//! batches within the limits, comes back with full jitter, renews a connection before the exchange ends it, finds what
//! was missed by the trades' numbers and fetches it, and says when the feed is dead. Nothing that an exchange sends
//! brings it down: what cannot be read or believed is counted and skipped ([`ExchangeStats`]).

mod backoff;
mod binance;
mod clock;
mod coinbase;
mod connection;
mod counters;
mod judge;
mod kraken;
mod lines;
mod link;
mod pace;
mod rest;
mod sequence;
mod shard;
mod source;
mod text;
mod urls;

use std::borrow::Cow;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;

use live_core::event::Interval;

use super::{Bar, Quote, Trade};

pub use self::binance::Binance;
pub use self::coinbase::Coinbase;
pub use self::counters::ExchangeStats;
pub use self::kraken::Kraken;
pub use self::link::{Handle, Link, LinkOptions, OpenFault, Timing};
pub use self::rest::{Fetched, RestFault};
pub use self::source::ExchangeSource;
pub use self::urls::{UrlFault, Urls};

/// What happens on an exchange. Symbols are named by their place in [`LinkOptions::symbols`].
#[derive(Clone, Debug, PartialEq)]
pub enum ExchangeEvent {
    /// A trade. Those of a symbol come in the order of their numbers, none twice; what was missed comes at its place.
    Trade {
        /// Place of the symbol.
        symbol: usize,
        /// The trade; price and amount are above 0.
        trade: Trade,
    },
    /// The best offers have changed.
    Quote {
        /// Place of the symbol.
        symbol: usize,
        /// Both offers; above 0, and the bid is not above the ask.
        quote: Quote,
    },
    /// A bar that the exchange makes itself.
    Bar {
        /// Place of the symbol.
        symbol: usize,
        /// Its length.
        interval: Interval,
        /// The bar.
        bar: Bar,
        /// Whether it is final.
        is_closed: bool,
    },
    /// A connection was lost: of its symbols something may be missed from here on.
    Lost {
        /// Places of the symbols.
        symbols: Range<usize>,
    },
    /// The exchange is heard again, or no more. The first one says how the beginning went.
    Link {
        /// Whether every connection is up and has all its subscriptions.
        is_up: bool,
        /// Why, for people.
        reason: Cow<'static, str>,
    },
}

/// One symbol, by both its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// Ours, as in the channels' names.
    pub name: String,
    /// The exchange's.
    pub native: String,
}

/// What an exchange allows on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most streams on one connection.
    pub streams_per_connection: usize,
    /// Least time between two messages of ours.
    pub message_gap: Duration,
    /// After what time it ends a connection; `None` when it does not.
    pub lifetime: Option<Duration>,
    /// Time after which one more REST request is allowed.
    pub request_gap: Duration,
    /// Most REST requests after a pause without waiting.
    pub request_burst: u32,
}

/// A message that subscribes, and how many acknowledgements are to come for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The message.
    pub frame: String,
    /// Acknowledgements, refusals of single symbols among them.
    pub acknowledgements: usize,
}

/// What a frame says, before anybody has judged it.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// A trade.
    Trade(usize, Trade),
    /// The best offers; their time where the exchange says it.
    Quote(usize, Quote, HasTime),
    /// A bar, and whether it is final.
    Bar(usize, Interval, Bar, bool),
    /// The number of a symbol's newest trade, without the trade.
    NewestTrade(usize, u64),
    /// One subscription is in place.
    Acknowledged,
    /// The exchange refuses something of ours, in its words.
    Refused {
        /// Its words.
        reason: String,
        /// Whether the connection is of no use without what was refused; else it counts as an acknowledgement.
        is_fatal: bool,
    },
    /// It will end the connection soon.
    Goodbye,
    /// It lives.
    Alive,
}

/// Whether the exchange says the time of its offers; where it does not, it is when they came, by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasTime {
    /// It is the exchange's.
    Yes,
    /// It is to be filled in.
    No,
}

/// Why a frame says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// It is not what the protocol says.
    #[error("{0}")]
    Malformed(String),
    /// It may be right, and is nothing that was asked for.
    #[error("a frame of a kind or symbol that was not asked for")]
    Unknown,
}

impl From<serde_json::Error> for FrameFault {
    fn from(fault: serde_json::Error) -> Self {
        Self::Malformed(fault.to_string())
    }
}

/// What is to be fetched of trades that were missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Numbers of the trades, from the oldest.
    pub ids: RangeInclusive<u64>,
    /// When the trade before them was made, in milliseconds since the Unix epoch.
    pub since: i64,
}

/// What one exchange says and how it wants to be asked.
///
/// Addresses of requests are paths with a query, from the base that [`Urls`] has for REST.
pub trait Exchange: fmt::Debug + Send + Sync {
    /// Its name as in the settings.
    fn name(&self) -> &'static str;

    /// Where it is found.
    fn urls(&self) -> Urls;

    /// Path of the socket, from the base.
    fn socket_path(&self) -> &'static str;

    /// Its limits.
    fn limits(&self) -> Limits;

    /// The symbols that are taken where none are named, by our names.
    fn usual_symbols(&self) -> &'static [&'static str];

    /// Its own name of a symbol of ours.
    fn native(&self, symbol: &str) -> String;

    /// The intervals of its own bars that it streams.
    fn has_bars(&self, interval: Interval) -> bool;

    /// Streams that a symbol takes.
    fn streams_per_symbol(&self, bars: &[Interval]) -> usize;

    /// The messages that subscribe to trades, best offers and these bars.
    fn subscribe(&self, symbols: &[&Symbol], bars: &[Interval]) -> Vec<Subscription>;

    /// Reads a frame and appends what it says.
    ///
    /// # Errors
    /// When it is malformed or unknown; what was appended before that stands.
    fn read(&self, frame: &str, symbols: &Directory, out: &mut Vec<Said>) -> Result<(), FrameFault>;

    /// Asks for the time.
    fn time_request(&self) -> String;

    /// What its time is rounded down to, in milliseconds.
    fn time_step_ms(&self) -> i64 {
        1
    }

    /// Reads the time, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When the answer is not what it should be, or says that there were too many requests.
    fn read_time(&self, body: &[u8]) -> Result<i64, RestFault>;

    /// Asks for the newest bars, the forming one among them. `None` when it has none of that interval.
    fn bars_request(&self, symbol: &Symbol, interval: Interval, count: usize) -> Option<String>;

    /// Reads bars, in any order.
    ///
    /// # Errors
    /// As [`Exchange::read_time`].
    fn read_bars(&self, body: &[u8]) -> Result<Vec<Bar>, RestFault>;

    /// Asks for trades; those at either end of `missing` are in the answer, whatever else is.
    fn trades_request(&self, symbol: &Symbol, missing: &Missing) -> String;

    /// Reads trades, in any order.
    ///
    /// # Errors
    /// As [`Exchange::read_time`].
    fn read_trades(&self, body: &[u8]) -> Result<Vec<Trade>, RestFault>;
}

/// Symbols by the exchange's names.
#[derive(Debug)]
pub struct Directory {
    places: rustc_hash::FxHashMap<String, usize>,
}

impl Directory {
    /// These symbols, whose places begin at `first`.
    fn new(symbols: &[Symbol], first: usize) -> Self {
        let place = |(nth, symbol): (usize, &Symbol)| (symbol.native.clone(), first + nth);
        Self { places: symbols.iter().enumerate().map(place).collect() }
    }

    /// Place of a symbol.
    ///
    /// # Errors
    /// When it was not asked for.
    pub fn find(&self, native: &str) -> Result<usize, FrameFault> {
        self.places.get(native).copied().ok_or(FrameFault::Unknown)
    }
}

#[cfg(test)]
mod tests;
