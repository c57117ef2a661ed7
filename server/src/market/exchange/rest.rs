//! Asking an exchange over HTTP, and leaving it alone when it says so.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use live_core::event::Interval;
use reqwest::{StatusCode, header, redirect};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::super::{Bar, Trade};
use super::clock::Bounds;
use super::counters::{Counters, count};
use super::pace::Pace;
use super::sequence::Numbered;
use super::{Exchange, FrameFault, Missing, Symbol, Urls, judge, text};

/// Longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(10);
/// Longest answer, in bytes.
const ANSWER_LEN_MAX: usize = 16 << 20;
/// How long an exchange that says "too many" is left alone when it does not say for how long.
pub(super) const BAN_DEFAULT: Duration = Duration::from_secs(60);
/// Longest that is believed: the longest ban that an exchange is known to speak.
pub(super) const BAN_MAX: Duration = Duration::from_secs(3 * 86_400);
/// Most requests under way at once, however many are allowed in a second.
const REQUESTS_MAX: usize = 4;
/// Looks at the clock that a measurement is made of.
const CLOCK_SAMPLES: usize = 4;
/// Most requests for the trades of one gap.
const PAGES_MAX: usize = 8;

/// Why an answer could not be had.
#[derive(Debug, thiserror::Error)]
pub enum RestFault {
    /// There was none.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The exchange refuses: not this, or not now.
    #[error("status {status}: {said}")]
    Refused {
        /// The status.
        status: u16,
        /// The beginning of what it said.
        said: String,
    },
    /// There were too many requests.
    #[error("too many requests; left alone for {} s", .0.as_secs())]
    Banned(Duration),
    /// The answer is not what it should be.
    #[error("an answer that cannot be read: {0}")]
    Unreadable(String),
}

impl From<FrameFault> for RestFault {
    fn from(fault: FrameFault) -> Self {
        Self::Unreadable(fault.to_string())
    }
}

impl From<serde_json::Error> for RestFault {
    fn from(fault: serde_json::Error) -> Self {
        Self::Unreadable(fault.to_string())
    }
}

/// Bars of a symbol, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fetched {
    /// Those that are final.
    pub closed: Vec<Bar>,
    /// The one that is still forming.
    pub forming: Option<Bar>,
    /// Those that were not believed.
    pub refused: u64,
}

/// The REST interface of an exchange, for everybody who asks it.
#[derive(Debug)]
pub(super) struct Rest {
    exchange: Arc<dyn Exchange>,
    base: reqwest::Url,
    client: reqwest::Client,
    counters: Arc<Counters>,
    /// Requests that may be under way at once.
    room: Semaphore,
    pace: Pace,
    is_clock_known: watch::Sender<bool>,
    /// Nothing is asked before then.
    silent_until: Mutex<Option<Instant>>,
}

impl Rest {
    pub(super) fn new(
        exchange: Arc<dyn Exchange>,
        base: reqwest::Url,
        counters: Arc<Counters>,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            // Some refuse whoever does not say who they are.
            .user_agent(concat!("spark-live/", env!("CARGO_PKG_VERSION")))
            .timeout(ANSWER_TIME)
            .redirect(redirect::Policy::none())
            .build()?;
        let (room, pace) = (Semaphore::new(REQUESTS_MAX), Pace::new(exchange.limits()));
        Ok(Self {
            exchange,
            base,
            client,
            counters,
            room,
            pace,
            is_clock_known: watch::Sender::new(false),
            silent_until: Mutex::new(None),
        })
    }

    /// How much the exchange's time is ahead of ours, in milliseconds, by several answers.
    pub(super) async fn measure_clock(&self) -> Result<i64, RestFault> {
        let mut known = self.sample_clock().await?;
        for _ in 1..CLOCK_SAMPLES {
            self.set_clock(known);
            sleep(Duration::from_millis(known.wait(self.exchange.time_step_ms(), unix_ms()))).await;
            let Ok(said) = self.sample_clock().await else { break };
            known = known.and(said);
        }
        Ok(self.set_clock(known))
    }

    async fn sample_clock(&self) -> Result<Bounds, RestFault> {
        let (answer, sent, received) = self.get_timed(&self.exchange.time_request()).await?;
        let there = self.judged(self.exchange.read_time(&answer))?;
        Ok(Bounds::of(there, self.exchange.time_step_ms(), sent, received))
    }

    fn set_clock(&self, known: Bounds) -> i64 {
        let offset = known.offset();
        self.counters.clock_offset_ms.store(offset, Ordering::Relaxed);
        self.counters.is_clock_known.store(true, Ordering::Release);
        self.is_clock_known.send_replace(true);
        offset
    }

    /// Waits until the exchange's clock is known.
    pub(super) async fn until_clock(&self) {
        let mut is_known = self.is_clock_known.subscribe();
        // It fails only when the other end is gone, which is here.
        let _gone = is_known.wait_for(|is_known| *is_known).await.is_err();
    }

    /// The newest bars. `None` when the exchange has none of that interval.
    pub(super) async fn bars(
        &self,
        symbol: &Symbol,
        interval: Interval,
        count: usize,
    ) -> Result<Option<Fetched>, RestFault> {
        let Some(request) = self.exchange.bars_request(symbol, interval, count) else { return Ok(None) };
        let answer = self.get(&request).await?;
        let bars = self.judged(self.exchange.read_bars(&answer))?;
        let total = bars.len() as u64;
        let mut bars: BTreeMap<i64, Bar> =
            bars.into_iter().filter(judge::is_bar).map(|bar| (bar.open_time, bar)).collect();
        let refused = total - bars.len() as u64;
        let now = unix_ms() + self.counters.clock_offset_ms.load(Ordering::Relaxed);
        let length = i64::try_from(interval.length_ms()).unwrap_or(i64::MAX);
        let forming = bars
            .last_entry()
            .filter(|last| last.key().saturating_add(length) > now)
            .map(std::collections::btree_map::OccupiedEntry::remove);
        let closed: Vec<Bar> = bars.into_values().collect();
        let spare = closed.len().saturating_sub(count);
        Ok(Some(Fetched { closed: closed[spare..].to_vec(), forming, refused }))
    }

    /// Puts what can be had of trades that were missed into `found`, page by page: what is there when it fails, or is
    /// dropped, stands. An answer that brings nothing new is the last one.
    pub(super) async fn trades(
        &self,
        symbol: &Symbol,
        mut missing: Missing,
        found: &mut BTreeMap<u64, Numbered>,
    ) -> Result<(), RestFault> {
        let wanted = missing.ids.clone();
        for _ in 0..PAGES_MAX {
            let answer = self.get(&self.exchange.trades_request(symbol, &missing)).await?;
            let trades = self.judged(self.exchange.read_trades(&answer))?;
            let before = found.len();
            let latest = self.counters.latest();
            let numbered = trades.iter().filter_map(|trade| numbered(trade, latest));
            found.extend(numbered.filter(|n| wanted.contains(&n.id)).map(|n| (n.id, n)));
            let Some(left) = left_over(&missing, found) else { break };
            if found.len() == before {
                break;
            }
            missing = left;
        }
        Ok(())
    }

    /// How long the exchange is to be left alone.
    pub(super) fn silence(&self) -> Option<Duration> {
        let until = *self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.and_then(|until| until.checked_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// The exchange has said that there were too many requests.
    pub(super) fn ban(&self, retry_after: Option<Duration>) -> Duration {
        let length = retry_after.unwrap_or(BAN_DEFAULT).min(BAN_MAX);
        let until = Instant::now() + length;
        let mut silent_until = self.silent_until.lock().unwrap_or_else(PoisonError::into_inner);
        *silent_until = Some(silent_until.map_or(until, |before| before.max(until)));
        count(&self.counters.bans);
        tracing::warn!(
            exchange = self.exchange.name(),
            seconds = length.as_secs(),
            "too many requests; left alone"
        );
        length
    }

    async fn get(&self, path: &str) -> Result<Vec<u8>, RestFault> {
        self.get_timed(path).await.map(|(body, ..)| body)
    }

    /// An answer, and by our clock when the question went out and when the answer began to come: the wait for our turn
    /// is before that.
    async fn get_timed(&self, path: &str) -> Result<(Vec<u8>, i64, i64), RestFault> {
        let _room = self.room.acquire().await.map_err(|fault| RestFault::Unreachable(fault.to_string()))?;
        self.heed_ban()?;
        self.pace.turn().await;
        // Whoever was before us may have been told meanwhile that it is enough.
        self.heed_ban()?;
        count(&self.counters.requests);
        self.ask(path).await.inspect_err(|_| {
            count(&self.counters.requests_failed);
        })
    }

    fn heed_ban(&self) -> Result<(), RestFault> {
        self.silence().map_or(Ok(()), |left| Err(RestFault::Banned(left)))
    }

    async fn ask(&self, path: &str) -> Result<(Vec<u8>, i64, i64), RestFault> {
        let unreachable = |fault: reqwest::Error| RestFault::Unreachable(fault.without_url().to_string());
        let (sent, asked_at) = (unix_ms(), Instant::now());
        let mut response = self.client.get(Urls::join(&self.base, path)).send().await.map_err(unreachable)?;
        let received = sent.saturating_add(asked_at.elapsed().as_millis() as i64 + 1);
        let status = response.status();
        if is_ban(status) {
            return Err(RestFault::Banned(self.ban(retry_after(response.headers()))));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > ANSWER_LEN_MAX {
                return Err(RestFault::Unreadable(format!("longer than {ANSWER_LEN_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok((body, sent, received));
        }
        let said = text::cut(&String::from_utf8_lossy(&body));
        Err(RestFault::Refused { status: status.as_u16(), said })
    }

    /// An answer may say "too many" with a status that says all is well.
    fn judged<T>(&self, read: Result<T, RestFault>) -> Result<T, RestFault> {
        if read.is_err() {
            count(&self.counters.requests_failed);
        }
        match read {
            Err(RestFault::Banned(length)) => Err(RestFault::Banned(self.ban(Some(length)))),
            other => other,
        }
    }
}

/// Whether a status says that there were too many requests. 418 is a ban that is in force; 403 is what firewalls in
/// front of exchanges answer to the same.
pub(super) fn is_ban(status: StatusCode) -> bool {
    matches!(status.as_u16(), 403 | 418 | 429)
}

/// Seconds of `Retry-After`.
pub(super) fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// A trade with its number; what is not believed keeps the number alone. Its time counts as `latest` at most: one that
/// lies far ahead would have every later trade taken for older.
pub(super) fn numbered(trade: &Trade, latest: i64) -> Option<Numbered> {
    let is_good = judge::is_trade(trade);
    let time = trade.time.min(latest);
    trade.id.map(|id| Numbered { id, time, trade: is_good.then_some(*trade) })
}

/// Milliseconds since the Unix epoch by our own clock.
pub(super) fn unix_ms() -> i64 {
    i64::try_from(crate::wire::now_ms()).unwrap_or(i64::MAX)
}

/// What is still missing: from the first number that was not found to the last one.
fn left_over(missing: &Missing, found: &BTreeMap<u64, Numbered>) -> Option<Missing> {
    let first = missing.ids.clone().find(|id| !found.contains_key(id))?;
    let last = missing.ids.clone().rev().find(|id| !found.contains_key(id))?;
    let since = found.range(..first).next_back().map_or(missing.since, |(_, before)| before.time);
    Some(Missing { ids: first..=last, since })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_shrinks_from_both_ends() {
        let found: BTreeMap<u64, Numbered> =
            [3, 4, 6, 9].map(|id| (id, Numbered { id, time: id as i64 * 10, trade: None })).into();
        let left = left_over(&Missing { ids: 3..=9, since: 5 }, &found);
        assert_eq!(left, Some(Missing { ids: 5..=8, since: 40 }));
        assert_eq!(left_over(&Missing { ids: 3..=4, since: 5 }, &found), None);
    }

    #[test]
    fn only_these_statuses_are_bans() {
        let bans: Vec<u16> =
            (100..600).filter(|code| StatusCode::from_u16(*code).is_ok_and(is_ban)).collect();
        assert_eq!(bans, [403, 418, 429]);
    }
}
