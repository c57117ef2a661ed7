//! How the gateway itself is: told to everybody on a channel of its own, and to whoever asks whether it is ready.
//!
//! Whether the engine delivers is not assumed but tried: a canary is published every second, and has to come
//! back the way that everything else does.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::ChannelName;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::broker::{Broker, Deliver, Message, Publication};
use crate::transport::Lifecycle;
use crate::wire;

/// Where every change of the status is told.
pub const CHANNEL: &str = "system:status";
/// The event that tells it.
pub const CHANGED: &str = "status.changed";
/// Where the canary flies; nobody can subscribe to it.
const CANARY: &str = "system:canary";
const CANARY_EVENT: &str = "canary.flown";
/// How often it is let out.
const CANARY_EVERY: Duration = Duration::from_secs(1);
/// How long it may be away.
const CANARY_LIMIT: Duration = Duration::from_secs(2);

/// Whether the gateway can deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Everything works.
    Ok,
    /// Something does not: the source, or the engine.
    Degraded,
    /// The process is being stopped.
    Draining,
}

/// What the checks have found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Checks {
    /// The engine.
    pub broker: BrokerCheck,
    /// The source of prices.
    pub source: SourceCheck,
}

/// Whether the engine delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerCheck {
    /// The last canary came back in time.
    pub ok: bool,
    /// How long it was away, in milliseconds; `None` when it did not come back.
    pub canary_ms: Option<u64>,
}

/// Whether the source runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SourceCheck {
    /// It runs, and hears what it has its prices from.
    pub ok: bool,
}

/// What is known of the gateway's own health.
#[derive(Debug)]
pub struct Status {
    broker: Mutex<BrokerCheck>,
    has_source: AtomicBool,
    is_source_heard: AtomicBool,
    returned: watch::Sender<u64>,
}

impl Default for Status {
    /// Nothing is proven yet.
    fn default() -> Self {
        Self {
            broker: Mutex::new(BrokerCheck { ok: false, canary_ms: None }),
            has_source: AtomicBool::new(true),
            is_source_heard: AtomicBool::new(true),
            returned: watch::Sender::new(0),
        }
    }
}

impl Status {
    /// What the checks found last.
    pub fn checks(&self) -> Checks {
        let broker = *self.broker.lock().unwrap_or_else(PoisonError::into_inner);
        let ok = self.has_source.load(Ordering::Relaxed) && self.is_source_heard.load(Ordering::Relaxed);
        Checks { broker, source: SourceCheck { ok } }
    }

    /// The source has failed; nothing new comes from it.
    pub fn source_failed(&self) {
        self.has_source.store(false, Ordering::Relaxed);
    }

    /// The source has lost the feed that it has its prices from, or has it again.
    pub fn source_heard(&self, is_heard: bool) {
        self.is_source_heard.store(is_heard, Ordering::Relaxed);
    }

    fn source_word(&self, name: &'static str) -> &'static str {
        match (self.has_source.load(Ordering::Relaxed), self.is_source_heard.load(Ordering::Relaxed)) {
            (true, true) => name,
            (true, false) => "disconnected",
            (false, _) => "failed",
        }
    }

    fn found(&self, canary_ms: Option<u64>) {
        let check = BrokerCheck { ok: canary_ms.is_some(), canary_ms };
        let before =
            std::mem::replace(&mut *self.broker.lock().unwrap_or_else(PoisonError::into_inner), check);
        if before.ok && !check.ok {
            tracing::error!("the canary did not come back: the engine does not deliver");
        }
    }
}

/// Catches the canary on its way to the subscribers; everything else passes.
pub struct Aviary {
    status: Arc<Status>,
    next: Arc<dyn Deliver>,
    canary: ChannelName,
}

impl Aviary {
    /// In front of `next`.
    pub fn new(status: Arc<Status>, next: Arc<dyn Deliver>) -> Self {
        Self { status, next, canary: name(CANARY) }
    }
}

impl Deliver for Aviary {
    fn deliver(&self, publication: &Arc<Publication>) {
        if *publication.channel() != self.canary {
            return self.next.deliver(publication);
        }
        let number = str::from_utf8(publication.data()).ok().and_then(|text| text.parse().ok());
        if let Some(number) = number {
            self.status.returned.send_replace(number);
        }
    }

    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str) {
        if *channel != self.canary {
            self.next.reset(channel, epoch, reason);
        }
    }

    fn has_subscribers(&self, channel: &ChannelName) -> bool {
        *channel == self.canary || self.next.has_subscribers(channel)
    }
}

/// Lets canaries out and tells the status whenever it changes.
pub struct Watch {
    status: Arc<Status>,
    broker: Arc<dyn Broker>,
    source: &'static str,
    told: Option<Condition>,
}

impl Watch {
    /// Of a gateway whose prices come from `source`.
    pub fn new(status: Arc<Status>, broker: Arc<dyn Broker>, source: &'static str) -> Self {
        Self { status, broker, source, told: None }
    }

    /// Runs until everything ends. That the process is being stopped is the last thing that it tells.
    pub async fn run(mut self, lifecycle: Lifecycle) {
        let mut ticks = interval(CANARY_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut number = 0;
        let watching = async {
            loop {
                ticks.tick().await;
                number += 1;
                let canary_ms = self.fly(number).await;
                self.status.found(canary_ms);
                self.tell(self.condition()).await;
            }
        };
        lifecycle.stopping.run_until_cancelled(watching).await;
        self.tell(Condition::Draining).await;
        lifecycle.draining.cancel();
    }

    /// How long the canary was away.
    async fn fly(&self, number: u64) -> Option<u64> {
        let mut returned = self.status.returned.subscribe();
        let began = Instant::now();
        let flight = async {
            let sent = self.publish(CANARY, CANARY_EVENT, &number).await;
            sent && returned.wait_for(|back| *back == number).await.is_ok()
        };
        timeout(CANARY_LIMIT, flight).await.unwrap_or(false).then(|| began.elapsed().as_millis() as u64)
    }

    fn condition(&self) -> Condition {
        let Checks { broker, source } = self.status.checks();
        if broker.ok && source.ok { Condition::Ok } else { Condition::Degraded }
    }

    async fn tell(&mut self, condition: Condition) {
        #[derive(Serialize)]
        struct Changed {
            status: Condition,
            source: &'static str,
            broker: &'static str,
        }
        if self.told == Some(condition) {
            return;
        }
        let Checks { broker, .. } = self.status.checks();
        let changed = Changed {
            status: condition,
            source: self.status.source_word(self.source),
            broker: if broker.ok { "ok" } else { "unavailable" },
        };
        // An engine that does not take it is asked again with the next canary.
        if self.publish(CHANNEL, CHANGED, &changed).await {
            self.told = Some(condition);
        }
    }

    async fn publish(&self, channel: &str, event: &'static str, data: &impl Serialize) -> bool {
        let message = Message {
            channel: name(channel),
            event: Cow::Borrowed(event),
            ts: wire::now_ms(),
            key: 0,
            data: serde_json::to_vec(data).map(Bytes::from).unwrap_or_default(),
            idempotency: None,
        };
        let published = self.broker.publish(message).await;
        published.inspect_err(|error| tracing::debug!(%error, channel, "not published")).is_ok()
    }
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).expect("the names above are grammatical")
}

#[cfg(test)]
mod tests;
