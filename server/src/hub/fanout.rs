//! Who is subscribed to what, and the way of a publication to each of them.

use std::collections::HashMap;
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use live_core::channel::ChannelName;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::connection::Shared;
use super::subscription::Ticket;
use crate::broker::{Deliver, Publication};
use crate::config::LiveConfig;

/// From so many subscribers on, what comes within a channel's window is handed on together.
const MANY: usize = 64;
/// How many subscribers one millisecond of a channel's window stands for: with the longest window of 25 ms,
/// a channel causes at most about 25,000 writes a second up to 625 subscribers.
const SUBSCRIBERS_PER_MS: u64 = 25;
/// Most publications that are handed on together.
const HELD_MAX: usize = 32;
/// Channels whose window ends so soon after another one's are handed on with it.
const ALIGNED: Duration = Duration::from_millis(3);

/// The subscribers of every channel on this node. A channel without any is not in it, so that publishing
/// there costs one look.
///
/// A channel with few subscribers is handed on at once. One with many has a window, which begins when something
/// is handed on: what comes within it is handed on together at its end. Each subscriber's state is then looked up
/// once for all of it, and each is woken once.
#[derive(Default)]
pub struct Fanout {
    topics: RwLock<HashMap<ChannelName, Arc<Topic>>>,
    connections: AtomicUsize,
    rhythm: Rhythm,
    ticker: Arc<Ticker>,
}

/// How long a channel's window is, and how much it may hold.
#[derive(Clone, Copy, Debug, Default)]
struct Rhythm {
    shortest: Duration,
    longest: Duration,
    held_max: usize,
}

impl Rhythm {
    fn window(&self, subscribers: usize) -> Duration {
        if subscribers < MANY {
            return Duration::ZERO;
        }
        let grown = Duration::from_millis(subscribers as u64 / SUBSCRIBERS_PER_MS);
        grown.clamp(self.shortest, self.longest)
    }
}

/// One channel's subscribers. The lock is held while all are offered something, which keeps the channel's order
/// for each of them; an offer never waits.
#[derive(Default)]
struct Topic(Mutex<Subscribers>);

#[derive(Default)]
struct Subscribers {
    all: Vec<(Ticket, Arc<Shared>)>,
    /// What came within the window.
    held: Vec<Arc<Publication>>,
    /// When the window began.
    handed_on: Option<Instant>,
    /// The ticker comes at the end of the window.
    is_expected: bool,
}

impl Subscribers {
    fn offer(&self, publications: &[Arc<Publication>], now: Instant) {
        for (ticket, connection) in &self.all {
            connection.offer(*ticket, publications, now);
        }
    }

    /// Hands on what is held.
    fn flush(&mut self, now: Instant) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        self.offer(&held, now);
        self.handed_on = Some(now);
        self.held = held;
        self.held.clear();
    }

    /// Takes a publication. Returns when the ticker has to come for it, if it does not do so already.
    fn take(&mut self, publication: &Arc<Publication>, rhythm: &Rhythm, now: Instant) -> Option<Instant> {
        let window = rhythm.window(self.all.len());
        let ends = self.handed_on.filter(|_| !window.is_zero()).map(|began| began + window);
        let ends = ends.filter(|ends| *ends > now);
        if ends.is_none() && self.held.is_empty() {
            self.offer(slice::from_ref(publication), now);
            self.handed_on = Some(now);
            return None;
        }
        self.held.push(Arc::clone(publication));
        match ends {
            Some(ends) if self.held.len() < rhythm.held_max => {
                (!std::mem::replace(&mut self.is_expected, true)).then_some(ends)
            }
            _ => {
                self.flush(now);
                None
            }
        }
    }
}

impl Topic {
    fn lock(&self) -> MutexGuard<'_, Subscribers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Comes at the end of windows. It runs only while there is something to come for.
#[derive(Default)]
struct Ticker {
    expected: Mutex<Expected>,
    sooner: Notify,
}

#[derive(Default)]
struct Expected {
    topics: Vec<(Instant, Arc<Topic>)>,
    is_running: bool,
}

impl Ticker {
    fn expect(self: &Arc<Self>, at: Instant, topic: Arc<Topic>) {
        let mut expected = self.lock();
        let is_sooner = expected.topics.iter().all(|(other, _)| at < *other);
        expected.topics.push((at, topic));
        if !std::mem::replace(&mut expected.is_running, true) {
            tokio::spawn(Arc::clone(self).run());
        } else if is_sooner {
            self.sooner.notify_one();
        }
    }

    async fn run(self: Arc<Self>) {
        while let Some(next) = self.next() {
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.sooner.notified() => continue,
            }
            let now = Instant::now();
            let due = self.lock().topics.extract_if(.., |(at, _)| *at <= now + ALIGNED).collect::<Vec<_>>();
            for (_, topic) in due {
                let mut subscribers = topic.lock();
                subscribers.is_expected = false;
                subscribers.flush(now);
            }
        }
    }

    /// When the first window ends. With none left the ticker stops.
    fn next(&self) -> Option<Instant> {
        let mut expected = self.lock();
        let next = expected.topics.iter().map(|(at, _)| *at).min();
        expected.is_running = next.is_some();
        next
    }

    fn lock(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fanout {
    /// One whose windows are as the settings say. That of `default` hands on everything at once.
    #[must_use]
    pub fn new(live: &LiveConfig) -> Self {
        let (shortest, longest) = (live.coalesce, live.coalesce_max.max(live.coalesce));
        // A queue that is drained between two times has room for what comes at once.
        let held_max = HELD_MAX.min(live.queue_capacity / 2);
        Self { rhythm: Rhythm { shortest, longest, held_max }, ..Self::default() }
    }

    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many subscriptions a channel has.
    pub(super) fn subscribers(&self, channel: &ChannelName) -> usize {
        self.topic(channel).map_or(0, |topic| topic.lock().all.len())
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins to offer a channel's publications to a subscription. What is held of the channel was numbered
    /// before the engine is asked for the subscription, so it is known there and passed over.
    pub(super) fn join(&self, channel: &ChannelName, ticket: Ticket, connection: &Arc<Shared>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(channel.clone()).or_default();
        topic.lock().all.push((ticket, Arc::clone(connection)));
    }

    /// Ends that.
    pub(super) fn leave(&self, channel: &ChannelName, ticket: Ticket, connection: &Arc<Shared>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get(channel) else { return };
        let is_empty = {
            let mut subscribers = topic.lock();
            subscribers.all.retain(|(other, shared)| *other != ticket || !Arc::ptr_eq(shared, connection));
            subscribers.all.is_empty()
        };
        if is_empty {
            topics.remove(channel);
        }
    }

    fn topic(&self, channel: &ChannelName) -> Option<Arc<Topic>> {
        self.topics.read().unwrap_or_else(PoisonError::into_inner).get(channel).cloned()
    }
}

impl Deliver for Fanout {
    fn deliver(&self, publication: &Arc<Publication>) {
        let Some(topic) = self.topic(publication.channel()) else { return };
        let ends = topic.lock().take(publication, &self.rhythm, Instant::now());
        if let Some(ends) = ends {
            self.ticker.expect(ends, topic);
        }
    }

    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str) {
        let Some(topic) = self.topic(channel) else { return };
        let mut subscribers = topic.lock();
        subscribers.flush(Instant::now());
        for (ticket, connection) in &subscribers.all {
            connection.reset(*ticket, epoch, reason);
        }
    }

    fn has_subscribers(&self, channel: &ChannelName) -> bool {
        self.topic(channel).is_some()
    }
}
