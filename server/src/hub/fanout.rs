//! Who is subscribed to what, and the way of a publication to each of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use live_core::channel::ChannelName;
use tokio::time::Instant;

use super::connection::Shared;
use super::subscription::Ticket;
use crate::broker::{Deliver, Publication};

/// The subscribers of every channel on this node. A channel without any is not in it, so that publishing
/// there costs one look.
#[derive(Default)]
pub struct Fanout {
    topics: RwLock<HashMap<ChannelName, Arc<Topic>>>,
    connections: AtomicUsize,
}

/// The subscribers of one channel. The lock is held while all are offered a publication, which keeps the
/// channel's order for each of them; an offer never waits.
type Topic = Mutex<Vec<(Ticket, Arc<Shared>)>>;

impl Fanout {
    /// How many connections there are.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// How many subscriptions a channel has.
    pub(super) fn subscribers(&self, channel: &ChannelName) -> usize {
        self.topic(channel).map_or(0, |topic| lock(&topic).len())
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins to offer a channel's publications to a subscription.
    pub(super) fn join(&self, channel: &ChannelName, ticket: Ticket, connection: &Arc<Shared>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let topic = topics.entry(channel.clone()).or_default();
        lock(topic).push((ticket, Arc::clone(connection)));
    }

    /// Ends that.
    pub(super) fn leave(&self, channel: &ChannelName, ticket: Ticket, connection: &Arc<Shared>) {
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let Some(topic) = topics.get(channel) else { return };
        let is_empty = {
            let mut subscribers = lock(topic);
            subscribers.retain(|(other, shared)| *other != ticket || !Arc::ptr_eq(shared, connection));
            subscribers.is_empty()
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
        let now = Instant::now();
        for (ticket, connection) in lock(&topic).iter() {
            connection.offer(*ticket, publication, now);
        }
    }

    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str) {
        let Some(topic) = self.topic(channel) else { return };
        for (ticket, connection) in lock(&topic).iter() {
            connection.reset(*ticket, epoch, reason);
        }
    }

    fn has_subscribers(&self, channel: &ChannelName) -> bool {
        self.topic(channel).is_some()
    }
}

fn lock(topic: &Topic) -> std::sync::MutexGuard<'_, Vec<(Ticket, Arc<Shared>)>> {
    topic.lock().unwrap_or_else(PoisonError::into_inner)
}
