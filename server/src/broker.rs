//! The engine: assigns `seq`, keeps what a snapshot needs, and hands publications on, in one step.
//!
//! The trait is shaped for an engine in another process: every call may wait and may fail, and what is
//! published by one node reaches the others through [`Deliver`]. In this process [`memory`] is complete.

pub mod memory;

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

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
}

impl BrokerError {
    /// What a client is told.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) => ErrorCode::BrokerUnavailable,
            Self::Namespace(_) => ErrorCode::ChannelUnknown,
        }
    }
}

/// Something to be published.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where.
    pub channel: ChannelName,
    /// What happened, `domain.verb`.
    pub event: &'static str,
    /// Source time in milliseconds since the Unix epoch.
    pub ts: u64,
    /// Key under `keyed`; 0 elsewhere.
    pub key: i64,
    /// JSON text of the data.
    pub data: Bytes,
}

/// Something that was published. Its envelope is encoded once, when somebody first wants it.
#[derive(Debug)]
pub struct Publication {
    message: Message,
    epoch: Arc<str>,
    seq: u64,
    encoded: OnceLock<Bytes>,
}

impl Publication {
    /// A message with the place that the engine gave it.
    pub fn new(message: Message, epoch: Arc<str>, seq: u64) -> Self {
        Self { message, epoch, seq, encoded: OnceLock::new() }
    }

    /// Where it was published.
    pub fn channel(&self) -> &ChannelName {
        &self.message.channel
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
                    tracing::error!(%channel, event, %fault, "published data is not JSON");
                    Bytes::new()
                }
            }
        })
    }
}

/// What a new subscriber starts from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The channel's epoch.
    pub epoch: Arc<str>,
    /// `seq` of the newest publication; 0 before the first.
    pub head: u64,
    /// What is kept, in ascending order of `seq`.
    pub items: Vec<Arc<Publication>>,
}

/// Takes in what the engine hands on. Of one channel everything comes in order, one call after the other.
pub trait Deliver: Send + Sync {
    /// A publication.
    fn deliver(&self, publication: &Arc<Publication>);

    /// The channel's history is void; publications of the new epoch follow, from 1.
    fn reset(&self, channel: &ChannelName, epoch: &Arc<str>, reason: &str);
}

/// The engine.
pub trait Broker: Send + Sync {
    /// Assigns the next `seq`, keeps and hands on, so that counter, history and delivery cannot part.
    fn publish(&self, message: Message) -> BrokerFuture<'_, Position>;

    /// Gives the channel a new epoch, forgets what was kept, and tells subscribers.
    fn reset<'a>(&'a self, channel: &'a ChannelName, reason: &'a str) -> BrokerFuture<'a, Position>;

    /// What a subscriber starts from. Whatever is not in it is handed on after the call began.
    fn snapshot<'a>(&'a self, channel: &'a ChannelName) -> BrokerFuture<'a, Snapshot>;
}
