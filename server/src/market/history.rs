//! Closed bars, for history over HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use live_core::channel::ChannelName;
use serde::Serialize;

use super::decimal::nearest;
use super::http::Number;
use super::{Bar, DAY, Instrument};
use crate::hub::ChannelInfo;

/// Least age from which a price or a bar counts as stale.
const STALE_AFTER_MIN: Duration = Duration::from_secs(5);

/// The closed bars of every symbol, up to the source's present and never beyond.
#[derive(Debug)]
pub struct Market {
    source: &'static str,
    symbols: BTreeMap<Arc<str>, Symbol>,
}

#[derive(Debug)]
struct Symbol {
    skipped_rows: u64,
    print_gap: Duration,
    bar_duration: Duration,
    /// Bars of the history that the source began with; a restart goes back to them.
    origin_len: usize,
    bars: RwLock<Vec<Bar>>,
}

/// A symbol as it is listed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    symbol: Box<str>,
    intervals: [&'static str; 1],
    /// How many bars are closed.
    bars: usize,
    /// Open time of the oldest closed bar; null before the first has closed.
    first_time: Option<i64>,
    /// Open time of the newest closed bar.
    last_time: Option<i64>,
    skipped_rows: u64,
    last_close: Option<Number>,
}

/// A page of closed bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The bars in ascending order.
    pub bars: Vec<Bar>,
    /// Open time before which the next page ends; `None` at the oldest bar.
    pub next_before: Option<i64>,
    /// Closed bars in all.
    pub total: usize,
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// There is no such symbol.
    #[error("symbol is not served")]
    Symbol,
    /// The symbol has no bars of that interval.
    #[error("interval is not served")]
    Interval,
}

impl Market {
    /// What a source begins with.
    pub fn new(source: &'static str, instruments: &[Instrument]) -> Self {
        let symbol = |instrument: &Instrument| {
            let symbol = Symbol {
                skipped_rows: instrument.skipped_rows,
                print_gap: instrument.print_gap,
                bar_duration: instrument.bar_duration,
                origin_len: instrument.history.len(),
                bars: RwLock::new(instrument.history.clone()),
            };
            (Arc::clone(&instrument.symbol), symbol)
        };
        Self { source, symbols: instruments.iter().map(symbol).collect() }
    }

    /// Name of the source.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Names of all symbols, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.symbols.keys().map(|name| &**name)
    }

    /// All symbols, in the order of their names.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |(name, symbol): (&Arc<str>, &Symbol)| {
            let bars = symbol.bars.read().unwrap_or_else(PoisonError::into_inner);
            Listed {
                symbol: (&**name).into(),
                intervals: [DAY],
                bars: bars.len(),
                first_time: bars.first().map(|bar| bar.open_time),
                last_time: bars.last().map(|bar| bar.open_time),
                skipped_rows: symbol.skipped_rows,
                last_close: bars.last().map(|bar| Number(nearest(bar.close))),
            }
        };
        self.symbols.iter().map(listed).collect()
    }

    /// The newest `limit` bars that opened before `before`, or the newest of all.
    ///
    /// # Errors
    /// When the symbol or the interval is not served.
    pub fn page(
        &self,
        symbol: &str,
        interval: &str,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Page, PageError> {
        let symbol = self.symbols.get(symbol).ok_or(PageError::Symbol)?;
        if interval != DAY {
            return Err(PageError::Interval);
        }
        let bars = symbol.bars.read().unwrap_or_else(PoisonError::into_inner);
        let end = before.map_or(bars.len(), |before| bars.partition_point(|bar| bar.open_time < before));
        let start = end.saturating_sub(limit);
        let page = bars[start..end].to_vec();
        let next_before = if start > 0 { page.first().map(|bar| bar.open_time) } else { None };
        Ok(Page { bars: page, next_before, total: bars.len() })
    }

    /// Adds a bar that has closed.
    pub(super) fn push(&self, symbol: &str, bar: Bar) {
        if let Some(symbol) = self.symbols.get(symbol) {
            symbol.bars.write().unwrap_or_else(PoisonError::into_inner).push(bar);
        }
    }

    /// Goes back to the history that the source began with.
    pub(super) fn restart(&self, symbol: &str) {
        if let Some(symbol) = self.symbols.get(symbol) {
            symbol.bars.write().unwrap_or_else(PoisonError::into_inner).truncate(symbol.origin_len);
        }
    }
}

/// The channels of the market: `price:<SYMBOL>` and `candles:<SYMBOL>.<interval>`.
impl Market {
    /// What is known of a channel; `None` when it is not served.
    pub fn find(&self, channel: &ChannelName) -> Option<ChannelInfo> {
        let usual = match channel.namespace() {
            "price" => self.symbols.get(channel.path())?.print_gap,
            "candles" => {
                let (symbol, interval) = channel.path().rsplit_once('.')?;
                self.symbols.get(symbol).filter(|_| interval == DAY)?.bar_duration
            }
            _ => return None,
        };
        let stale_after = (usual * 2).max(STALE_AFTER_MIN);
        Some(ChannelInfo { stale_after_ms: Some(stale_after.as_millis() as u64) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn bar(open_time: i64) -> Bar {
        let price = Decimal::from(open_time + 100);
        Bar { open_time, open: price, high: price, low: price, close: price, volume: Decimal::ONE }
    }

    fn market() -> Market {
        let gap = Duration::from_secs(10);
        let instrument = |symbol: &str, bars: i64| Instrument {
            symbol: symbol.into(),
            history: (0..bars).map(bar).collect(),
            skipped_rows: 3,
            print_gap: gap,
            bar_duration: gap * 4,
        };
        Market::new("replay", &[instrument("BRK.B", 5), instrument("A", 0)])
    }

    fn times(market: &Market, before: Option<i64>, limit: usize) -> (Vec<i64>, Option<i64>) {
        let page = market.page("BRK.B", "1d", before, limit).expect("served");
        (page.bars.iter().map(|bar| bar.open_time).collect(), page.next_before)
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest_while_bars_are_added() {
        let market = market();
        assert_eq!(times(&market, None, 2), (vec![3, 4], Some(3)));
        market.push("BRK.B", bar(5));
        assert_eq!(times(&market, Some(3), 2), (vec![1, 2], Some(1)));
        assert_eq!(times(&market, Some(1), 2), (vec![0], None));
        assert_eq!(times(&market, Some(0), 2), (vec![], None));
        assert_eq!(times(&market, None, 6), ((0..6).collect(), None));
        market.restart("BRK.B");
        assert_eq!(times(&market, None, 1), (vec![4], Some(4)));
        assert_eq!(market.page("B", "1d", None, 1), Err(PageError::Symbol));
        assert_eq!(market.page("A", "1m", None, 1), Err(PageError::Interval));
    }

    #[test]
    fn symbols_are_listed_by_name() {
        let listed = serde_json::to_value(market().list()).expect("JSON");
        let expected = serde_json::json!([
            {"symbol": "A", "intervals": ["1d"], "bars": 0, "firstTime": null, "lastTime": null, "skippedRows": 3, "lastClose": null},
            {"symbol": "BRK.B", "intervals": ["1d"], "bars": 5, "firstTime": 0, "lastTime": 4, "skippedRows": 3, "lastClose": 104},
        ]);
        assert_eq!(listed, expected);
    }

    #[test]
    fn the_channels_are_those_of_the_symbols() {
        let market = market();
        let find = |name: &str| {
            market.find(&ChannelName::parse(name).expect("a good name")).and_then(|info| info.stale_after_ms)
        };
        assert_eq!(find("price:BRK.B"), Some(20_000));
        assert_eq!(find("candles:BRK.B.1d"), Some(80_000));
        for name in
            ["price:B", "price:BRK.B.1d", "candles:BRK.B", "candles:BRK.B.1m", "candles:1d", "job:BRK.B"]
        {
            assert_eq!(find(name), None, "{name}");
        }
    }
}
