//! Market data: a source yields prints, the normalizer makes typed events of them, the feed publishes those.
//!
//! ```text
//! Source --prints--> Normalizer --price.tick, candles.bar--> Feed --> broker
//!                                `--closed bars-----------------> Market (history over HTTP)
//! ```
//! Behind the [`Source`] trait nobody knows which source it was.

mod decimal;
pub mod exchange;
mod feed;
mod files;
mod history;
pub mod http;
mod lines;
mod normalize;
mod problem;
mod replay;
mod row;
mod trade;
pub mod watch;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use crate::config::{MarketConfig, SourceKind};

pub use self::feed::Feed;
pub use self::files::{Loaded, SymbolFile, load_dir, load_shipped};
pub use self::history::{Market, Page, PageError};
pub use self::normalize::{Normalized, Normalizer, PrintFault};
pub use self::problem::{Fault, RowProblem};
pub use self::replay::Replay;
pub use self::trade::{Quote, Side, Trade};

/// The one interval so far: a day.
pub const DAY: &str = "1d";

/// One closed or forming bar, exactly as the source says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Start of the bar in milliseconds since the Unix epoch, in the market's own time.
    pub open_time: i64,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Volume in the base's units.
    pub volume: Decimal,
}

/// What a source has of one symbol.
#[derive(Clone, Debug)]
pub struct Instrument {
    /// The symbol, fit to be part of a channel's name.
    pub symbol: Arc<str>,
    /// Closed bars before the first print, in ascending order.
    pub history: Vec<Bar>,
    /// Rows or frames of the symbol that were refused while loading.
    pub skipped_rows: u64,
    /// Usual time between two prints.
    pub print_gap: Duration,
    /// Time that a bar takes as it is played, which is not the time that it stands for.
    pub bar_duration: Duration,
}

/// What happens on a source. Instruments are named by their place in [`Source::instruments`].
#[derive(Clone, Debug, PartialEq)]
pub enum SourceEvent {
    /// A trade, or what stands for one.
    Print(Print),
    /// The instrument starts over with its history: what was said of it since is void.
    Restart {
        /// Place of the instrument.
        instrument: usize,
    },
}

/// One trade, before anybody has looked at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Print {
    /// Place of the instrument.
    pub instrument: usize,
    /// Price.
    pub price: Decimal,
    /// How much was traded, in the base's units.
    pub quantity: Decimal,
    /// Start of the bar that it belongs to, in milliseconds since the Unix epoch.
    pub open_time: i64,
    /// Whether it is the last one of its bar.
    pub closes_bar: bool,
}

/// A feed of prints.
pub trait Source: Send + Sync {
    /// Its name as in the settings.
    fn name(&self) -> &'static str;

    /// What it has, in an order that stays.
    fn instruments(&self) -> Vec<Instrument>;

    /// Waits for the next events and appends them to `out`.
    ///
    /// # Cancel safety
    /// An event is either appended or still to come; dropping the future loses none.
    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>)
    -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
}

/// Opens the source that the settings name. What was wrong with its files comes back beside it.
///
/// # Errors
/// When the folder of files cannot be read.
pub fn open(config: &MarketConfig) -> std::io::Result<(Box<dyn Source>, Vec<RowProblem>)> {
    let SourceKind::Replay = config.source;
    let loaded = match &config.data_dir {
        Some(dir) => load_dir(dir)?,
        None => load_shipped(),
    };
    Ok((Box::new(Replay::new(loaded.files, config.replay_speed)), loaded.problems))
}
