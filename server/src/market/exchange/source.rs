//! An exchange as a source: its trades, offers and bars, joined to what it knows of the time before.
//!
//! - Bars that the exchange streams are passed on as they are. Where it does not say that one has closed, the next one
//!   says so. What it does not stream is made of its trades; the bars that were forming when the feed began go on from
//!   what it says of them, and are replaced by the exchange's own once they have closed.
//! - Closed bars that were missed while a connection was lost are fetched and passed on.
//! - Older ones are fetched when somebody asks for them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use live_core::event::Interval;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::link::{Handle, Link, LinkOptions, OpenFault};
use super::rest::RestFault;
use super::{Exchange, ExchangeEvent};
use crate::market::aggregate::roll_up;
use crate::market::intervals::{STANDARD, floor, interval};
use crate::market::{Archive, Bar, Instrument, Made, Source, SourceEvent, Trade, Waiting};
use crate::metrics::Reading;

/// Usual time between two prices: while the exchange is heard they are said again that often.
const PRINT_GAP: Duration = Duration::from_millis(2_500);
/// How long bars that are made of trades wait for late ones.
const LATENESS_MS: i64 = 1_000;
/// How long a symbol's trades wait for what the exchange knows of the time before.
const HOLD_MAX: Duration = Duration::from_secs(10);
/// Most trades of a symbol that wait for it.
const HELD_MAX: usize = 10_000;
/// How long after its end a bar is fetched: exchanges take a moment to write it down.
const SETTLE: Duration = Duration::from_secs(3);
/// Closed bars that are fetched for a chart.
const ARCHIVE_BARS: usize = 1_000;
/// Most closed bars that are fetched after a connection was lost.
const MISSED_MAX: usize = 500;
/// What is asked for the beginning of a symbol, and the lengths that are made of the answer.
const BEGINNINGS: [(&str, &[&str]); 2] = [("1m", &["1m", "5m", "15m", "1h", "4h"]), ("1d", &["1d", "1w"])];
/// Bars that are asked for: the minutes of 4 hours are more than the days of a week.
const BEGINNING_BARS: usize = 240;
/// Symbols whose beginnings are fetched at once.
const BEGINNINGS_MAX: usize = 4;
/// Wait between two tries to fetch.
const RETRY: Duration = Duration::from_secs(5);

/// An exchange as a source.
pub struct ExchangeSource {
    link: Link,
    handle: Handle,
    /// Intervals that it streams bars of.
    made: Vec<Interval>,
    history_max: usize,
    symbols: Vec<Symbol>,
    /// Connections that were lost so far.
    outages: u64,
    heard: Vec<ExchangeEvent>,
    fetches: JoinSet<Vec<Fetch>>,
}

/// One symbol on its way.
#[derive(Debug)]
struct Symbol {
    /// Its trades wait for the time before.
    held: Option<VecDeque<Trade>>,
    /// Of each streamed interval the newest bar.
    newest: Vec<Option<Newest>>,
}

/// The newest bar of a streamed interval.
#[derive(Clone, Copy, Debug)]
struct Newest {
    bar: Bar,
    is_closed: bool,
    /// How many outages there had been.
    outages: u64,
}

/// What was fetched.
#[derive(Debug)]
enum Fetch {
    /// A bar.
    Event(SourceEvent),
    /// A symbol's beginning is known, or is not waited for: trades after this moment are passed on.
    Begins { symbol: usize, after: i64 },
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
        let made: Vec<Interval> =
            STANDARD.map(interval).into_iter().filter(|length| exchange.has_bars(*length)).collect();
        options.bars.clone_from(&made);
        let link = Link::open(exchange, options)?;
        let handle = link.handle();
        let needs_beginning = made.len() + 1 < STANDARD.len();
        let symbol =
            |_: &_| Symbol { held: needs_beginning.then(VecDeque::new), newest: vec![None; made.len()] };
        let symbols = handle.symbols().iter().map(symbol).collect();
        let mut fetches = JoinSet::new();
        for first in 0..BEGINNINGS_MAX.min(handle.symbols().len()) {
            fetches.spawn(begin(handle.clone(), first, made.clone(), needs_beginning));
        }
        let heard = Vec::new();
        Ok(Self { link, handle, made, history_max, symbols, outages: 0, heard, fetches })
    }

    /// What can be asked of the exchange besides.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
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
                    Ok(fetched) => fetched.into_iter().for_each(|fetch| self.fetched(fetch, out)),
                    Err(fault) => tracing::error!(%fault, "a fetch has failed"),
                },
            }
        }
    }

    fn take(&mut self, event: ExchangeEvent, out: &mut Vec<SourceEvent>) {
        match event {
            ExchangeEvent::Trade { symbol, trade } => match &mut self.symbols[symbol].held {
                Some(held) if held.len() < HELD_MAX => held.push_back(trade),
                _ => out.push(SourceEvent::Trade { instrument: symbol, trade }),
            },
            ExchangeEvent::Quote { symbol, quote } => {
                out.push(SourceEvent::Quote { instrument: symbol, quote });
            }
            ExchangeEvent::Bar { symbol, interval, bar, is_closed } => {
                self.bar(Made { instrument: symbol, interval, bar, is_closed }, out);
            }
            ExchangeEvent::Link { is_up, reason } => {
                self.outages += u64::from(!is_up);
                out.push(SourceEvent::Link { is_up, reason });
            }
        }
    }

    fn fetched(&mut self, fetch: Fetch, out: &mut Vec<SourceEvent>) {
        match fetch {
            Fetch::Event(event) => out.push(event),
            Fetch::Begins { symbol, after } => {
                let held = self.symbols[symbol].held.take().unwrap_or_default();
                let trades = held.into_iter().filter(|trade| trade.time > after);
                out.extend(trades.map(|trade| SourceEvent::Trade { instrument: symbol, trade }));
                let next = symbol + BEGINNINGS_MAX;
                if next < self.symbols.len() {
                    let needs_beginning = self.symbols[next].held.is_some();
                    self.fetches.spawn(begin(self.handle.clone(), next, self.made.clone(), needs_beginning));
                }
                if after > i64::MIN {
                    for length in STANDARD.map(interval) {
                        if !self.made.contains(&length) && length.length_ms() >= 60_000 {
                            self.fetches.spawn(confirm(self.handle.clone(), symbol, length, after));
                        }
                    }
                }
            }
        }
    }

    /// Passes on a streamed bar, and before it that the former one is final, where nobody has said so. After an outage
    /// that one may have been cut short: then it is fetched, with all the closed ones up to this.
    fn bar(&mut self, made: Made, out: &mut Vec<SourceEvent>) {
        let Made { instrument: symbol, interval, bar, is_closed } = made;
        let Some(place) = self.made.iter().position(|made| *made == interval) else { return };
        let newest = &mut self.symbols[symbol].newest[place];
        let before = *newest;
        if before.is_none_or(|before| before.bar.open_time <= bar.open_time) {
            // A connection that was replaced may say once more how a bar was before it closed.
            if before.is_some_and(|b| b.bar.open_time == bar.open_time && b.is_closed && !is_closed) {
                return;
            }
            *newest = Some(Newest { bar, is_closed, outages: self.outages });
        } else if !is_closed {
            return;
        }
        if let Some(Newest { bar: former, is_closed: was_closed, outages }) = before
            && former.open_time < bar.open_time
        {
            if outages != self.outages {
                let range = former.open_time..bar.open_time;
                self.fetches.spawn(missed(self.handle.clone(), symbol, interval, range));
            } else if !was_closed {
                out.push(SourceEvent::Made(Made { bar: former, is_closed: true, ..made }));
            }
        }
        out.push(SourceEvent::Made(made));
    }
}

/// Fetches what an exchange knows of a symbol before its first trade here: the bars that are forming, unless they are
/// streamed, and the close of the day before.
async fn begin(handle: Handle, symbol: usize, made: Vec<Interval>, needs_beginning: bool) -> Vec<Fetch> {
    let mut fetched = Vec::new();
    let bars = async {
        if !handle.knows_clock()
            && let Err(fault) = handle.measure_clock().await
        {
            tracing::debug!(exchange = handle.name(), %fault, "the exchange's clock is not known");
        }
        let day = interval("1d");
        for (asked, lengths) in BEGINNINGS {
            let lengths = lengths.iter().map(|name| interval(name));
            let wanted: Vec<Interval> =
                lengths.filter(|length| needs_beginning && !made.contains(length)).collect();
            if wanted.is_empty() && interval(asked) != day {
                continue;
            }
            let Some(known) = retried(&handle, symbol, interval(asked), BEGINNING_BARS).await else {
                continue;
            };
            let now = handle.now_ms();
            let seed = |length, bar, is_closed| {
                let made = Made { instrument: symbol, interval: length, bar, is_closed };
                Fetch::Event(SourceEvent::Seed(made))
            };
            if interval(asked) == day {
                let before = known.iter().rev().find(|bar| bar.open_time < floor(now, day));
                fetched.extend(before.map(|bar| seed(day, *bar, true)));
            }
            for length in wanted {
                let forming = roll_up(&known, length).pop();
                let forming = forming.filter(|bar| bar.open_time == floor(now, length));
                fetched.extend(forming.map(|bar| seed(length, bar, false)));
            }
        }
    };
    if tokio::time::timeout(HOLD_MAX, bars).await.is_err() {
        tracing::warn!(
            symbol = handle.symbols()[symbol].name,
            "the exchange does not say how its bars began"
        );
    }
    let after = if needs_beginning && !fetched.is_empty() { handle.now_ms() } else { i64::MIN };
    fetched.push(Fetch::Begins { symbol, after });
    fetched
}

/// Newest bars, the forming one last; those that the exchange has none of are made of shorter ones. Tried until the
/// exchange answers.
async fn retried(handle: &Handle, symbol: usize, length: Interval, count: usize) -> Option<Vec<Bar>> {
    loop {
        match newest(handle, symbol, length, count).await {
            Ok(bars) => return bars,
            Err(fault) => {
                tracing::info!(exchange = handle.name(), %fault, "bars not fetched");
                sleep(handle.silence().unwrap_or_default().max(RETRY)).await;
            }
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
            return Ok(Some(if times == 1 { bars } else { roll_up(&bars, length) }));
        }
    }
    Ok(None)
}

/// Fetches the bar that was forming when the feed began, once it has closed.
async fn confirm(handle: Handle, symbol: usize, length: Interval, began: i64) -> Vec<Fetch> {
    let start = floor(began, length);
    let end = start.saturating_add(length.length_ms() as i64);
    let left = end.saturating_sub(handle.now_ms()).max(0).unsigned_abs();
    sleep(Duration::from_millis(left) + SETTLE).await;
    let bars = retried(&handle, symbol, length, 8).await.unwrap_or_default();
    let bar = bars.into_iter().find(|bar| bar.open_time == start);
    let made = |bar| Made { instrument: symbol, interval: length, bar, is_closed: true };
    bar.map(|bar| Fetch::Event(SourceEvent::Made(made(bar)))).into_iter().collect()
}

/// Fetches closed bars that opened within a range.
async fn missed(handle: Handle, symbol: usize, length: Interval, range: std::ops::Range<i64>) -> Vec<Fetch> {
    let count = (range.end - range.start) / length.length_ms() as i64 + 1;
    let count = usize::try_from(count).unwrap_or(MISSED_MAX).min(MISSED_MAX);
    let bars = retried(&handle, symbol, length, count).await.unwrap_or_default();
    let event = |bar: Bar| {
        Fetch::Event(SourceEvent::Made(Made { instrument: symbol, interval: length, bar, is_closed: true }))
    };
    bars.into_iter().filter(|bar| range.contains(&bar.open_time)).map(event).collect()
}

impl Source for ExchangeSource {
    fn name(&self) -> &'static str {
        self.handle.name()
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
        self.handle.symbols().iter().map(instrument).collect()
    }

    fn next<'a>(&'a mut self, out: &'a mut Vec<SourceEvent>) -> Waiting<'a, ()> {
        Box::pin(self.next_events(out))
    }

    fn clock(&self, _instrument: usize) -> Option<i64> {
        // By our own clock, trades of an exchange that is behind would be late from the first one on.
        self.handle.knows_clock().then(|| self.handle.now_ms())
    }

    fn is_live(&self) -> bool {
        true
    }

    fn readings(&self) -> Vec<Reading> {
        self.handle.readings()
    }

    fn archive(&self) -> Option<Arc<dyn Archive>> {
        Some(Arc::new(Books(self.handle.clone())))
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
        write!(f, "ExchangeSource({}, {} symbols)", self.handle.name(), self.symbols.len())
    }
}
