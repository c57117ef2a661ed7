//! Market data: a source says what happens, the normalizer makes typed events of it, the feed publishes those.
//!
//! ```text
//! Source --SourceEvent--> Feed --trades--> Normalizer --price.tick, candles.bar--> broker
//!                                            `-- Book --final bars--> Market (history over HTTP)
//! ```
//! Behind the [`Source`] trait nobody knows which source it was.

mod aggregate;
mod decimal;
pub mod exchange;
mod feed;
mod files;
mod history;
pub mod http;
pub mod intervals;
pub mod library;
mod normalize;
mod opening;
mod problem;
mod replay;
pub mod splits;
mod stats;
mod synthetic;
mod trade;
pub mod watch;

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use live_core::event::Interval;
use rust_decimal::Decimal;

use crate::config::{MarketConfig, SourceKind};
use crate::metrics::Reading;

use self::exchange::{Binance, Coinbase, Exchange, ExchangeSource, Kraken, LinkOptions};

pub use self::aggregate::{Book, BookFault, Update};
pub use self::feed::Feed;
pub use self::files::{Content, DataFile, Loaded, is_data_file, load_dir, load_file, load_shipped};
pub use self::history::{Market, Page, PageError, Row};
pub use self::normalize::{MarketFault, Normalizer};
pub use self::opening::Opening;
pub use self::problem::{Fault, RowProblem};
pub use self::replay::{Folder, Replay, played};
pub use self::stats::MarketStats;
pub use self::synthetic::Synthetic;
pub use self::trade::{Quote, Side, Trade};

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
    /// Length of the shortest bars that are made of its trades or prints; longer ones are made of these. `None` where
    /// the source makes all bars itself.
    pub base: Option<Interval>,
    /// How long such a bar waits for late trades, in milliseconds of the market's time.
    pub lateness_ms: i64,
    /// Intervals whose bars the source makes itself.
    pub makes: Vec<Interval>,
    /// Closed bars before the first event, in ascending order; those of the base are made into longer ones.
    pub history: Vec<(Interval, Vec<Bar>)>,
    /// Most closed bars that are kept of an interval; `None` where the source's own end is a bound.
    pub history_max: Option<usize>,
    /// Rows or frames of the symbol that were refused while loading.
    pub skipped_rows: u64,
    /// Usual time between two prints.
    pub print_gap: Duration,
    /// How much faster than in the market time passes here; 1 for what is live.
    pub speed: f64,
}

/// What happens on a source. Instruments are named by their place in [`Source::instruments`], those that joined later
/// by the next ones.
#[derive(Clone, Debug)]
pub enum SourceEvent {
    /// A trade.
    Trade {
        /// Place of the instrument.
        instrument: usize,
        /// The trade.
        trade: Trade,
    },
    /// What stands for a trade where only bars are known.
    Print(Print),
    /// The best offers have changed.
    Quote {
        /// Place of the instrument.
        instrument: usize,
        /// Both offers.
        quote: Quote,
    },
    /// A bar that the source makes itself.
    Made(Made),
    /// What is known of a forming bar that began before the first trade, that trade and others perhaps among it; or of
    /// the bar before that one.
    Seed(Made),
    /// No trade of the instrument comes before it starts over: every bar is final.
    End {
        /// Place of the instrument.
        instrument: usize,
    },
    /// The instrument starts over with its history: what was said of it since is void.
    Restart {
        /// Place of the instrument.
        instrument: usize,
    },
    /// An instrument joins at the next place, or takes the place of the one that is there.
    Joined {
        /// Its place.
        place: usize,
        /// What there is of it.
        instrument: Box<Opening>,
    },
    /// The source has lost its own feed, or has it again.
    Link {
        /// Whether it hears everything.
        is_up: bool,
        /// Why, for people.
        reason: Cow<'static, str>,
    },
}

/// One trade of a bar of which only a few prices are known, before anybody has looked at it.
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

/// A bar of the source's own making, before anybody has looked at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Made {
    /// Place of the instrument.
    pub instrument: usize,
    /// Its length.
    pub interval: Interval,
    /// The bar.
    pub bar: Bar,
    /// Whether it is final.
    pub is_closed: bool,
}

/// A future that borrows from whom it was asked.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A feed of what happens on a market.
pub trait Source: Send + Sync {
    /// Its name as in the settings.
    fn name(&self) -> &'static str;

    /// What it has, in an order that stays.
    fn instruments(&self) -> Vec<Instrument>;

    /// Waits for the next events and appends them to `out`.
    ///
    /// # Cancel safety
    /// An event is either appended or still to come; dropping the future loses none.
    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>) -> Waiting<'a, ()>;

    /// The market's time of now at an instrument, in milliseconds since the Unix epoch, where it passes without events
    /// too: bars close by it. `None` where only events move it.
    fn clock(&self, _instrument: usize) -> Option<i64> {
        None
    }

    /// Whether what it says happens now. A price of such a source stays fresh while the source is heard, whether or not
    /// there are trades.
    fn is_live(&self) -> bool {
        false
    }

    /// What can be measured of it.
    fn readings(&self) -> Vec<Reading> {
        Vec::new()
    }

    /// Where all bars are, also those that are still to come; `None` where nobody knows these.
    fn library(&self) -> Option<Arc<dyn library::Library>> {
        None
    }

    /// Where older bars are had that [`Source::instruments`] does not bring.
    fn archive(&self) -> Option<Arc<dyn Archive>> {
        None
    }
}

/// History that is fetched when somebody asks for it.
pub trait Archive: Send + Sync {
    /// The newest closed bars of a symbol, in ascending order.
    ///
    /// # Errors
    /// In words for a log, when they cannot be had now.
    fn bars(&self, symbol: &str, interval: Interval) -> Waiting<'_, Result<Vec<Bar>, String>>;
}

/// Opens the source that the settings name. What was wrong with its files comes back beside it. Must be called within
/// a runtime.
///
/// # Errors
/// When the folder of files cannot be read, or an exchange has not such symbols.
pub fn open(config: &MarketConfig) -> anyhow::Result<(Box<dyn Source>, Vec<RowProblem>)> {
    let exchange: Arc<dyn Exchange> = match config.source {
        SourceKind::Replay => {
            let Some(dir) = &config.data_dir else {
                let loaded = load_shipped();
                let replay = Replay::new(played(loaded.files), config.replay_speed).knowing(loaded.splits);
                return Ok((Box::new(replay), loaded.problems));
            };
            let (folder, loaded) = Folder::open(dir.clone())
                .with_context(|| format!("read the folder of data files {}", dir.display()))?;
            let replay = Replay::new(played(loaded.files), config.replay_speed);
            return Ok((Box::new(replay.knowing(loaded.splits).watching(folder)), loaded.problems));
        }
        SourceKind::Synthetic => return Ok((Box::new(Synthetic::new(config)), Vec::new())),
        SourceKind::Binance => Arc::new(Binance),
        SourceKind::Coinbase => Arc::new(Coinbase),
        SourceKind::Kraken => Arc::new(Kraken),
    };
    let symbols = match &config.symbols[..] {
        [] => exchange.usual_symbols().iter().map(|&symbol| symbol.to_owned()).collect(),
        named => named.to_vec(),
    };
    let options = LinkOptions { symbols, urls: config.exchange_url.clone(), ..LinkOptions::default() };
    let source = ExchangeSource::open(exchange, options, config.history_bars).context("open the exchange")?;
    Ok((Box::new(source), Vec::new()))
}
