//! The engine: assigns `seq`, keeps what a snapshot needs, and hands publications on, in one step.
//!
//! The trait is shaped for an engine in another process: every call may wait and may fail, and what is
//! published by one node reaches the others through [`Deliver`]. In this process [`memory`] is complete.

pub mod memory;

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::sequence::Position;
use serde_json::value::RawValue;

use crate::wire;

/// A call to the engine.
pub type BrokerFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, BrokerError>> + Send + 'a>>;

/// Why the engine did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BrokerError {
    /// It cannot be reached; trying again may help.
    #[error("the engine cannot be reached: {0}")]
    Unavailable(String),
    /// There is no such namespace.
    #[error("channel {0} has no namespace that is known")]
    Namespace(ChannelName),
    /// The idempotency key was used for something else.
    #[error("the idempotency key was used for another publication on channel {0}")]
    IdempotencyMismatch(ChannelName),
    /// There are as many idempotency keys as can be remembered; a publication without one is taken.
    #[error("as many idempotency keys are remembered as can be")]
    IdempotencyFull {
        /// When the oldest of them are forgotten.
        retry_after: Duration,
    },
}

impl BrokerError {
    /// What a client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::BrokerUnavailable,
            Self::Namespace(_) => ErrorCode::ChannelUnknown,
            Self::IdempotencyMismatch(_) => ErrorCode::IdempotencyMismatch,
            Self::IdempotencyFull { .. } => ErrorCode::RateLimited,
        }
    }
}

/// Something to be published.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where.
    pub channel: ChannelName,
    /// What happened, `domain.verb`.
    pub event: Cow<'static, str>,
    /// Source time in milliseconds since the Unix epoch.
    pub ts: u64,
    /// Key under `keyed`; 0 elsewhere.
    pub key: i64,
    /// JSON text of the data.
    pub data: Bytes,
    /// What makes a repetition of it one; `None` where each is meant.
    pub idempotency: Option<Idempotency>,
}

/// Tells a publication that is tried again from another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Who publishes; keys of different publishers do not meet.
    pub subject: Box<str>,
    /// The publisher's own key.
    pub key: Box<str>,
    /// A hash of everything that the publisher said, so that another payload under the same key is told.
    pub fingerprint: [u8; 32],
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its place on the channel; of a repetition the place of the first.
    pub position: Position,
    /// It was published before under the same idempotency key, and not again.
    pub is_duplicate: bool,
}

/// What goes to one person in place of a message's own data, and is kept nowhere: such as a token that is shown once.
#[derive(Clone)]
pub struct Aside {
    /// Whose connections it goes to.
    pub subject: Box<str>,
    /// JSON text of the data.
    pub data: Bytes,
}

impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aside").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// Something that was published. Its envelope is encoded once, when somebody first wants it.
pub struct Publication {
    message: Message,
    epoch: Arc<str>,
    seq: u64,
    encoded: OnceLock<Bytes>,
    /// What somebody is handed in its place.
    twin: Option<Twin>,
}

/// The same publication with what is for one person alone.
struct Twin {
    subject: Box<str>,
    publication: Arc<Publication>,
}

impl fmt::Debug for Publication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message: Message { channel, event, .. }, epoch, seq, .. } = self;
        f.debug_struct("Publication")
            .field("channel", channel)
            .field("event", event)
            .field("epoch", epoch)
            .field("seq", seq)
            .finish_non_exhaustive()
    }
}

impl Publication {
    /// A message with the place that the engine gave it.
    pub fn new(mut message: Message, epoch: Arc<str>, seq: u64) -> Self {
        message.idempotency = None;
        Self { message, epoch, seq, encoded: OnceLock::new(), twin: None }
    }

    /// The same to be handed on once, with what is for one person alone. It must not be kept.
    #[must_use]
    pub fn with_aside(&self, Aside { subject, data }: Aside) -> Self {
        let copy = |message: Message| Self::new(message, Arc::clone(&self.epoch), self.seq);
        let publication = Arc::new(copy(Message { data, ..self.message.clone() }));
        Self { twin: Some(Twin { subject, publication }), ..copy(self.message.clone()) }
    }

    /// Whether there is something in it for one person alone.
    pub fn has_aside(&self) -> bool {
        self.twin.is_some()
    }

    /// What is handed in its place to somebody, if it is for them.
    pub fn aside_for(&self, subject: &str) -> Option<&Arc<Self>> {
        self.twin.as_ref().filter(|twin| *twin.subject == *subject).map(|twin| &twin.publication)
    }

    /// Where it was published.
    pub fn channel(&self) -> &ChannelName {
        &self.message.channel
    }

    /// What happened.
    pub fn event(&self) -> &str {
        &self.message.event
    }

    /// Source time in milliseconds since the Unix epoch.
    pub fn ts(&self) -> u64 {
        self.message.ts
    }

    /// JSON text of the data.
    pub fn data(&self) -> &Bytes {
        &self.message.data
    }

    /// Which history it belongs to.
    pub fn epoch(&self) -> &Arc<str> {
        &self.epoch
    }

    /// Its number within the epoch, from 1.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Its key under `keyed`.
    pub fn key(&self) -> i64 {
        self.message.key
    }

    /// The envelope, shared by all who send it; empty when the data breaks a rule of the protocol.
    pub fn envelope(&self) -> &Bytes {
        self.encoded.get_or_init(|| {
            let Message { channel, event, ts, data, .. } = &self.message;
            match serde_json::from_slice::<&RawValue>(data) {
                Ok(data) => wire::encode(event, channel.as_str(), self.seq, *ts, None, &data),
                Err(fault) => {
                    tracing::error!(%channel, %event, %fault, "published data is not JSON");
                    Bytes::new()
                }
            }
        })
    }
}

/// What the engine says to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There was none.
    First,
    /// Everything after it is held and follows.
    Resumed,
    /// What came after it cannot be had in full; the code says why.
    Lost(ErrorCode),
}

/// What a subscriber starts from.
#[derive(Clone, Debug)]
pub struct Attached {
    /// The channel's epoch.
    pub epoch: Arc<str>,
    /// `seq` of the newest publication; 0 before the first.
    pub head: u64,
    /// Whether it goes on from the position that was given.
    pub verdict: Verdict,
    /// What is to be sent, in ascending order of `seq`. [`Verdict::Resumed`]: what came after the position,
    /// under `state` and `keyed` the newest of it. Else what is kept: the newest value, the newest of each key,
    /// or the history.
    pub items: Vec<Arc<Publication>>,
    /// Nothing is left out for the limit. Else the next call goes on from the last item's position.
    pub is_complete: bool,
}

/// Takes in what the engine hands on. Of one channel everything comes in order, one call after the other.
pub trait Deliver: Send + Sync {
    /// A publication.
    fn deliver(&self, publication: &Arc<Publication>);

    /// The channel's history is void; publications of the new epoch follow, from 1.
    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str);

    /// Whether anybody is handed what the channel brings: one that is attached counts on its epoch to stay.
    fn has_subscribers(&self, channel: &ChannelName) -> bool;
}

/// The engine.
pub trait Broker: Send + Sync {
    /// Assigns the next `seq`, keeps and hands on, so that counter, history and delivery cannot part. A
    /// repetition under the same idempotency key is answered with the first one's place.
    fn publish(&self, message: Message) -> BrokerFuture<'_, Published>;

    /// The same; what is aside is handed in place of the message's data to those connections of its person that this node
    /// has at that moment. It is kept nowhere and goes to no other node, so that nobody ever reads it again. An engine that
    /// cannot do so publishes the message alone.
    fn publish_aside(&self, message: Message, aside: Aside) -> BrokerFuture<'_, Published> {
        drop(aside);
        self.publish(message)
    }

    /// Gives the channel a new epoch, forgets what was kept, and tells subscribers.
    fn reset<'a>(&'a self, channel: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position>;

    /// Lets go of what is kept of a channel, so that whoever is behind cannot go on from there; who is not misses nothing.
    /// An engine that cannot do so keeps it.
    fn forget<'a>(&'a self, channel: &'a ChannelName) -> BrokerFuture<'a, ()> {
        let _kept = channel;
        Box::pin(std::future::ready(Ok(())))
    }

    /// What a subscriber starts from, who was at `since`. Whatever is not in it is handed on after the call
    /// began. Of a channel whose every item counts (`event`, `lossless`) at most `limit` are answered.
    fn attach<'a>(
        &'a self,
        channel: &'a ChannelName,
        since: Option<&'a Position>,
        limit: usize,
    ) -> BrokerFuture<'a, Attached>;
}
