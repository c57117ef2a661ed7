//! An exchange as a source: its trades, offers and bars, joined to what it knows of the time before.
//!
//! - Bars that the exchange streams are passed on as they are. Where it does not say that one has closed, the next one
//!   says so. What it does not stream is made of its trades: those go on at once. The bars that were forming when the
//!   feed began go on from what it says of them, as soon as it has, and are replaced by the exchange's own once they have
//!   closed.
//! - Closed bars that were missed while a connection was lost are fetched and passed on, as are those that trades were
//!   fetched too late for. Trades that were missed are in the bars that are not final by then.
//! - Older ones are fetched when somebody asks for them.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use live_core::event::Interval;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::link::{Handle, Link, LinkOptions, OpenFault};
use super::rest::RestFault;
use super::{Exchange, ExchangeEvent};
use crate::market::aggregate::roll_up;
use crate::market::intervals::{STANDARD, floor, interval};
use crate::market::{Archive, Bar, Instrument, Made, Source, SourceEvent, Waiting};
use crate::metrics::Reading;

/// Usual time between two prices: while the exchange is heard they are said again that often.
const PRINT_GAP: Duration = Duration::from_millis(2_500);
/// How long bars that are made of trades wait for late ones.
const LATENESS_MS: i64 = 1_000;
/// How long after its end a bar is fetched at the earliest: exchanges take a moment to write it down.
const SETTLE: Duration = Duration::from_secs(3);
/// Closed bars that are fetched for a chart.
const ARCHIVE_BARS: usize = 1_000;
/// Most closed bars that are fetched after a connection was lost.
const MISSED_MAX: usize = 500;
/// What is asked for the beginning of a symbol, and the lengths that are made of the answer.
const BEGINNINGS: [(&str, &[&str]); 2] = [("1m", &["1m", "5m", "15m", "1h", "4h"]), ("1d", &["1d", "1w"])];
/// Bars that are asked for: the minutes of 4 hours are more than the days of a week.
const BEGINNING_BARS: usize = 240;
/// Symbols whose beginnings are fetched at once, so that one is whole before the next is begun.
const BEGINNINGS_MAX: usize = 4;
/// Requests for bars that wait for their turn, so that trades that were missed, which others wait for, do not wait for
/// all of these.
const REQUESTS_MAX: usize = 4;
/// How long the beginnings wait for the exchange's clock.
const CLOCK_PATIENCE: Duration = Duration::from_secs(10);
/// Wait between two tries to fetch.
const RETRY: Duration = Duration::from_secs(5);
/// Times that an exchange may refuse a request until it is no more asked for that.
const REFUSALS_MAX: usize = 3;

/// An exchange as a source.
pub struct ExchangeSource {
    link: Link,
    past: Past,
    /// Intervals that it streams bars of.
    made: Vec<Interval>,
    history_max: usize,
    symbols: Vec<Symbol>,
    heard: Vec<ExchangeEvent>,
    fetches: JoinSet<Vec<SourceEvent>>,
}

/// One symbol on its way.
#[derive(Clone, Debug)]
struct Symbol {
    /// Of each streamed interval the newest bar.
    newest: Vec<Option<Newest>>,
    /// Time of the newest trade, and how many outages there had been.
    traded: Option<(i64, u64)>,
    /// Times so far that its connection was lost.
    outages: u64,
}

/// The newest bar of a streamed interval.
#[derive(Clone, Copy, Debug)]
struct Newest {
    bar: Bar,
    is_closed: bool,
    /// How many outages there had been.
    outages: u64,
}

/// What is asked of the exchange besides what it streams.
#[derive(Clone)]
struct Past {
    handle: Handle,
    /// Intervals of whole minutes that it streams no bars of.
    unmade: Arc<[Interval]>,
    beginnings: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

impl ExchangeSource {
    /// A source of an exchange's symbols. Must be called within a runtime.
    ///
    /// # Errors
    /// As [`Link::open`].
    pub fn open(
        exchange: Arc<dyn Exchange>,
        mut options: LinkOptions,
        history_max: usize,
    ) -> Result<Self, OpenFault> {
        let (made, unmade): (Vec<Interval>, Vec<Interval>) =
            STANDARD.map(interval).into_iter().partition(|length| exchange.has_bars(*length));
        options.bars.clone_from(&made);
        let link = Link::open(exchange, options)?;
        let past = Past {
            handle: link.handle(),
            unmade: unmade.into_iter().filter(|length| length.length_ms() >= 60_000).collect(),
            beginnings: Arc::new(Semaphore::new(BEGINNINGS_MAX)),
            requests: Arc::new(Semaphore::new(REQUESTS_MAX)),
        };
        let count = past.handle.symbols().len();
        let symbols = vec![Symbol { newest: vec![None; made.len()], traded: None, outages: 0 }; count];
        let mut fetches = JoinSet::new();
        for symbol in 0..count {
            fetches.spawn(past.clone().begin(symbol));
        }
        let heard = Vec::new();
        Ok(Self { link, past, made, history_max, symbols, heard, fetches })
    }

    /// What can be asked of the exchange besides.
    pub fn handle(&self) -> Handle {
        self.past.handle.clone()
    }

    async fn next_events(&mut self, out: &mut Vec<SourceEvent>) {
        let before = out.len();
        while out.len() == before {
            tokio::select! {
                () = self.link.next(&mut self.heard) => {
                    for event in std::mem::take(&mut self.heard) {
                        self.take(event, out);
                    }
                }
                Some(fetched) = self.fetches.join_next() => match fetched {
                    Ok(fetched) => out.extend(fetched),
                    Err(fault) => tracing::error!(%fault, "a fetch has failed"),
                },
            }
        }
    }

    fn take(&mut self, event: ExchangeEvent, out: &mut Vec<SourceEvent>) {
        match event {
            ExchangeEvent::Trade { symbol, trade } => {
                self.traded(symbol, trade.time);
                out.push(SourceEvent::Trade { instrument: symbol, trade });
            }
            ExchangeEvent::Quote { symbol, quote } => {
                out.push(SourceEvent::Quote { instrument: symbol, quote });
            }
            ExchangeEvent::Bar { symbol, interval, bar, is_closed } => {
                self.bar(Made { instrument: symbol, interval, bar, is_closed }, out);
            }
            ExchangeEvent::Lost { symbols } => {
                for symbol in self.symbols.iter_mut().take(symbols.end).skip(symbols.start) {
                    symbol.outages += 1;
                }
            }
            ExchangeEvent::Link { is_up, reason } => {
                out.push(SourceEvent::Link { is_up, reason });
            }
        }
    }

    /// Has bars of trades fetched that not all trades were heard of: those that the first one of all belongs to, and
    /// after an outage those that have closed since the one before.
    fn traded(&mut self, symbol: usize, time: i64) {
        let now = self.symbols[symbol].outages;
        let before = self.symbols[symbol].traded.replace((time, now));
        for length in self.past.unmade.iter().copied() {
            match before {
                None => {
                    self.fetches.spawn(self.past.clone().confirm(symbol, length, floor(time, length)));
                }
                Some((before, outages)) if outages != now => {
                    let range = floor(before, length)..floor(self.past.handle.now_ms(), length);
                    if !range.is_empty() {
                        self.fetches.spawn(self.past.clone().missed(symbol, length, range));
                    }
                }
                Some(_) => return,
            }
        }
    }

    /// Passes on a streamed bar, and before it that the former one is final, where nobody has said so. After an outage
    /// that one may have been cut short: then it is fetched, with all the closed ones up to this.
    fn bar(&mut self, made: Made, out: &mut Vec<SourceEvent>) {
        let Made { instrument: symbol, interval, bar, is_closed } = made;
        let Some(place) = self.made.iter().position(|made| *made == interval) else { return };
        let now = self.symbols[symbol].outages;
        let newest = &mut self.symbols[symbol].newest[place];
        let before = *newest;
        if before.is_none_or(|before| before.bar.open_time <= bar.open_time) {
            // A connection that was replaced may say once more how a bar was before it closed.
            if before.is_some_and(|b| b.bar.open_time == bar.open_time && b.is_closed && !is_closed) {
                return;
            }
            *newest = Some(Newest { bar, is_closed, outages: now });
        } else if !is_closed {
            return;
        }
        if let Some(Newest { bar: former, is_closed: was_closed, outages }) = before
            && former.open_time < bar.open_time
        {
            if outages != now {
                let range = former.open_time..bar.open_time;
                self.fetches.spawn(self.past.clone().missed(symbol, interval, range));
            } else if !was_closed {
                out.push(SourceEvent::Made(Made { bar: former, is_closed: true, ..made }));
            }
        }
        out.push(SourceEvent::Made(made));
    }
}

impl Past {
    /// Fetches what the exchange knows of a symbol before its first trade here: the bars that are forming, unless they
    /// are streamed, and the close of the day before.
    async fn begin(self, symbol: usize) -> Vec<SourceEvent> {
        let _turn = self.beginnings.acquire().await;
        if timeout(CLOCK_PATIENCE, self.handle.until_clock()).await.is_err() {
            tracing::debug!(exchange = self.handle.name(), "bars begin by our own clock");
        }
        let mut said = Vec::new();
        let day = interval("1d");
        for (asked, lengths) in BEGINNINGS {
            let lengths = lengths.iter().map(|name| interval(name));
            let wanted: Vec<Interval> = lengths.filter(|length| self.unmade.contains(length)).collect();
            if wanted.is_empty() && interval(asked) != day {
                continue;
            }
            let Some(known) = self.retried(symbol, interval(asked), BEGINNING_BARS).await else { continue };
            let now = self.handle.now_ms();
            let seed = |length, bar, is_closed| {
                SourceEvent::Seed(Made { instrument: symbol, interval: length, bar, is_closed })
            };
            if interval(asked) == day {
                let before = known.iter().rev().find(|bar| bar.open_time < floor(now, day));
                said.extend(before.map(|bar| seed(day, *bar, true)));
            }
            for length in wanted {
                let forming = roll_up(&known, length).pop();
                let forming = forming.filter(|bar| bar.open_time == floor(now, length));
                said.extend(forming.map(|bar| seed(length, bar, false)));
            }
        }
        said
    }

    /// Fetches a bar once it has closed.
    async fn confirm(self, symbol: usize, length: Interval, start: i64) -> Vec<SourceEvent> {
        let end = start.saturating_add(length.length_ms() as i64);
        let left = end.saturating_sub(self.handle.now_ms()).max(0).unsigned_abs();
        sleep(Duration::from_millis(left)).await;
        self.missed(symbol, length, start..end).await
    }

    /// Fetches closed bars that opened within a range.
    async fn missed(self, symbol: usize, length: Interval, range: Range<i64>) -> Vec<SourceEvent> {
        sleep(SETTLE).await;
        let count = (range.end - range.start) / length.length_ms() as i64 + 1;
        let count = usize::try_from(count).unwrap_or(MISSED_MAX).min(MISSED_MAX);
        let bars = self.retried(symbol, length, count).await.unwrap_or_default();
        let made =
            |bar| SourceEvent::Made(Made { instrument: symbol, interval: length, bar, is_closed: true });
        bars.into_iter().filter(|bar| range.contains(&bar.open_time)).map(made).collect()
    }

    /// Newest bars, the forming one last; those that the exchange has none of are made of shorter ones. Tried until the
    /// exchange answers, or has refused several times.
    async fn retried(&self, symbol: usize, length: Interval, count: usize) -> Option<Vec<Bar>> {
        let mut refusals = 0;
        loop {
            let asked = {
                let _room = self.requests.acquire().await;
                newest(&self.handle, symbol, length, count).await
            };
            let fault = match asked {
                Ok(bars) => return bars,
                Err(fault) => fault,
            };
            let name = &*self.handle.symbols()[symbol].name;
            tracing::info!(exchange = self.handle.name(), symbol = name, %fault, "bars not fetched");
            refusals += usize::from(matches!(fault, RestFault::Refused { status: ..500, .. }));
            if refusals >= REFUSALS_MAX {
                return None;
            }
            sleep(self.handle.silence().unwrap_or_default().max(RETRY)).await;
        }
    }
}

async fn newest(
    handle: &Handle,
    symbol: usize,
    length: Interval,
    count: usize,
) -> Result<Option<Vec<Bar>>, RestFault> {
    let shorter = STANDARD.map(interval).into_iter().rev().filter(|other| {
        other.length_ms() <= length.length_ms() && length.length_ms().is_multiple_of(other.length_ms())
    });
    for other in shorter {
        let times = (length.length_ms() / other.length_ms()) as usize;
        if let Some(fetched) = handle.history(symbol, other, (count * times).min(ARCHIVE_BARS)).await? {
            let mut bars = fetched.closed;
            bars.extend(fetched.forming);
            return Ok(Some(if times == 1 { bars } else { whole(&bars, length) }));
        }
    }
    Ok(None)
}

/// Longer bars, without the first one where shorter ones of it are missing.
fn whole(bars: &[Bar], length: Interval) -> Vec<Bar> {
    let mut longer = roll_up(bars, length);
    if bars.first().is_some_and(|bar| bar.open_time != floor(bar.open_time, length)) {
        longer.remove(0);
    }
    longer
}

impl Source for ExchangeSource {
    fn name(&self) -> &'static str {
        self.past.handle.name()
    }

    fn instruments(&self) -> Vec<Instrument> {
        let shortest = interval(STANDARD[0]);
        let instrument = |symbol: &super::Symbol| Instrument {
            symbol: symbol.name.as_str().into(),
            base: (!self.made.contains(&shortest)).then_some(shortest),
            lateness_ms: LATENESS_MS,
            makes: self.made.clone(),
            history: Vec::new(),
            history_max: Some(self.history_max),
            skipped_rows: 0,
            print_gap: PRINT_GAP,
            speed: 1.0,
        };
        self.past.handle.symbols().iter().map(instrument).collect()
    }

    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>) -> Waiting<'a, ()> {
        Box::pin(self.next_events(out))
    }

    fn clock(&self, _instrument: usize) -> Option<i64> {
        // By our own clock, trades of an exchange that is behind would be late from the first one on.
        self.past.handle.knows_clock().then(|| self.past.handle.now_ms())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn readings(&self) -> Vec<Reading> {
        self.past.handle.readings()
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        Some(Arc::new(Books(self.past.handle.clone())))
    }
}

/// The exchange's history.
struct Books(Handle);

impl Archive for Books {
    fn bars(&self, symbol: &str, length: Interval) -> Waiting<'_, Result<Vec<Bar>, String>> {
        let place = self.0.symbols().iter().position(|known| known.name == symbol);
        Box::pin(async move {
            let Some(place) = place else { return Ok(Vec::new()) };
            let bars =
                newest(&self.0, place, length, ARCHIVE_BARS).await.map_err(|fault| fault.to_string())?;
            let now = floor(self.0.now_ms(), length);
            Ok(bars.unwrap_or_default().into_iter().filter(|bar| bar.open_time < now).collect())
        })
    }
}

impl std::fmt::Debug for ExchangeSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExchangeSource({}, {} symbols)", self.past.handle.name(), self.symbols.len())
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::super::{Binance, Coinbase, Urls};
    use super::*;
    use crate::market::Trade;

    fn bar(minute: i64) -> Bar {
        let one = Decimal::ONE;
        Bar { open_time: minute * 60_000, open: one, high: one, low: one, close: one, volume: one }
    }

    #[test]
    fn the_oldest_longer_bar_is_a_whole_one() {
        let made = |minutes: &[i64]| -> Vec<(i64, Decimal)> {
            let bars: Vec<Bar> = minutes.iter().map(|minute| bar(*minute)).collect();
            whole(&bars, interval("5m")).iter().map(|bar| (bar.open_time / 60_000, bar.volume)).collect()
        };
        assert_eq!(made(&[3, 4, 5, 6, 9, 11]), [(5, 3.into()), (10, 1.into())]);
        assert_eq!(made(&[5, 8, 11]), [(5, 2.into()), (10, 1.into())]);
        assert_eq!((made(&[3]), made(&[])), (vec![], vec![]));
    }

    #[tokio::test]
    async fn what_was_missed_is_fetched_of_the_symbols_whose_connection_was_lost() {
        let urls = Urls::parse("http://127.0.0.1:9").ok();
        let symbols = vec!["ETHUSDT".to_owned(), "BTCUSDT".to_owned()];
        let options = LinkOptions { symbols, urls, ..LinkOptions::default() };
        let mut source = ExchangeSource::open(Arc::new(Binance), options, 10).expect("a source");
        let mut out = Vec::new();
        let minute = interval("1m");
        let forming =
            |symbol, nth| ExchangeEvent::Bar { symbol, interval: minute, bar: bar(nth), is_closed: false };
        source.take(forming(0, 1), &mut out);
        source.take(forming(1, 1), &mut out);
        // The link is down, and stays so while another connection of it is lost.
        source.take(ExchangeEvent::Link { is_up: false, reason: "cut".into() }, &mut out);
        source.take(ExchangeEvent::Lost { symbols: 1..2 }, &mut out);
        let before = source.fetches.len();
        out.clear();
        source.take(forming(0, 2), &mut out);
        assert_eq!(
            (source.fetches.len(), out.len()),
            (before, 2),
            "the former one is final, then the next one"
        );
        source.take(forming(1, 2), &mut out);
        assert_eq!((source.fetches.len(), out.len()), (before + 1, 3), "the former one is asked for");
        // That of before is told of no more, nor is that one is forming that is final.
        source.take(forming(0, 1), &mut out);
        source
            .take(ExchangeEvent::Bar { symbol: 0, interval: minute, bar: bar(2), is_closed: true }, &mut out);
        source.take(forming(0, 2), &mut out);
        assert_eq!(out.len(), 4);
    }

    #[tokio::test]
    async fn bars_of_trades_are_fetched_that_the_first_one_is_in_and_that_closed_in_an_outage() {
        let urls = Urls::parse("http://127.0.0.1:9").ok();
        let options = LinkOptions { symbols: vec!["ETH-USD".to_owned()], urls, ..LinkOptions::default() };
        let mut source = ExchangeSource::open(Arc::new(Coinbase), options, 10).expect("a source");
        let mut fetches = source.fetches.len();
        let mut new_fetches = |source: &ExchangeSource| {
            source.fetches.len() - std::mem::replace(&mut fetches, source.fetches.len())
        };
        let (price, quantity) = (Decimal::ONE, Decimal::ONE);
        let now = source.past.handle.now_ms();
        let trade = |time| ExchangeEvent::Trade {
            symbol: 0,
            trade: Trade { time, id: None, side: None, price, quantity },
        };
        let mut out = Vec::new();
        source.take(trade(now - 121_000), &mut out);
        assert_eq!((new_fetches(&source), out.len()), (7, 1), "one for each length");
        source.take(trade(now - 120_000), &mut out);
        assert_eq!(new_fetches(&source), 0);
        source.take(ExchangeEvent::Lost { symbols: 0..1 }, &mut out);
        source.take(trade(now - 60_000), &mut out);
        // The minute at least; of the others those that happen to have ended.
        assert!((1..=7).contains(&new_fetches(&source)));
        source.take(trade(now), &mut out);
        assert_eq!((new_fetches(&source), out.len()), (0, 4), "no trade waits");
    }
}
