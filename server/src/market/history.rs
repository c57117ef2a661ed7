//! Closed bars, for history over HTTP, and which channels of the market there are.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use live_core::channel::ChannelName;
use live_core::event::Interval;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::decimal::nearest;
use super::http::Number;
use super::library::{Bars, Library};
use super::normalize::History;
use super::stats::MarketStats;
use super::{Archive, Bar, Instrument, intervals};
use crate::hub::ChannelInfo;
use crate::metrics::Reading;

/// Least age from which a price or a bar counts as stale.
const STALE_AFTER_MIN: Duration = Duration::from_secs(5);
/// How long somebody who asks for history waits for the archive.
const ARCHIVE_PATIENCE: Duration = Duration::from_secs(10);
/// How long an archive that has failed is left alone.
const ARCHIVE_PAUSE: Duration = Duration::from_secs(5);

/// The closed bars of every symbol, up to the source's present and never beyond.
pub struct Market {
    source: &'static str,
    symbols: RwLock<BTreeMap<Arc<str>, Arc<Symbol>>>,
    archive: OnceLock<Arc<dyn Archive>>,
    library: OnceLock<Arc<dyn Library>>,
    stats: Arc<MarketStats>,
}

/// One symbol; its intervals do not change.
#[derive(Debug)]
pub(super) struct Symbol {
    skipped_rows: u64,
    print_gap: Duration,
    speed: f64,
    series: Vec<Series>,
}

/// The closed bars of one interval.
#[derive(Debug)]
struct Series {
    interval: Interval,
    name: Box<str>,
    /// Most bars that are kept.
    len_max: usize,
    /// Bars of the history that the source began with; a restart goes back to them.
    origin_len: usize,
    rows: RwLock<VecDeque<Row>>,
    /// When the archive may be asked; `None` once it has answered.
    ask_at: Mutex<Option<Instant>>,
}

/// A closed bar as it is handed out: its open time in milliseconds since the Unix epoch, then open, high, low, close and
/// volume.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row(pub i64, pub [f64; 5]);

/// A symbol as it is listed. What is said of bars is said of its shortest ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    symbol: Box<str>,
    /// Intervals of its bars, from the shortest.
    intervals: Vec<Box<str>>,
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
    pub rows: Vec<Row>,
    /// Open time before which the next page ends; `None` at the oldest bar.
    pub next_before: Option<i64>,
    /// Closed bars in all.
    pub total: usize,
}

/// Why there is no page.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// There is no such symbol.
    #[error("symbol is not served")]
    Symbol,
    /// The symbol has no bars of that interval.
    #[error("interval is not served")]
    Interval {
        /// Those that it has.
        served: Vec<Box<str>>,
    },
}

impl Row {
    /// Of a bar: the numbers that are nearest to its decimals.
    pub fn of(bar: &Bar) -> Self {
        Self(bar.open_time, [bar.open, bar.high, bar.low, bar.close, bar.volume].map(nearest))
    }
}

impl Market {
    /// A market without symbols.
    pub fn new(source: &'static str) -> Self {
        let (symbols, archive, library, stats) = Default::default();
        Self { source, symbols, archive, library, stats }
    }

    /// Name of the source.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// What is counted of it.
    pub fn stats(&self) -> &Arc<MarketStats> {
        &self.stats
    }

    /// What can be measured of it and of the feed that fills it.
    pub fn readings(self: &Arc<Self>) -> Vec<Reading> {
        let market = Arc::clone(self);
        let symbols = move || market.read().len() as f64;
        let mut readings = MarketStats::readings(&self.stats);
        readings.push(Reading::gauge("spark_market_symbols", "Symbols that are served.", symbols));
        readings
    }

    /// Names of the first symbols, in order.
    pub fn names(&self, limit: usize) -> Vec<Arc<str>> {
        self.read().keys().take(limit).cloned().collect()
    }

    /// All symbols, in the order of their names.
    pub fn list(&self) -> Vec<Listed> {
        let listed = |(name, symbol): (&Arc<str>, &Arc<Symbol>)| {
            let rows = symbol.series.first().map(Series::read);
            let rows = rows.as_deref();
            Listed {
                symbol: (&**name).into(),
                intervals: symbol.names(),
                bars: rows.map_or(0, VecDeque::len),
                first_time: rows.and_then(VecDeque::front).map(|row| row.0),
                last_time: rows.and_then(VecDeque::back).map(|row| row.0),
                skipped_rows: symbol.skipped_rows,
                last_close: symbol.last_close().map(Number),
            }
        };
        self.read().iter().map(listed).collect()
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
        let symbol = self.symbol(symbol)?;
        let rows = symbol.series(interval)?.read();
        let end = before.map_or(rows.len(), |before| rows.partition_point(|row| row.0 < before));
        let start = end.saturating_sub(limit);
        let page: Vec<Row> = rows.range(start..end).copied().collect();
        let next_before = if start > 0 { page.first().map(|row| row.0) } else { None };
        Ok(Page { rows: page, next_before, total: rows.len() })
    }

    /// All bars of a symbol, for a backtest: those of the source's library, also what it has not played yet, else those
    /// that are closed.
    ///
    /// # Errors
    /// When the symbol or the interval is not served.
    pub fn whole(&self, symbol: &str, interval: &str) -> Result<Bars, PageError> {
        let of = self.symbol(symbol)?;
        let series = of.series(interval)?;
        let all = self.library.get().and_then(|library| library.bars(symbol, series.interval));
        Ok(all.unwrap_or_else(|| Bars::closed(series.read().iter().copied().collect())))
    }

    /// Has the archive's bars in place before somebody asks for a page; whoever asks at the same time waits for the
    /// one request. An archive that does not answer is asked again later; until then there is what was heard live.
    pub async fn prepare(&self, symbol: &str, interval: &str) {
        let Some(archive) = self.archive.get() else { return };
        let Ok(of) = self.symbol(symbol) else { return };
        let Ok(series) = of.series(interval) else { return };
        let waiting = async {
            let mut ask_at = series.ask_at.lock().await;
            if ask_at.is_none_or(|at| at > Instant::now()) {
                return;
            }
            *ask_at = Some(Instant::now() + ARCHIVE_PAUSE);
            match archive.bars(symbol, series.interval).await {
                Ok(bars) => {
                    series.prepend(&bars);
                    *ask_at = None;
                }
                Err(reason) => tracing::warn!(symbol, interval, reason, "the archive has no history"),
            }
        };
        if timeout(ARCHIVE_PATIENCE, waiting).await.is_err() {
            tracing::warn!(symbol, interval, "the archive does not answer in time");
        }
    }

    /// Has the archive asked once more before the next page of every symbol: there may be bars that nobody heard of.
    pub(super) fn ask_again(&self) {
        for symbol in self.read().values() {
            for series in &symbol.series {
                // Whoever holds it is asking at this moment.
                if let Ok(mut ask_at) = series.ask_at.try_lock() {
                    ask_at.get_or_insert_with(Instant::now);
                }
            }
        }
    }

    /// Where history is fetched from that the source does not bring.
    pub(super) fn set_archive(&self, archive: Arc<dyn Archive>) {
        // A second one would be of a second source; there is one.
        let _ = self.archive.set(archive);
    }

    /// Where all bars are.
    pub(super) fn set_library(&self, library: Arc<dyn Library>) {
        let _ = self.library.set(library);
    }

    /// Lists a symbol, in place of one of the same name.
    pub(super) fn add(&self, name: &Arc<str>, symbol: &Arc<Symbol>) {
        let mut symbols = self.symbols.write().unwrap_or_else(PoisonError::into_inner);
        symbols.insert(Arc::clone(name), Arc::clone(symbol));
    }

    /// Adds a bar that has closed.
    pub(super) fn push(&self, symbol: &str, interval: Interval, bar: &Bar) {
        let Ok(symbol) = self.symbol(symbol) else { return };
        let Some(series) = symbol.series.iter().find(|series| series.interval == interval) else { return };
        let mut rows = series.rows.write().unwrap_or_else(PoisonError::into_inner);
        let row = Row::of(bar);
        // Nearly always it is the newest; one that was fetched late, or said again, takes its place.
        match rows.back().is_none_or(|newest| newest.0 < row.0) {
            true => rows.push_back(row),
            false => match rows.binary_search_by_key(&row.0, |row| row.0) {
                Ok(at) => rows[at] = row,
                Err(at) => rows.insert(at, row),
            },
        }
        if rows.len() > series.len_max {
            rows.pop_front();
        }
    }

    /// Goes back to the history that the source began with.
    pub(super) fn restart(&self, symbol: &str) {
        let Ok(symbol) = self.symbol(symbol) else { return };
        for series in &symbol.series {
            series.rows.write().unwrap_or_else(PoisonError::into_inner).truncate(series.origin_len);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<Arc<str>, Arc<Symbol>>> {
        self.symbols.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn symbol(&self, name: &str) -> Result<Arc<Symbol>, PageError> {
        self.read().get(name).cloned().ok_or(PageError::Symbol)
    }
}

impl Symbol {
    /// An instrument with its history.
    pub(super) fn of(instrument: &Instrument, history: &History) -> Self {
        let series = |(interval, bars): &(Interval, Vec<Bar>)| Series {
            interval: *interval,
            name: intervals::name(*interval).into(),
            len_max: instrument.history_max.unwrap_or(usize::MAX),
            origin_len: bars.len(),
            rows: RwLock::new(bars.iter().map(Row::of).collect()),
            ask_at: Mutex::new(Some(Instant::now())),
        };
        Self {
            skipped_rows: instrument.skipped_rows,
            print_gap: instrument.print_gap,
            speed: instrument.speed,
            series: history.iter().map(series).collect(),
        }
    }

    fn series(&self, interval: &str) -> Result<&Series, PageError> {
        let found = self.series.iter().find(|series| *series.name == *interval);
        found.ok_or_else(|| PageError::Interval { served: self.names() })
    }

    fn names(&self) -> Vec<Box<str>> {
        self.series.iter().map(|series| series.name.clone()).collect()
    }

    /// Close of the newest bar, of whatever length.
    fn last_close(&self) -> Option<f64> {
        let end = |series: &Series| {
            let newest = *series.read().back()?;
            Some((newest.0.saturating_add(series.interval.length_ms() as i64), newest.1[3]))
        };
        self.series.iter().filter_map(end).max_by_key(|(end, _)| *end).map(|(_, close)| close)
    }
}

impl Series {
    fn read(&self) -> RwLockReadGuard<'_, VecDeque<Row>> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts bars of an archive before and between those that are there, which stay as they are.
    fn prepend(&self, bars: &[Bar]) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let live = std::mem::take(&mut *rows);
        let mut all: BTreeMap<i64, Row> = bars.iter().map(|bar| (bar.open_time, Row::of(bar))).collect();
        all.extend(live.into_iter().map(|row| (row.0, row)));
        let more = all.len().saturating_sub(self.len_max);
        rows.extend(all.into_values().skip(more));
    }
}

/// The channels of the market: `price:<SYMBOL>` and `candles:<SYMBOL>.<interval>`.
impl Market {
    /// What is known of a channel; `None` when it is not served.
    pub fn find(&self, channel: &ChannelName) -> Option<ChannelInfo> {
        let usual = match channel.namespace() {
            "price" => self.symbol(channel.path()).ok()?.print_gap,
            "candles" => {
                let (symbol, interval) = channel.path().rsplit_once('.')?;
                let symbol = self.symbol(symbol).ok()?;
                let series = symbol.series(interval).ok()?;
                Duration::from_millis(series.interval.length_ms()).div_f64(symbol.speed)
            }
            _ => return None,
        };
        let stale_after = usual.saturating_mul(2).max(STALE_AFTER_MIN);
        Some(ChannelInfo { stale_after_ms: Some(stale_after.as_millis() as u64) })
    }
}

impl std::fmt::Debug for Market {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Market({}, {} symbols)", self.source, self.read().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::intervals::interval;
    use rust_decimal::Decimal;

    fn bar(open_time: i64) -> Bar {
        let price = Decimal::from(open_time + 100);
        Bar { open_time, open: price, high: price, low: price, close: price, volume: Decimal::ONE }
    }

    fn instrument(symbol: &str) -> Instrument {
        Instrument {
            symbol: symbol.into(),
            base: Some(interval("1d")),
            lateness_ms: 0,
            makes: Vec::new(),
            history: Vec::new(),
            history_max: None,
            skipped_rows: 3,
            print_gap: Duration::from_secs(10),
            speed: 2_160.0,
        }
    }

    fn add(market: &Market, instrument: &Instrument, history: History) {
        market.add(&instrument.symbol, &Arc::new(Symbol::of(instrument, &history)));
    }

    fn market() -> Market {
        let market = Market::new("replay");
        let (day, week) = (interval("1d"), interval("1w"));
        add(&market, &instrument("BRK.B"), vec![(day, (0..5).map(bar).collect()), (week, vec![bar(-1)])]);
        add(&market, &instrument("A"), vec![(day, Vec::new())]);
        market
    }

    fn times(market: &Market, before: Option<i64>, limit: usize) -> (Vec<i64>, Option<i64>) {
        let page = market.page("BRK.B", "1d", before, limit).expect("served");
        (page.rows.iter().map(|row| row.0).collect(), page.next_before)
    }

    #[test]
    fn pages_go_from_the_newest_to_the_oldest_while_bars_are_added() {
        let market = market();
        assert_eq!(times(&market, None, 2), (vec![3, 4], Some(3)));
        market.push("BRK.B", interval("1d"), &bar(5));
        assert_eq!(times(&market, Some(3), 2), (vec![1, 2], Some(1)));
        assert_eq!(times(&market, Some(1), 2), (vec![0], None));
        assert_eq!(times(&market, Some(0), 2), (vec![], None));
        assert_eq!(times(&market, None, 6), ((0..6).collect(), None));
        // One that is said again is not there twice, and one that comes late is at its place.
        market.push("BRK.B", interval("1d"), &bar(7));
        market.push("BRK.B", interval("1d"), &bar(5));
        market.push("BRK.B", interval("1d"), &bar(6));
        assert_eq!(times(&market, None, 4), (vec![4, 5, 6, 7], Some(4)));
        market.restart("BRK.B");
        assert_eq!(times(&market, None, 1), (vec![4], Some(4)));
        assert_eq!(market.page("B", "1d", None, 1), Err(PageError::Symbol));
        let served = vec!["1d".into()];
        assert_eq!(market.page("A", "1m", None, 1), Err(PageError::Interval { served }));
    }

    #[test]
    fn of_a_live_source_the_newest_are_kept() {
        let market = Market::new("binance");
        let instrument = Instrument { history_max: Some(3), ..instrument("BRK.B") };
        add(&market, &instrument, vec![(interval("1d"), vec![bar(0)])]);
        (1..10).for_each(|time| market.push("BRK.B", interval("1d"), &bar(time)));
        assert_eq!(times(&market, None, 9), (vec![7, 8, 9], None));
    }

    #[test]
    fn symbols_are_listed_by_name() {
        let listed = serde_json::to_value(market().list()).expect("JSON");
        let expected = serde_json::json!([
            {"symbol": "A", "intervals": ["1d"], "bars": 0, "firstTime": null, "lastTime": null, "skippedRows": 3, "lastClose": null},
            {"symbol": "BRK.B", "intervals": ["1d", "1w"], "bars": 5, "firstTime": 0, "lastTime": 4, "skippedRows": 3, "lastClose": 99},
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

    struct Shelf(std::sync::atomic::AtomicUsize);

    impl Archive for Shelf {
        fn bars(&self, symbol: &str, _: Interval) -> crate::market::Waiting<'_, Result<Vec<Bar>, String>> {
            let nth = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let is_known = symbol == "BRK.B";
            Box::pin(async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if nth > 0 && is_known { Ok((-3..2).map(bar).collect()) } else { Err("closed".to_owned()) }
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_archive_is_asked_once_and_again_after_it_has_failed() {
        let market = Market::new("binance");
        add(&market, &instrument("BRK.B"), vec![(interval("1d"), Vec::new())]);
        let shelf = Arc::new(Shelf(0.into()));
        market.set_archive(Arc::clone(&shelf) as _);
        market.push("BRK.B", interval("1d"), &bar(1));
        let asked = || shelf.0.load(std::sync::atomic::Ordering::Relaxed);
        market.prepare("BRK.B", "1d").await;
        market.prepare("BRK.B", "1d").await;
        assert_eq!((asked(), times(&market, None, 9).0), (1, vec![1]));
        tokio::time::advance(ARCHIVE_PAUSE).await;
        tokio::join!(market.prepare("BRK.B", "1d"), market.prepare("BRK.B", "1d"));
        assert_eq!((asked(), times(&market, None, 9).0), (2, vec![-3, -2, -1, 0, 1]));
        market.prepare("BRK.B", "1d").await;
        market.prepare("BRK.B", "5m").await;
        assert_eq!(asked(), 2);
        market.ask_again();
        market.prepare("BRK.B", "1d").await;
        assert_eq!((asked(), times(&market, None, 9).0), (3, vec![-3, -2, -1, 0, 1]));
    }
}
