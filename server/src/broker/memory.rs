//! The engine within the process.

mod channel;
mod repeated;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use live_core::channel::{ChannelName, Mode, Namespaces};
use live_core::sequence::Position;
use tokio::time::Instant;

use self::channel::{Channel, Now};
use self::repeated::{Key, Repeated, Seen};
use super::{Aside, Attached, Broker, BrokerError, BrokerFuture, Deliver, Message, Published};

/// How often channels are looked through for those that hold nothing.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// Idempotency keys that are remembered where nothing else is said.
const IDEMPOTENCY_KEYS: usize = 100_000;

/// Channels of this process. Publishing is one short lock of the channel; nothing waits.
pub struct MemoryBroker {
    channels: RwLock<HashMap<ChannelName, Arc<Mutex<Channel>>>>,
    namespaces: Namespaces,
    keys_max: usize,
    /// Under the lock of the key's channel, so that the same publication cannot come twice at once.
    repeated: Mutex<Repeated>,
    subscribers: Arc<dyn Deliver>,
    began: Instant,
    /// When to look through the channels again, in milliseconds from the beginning.
    sweep_due_ms: AtomicU64,
}

impl MemoryBroker {
    /// An engine without channels, which hands on to `subscribers` and keeps the newest `keys_max` keys of
    /// a `keyed` channel.
    pub fn new(namespaces: Namespaces, keys_max: usize, subscribers: Arc<dyn Deliver>) -> Self {
        Self {
            channels: RwLock::default(),
            namespaces,
            keys_max,
            repeated: Mutex::new(Repeated::new(IDEMPOTENCY_KEYS)),
            subscribers,
            began: Instant::now(),
            sweep_due_ms: AtomicU64::new(SWEEP_EVERY.as_millis() as u64),
        }
    }

    /// Remembers at most `max` idempotency keys, of all channels. One more is refused until the oldest are forgotten.
    #[must_use]
    pub fn with_idempotency_keys(self, max: usize) -> Self {
        Self { repeated: Mutex::new(Repeated::new(max)), ..self }
    }

    fn repeated(&self) -> MutexGuard<'_, Repeated> {
        self.repeated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `act` on a channel, which is made at its first use. The lock is held meanwhile, so that what
    /// `act` hands on keeps the channel's order.
    fn with<T>(
        &self,
        name: &ChannelName,
        act: impl FnOnce(&mut Channel, Now) -> T,
    ) -> Result<T, BrokerError> {
        let now = Now { at: Instant::now(), began: self.began };
        self.sweep(now);
        let known = self.channels.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let channel = match known {
            Some(channel) => channel,
            None => self.make(name, now)?,
        };
        let mut channel = channel.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(act(&mut channel, now))
    }

    fn take(&self, mut message: Message, aside: Option<Aside>) -> Result<Published, BrokerError> {
        let name = message.channel.clone();
        let key = message.idempotency.take().map(|idempotency| Key::new(&name, &idempotency));
        self.with(&name, |channel, now| {
            let seen = key.as_ref().map_or(Seen::Never, |key| self.repeated().find(key, now.at));
            match seen {
                Seen::Never => {}
                Seen::Before(position) => return Ok(Published { position, is_duplicate: true }),
                Seen::Other => return Err(BrokerError::IdempotencyMismatch(name.clone())),
                Seen::Full(retry_after) => return Err(BrokerError::IdempotencyFull { retry_after }),
            }
            let publication = channel.publish(message, now);
            let position = channel.position();
            if let Some(key) = &key {
                self.repeated().remember(key, &position, now.at);
            }
            match aside {
                // What is kept is the one without.
                Some(aside) => self.subscribers.deliver(&Arc::new(publication.with_aside(aside))),
                None => self.subscribers.deliver(&publication),
            }
            Ok(Published { position, is_duplicate: false })
        })?
    }

    fn make(&self, name: &ChannelName, now: Now) -> Result<Arc<Mutex<Channel>>, BrokerError> {
        let mode = self.mode(name)?;
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let channel = channels
            .entry(name.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Channel::new(mode, self.keys_max, now))));
        Ok(Arc::clone(channel))
    }

    fn mode(&self, name: &ChannelName) -> Result<Mode, BrokerError> {
        let policy = self.namespaces.policy(name).map_err(|_| BrokerError::Namespace(name.clone()))?;
        Ok(policy.mode)
    }

    /// Forgets channels that hold nothing and that nobody listens to. One that comes again has a new epoch, so
    /// that an old position is told from one of the new history.
    fn sweep(&self, now: Now) {
        let now_ms = (now.at - now.began).as_millis() as u64;
        let due_ms = self.sweep_due_ms.load(Ordering::Relaxed);
        let next_ms = now_ms + SWEEP_EVERY.as_millis() as u64;
        let is_ours = now_ms >= due_ms
            && self
                .sweep_due_ms
                .compare_exchange(due_ms, next_ms, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_ours {
            return;
        }
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|name, channel| {
            // Whoever holds one is about to use it; under this lock nobody else can get hold of it.
            let is_used = Arc::strong_count(channel) > 1;
            is_used
                || !channel.lock().unwrap_or_else(PoisonError::into_inner).is_void(now)
                || self.subscribers.has_subscribers(name)
        });
    }
}

impl Broker for MemoryBroker {
    fn publish(&self, message: Message) -> BrokerFuture<'_, Published> {
        Box::pin(async move { self.take(message, None) })
    }

    fn publish_aside(&self, message: Message, aside: Aside) -> BrokerFuture<'_, Published> {
        Box::pin(async move { self.take(message, Some(aside)) })
    }

    fn reset<'a>(&'a self, name: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position> {
        Box::pin(async move {
            let mode = self.mode(name)?;
            self.with(name, |channel, now| {
                let epoch = channel.reset(mode, self.keys_max, now);
                self.subscribers.reset(name, epoch, reason);
                channel.position()
            })
        })
    }

    fn forget<'a>(&'a self, name: &'a ChannelName) -> BrokerFuture<'a, ()> {
        Box::pin(async move {
            let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
            let Some(channel) = channels.get(name).cloned() else { return Ok(()) };
            // This one and that of the list; whoever else holds it is about to use it.
            if Arc::strong_count(&channel) == 2 && !self.subscribers.has_subscribers(name) {
                channels.remove(name);
                return Ok(());
            }
            drop(channels);
            channel.lock().unwrap_or_else(PoisonError::into_inner).forget();
            Ok(())
        })
    }

    fn attach<'a>(
        &'a self,
        name: &'a ChannelName,
        since: Option<&'a Position>,
        limit: usize,
    ) -> BrokerFuture<'a, Attached> {
        Box::pin(async move { self.with(name, |channel, now| channel.attach(since, limit, now)) })
    }
}

#[cfg(test)]
mod tests;
