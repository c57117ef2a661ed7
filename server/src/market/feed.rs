//! From the source to the engine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::{ChannelError, ChannelName};
use live_core::event::{CandleBar, PriceTick};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::aggregate::{BookFault, Update};
use super::history::Market;
use super::intervals;
use super::normalize::{MarketFault, Normalizer};
use super::stats::MarketStats;
use super::{Instrument, Opening, Source, SourceEvent};
use crate::broker::{Broker, Message};
use crate::status::Status;
use crate::wire;

/// Why channels start over at the end of a replay, in the words that clients are told.
const RESTART_REASON: &str = "the source starts over";
/// The same where other data takes the place of what was played.
const REPLACED_REASON: &str = "the source has other data";
/// Least time between two states of a forming bar, as the protocol has it for `candles` (4 Hz).
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often a price that has not changed is said again while the source lives, so that it is not taken for stale.
const RENEW_EVERY: Duration = Duration::from_secs(2);

/// Runs a source: what happens there becomes events and closed bars.
///
/// A trade is published as a price at once. Its bars are looked at no more often than `LOOK_EVERY`, so that a
/// thousand trades cost no more states of a bar than one does; that a bar closes is published at once.
pub struct Feed {
    source: Box<dyn Source>,
    market: Arc<Market>,
    broker: Arc<dyn Broker>,
    stats: Arc<MarketStats>,
    lines: Vec<Line>,
    /// Instruments whose bars are to be looked at, and when.
    looks: BinaryHeap<Reverse<(Instant, usize)>>,
    closed: Vec<Update>,
    seen: Vec<Update>,
    /// When it is next looked at what time alone brings.
    clock_at: Instant,
    is_live: bool,
    status: Arc<Status>,
}

/// One instrument on its way.
struct Line {
    symbol: Arc<str>,
    normalizer: Normalizer,
    price: ChannelName,
    /// In the order of the normalizer's intervals.
    candles: Vec<ChannelName>,
    looked_at: Option<Instant>,
    is_waiting: bool,
    told_at: Instant,
}

impl Feed {
    /// A feed of a source; its instruments are listed in `market`.
    ///
    /// # Errors
    /// When a symbol cannot be part of a channel's name.
    pub fn new(
        source: Box<dyn Source>,
        market: Arc<Market>,
        broker: Arc<dyn Broker>,
    ) -> Result<Self, ChannelError> {
        let instruments = source.instruments();
        let stats = Arc::clone(market.stats());
        let is_live = source.is_live();
        let mut feed = Self {
            source,
            market,
            broker,
            stats,
            lines: Vec::with_capacity(instruments.len()),
            looks: BinaryHeap::new(),
            closed: Vec::new(),
            seen: Vec::new(),
            clock_at: Instant::now(),
            is_live,
            status: Arc::default(),
        };
        if let Some(archive) = feed.source.archive() {
            feed.market.set_archive(archive);
        }
        if let Some(library) = feed.source.library() {
            feed.market.set_library(library);
        }
        for instrument in &instruments {
            let line = feed.line(instrument)?;
            feed.lines.push(line);
        }
        Ok(feed)
    }

    /// Tells a status when the source loses its own feed.
    #[must_use]
    pub fn watched_by(self, status: Arc<Status>) -> Self {
        Self { status, ..self }
    }

    /// Lists an instrument and begins with it.
    fn line(&self, instrument: &Instrument) -> Result<Line, ChannelError> {
        self.line_of(&Opening::of(instrument))
    }

    /// The same of what was made of it elsewhere.
    fn line_of(&self, opening: &Opening) -> Result<Line, ChannelError> {
        let (symbol, normalizer) = (Arc::clone(&opening.name), opening.normalizer.clone());
        let price = ChannelName::parse(&format!("price:{symbol}"))?;
        let candles =
            |interval: &_| ChannelName::parse(&format!("candles:{symbol}.{}", intervals::name(*interval)));
        let candles = normalizer.intervals().iter().map(candles).collect::<Result<_, _>>()?;
        self.market.add(&symbol, &opening.listed);
        let told_at = Instant::now();
        Ok(Line { symbol, normalizer, price, candles, looked_at: None, is_waiting: false, told_at })
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut events = Vec::new();
        loop {
            let wake = self.wake();
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.source.next(&mut events) => {}
                () = sleep_until(wake) => {}
            }
            let ts = wire::now_ms();
            for event in events.drain(..) {
                self.take(event, ts).await;
            }
            self.pass(ts).await;
        }
    }

    /// When something is to be done without an event.
    fn wake(&self) -> Instant {
        self.looks.peek().map_or(self.clock_at, |Reverse((at, _))| self.clock_at.min(*at))
    }

    async fn take(&mut self, event: SourceEvent, ts: u64) {
        match event {
            SourceEvent::Trade { instrument, trade } => {
                let clock = self.source.clock(instrument).filter(|_| self.is_live);
                let age = clock.map_or(0, |clock| clock.saturating_sub(trade.time).max(0).unsigned_abs());
                let ts = ts.saturating_sub(age);
                let Some(line) = self.lines.get_mut(instrument) else { return self.unknown(instrument) };
                let tick = line.normalizer.trade(&trade, clock, &mut self.closed);
                let data = tick.map(|tick| tick.map(encode));
                self.price(instrument, data, ts).await;
            }
            SourceEvent::Print(print) => {
                let instrument = print.instrument;
                let Some(line) = self.lines.get_mut(instrument) else { return self.unknown(instrument) };
                let data = line.normalizer.print(&print, &mut self.closed).map(|tick| Some(encode(tick)));
                self.price(instrument, data, ts).await;
            }
            SourceEvent::Quote { instrument, quote } => {
                let Some(line) = self.lines.get_mut(instrument) else { return self.unknown(instrument) };
                let data = line.normalizer.quote(&quote).map(|tick| tick.map(encode));
                match data {
                    Ok(data) => {
                        self.stats.quotes.fetch_add(1, Ordering::Relaxed);
                        self.tell(instrument, data, ts).await;
                    }
                    Err(fault) => self.refuse(instrument, &fault),
                }
            }
            SourceEvent::Made(made) => {
                let instrument = made.instrument;
                let Some(line) = self.lines.get_mut(instrument) else { return self.unknown(instrument) };
                match line.normalizer.made(&made) {
                    Ok(update) => self.bar(instrument, &update, ts).await,
                    Err(fault) => self.refuse(instrument, &fault),
                }
            }
            SourceEvent::Seed(made) => {
                let Some(line) = self.lines.get_mut(made.instrument) else {
                    return self.unknown(made.instrument);
                };
                match made.is_closed {
                    true => line.normalizer.reference(made.interval, &made.bar),
                    false => line.normalizer.seed(made.interval, &made.bar),
                }
                self.plan_look(made.instrument);
            }
            SourceEvent::End { instrument } => {
                let Some(line) = self.lines.get_mut(instrument) else { return self.unknown(instrument) };
                line.normalizer.finish(&mut self.closed);
                self.close(instrument, ts).await;
            }
            SourceEvent::Restart { instrument } => self.restart(instrument).await,
            SourceEvent::Joined { place, instrument } => self.join(place, &instrument).await,
            SourceEvent::Link { is_up, reason } => {
                self.stats.is_down.store(!is_up, Ordering::Relaxed);
                self.status.source_heard(is_up);
                let source = self.source.name();
                match is_up {
                    true => {
                        tracing::info!(source, %reason, "the source is heard");
                        self.market.ask_again();
                    }
                    false => tracing::warn!(source, %reason, "the source is not heard"),
                }
            }
        }
    }

    /// What a trade has made.
    async fn price(&mut self, place: usize, data: Result<Option<Bytes>, MarketFault>, ts: u64) {
        match data {
            Ok(data) => {
                self.stats.trades.fetch_add(1, Ordering::Relaxed);
                // History first: whoever sees a bar close on the channel finds it there.
                self.close(place, ts).await;
                self.tell(place, data, ts).await;
                self.plan_look(place);
            }
            Err(fault) => self.refuse(place, &fault),
        }
    }

    /// Publishes a price.
    async fn tell(&mut self, place: usize, data: Option<Bytes>, ts: u64) {
        let Some(data) = data else { return };
        let line = &mut self.lines[place];
        line.told_at = Instant::now();
        self.stats.ticks.fetch_add(1, Ordering::Relaxed);
        let channel = line.price.clone();
        self.send(channel, PriceTick::EVENT, 0, ts, data).await;
    }

    /// Publishes the bars that have become final.
    async fn close(&mut self, place: usize, ts: u64) {
        if self.closed.is_empty() {
            return;
        }
        let mut closed = std::mem::take(&mut self.closed);
        for update in closed.drain(..) {
            self.bar(place, &update, ts).await;
        }
        self.closed = closed;
    }

    async fn bar(&mut self, place: usize, update: &Update, ts: u64) {
        let line = &mut self.lines[place];
        if update.is_closed {
            self.market.push(&line.symbol, update.interval, &update.bar);
        }
        let Some((nth, event)) = line.normalizer.event(update) else { return };
        let data = encode(event);
        let channel = line.candles[nth].clone();
        let counter = if update.is_closed { &self.stats.closed } else { &self.stats.bars };
        counter.fetch_add(1, Ordering::Relaxed);
        self.send(channel, CandleBar::EVENT, update.bar.open_time, ts, data).await;
    }

    /// Has the forming bars of an instrument looked at: now, or when their time has come.
    fn plan_look(&mut self, place: usize) {
        let line = &mut self.lines[place];
        if !line.is_waiting && line.normalizer.is_dirty() {
            line.is_waiting = true;
            let now = Instant::now();
            let at = line.looked_at.map_or(now, |looked_at| (looked_at + LOOK_EVERY).max(now));
            self.looks.push(Reverse((at, place)));
        }
    }

    /// Does what time alone brings.
    async fn pass(&mut self, ts: u64) {
        let now = Instant::now();
        if now >= self.clock_at {
            self.clock_at = now + LOOK_EVERY;
            for place in 0..self.lines.len() {
                if let Some(clock) = self.source.clock(place) {
                    self.lines[place].normalizer.advance(clock, &mut self.closed);
                    self.close(place, ts).await;
                }
                self.renew(place, now, ts).await;
            }
        }
        while let Some(&Reverse((at, place))) = self.looks.peek()
            && at <= now
        {
            self.looks.pop();
            let line = &mut self.lines[place];
            (line.is_waiting, line.looked_at) = (false, Some(now));
            let mut seen = std::mem::take(&mut self.seen);
            line.normalizer.look(&mut seen);
            for update in seen.drain(..) {
                self.bar(place, &update, ts).await;
            }
            self.seen = seen;
        }
    }

    /// Says an unchanged price again while a live source is heard.
    async fn renew(&mut self, place: usize, now: Instant, ts: u64) {
        let line = &mut self.lines[place];
        let is_heard = self.is_live && !self.stats.is_down.load(Ordering::Relaxed);
        if is_heard && now.saturating_duration_since(line.told_at) >= RENEW_EVERY {
            line.told_at = now;
            if let Some(data) = line.normalizer.newest_tick().map(encode) {
                let channel = line.price.clone();
                self.send(channel, PriceTick::EVENT, 0, ts, data).await;
            }
        }
    }

    async fn restart(&mut self, place: usize) {
        let Some(line) = self.lines.get_mut(place) else { return self.unknown(place) };
        line.normalizer.restart();
        line.looked_at = None;
        self.market.restart(&line.symbol);
        tracing::debug!(symbol = &*line.symbol, "the file has ended and starts over");
        self.reset(place, RESTART_REASON).await;
    }

    async fn join(&mut self, place: usize, opening: &Opening) {
        if place > self.lines.len() {
            return self.unknown(place);
        }
        let line = match self.line_of(opening) {
            Ok(line) => line,
            Err(fault) => return tracing::warn!(symbol = &*opening.name, %fault, "symbol not served"),
        };
        tracing::info!(symbol = &*line.symbol, "symbol joined");
        if place == self.lines.len() {
            return self.lines.push(line);
        }
        let waiting = self.lines[place].is_waiting;
        self.lines[place] = Line { is_waiting: waiting, ..line };
        self.reset(place, REPLACED_REASON).await;
    }

    async fn reset(&self, place: usize, reason: &str) {
        let line = &self.lines[place];
        for channel in std::iter::once(&line.price).chain(&line.candles) {
            if let Err(error) = self.broker.reset(channel, reason).await {
                tracing::warn!(%channel, %error, "channel not reset");
            }
        }
    }

    fn refuse(&self, place: usize, fault: &MarketFault) {
        let is_late = matches!(fault, MarketFault::Book(BookFault::Late { .. }));
        let counter = if is_late { &self.stats.late } else { &self.stats.refused };
        if MarketStats::count(counter) {
            let source = self.source.name();
            let symbol = &*self.lines[place].symbol;
            tracing::warn!(source, symbol, %fault, count = counter.load(Ordering::Relaxed), "passed over");
        }
    }

    fn unknown(&self, place: usize) {
        if MarketStats::count(&self.stats.refused) {
            tracing::warn!(source = self.source.name(), place, "the source names what it does not have");
        }
    }

    async fn send(&self, channel: ChannelName, event: &'static str, key: i64, ts: u64, data: Bytes) {
        let message = Message { channel, event: event.into(), ts, key, data, idempotency: None };
        if let Err(error) = self.broker.publish(message).await
            && MarketStats::count(&self.stats.unpublished)
        {
            tracing::warn!(%error, event, "not published");
        }
    }
}

fn encode(data: &impl Serialize) -> Bytes {
    serde_json::to_vec(data).map(Bytes::from).unwrap_or_default()
}
