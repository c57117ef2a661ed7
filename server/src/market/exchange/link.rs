//! What every exchange needs: the connections, the clock, and one stream of events.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use live_core::event::{Interval, is_symbol};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::connection::Dialer;
use super::counters::{Counters, ExchangeStats};
use super::rest::{Fetched, Rest, RestFault};
use super::shard::{Shard, Shared};
use super::{Exchange, ExchangeEvent, Symbol, Urls};
use crate::metrics::Reading;

/// Events that wait for whoever takes them; when there are more, the connections are not read.
const WAITING_MAX: usize = 16_384;
/// Most events that are handed out at once.
const BATCH_MAX: usize = 4_096;
/// A difference of the clocks that is told of, in milliseconds.
const CLOCK_TOLD_MS: u64 = 1_000;

/// What is wanted of an exchange.
#[derive(Clone, Debug, Default)]
pub struct LinkOptions {
    /// Symbols by our names; events name them by their place here.
    pub symbols: Vec<String>,
    /// Bars of the exchange's own that are wanted besides trades and offers; those that it does not stream are left
    /// out.
    pub bars: Vec<Interval>,
    /// Another address that speaks the exchange's protocol.
    pub urls: Option<Urls>,
    /// Waits and limits.
    pub timing: Timing,
}

/// How long what may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// To open a connection, and again for its subscriptions to be acknowledged.
    pub connect: Duration,
    /// Silence on a connection until the exchange is asked whether it is there.
    pub quiet: Duration,
    /// How long it may take to answer; after both the connection is given up.
    pub answer: Duration,
    /// Bound of the first wait after a failure; it doubles with each further one.
    pub backoff_base: Duration,
    /// Largest bound of these waits.
    pub backoff_cap: Duration,
    /// After what time the exchange ends a connection, where it is not what the exchange says.
    pub lifetime: Option<Duration>,
    /// How long trades wait for those before them that were missed.
    pub fill_patience: Duration,
    /// Distance of two looks at the exchange's clock.
    pub clock_every: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // Exchanges say something every second (Coinbase, Kraken) or ping every 20 seconds (Binance).
            quiet: Duration::from_secs(5),
            answer: Duration::from_secs(5),
            backoff_base: Duration::from_millis(250),
            backoff_cap: Duration::from_secs(30),
            lifetime: None,
            fill_patience: Duration::from_secs(5),
            clock_every: Duration::from_secs(600),
        }
    }
}

/// Why a link cannot be had at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// There is no symbol.
    #[error("no symbol is given")]
    NoSymbol,
    /// A symbol that cannot be part of a channel's name.
    #[error("{0:?} is not a symbol: letters, digits, '_' and '-', joined by dots")]
    Symbol(String),
    /// Two symbols are one on the exchange.
    #[error("the symbol {0:?} is given twice")]
    Twice(String),
    /// TLS or the client for HTTP cannot be set up.
    #[error("cannot be set up: {0}")]
    SetUp(String),
}

/// What the shards say.
pub(super) enum Signal {
    Event(ExchangeEvent),
    Up(usize),
    Down(usize, Cow<'static, str>),
}

/// A link to an exchange, which lives until it is dropped.
pub struct Link {
    handle: Handle,
    signals: mpsc::Receiver<Signal>,
    waiting: Vec<Signal>,
    tasks: JoinSet<()>,
    /// Of each shard the places of its symbols.
    places: Vec<Range<usize>>,
    /// Of each shard whether it is up, once that is known.
    up: Vec<Option<bool>>,
    told: Option<bool>,
}

/// What can be asked of a link besides its events, by whoever has a copy.
#[derive(Clone)]
pub struct Handle {
    exchange: Arc<dyn Exchange>,
    symbols: Arc<[Symbol]>,
    rest: Arc<Rest>,
    counters: Arc<Counters>,
}

impl Link {
    /// Begins to connect; what comes of it is told by [`Link::next`]. Must be called within a runtime.
    ///
    /// # Errors
    /// When the symbols are none, or TLS cannot be set up. That the exchange cannot be reached is not an error: it
    /// is tried again for ever.
    pub fn open(exchange: Arc<dyn Exchange>, options: LinkOptions) -> Result<Self, OpenFault> {
        let symbols = symbols(&*exchange, &options.symbols)?;
        let urls = options.urls.unwrap_or_else(|| exchange.urls());
        let counters = Arc::new(Counters::default());
        let set_up = |fault: &dyn std::fmt::Display| OpenFault::SetUp(fault.to_string());
        let rest = Rest::new(Arc::clone(&exchange), urls.rest, Arc::clone(&counters))
            .map_err(|fault| set_up(&fault))?;
        let rest = Arc::new(rest);
        let socket = Urls::join(&urls.socket, exchange.socket_path());
        let dialer = Dialer::new(socket).map_err(|fault| set_up(&fault))?;
        let bars: Vec<Interval> =
            options.bars.into_iter().filter(|interval| exchange.has_bars(*interval)).collect();
        let handle = Handle { exchange, symbols, rest, counters };
        let shared = Shared {
            exchange: Arc::clone(&handle.exchange),
            symbols: Arc::clone(&handle.symbols),
            bars,
            timing: options.timing,
            dialer,
            rest: Arc::clone(&handle.rest),
            counters: Arc::clone(&handle.counters),
        };
        Ok(Self::start(handle, Arc::new(shared)))
    }

    fn start(handle: Handle, shared: Arc<Shared>) -> Self {
        let (out, signals) = mpsc::channel(WAITING_MAX);
        let mut tasks = JoinSet::new();
        let streams = shared.exchange.streams_per_symbol(&shared.bars).max(1);
        let size = (shared.exchange.limits().streams_per_connection / streams).max(1);
        let end = shared.symbols.len();
        let places: Vec<Range<usize>> =
            (0..end).step_by(size).map(|start| start..(start + size).min(end)).collect();
        for (nth, places) in places.iter().enumerate() {
            tasks.spawn(Shard::new(nth, Arc::clone(&shared), places.clone(), out.clone()).run());
        }
        tasks.spawn(watch_clock(handle.clone(), shared.timing));
        let up = vec![None; places.len()];
        Self { handle, signals, waiting: Vec::new(), tasks, places, up, told: None }
    }

    /// What can be asked besides.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits for the next events and appends them to `out`.
    ///
    /// # Cancel safety
    /// An event is either appended or still to come; dropping the future loses none.
    pub async fn next(&mut self, out: &mut Vec<ExchangeEvent>) {
        let before = out.len();
        while out.len() == before {
            tokio::select! {
                count = self.signals.recv_many(&mut self.waiting, BATCH_MAX) => {
                    if count == 0 {
                        std::future::pending::<()>().await;
                    }
                }
                // They run for ever; one that has ended has failed.
                Some(Err(fault)) = self.tasks.join_next() => {
                    tracing::error!(%fault, "a part of the link has failed");
                    self.told = Some(false);
                    // It stays down: its symbols do not come back.
                    self.up.push(Some(false));
                    out.push(ExchangeEvent::Link { is_up: false, reason: "a part of the link has failed".into() });
                }
            }
            for signal in std::mem::take(&mut self.waiting) {
                match signal {
                    Signal::Event(event) => out.push(event),
                    Signal::Up(nth) => {
                        self.up[nth] = Some(true);
                        out.extend(self.change("connected".into()));
                    }
                    Signal::Down(nth, reason) => {
                        if self.up[nth].replace(false) == Some(true) {
                            out.push(ExchangeEvent::Lost { symbols: self.places[nth].clone() });
                        }
                        out.extend(self.change(reason));
                    }
                }
            }
        }
    }

    /// What is to be told of the link as a whole, if that has changed.
    fn change(&mut self, reason: Cow<'static, str>) -> Option<ExchangeEvent> {
        let is_up = if self.up.contains(&Some(false)) {
            false
        } else if self.up.contains(&None) {
            return None;
        } else {
            true
        };
        (self.told.replace(is_up) != Some(is_up)).then_some(ExchangeEvent::Link { is_up, reason })
    }
}

impl Handle {
    /// Name of the exchange.
    pub fn name(&self) -> &'static str {
        self.exchange.name()
    }

    /// The symbols, in the order in which events name them.
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// The counts of now.
    pub fn stats(&self) -> ExchangeStats {
        self.counters.stats()
    }

    /// The newest bars of the symbol at a place, by REST; at most `count` closed ones and the forming one. `None`
    /// when the exchange has no bars of that interval.
    ///
    /// # Errors
    /// When there is no such symbol, or the exchange does not answer, refuses, or is to be left alone for a while.
    pub async fn history(
        &self,
        symbol: usize,
        interval: Interval,
        count: usize,
    ) -> Result<Option<Fetched>, RestFault> {
        let Some(symbol) = self.symbols.get(symbol) else { return Ok(None) };
        self.rest.bars(symbol, interval, count).await
    }

    /// Looks at the exchange's clock several times now: how much it is ahead of ours, in milliseconds.
    ///
    /// # Errors
    /// As [`Handle::history`].
    pub async fn measure_clock(&self) -> Result<i64, RestFault> {
        self.rest.measure_clock().await
    }

    /// What can be measured of it.
    pub fn readings(&self) -> Vec<Reading> {
        Counters::readings(&self.counters)
    }

    /// Waits until the exchange's clock is known.
    pub async fn until_clock(&self) {
        self.rest.until_clock().await;
    }

    /// Whether the exchange's clock is known.
    pub fn knows_clock(&self) -> bool {
        self.counters.is_clock_known.load(Ordering::Acquire)
    }

    /// The exchange's time, in milliseconds since the Unix epoch; ours until its clock is known.
    pub fn now_ms(&self) -> i64 {
        super::rest::unix_ms() + self.counters.clock_offset_ms.load(Ordering::Relaxed)
    }

    /// How long the exchange is to be left alone, when it has said that there were too many requests.
    pub fn silence(&self) -> Option<Duration> {
        self.rest.silence()
    }
}

fn symbols(exchange: &dyn Exchange, names: &[String]) -> Result<Arc<[Symbol]>, OpenFault> {
    let mut natives = HashSet::new();
    let mut symbols = Vec::with_capacity(names.len());
    for name in names {
        if !is_symbol(name.as_bytes()) {
            return Err(OpenFault::Symbol(name.clone()));
        }
        let native = exchange.native(name);
        if !natives.insert(native.clone()) {
            return Err(OpenFault::Twice(name.clone()));
        }
        symbols.push(Symbol { name: name.clone(), native });
    }
    if symbols.is_empty() { Err(OpenFault::NoSymbol) } else { Ok(symbols.into()) }
}

/// Looks at the exchange's clock from time to time; sooner while it is not known.
async fn watch_clock(handle: Handle, timing: Timing) {
    let mut retries = super::backoff::Backoff::new(Duration::from_secs(1), timing.clock_every);
    loop {
        let wait = match handle.measure_clock().await {
            Ok(offset) => {
                if offset.unsigned_abs() >= CLOCK_TOLD_MS {
                    tracing::warn!(exchange = handle.name(), offset_ms = offset, "the clocks differ");
                }
                retries.reset();
                timing.clock_every
            }
            Err(fault) => {
                tracing::info!(exchange = handle.name(), %fault, "the exchange's clock is not known");
                retries.after_failure().max(handle.silence().unwrap_or_default())
            }
        };
        tokio::time::sleep(wait).await;
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Link({}, {:?})", self.handle.name(), self.up)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Binance;
    use super::*;

    #[tokio::test]
    async fn each_lost_connection_is_told_though_the_link_is_down_already() {
        let symbols = (0..600).map(|n| format!("S{n}USDT")).collect();
        let urls = Urls::parse("http://127.0.0.1:9").ok();
        let options = LinkOptions { symbols, urls, ..LinkOptions::default() };
        let mut link = Link::open(Arc::new(Binance), options).expect("a link");
        // Its connections are played here.
        link.tasks = JoinSet::new();
        let (out, signals) = mpsc::channel(16);
        link.signals = signals;
        let down = |nth| Signal::Down(nth, "cut".into());
        for signal in [Signal::Up(0), Signal::Up(1), down(0), down(1), Signal::Up(0), down(0), down(0)] {
            assert!(out.send(signal).await.is_ok());
        }
        let mut events = Vec::new();
        link.next(&mut events).await;
        let lost = |symbols| ExchangeEvent::Lost { symbols };
        let told = |is_up, reason: &'static str| ExchangeEvent::Link { is_up, reason: reason.into() };
        let expected =
            [told(true, "connected"), lost(0..512), told(false, "cut"), lost(512..600), lost(0..512)];
        assert_eq!(events, expected);
    }
}
