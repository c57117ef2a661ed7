//! What waits for a connection to be written.

use std::sync::Arc;

use bytes::Bytes;
use live_core::backpressure::Item;
use live_core::channel::ChannelName;
use live_core::outbox::Measured;

use crate::broker::Publication;

/// One thing to send. Envelopes are shared; cloning copies none.
#[derive(Clone, Debug)]
pub enum Out {
    /// A value of a channel.
    Publication(Arc<Publication>),
    /// The start of a channel: its acknowledgement or the order to start again, and its snapshot.
    Opening(Arc<Opening>),
    /// Something that moves no position.
    Notice(Bytes),
}

/// The start of a channel.
#[derive(Debug)]
pub struct Opening {
    /// The channel.
    pub channel: ChannelName,
    /// Its epoch.
    pub epoch: Arc<str>,
    /// `seq` up to which the snapshot reaches.
    pub head: u64,
    /// The envelopes, in order.
    pub envelopes: Vec<Bytes>,
}

impl Out {
    /// The envelopes, in order. One that is empty could not be encoded and is passed over.
    pub fn envelopes(&self) -> &[Bytes] {
        match self {
            Self::Publication(publication) => std::slice::from_ref(publication.envelope()),
            Self::Opening(opening) => &opening.envelopes,
            Self::Notice(envelope) => std::slice::from_ref(envelope),
        }
    }

    /// How far the channel has come with this; `None` when it moves no position.
    pub fn position(&self) -> Option<(&ChannelName, &Arc<str>, u64)> {
        match self {
            Self::Publication(p) => Some((p.channel(), p.epoch(), p.seq())),
            Self::Opening(opening) => Some((&opening.channel, &opening.epoch, opening.head)),
            Self::Notice(_) => None,
        }
    }
}

impl Item for Out {
    fn seq(&self) -> u64 {
        match self {
            Self::Publication(publication) => publication.seq(),
            Self::Opening(_) | Self::Notice(_) => 0,
        }
    }

    fn key(&self) -> i64 {
        match self {
            Self::Publication(publication) => publication.key(),
            Self::Opening(_) | Self::Notice(_) => 0,
        }
    }
}

impl Measured for Out {
    fn len_bytes(&self) -> usize {
        self.envelopes().iter().map(|envelope| envelope.len() + 1).sum()
    }
}
