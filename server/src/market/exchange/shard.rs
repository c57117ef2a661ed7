//! The part of an exchange that goes over one connection: some of the symbols, from the frame to the event.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use live_core::event::Interval;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::super::{Bar, Quote, Trade};
use super::backoff::Backoff;
use super::connection::{Connection, Dialer, Frame, Lost};
use super::counters::{Counters, count, count_many};
use super::lines::{Dialled, Lines, Turn};
use super::link::{Signal, Timing};
use super::rest::{Rest, numbered, unix_ms};
use super::sequence::{Numbered, Released, Sequence, Step};
use super::{Directory, Exchange, ExchangeEvent, FrameFault, HasTime, Missing, Said, Symbol, judge, text};

/// How long a connection must have lasted for the next failure to be the first again.
const STEADY_AFTER: Duration = Duration::from_secs(60);
/// Most trades of one gap that are fetched; what is more is told as lost.
const FILL_MAX: u64 = 5_000;

/// What all shards of a link share.
pub(super) struct Shared {
    pub(super) exchange: Arc<dyn Exchange>,
    pub(super) symbols: Arc<[Symbol]>,
    pub(super) bars: Vec<Interval>,
    pub(super) timing: Timing,
    pub(super) dialer: Dialer,
    pub(super) rest: Arc<Rest>,
    pub(super) counters: Arc<Counters>,
}

/// Some symbols of an exchange.
pub(super) struct Shard {
    nth: usize,
    shared: Arc<Shared>,
    /// Place of the first of its symbols.
    first: usize,
    directory: Directory,
    sequences: Vec<Sequence>,
    /// Trades that are being fetched, by symbol, with the numbers that were missing.
    fills: JoinSet<(usize, RangeInclusive<u64>, Vec<Numbered>)>,
    out: mpsc::Sender<Signal>,
    events: Vec<ExchangeEvent>,
    said: Vec<Said>,
}

/// What a frame means for the connection that it came on.
#[derive(Default)]
struct Heard {
    acknowledged: usize,
    is_goodbye: bool,
    denied: Option<String>,
}

impl Shard {
    pub(super) fn new(
        nth: usize,
        shared: Arc<Shared>,
        places: std::ops::Range<usize>,
        out: mpsc::Sender<Signal>,
    ) -> Self {
        let directory = Directory::new(&shared.symbols[places.clone()], places.start);
        Self {
            nth,
            shared,
            first: places.start,
            directory,
            sequences: places.map(|_| Sequence::default()).collect(),
            fills: JoinSet::new(),
            out,
            events: Vec::new(),
            said: Vec::new(),
        }
    }

    /// Runs for ever: one connection after the other.
    pub(super) async fn run(mut self) {
        let mut backoff = self.backoff();
        loop {
            let lost = self.connect(&mut backoff).await;
            let wait = backoff.after_failure().max(lost.retry_after());
            let exchange = self.shared.exchange.name();
            tracing::warn!(exchange, connection = self.nth, reason = %lost, wait_ms = wait.as_millis() as u64, "link lost");
            self.tell(Signal::Down(self.nth, Cow::Owned(lost.to_string()))).await;
            self.wait(Instant::now() + wait).await;
        }
    }

    fn backoff(&self) -> Backoff {
        Backoff::new(self.shared.timing.backoff_base, self.shared.timing.backoff_cap)
    }

    /// One connection, and those that replace it before their time, until one is lost.
    async fn connect(&mut self, backoff: &mut Backoff) -> Lost {
        let dialled = self.dial().await;
        let counters = Arc::clone(&self.shared.counters);
        let mut current = match dialled {
            Ok(current) => current,
            Err(lost) => {
                count(&counters.connect_failures);
                return lost;
            }
        };
        let lost = self.serve(&mut current, backoff).await;
        count(if current.is_ready() { &counters.disconnects } else { &counters.connect_failures });
        if matches!(lost, Lost::Silent) {
            count(&counters.silences);
        }
        lost
    }

    async fn serve(&mut self, current: &mut Box<Connection>, backoff: &mut Backoff) -> Lost {
        let mut is_up = false;
        let mut lines = Lines::new(self.backoff(), self.renewal());
        loop {
            if !is_up && current.is_ready() {
                is_up = true;
                count(&self.shared.counters.connects);
                self.tell(Signal::Up(self.nth)).await;
            }
            if is_up && current.age() >= STEADY_AFTER {
                backoff.reset();
            }
            if let Some(ready) = lines.successor.take_if(|successor| successor.is_ready()) {
                // What was said before the other one listened may still be on its way.
                lines.retired = Some(std::mem::replace(current, ready));
                lines.retire_at = Instant::now() + self.shared.timing.answer;
                count(&self.shared.counters.renewals);
                lines.renew_at = self.renewal();
                lines.renewals.reset();
            }
            tokio::select! {
                frame = current.next() => match self.hear(current, frame).await {
                    Ok(true) => lines.renew_at = Instant::now(),
                    Ok(false) => {}
                    Err(lost) => return lost,
                },
                turn = lines.next() => self.take_turn(&mut lines, turn).await,
                Some(filled) = self.fills.join_next() => self.filled(filled).await,
            }
        }
    }

    /// What happens beside the current connection.
    async fn take_turn(&mut self, lines: &mut Lines, turn: Turn) {
        match turn {
            Turn::Renew => lines.dialling = Some(self.dial()),
            Turn::Dialled(Ok(connection)) => lines.successor = Some(connection),
            Turn::Dialled(Err(lost)) => self.put_off(lines, &lost),
            Turn::Successor(frame) => {
                let Some(mut successor) = lines.successor.take() else { return };
                match self.hear(&mut successor, frame).await {
                    Ok(_) => lines.successor = Some(successor),
                    Err(lost) => self.put_off(lines, &lost),
                }
            }
            Turn::Retired(frame) => {
                let Some(mut retired) = lines.retired.take() else { return };
                if self.hear(&mut retired, frame).await.is_ok() {
                    lines.retired = Some(retired);
                }
            }
            Turn::Retire => lines.retired = None,
        }
    }

    /// When to replace a connection that is opened now: before the exchange ends it, and not all of them at once.
    fn renewal(&self) -> Instant {
        let lifetime = self.shared.timing.lifetime.or(self.shared.exchange.limits().lifetime);
        // A year is as good as never.
        let lifetime = lifetime.unwrap_or(Duration::from_secs(365 * 86_400));
        let margin = lifetime / 48;
        Instant::now() + lifetime - margin - crate::random::within(margin)
    }

    fn put_off(&self, lines: &mut Lines, lost: &Lost) {
        count(&self.shared.counters.connect_failures);
        let exchange = self.shared.exchange.name();
        tracing::info!(exchange, reason = %lost, "a connection could not be renewed yet");
        lines.renew_at = Instant::now() + lines.renewals.after_failure().max(lost.retry_after());
    }

    fn dial(&self) -> Dialled {
        let shared = Arc::clone(&self.shared);
        let (first, end) = (self.first, self.first + self.sequences.len());
        Box::pin(async move {
            let symbols: Vec<&Symbol> = shared.symbols[first..end].iter().collect();
            let subscriptions = shared.exchange.subscribe(&symbols, &shared.bars);
            let gap = shared.exchange.limits().message_gap;
            shared.dialer.dial(subscriptions, gap, shared.timing).await.map(Box::new)
        })
    }

    /// Waits, and goes on taking in what is fetched.
    async fn wait(&mut self, until: Instant) {
        loop {
            tokio::select! {
                () = sleep_until(until) => return,
                Some(filled) = self.fills.join_next() => self.filled(filled).await,
            }
        }
    }

    /// Takes in a frame of a connection. True when the exchange will end it soon.
    async fn hear(&mut self, connection: &mut Connection, frame: Frame) -> Result<bool, Lost> {
        let heard = self.take(&frame?);
        connection.acknowledge(heard.acknowledged);
        for event in std::mem::take(&mut self.events) {
            self.tell(Signal::Event(event)).await;
        }
        heard.denied.map_or(Ok(heard.is_goodbye), |reason| Err(Lost::Denied(reason)))
    }

    async fn tell(&self, signal: Signal) {
        // Nobody listens only when the link is gone, and this task with it.
        let _gone = self.out.send(signal).await;
    }

    fn take(&mut self, frame: &str) -> Heard {
        let counters = Arc::clone(&self.shared.counters);
        count(&counters.frames);
        let mut said = std::mem::take(&mut self.said);
        match self.shared.exchange.read(frame, &self.directory, &mut said) {
            Ok(()) => {}
            Err(FrameFault::Unknown) => {
                if count(&counters.frames_unknown) {
                    tracing::info!(
                        exchange = self.shared.exchange.name(),
                        frame = text::cut(frame),
                        "unknown frame skipped"
                    );
                }
            }
            Err(FrameFault::Malformed(fault)) => {
                if count(&counters.frames_malformed) {
                    let frame = text::cut(frame);
                    tracing::warn!(
                        exchange = self.shared.exchange.name(),
                        fault,
                        frame,
                        "malformed frame skipped"
                    );
                }
            }
        }
        let mut heard = Heard::default();
        for said in said.drain(..) {
            self.hear_said(said, &mut heard);
        }
        self.said = said;
        heard
    }

    fn hear_said(&mut self, said: Said, heard: &mut Heard) {
        match said {
            Said::Trade(place, trade) => self.trade(place, trade),
            Said::Quote(place, quote, time) => self.quote(place, quote, time),
            Said::Bar(place, interval, bar, is_closed) => self.bar(place, interval, bar, is_closed),
            Said::NewestTrade(place, id) => {
                if let Some(missing) = self.sequences[place - self.first].newest(id) {
                    self.fill(place, missing);
                }
            }
            Said::Acknowledged => heard.acknowledged += 1,
            Said::Goodbye => heard.is_goodbye = true,
            Said::Alive => {}
            Said::Refused { reason, is_fatal } => {
                count(&self.shared.counters.errors_told);
                tracing::warn!(exchange = self.shared.exchange.name(), reason, "the exchange refuses");
                if is_fatal {
                    heard.denied = Some(reason);
                } else {
                    heard.acknowledged += 1;
                }
            }
        }
    }

    fn trade(&mut self, place: usize, trade: Trade) {
        let counters = Arc::clone(&self.shared.counters);
        let is_good = judge::is_trade(&trade);
        if !is_good && count(&counters.trades_refused) {
            let symbol = &*self.shared.symbols[place].name;
            tracing::warn!(symbol, price = %trade.price, amount = %trade.quantity, time = trade.time, "trade refused");
        }
        let step = match numbered(&trade, counters.latest()) {
            Some(numbered) => self.sequences[place - self.first].offer(numbered),
            None => Step::Pass,
        };
        match step {
            Step::Pass | Step::Restarted => {
                if step == Step::Restarted {
                    count(&counters.restarts);
                }
                if is_good {
                    self.pass(place, trade);
                }
            }
            Step::Repeated => {
                count(&counters.trades_repeated);
            }
            Step::Held => {}
            Step::Gap(missing) => self.fill(place, missing),
            Step::Complete | Step::Overflow => self.release(place, Vec::new()),
        }
    }

    fn pass(&mut self, place: usize, trade: Trade) {
        count(&self.shared.counters.trades);
        self.events.push(ExchangeEvent::Trade { symbol: place, trade });
    }

    fn quote(&mut self, place: usize, mut quote: Quote, time: HasTime) {
        let counters = &self.shared.counters;
        if time == HasTime::No {
            quote.time = unix_ms() + counters.clock_offset_ms.load(Ordering::Relaxed);
        }
        if judge::is_quote(&quote) {
            count(&counters.quotes);
            self.events.push(ExchangeEvent::Quote { symbol: place, quote });
        } else if count(&counters.quotes_refused) {
            let symbol = &*self.shared.symbols[place].name;
            tracing::warn!(symbol, bid = %quote.bid, ask = %quote.ask, "quote refused");
        }
    }

    fn bar(&mut self, place: usize, interval: Interval, bar: Bar, is_closed: bool) {
        if judge::is_bar(&bar) {
            count(&self.shared.counters.bars);
            self.events.push(ExchangeEvent::Bar { symbol: place, interval, bar, is_closed });
        } else if count(&self.shared.counters.bars_refused) {
            let symbol = &*self.shared.symbols[place].name;
            tracing::warn!(symbol, open_time = bar.open_time, "bar refused");
        }
    }

    /// Has what was missed fetched. What is too much is let go, and so on with what was missed behind it.
    fn fill(&mut self, place: usize, missing: Missing) {
        let mut next = Some(missing);
        while let Some(missing) = next {
            count(&self.shared.counters.gaps);
            if missing.ids.end() - missing.ids.start() < FILL_MAX {
                return self.fetch(place, missing);
            }
            next = self.let_go(place, Vec::new());
        }
    }

    /// Fetches what was missed, for as long as others can wait for it.
    fn fetch(&mut self, place: usize, missing: Missing) {
        let shared = Arc::clone(&self.shared);
        self.fills.spawn(async move {
            let (symbol, ids) = (&shared.symbols[place], missing.ids.clone());
            let mut found = BTreeMap::new();
            let asked = timeout(shared.timing.fill_patience, shared.rest.trades(symbol, missing, &mut found));
            let reason = match asked.await {
                Ok(Ok(())) => None,
                Ok(Err(fault)) => Some(fault.to_string()),
                Err(_) => Some("no answer in time".to_owned()),
            };
            if let Some(reason) = reason {
                let (first, last, found) = (ids.start(), ids.end(), found.len());
                tracing::warn!(symbol = symbol.name, reason, first, last, found, "trades not fetched");
            }
            (place, ids, found.into_values().collect())
        });
    }

    async fn filled(
        &mut self,
        filled: Result<(usize, RangeInclusive<u64>, Vec<Numbered>), tokio::task::JoinError>,
    ) {
        match filled {
            // Given up meanwhile: what waited has gone on without it.
            Ok((place, ids, _)) if !self.sequences[place - self.first].waits_for(&ids) => {}
            Ok((place, _, found)) => self.release(place, found),
            Err(fault) => tracing::error!(%fault, "fetching trades has failed"),
        }
        for event in std::mem::take(&mut self.events) {
            self.tell(Signal::Event(event)).await;
        }
    }

    fn release(&mut self, place: usize, found: Vec<Numbered>) {
        if let Some(missing) = self.let_go(place, found) {
            self.fill(place, missing);
        }
    }

    /// Passes on what has waited for a gap, with what was found of it. A further gap comes back.
    fn let_go(&mut self, place: usize, found: Vec<Numbered>) -> Option<Missing> {
        let Released { trades, filled, lost, gap } = self.sequences[place - self.first].release(found);
        count_many(&self.shared.counters.trades_filled, filled);
        count_many(&self.shared.counters.trades_lost, lost);
        if lost > 0 {
            tracing::warn!(symbol = self.shared.symbols[place].name, lost, "trades were missed");
        }
        for trade in trades {
            self.pass(place, trade);
        }
        gap
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::super::{Binance, Urls};
    use super::*;

    /// A shard of one symbol whose exchange does not answer.
    fn shard() -> Shard {
        let exchange: Arc<dyn Exchange> = Arc::new(Binance);
        let urls = Urls::parse("http://127.0.0.1:9").expect("an address");
        let counters = Arc::new(Counters::default());
        let rest = Rest::new(Arc::clone(&exchange), urls.rest, Arc::clone(&counters)).expect("a client");
        let symbol = Symbol { name: "ETHUSDT".to_owned(), native: "ETHUSDT".to_owned() };
        let shared = Shared {
            exchange,
            symbols: vec![symbol].into(),
            bars: Vec::new(),
            timing: Timing::default(),
            dialer: Dialer::new(urls.socket.to_string()).expect("a dialer"),
            rest: Arc::new(rest),
            counters,
        };
        Shard::new(0, Arc::new(shared), 0..1, mpsc::channel(1).0)
    }

    fn trade(shard: &mut Shard, id: u64, time: i64) {
        let (price, quantity) = (Decimal::ONE, Decimal::ONE);
        shard.trade(0, Trade { time, id: Some(id), side: None, price, quantity });
    }

    #[tokio::test]
    async fn a_number_and_a_time_out_of_this_world_silence_nobody_for_long() {
        let mut shard = shard();
        shard.shared.counters.is_clock_known.store(true, Ordering::Release);
        let now = unix_ms();
        trade(&mut shard, 5, now - 1_000);
        trade(&mut shard, u64::MAX - 7, 32_503_679_999_999);
        shard.events.clear();
        trade(&mut shard, 6, now);
        assert_eq!(shard.events, [], "perhaps a repetition");
        shard.shared.counters.clock_offset_ms.store(60_000, Ordering::Relaxed);
        trade(&mut shard, 7, now + 60_000);
        trade(&mut shard, 8, now + 60_001);
        assert_eq!(shard.events.len(), 2);
        assert_eq!(shard.shared.counters.stats().restarts, 1);
    }

    #[tokio::test]
    async fn any_number_of_gaps_that_are_too_long_are_let_go_of_one_after_the_other() {
        let mut shard = shard();
        trade(&mut shard, 0, 0);
        trade(&mut shard, 2, 0);
        for nth in 1..9_000 {
            trade(&mut shard, nth * 2 * FILL_MAX, 0);
        }
        shard.events.clear();
        shard.release(0, Vec::new());
        let stats = shard.shared.counters.stats();
        assert_eq!((shard.events.len(), stats.gaps), (9_000, 9_000));
        assert_eq!(stats.trades_lost, 8_999 * 2 * FILL_MAX - 9_000);
    }
}
