//! The engine within the process.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use live_core::channel::{ChannelName, Mode, Namespaces};
use live_core::sequence::Position;

use super::{Broker, BrokerError, BrokerFuture, Deliver, Message, Publication, Snapshot};
use crate::random;

/// Characters of an epoch; 50 bits, so that two restarts do not meet.
const EPOCH_LEN: usize = 10;
/// Publications of an `event` or `lossless` channel that are kept for a snapshot.
const HISTORY_MAX: usize = 256;

/// Channels of this process. Publishing is one short lock of the channel; nothing waits.
pub struct MemoryBroker {
    channels: RwLock<HashMap<ChannelName, Arc<Mutex<Channel>>>>,
    namespaces: Namespaces,
    keys_max: usize,
    subscribers: Arc<dyn Deliver>,
}

impl MemoryBroker {
    /// An engine without channels, which hands on to `subscribers` and keeps the newest `keys_max` keys of
    /// a `keyed` channel.
    pub fn new(namespaces: Namespaces, keys_max: usize, subscribers: Arc<dyn Deliver>) -> Self {
        Self { channels: RwLock::default(), namespaces, keys_max, subscribers }
    }

    /// Runs `act` on a channel, which is made at its first use. The lock is held meanwhile, so that what
    /// `act` hands on keeps the channel's order.
    fn with<T>(&self, name: &ChannelName, act: impl FnOnce(&mut Channel) -> T) -> Result<T, BrokerError> {
        let known = self.channels.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let channel = match known {
            Some(channel) => channel,
            None => self.make(name)?,
        };
        let mut channel = channel.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(act(&mut channel))
    }

    fn make(&self, name: &ChannelName) -> Result<Arc<Mutex<Channel>>, BrokerError> {
        let policy = self.namespaces.policy(name).map_err(|_| BrokerError::Namespace(name.clone()))?;
        let keep = match policy.mode {
            Mode::State => 1,
            Mode::Keyed => self.keys_max,
            Mode::Event | Mode::Lossless => HISTORY_MAX,
        };
        let mut channels = self.channels.write().unwrap_or_else(PoisonError::into_inner);
        let channel = channels
            .entry(name.clone())
            .or_insert_with(|| Arc::new(Mutex::new(Channel::new(policy.mode, keep))));
        Ok(Arc::clone(channel))
    }
}

impl Broker for MemoryBroker {
    fn publish(&self, message: Message) -> BrokerFuture<'_, Position> {
        Box::pin(async move {
            let name = message.channel.clone();
            self.with(&name, |channel| {
                let publication = channel.publish(message);
                self.subscribers.deliver(&publication);
                channel.position()
            })
        })
    }

    fn reset<'a>(&'a self, name: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position> {
        Box::pin(async move {
            self.with(name, |channel| {
                *channel = Channel::new(channel.mode, channel.keep);
                self.subscribers.reset(name, &channel.epoch, reason);
                channel.position()
            })
        })
    }

    fn snapshot<'a>(&'a self, name: &'a ChannelName) -> BrokerFuture<'a, Snapshot> {
        Box::pin(async move { self.with(name, |channel| channel.snapshot()) })
    }
}

/// One channel's counter and what is kept of it.
struct Channel {
    epoch: Arc<str>,
    seq: u64,
    mode: Mode,
    keep: usize,
    /// Under `keyed` one a key, in the order in which the keys first came; else in order of `seq`.
    kept: VecDeque<Arc<Publication>>,
}

impl Channel {
    fn new(mode: Mode, keep: usize) -> Self {
        Self { epoch: random::text(EPOCH_LEN).into(), seq: 0, mode, keep, kept: VecDeque::new() }
    }

    fn publish(&mut self, message: Message) -> Arc<Publication> {
        self.seq += 1;
        let publication = Arc::new(Publication::new(message, Arc::clone(&self.epoch), self.seq));
        // A key that is published again is nearly always one of the newest.
        let same_key = match self.mode {
            Mode::Keyed => self.kept.iter_mut().rev().find(|kept| kept.key() == publication.key()),
            _ => None,
        };
        match same_key {
            Some(kept) => *kept = Arc::clone(&publication),
            None => {
                if self.kept.len() >= self.keep {
                    self.kept.pop_front();
                }
                self.kept.push_back(Arc::clone(&publication));
            }
        }
        publication
    }

    fn snapshot(&self) -> Snapshot {
        let mut items: Vec<_> = self.kept.iter().cloned().collect();
        items.sort_by_key(|item| item.seq());
        Snapshot { epoch: Arc::clone(&self.epoch), head: self.seq, items }
    }

    fn position(&self) -> Position {
        Position { epoch: (&*self.epoch).into(), seq: self.seq }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    /// Keeps what it is handed.
    #[derive(Default)]
    struct Kept(Mutex<Vec<String>>);

    impl Deliver for Kept {
        fn deliver(&self, publication: &Arc<Publication>) {
            self.0.lock().expect("no panic").push(format!("{} {}", publication.channel(), publication.seq()));
        }
        fn reset(&self, channel: &ChannelName, _: &Arc<str>, reason: &str) {
            self.0.lock().expect("no panic").push(format!("{channel} {reason}"));
        }
    }

    fn message(channel: &str, key: i64) -> Message {
        let channel = ChannelName::parse(channel).expect("a good name");
        Message { channel, event: "test.done", ts: 1, key, data: Bytes::from_static(b"{}") }
    }

    fn broker(keys_max: usize) -> (MemoryBroker, Arc<Kept>) {
        let kept = Arc::new(Kept::default());
        (MemoryBroker::new(Namespaces::builtin(), keys_max, Arc::clone(&kept) as _), kept)
    }

    async fn seqs(broker: &MemoryBroker, channel: &str) -> (u64, Vec<(u64, i64)>) {
        let snapshot = broker.snapshot(&message(channel, 0).channel).await.expect("in memory");
        (snapshot.head, snapshot.items.iter().map(|item| (item.seq(), item.key())).collect())
    }

    #[tokio::test]
    async fn one_call_numbers_keeps_and_hands_on() {
        let (broker, kept) = broker(2);
        for key in 0..3 {
            broker.publish(message("price:A", key)).await.expect("in memory");
        }
        let position = broker.publish(message("price:B", 0)).await.expect("in memory");
        assert_eq!(position.seq, 1);
        assert!(Position::parse(&position.to_string()).is_ok(), "{position}");
        assert_eq!(*kept.0.lock().expect("no panic"), ["price:A 1", "price:A 2", "price:A 3", "price:B 1"]);
        assert_eq!(seqs(&broker, "price:A").await, (3, vec![(3, 2)]));
    }

    #[tokio::test]
    async fn a_keyed_channel_keeps_the_newest_of_the_newest_keys_in_order_of_seq() {
        let (broker, _) = broker(2);
        for key in [10, 20, 10, 30, 20] {
            broker.publish(message("candles:A.1d", key)).await.expect("in memory");
        }
        assert_eq!(seqs(&broker, "candles:A.1d").await, (5, vec![(4, 30), (5, 20)]));
    }

    #[tokio::test]
    async fn an_event_channel_keeps_its_newest_history() {
        let (broker, _) = broker(2);
        for _ in 0..300 {
            broker.publish(message("system:status", 0)).await.expect("in memory");
        }
        let (head, items) = seqs(&broker, "system:status").await;
        assert_eq!((head, items.len(), items[0].0), (300, 256, 45));
    }

    #[tokio::test]
    async fn a_reset_forgets_and_starts_again_under_a_new_epoch() {
        let (broker, kept) = broker(2);
        let before = broker.publish(message("price:A", 0)).await.expect("in memory");
        let after = broker.reset(&message("price:A", 0).channel, "starts over").await.expect("in memory");
        assert_ne!(before.epoch, after.epoch);
        assert_eq!(seqs(&broker, "price:A").await, (0, vec![]));
        assert_eq!(broker.publish(message("price:A", 0)).await.expect("in memory").seq, 1);
        assert_eq!(*kept.0.lock().expect("no panic"), ["price:A 1", "price:A starts over", "price:A 1"]);
    }

    #[tokio::test]
    async fn a_namespace_that_is_not_known_is_refused() {
        let (broker, kept) = broker(2);
        let refused = broker.publish(message("weather:A", 0)).await.expect_err("refused");
        assert_eq!(refused.code(), live_core::error::ErrorCode::ChannelUnknown);
        assert!(kept.0.lock().expect("no panic").is_empty());
    }

    #[tokio::test]
    async fn a_value_that_nobody_wants_is_never_encoded() {
        let (broker, _) = broker(2);
        broker.publish(message("price:A", 0)).await.expect("in memory");
        let snapshot = broker.snapshot(&message("price:A", 0).channel).await.expect("in memory");
        assert!(snapshot.items[0].encoded.get().is_none());
        let first = snapshot.items[0].envelope().as_ptr();
        assert_eq!(snapshot.items[0].envelope().as_ptr(), first, "once for all");
    }

    #[test]
    fn data_that_breaks_the_protocol_has_no_envelope() {
        let broken = Message { data: Bytes::from_static(b"{"), ..message("price:A", 0) };
        assert!(Publication::new(broken, "abcdefgh".into(), 1).envelope().is_empty());
        let wrong = Message { event: "price.tick", ..message("price:A", 0) };
        assert!(Publication::new(wrong, "abcdefgh".into(), 1).envelope().is_empty());
    }
}
