//! Where prices come from.

use std::path::PathBuf;

use live_core::event::is_symbol;

use super::reader::Reader;
use crate::market::exchange::Urls;

/// Most symbols that are taken from an exchange.
const SYMBOLS_MAX: usize = 1_000;

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// History played as live prices and bars.
    Replay,
    /// A random walk.
    Synthetic,
    /// The exchange Binance.
    Binance,
    /// The exchange Coinbase.
    Coinbase,
    /// The exchange Kraken.
    Kraken,
}

impl SourceKind {
    /// Every kind, by the name that the setting has for it.
    pub const ALL: [(&'static str, Self); 5] = [
        ("replay", Self::Replay),
        ("synthetic", Self::Synthetic),
        ("binance", Self::Binance),
        ("coinbase", Self::Coinbase),
        ("kraken", Self::Kraken),
    ];
}

/// The section `market`.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// Which source runs.
    pub source: SourceKind,
    /// A folder of files of one's own; `None` is the shipped data.
    pub data_dir: Option<PathBuf>,
    /// Bars a second of the replay; of trades, how much faster than they were made.
    pub replay_speed: f64,
    /// Symbols of the exchange; empty is its usual ones.
    pub symbols: Vec<String>,
    /// Another address that speaks the exchange's protocol.
    pub exchange_url: Option<Urls>,
    /// Symbols of the source `synthetic`.
    pub synthetic_symbols: usize,
    /// Its trades a second, of all symbols together.
    pub synthetic_rate: u32,
    /// Where its random walk begins.
    pub synthetic_seed: u64,
    /// Most closed bars that are kept of an interval of a live source.
    pub history_bars: usize,
}

impl MarketConfig {
    pub(super) fn read(reader: &mut Reader) -> Option<Self> {
        let source = reader.choice("market.source", &SourceKind::ALL);
        let data_dir =
            reader.text("market.data_dir").map(|text| (!text.is_empty()).then(|| PathBuf::from(text)));
        let replay_speed = reader.number("market.replay_speed", 0.01..=1_000.0);
        if let Some(Some(dir)) = &data_dir
            && !dir.is_dir()
        {
            reader.complain("market.data_dir", &format!("{} is not a folder", dir.display()));
        }
        let symbols = read_symbols(reader);
        let exchange_url = read_url(reader);
        let synthetic_symbols = reader.size("market.synthetic_symbols", 1..=10_000);
        let synthetic_rate = reader.integer("market.synthetic_rate", 1..=100_000);
        let synthetic_seed = reader.integer("market.synthetic_seed", 0..=u64::MAX >> 11);
        let history_bars = reader.size("market.history_bars", 10..=1_000_000);
        Some(Self {
            source: source?,
            data_dir: data_dir?,
            replay_speed: replay_speed?,
            symbols: symbols?,
            exchange_url: exchange_url?,
            synthetic_symbols: synthetic_symbols?,
            synthetic_rate: synthetic_rate? as u32,
            synthetic_seed: synthetic_seed?,
            history_bars: history_bars?,
        })
    }
}

fn read_symbols(reader: &mut Reader) -> Option<Vec<String>> {
    let symbols = reader.list("market.symbols")?;
    let bad = symbols.iter().find(|symbol| !is_symbol(symbol.as_bytes()));
    let problem = match bad {
        Some(bad) => format!("{bad:?} is not a symbol: letters, digits, '_' and '-', joined by dots"),
        None if symbols.len() > SYMBOLS_MAX => format!("has more than {SYMBOLS_MAX} symbols"),
        None => return Some(symbols),
    };
    reader.complain("market.symbols", &problem);
    None
}

fn read_url(reader: &mut Reader) -> Option<Option<Urls>> {
    let text = reader.text("market.exchange_url")?;
    if text.is_empty() {
        return Some(None);
    }
    Urls::parse(&text)
        .map(Some)
        .map_err(|fault| reader.complain("market.exchange_url", &fault.to_string()))
        .ok()
}
