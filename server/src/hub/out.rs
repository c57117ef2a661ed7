//! What waits for a connection to be written.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use live_core::backpressure::Item;
use live_core::channel::ChannelName;
use live_core::event::CopilotDelta;
use live_core::outbox::Measured;

use crate::broker::Publication;
use crate::wire;

/// Longest text of joined pieces, in bytes as JSON.
const JOINED_LEN_MAX: usize = 16 * 1024;
/// About what an envelope takes besides its text.
const ENVELOPE_LEN: usize = 200;

/// One envelope to send. Those of publications are shared; cloning copies none.
#[derive(Debug)]
pub enum Out {
    /// A value of a channel.
    Publication(Arc<Publication>),
    /// Neighbouring pieces of one text.
    Joined(Box<Joined>),
    /// Something of the protocol's own with which a channel comes to a position.
    Placed(Box<Placed>),
    /// Something that moves no position.
    Notice(Bytes),
}

/// Something of the protocol's own with which a channel comes to a position.
#[derive(Debug)]
pub struct Placed {
    /// The channel.
    pub channel: ChannelName,
    /// Its epoch.
    pub epoch: Arc<str>,
    /// `seq` up to which the client has everything, with this.
    pub seq: u64,
    /// What is sent.
    pub envelope: Bytes,
    /// It tells more than that everything is as it was.
    pub is_news: bool,
}

/// Neighbouring pieces of one text on their way to one slow client.
#[derive(Debug)]
pub struct Joined {
    channel: ChannelName,
    epoch: Arc<str>,
    from_seq: u64,
    seq: u64,
    ts: u64,
    text: String,
    /// Bytes of the text as JSON.
    text_len: usize,
    envelope: OnceLock<Bytes>,
}

impl Joined {
    /// The first piece; `None` where something else was published.
    fn begin(publication: &Publication) -> Option<Self> {
        let (from_seq, text, text_len) = piece(publication)?;
        Some(Self {
            channel: publication.channel().clone(),
            epoch: Arc::clone(publication.epoch()),
            from_seq,
            seq: publication.seq(),
            ts: publication.ts(),
            text: text.into(),
            text_len,
            envelope: OnceLock::new(),
        })
    }

    /// Takes in the next piece. Returns whether it could.
    fn append(&mut self, publication: &Publication) -> bool {
        let is_next = *publication.epoch() == self.epoch;
        let Some((from_seq, text, text_len)) = piece(publication).filter(|_| is_next) else { return false };
        if from_seq != self.seq + 1 || self.text_len + text_len > JOINED_LEN_MAX {
            return false;
        }
        self.text.push_str(&text);
        self.text_len += text_len;
        (self.seq, self.ts) = (publication.seq(), publication.ts());
        true
    }

    /// Its envelope, under the last piece's `seq` and time.
    fn envelope(&self) -> &Bytes {
        self.envelope.get_or_init(|| {
            let data = CopilotDelta { text: self.text.as_str().into(), from_seq: Some(self.from_seq) };
            wire::encode(CopilotDelta::EVENT, self.channel.as_str(), self.seq, self.ts, None, &data)
        })
    }
}

/// First `seq`, text, and length of the text as JSON, of a piece that says nothing else.
fn piece(publication: &Publication) -> Option<(u64, Box<str>, usize)> {
    if publication.event() != CopilotDelta::EVENT {
        return None;
    }
    let delta = CopilotDelta::read_bare(str::from_utf8(publication.data()).ok()?)?;
    let len = serde_json::to_string(&delta.text).ok()?.len();
    Some((delta.from_seq.unwrap_or(publication.seq()), delta.text, len))
}

impl Out {
    /// The envelope. One that is empty could not be encoded and is passed over.
    pub fn envelope(&self) -> &Bytes {
        match self {
            Self::Publication(publication) => publication.envelope(),
            Self::Joined(joined) => joined.envelope(),
            Self::Placed(placed) => &placed.envelope,
            Self::Notice(envelope) => envelope,
        }
    }

    /// How far the channel has come with this; `None` when it moves no position.
    pub fn position(&self) -> Option<(&ChannelName, &Arc<str>, u64)> {
        match self {
            Self::Publication(p) => Some((p.channel(), p.epoch(), p.seq())),
            Self::Joined(joined) => Some((&joined.channel, &joined.epoch, joined.seq)),
            Self::Placed(placed) => Some((&placed.channel, &placed.epoch, placed.seq)),
            Self::Notice(_) => None,
        }
    }

    /// Whether it tells more than that everything is as it was.
    pub fn is_news(&self) -> bool {
        !matches!(self, Self::Placed(placed) if !placed.is_news)
    }
}

impl Item for Out {
    fn seq(&self) -> u64 {
        match self {
            Self::Publication(publication) => publication.seq(),
            Self::Joined(joined) => joined.seq,
            Self::Placed(_) | Self::Notice(_) => 0,
        }
    }

    fn key(&self) -> i64 {
        match self {
            Self::Publication(publication) => publication.key(),
            Self::Joined(_) | Self::Placed(_) | Self::Notice(_) => 0,
        }
    }

    fn join(&mut self, later: Self) -> Result<(), Self> {
        let Self::Publication(next) = &later else { return Err(later) };
        let is_joined = match self {
            Self::Joined(joined) => joined.append(next),
            Self::Publication(first) => {
                let begun = Joined::begin(first);
                match begun.and_then(|mut joined| joined.append(next).then_some(joined)) {
                    Some(joined) => {
                        *self = Self::Joined(Box::new(joined));
                        true
                    }
                    None => false,
                }
            }
            Self::Placed(_) | Self::Notice(_) => false,
        };
        if is_joined { Ok(()) } else { Err(later) }
    }
}

impl Measured for Out {
    fn len_bytes(&self) -> usize {
        match self {
            // What is still being joined has no envelope yet.
            Self::Joined(joined) => joined.text_len + ENVELOPE_LEN,
            other => other.envelope().len() + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::Message;

    fn publication(seq: u64, event: &'static str, data: &str) -> Out {
        let channel = ChannelName::parse("copilot:a").expect("a good name");
        let data = Bytes::from(data.to_owned());
        let message = Message { channel, event: event.into(), ts: seq, key: 0, data, idempotency: None };
        Out::Publication(Arc::new(Publication::new(message, "abcdefgh".into(), seq)))
    }

    fn delta(seq: u64, text: &str) -> Out {
        let data = CopilotDelta { text: text.into(), from_seq: None };
        publication(seq, CopilotDelta::EVENT, &serde_json::to_string(&data).expect("encodes"))
    }

    #[test]
    fn neighbouring_pieces_become_one_with_the_seq_of_the_last() {
        let mut first = delta(4, "a\n\"");
        assert!(first.join(delta(5, "")).is_ok());
        assert!(first.join(delta(6, "é😀")).is_ok());
        let envelope: serde_json::Value = serde_json::from_slice(first.envelope()).expect("JSON");
        assert_eq!((&envelope["seq"], &envelope["ts"]), (&6.into(), &6.into()));
        assert_eq!(envelope["data"], serde_json::json!({"text": "a\n\"é😀", "fromSeq": 4}));
        assert_eq!(first.position().map(|(_, _, seq)| seq), Some(6));
        assert!(first.len_bytes() >= first.envelope().len());
    }

    #[test]
    fn nothing_else_is_joined() {
        let bare = r#"{"text":"b"}"#;
        for later in [
            delta(6, "not the next"),
            publication(5, "copilot.done", bare),
            publication(5, CopilotDelta::EVENT, r#"{"text":"b","more":1}"#),
            publication(5, CopilotDelta::EVENT, r#"{"text":1}"#),
            Out::Notice(Bytes::new()),
        ] {
            let mut first = delta(4, "a");
            assert!(first.join(later).is_err());
            assert!(matches!(first, Out::Publication(_)));
        }
        let mut long = delta(1, &"x".repeat(JOINED_LEN_MAX - 10));
        assert!(long.join(delta(2, "0123456789")).is_err(), "too long");
        assert!(publication(1, "copilot.done", bare).join(delta(2, "a")).is_err());
    }
}
