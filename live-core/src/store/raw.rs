//! One envelope as it is kept until somebody reads it.

use crate::backpressure::Item;
use crate::envelope::Envelope;

/// The bytes of one envelope that are kept: its event's name and its data. The memory is used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Raw {
    bytes: Vec<u8>,
    event_len: usize,
    pub seq: u64,
    pub ts: u64,
    pub born_ms: f64,
}

impl Raw {
    pub fn set(&mut self, envelope: &Envelope<'_>, born_ms: f64) {
        self.bytes.clear();
        self.bytes.extend_from_slice(envelope.event.as_bytes());
        self.bytes.extend_from_slice(envelope.data.as_bytes());
        self.event_len = envelope.event.len();
        (self.seq, self.ts, self.born_ms) = (envelope.seq, envelope.ts, born_ms);
    }

    pub fn event(&self) -> &[u8] {
        &self.bytes[..self.event_len]
    }

    pub fn data(&self) -> Option<&str> {
        str::from_utf8(&self.bytes[self.event_len..]).ok()
    }
}

impl Item for Raw {
    const HAS_KEYS: bool = false;

    fn seq(&self) -> u64 {
        self.seq
    }
}
