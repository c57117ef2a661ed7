//! What was published under an idempotency key, for as long as it may be tried again.
//!
//! Nothing is forgotten before its time: a publisher that tries again relies on it. When there is no more room a new
//! key is refused.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use live_core::channel::ChannelName;
use live_core::sequence::Position;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::channel::EPOCH_LEN;
use crate::broker::Idempotency;

/// How long a key is remembered at least.
pub const REMEMBERED: Duration = Duration::from_secs(600);
/// The keys of this time are forgotten together, when the last of them may be.
const TOGETHER: Duration = Duration::from_secs(30);
/// Bytes of a hash: of all keys that can be held two meet once in 10^22 times.
const HASH_LEN: usize = 16;

type Hash = [u8; HASH_LEN];

/// The keys of all channels.
pub struct Repeated {
    max: usize,
    len: usize,
    /// The oldest first.
    spans: VecDeque<Span>,
}

/// The keys of a span of time.
struct Span {
    began: Instant,
    known: HashMap<Hash, First>,
}

/// What was published first under a key. It refers to nothing, for there are many.
struct First {
    fingerprint: Hash,
    epoch: [u8; EPOCH_LEN],
    seq: u64,
}

/// A key of somebody on a channel, and what was said under it.
pub struct Key {
    id: Hash,
    fingerprint: Hash,
}

/// What is known of a key.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Never,
    /// The same was published there.
    Before(Position),
    /// Something else was published under it.
    Other,
    /// It is not known, and there is no room for it before that time is over.
    Full(Duration),
}

impl Key {
    pub fn new(channel: &ChannelName, idempotency: &Idempotency) -> Self {
        let Idempotency { subject, key, fingerprint } = idempotency;
        let mut hash = Sha256::new();
        for part in [channel.as_str(), key, subject] {
            // Lengths first, so that no two lists of parts are the same bytes.
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Self { id: front(hash.finalize().into()), fingerprint: front(*fingerprint) }
    }
}

impl Repeated {
    /// Remembers at most `max` keys.
    pub fn new(max: usize) -> Self {
        Self { max, len: 0, spans: VecDeque::new() }
    }

    pub fn find(&mut self, key: &Key, now: Instant) -> Seen {
        self.forget(now);
        let first = self.spans.iter().rev().find_map(|span| span.known.get(&key.id));
        match (first, self.spans.front()) {
            (Some(first), _) if first.fingerprint == key.fingerprint => Seen::Before(first.position()),
            (Some(_), _) => Seen::Other,
            (None, Some(oldest)) if self.len >= self.max => {
                Seen::Full((REMEMBERED + TOGETHER).saturating_sub(now - oldest.began))
            }
            (None, _) => Seen::Never,
        }
    }

    /// Remembers a key that was never seen.
    pub fn remember(&mut self, key: &Key, position: &Position, now: Instant) {
        if self.spans.back().is_none_or(|newest| now - newest.began >= TOGETHER) {
            // About as many as before: so it seldom has to grow.
            let expected = self.spans.back().map_or(0, |span| span.known.len());
            self.spans.push_back(Span { began: now, known: HashMap::with_capacity(expected) });
        }
        let Some(newest) = self.spans.back_mut() else { return };
        newest.known.insert(key.id, First::new(key.fingerprint, position));
        self.len += 1;
    }

    fn forget(&mut self, now: Instant) {
        while let Some(gone) = self.spans.pop_front_if(|span| now - span.began >= REMEMBERED + TOGETHER) {
            self.len -= gone.known.len();
        }
    }
}

impl First {
    fn new(fingerprint: Hash, position: &Position) -> Self {
        let mut epoch = [0; EPOCH_LEN];
        for (to, byte) in epoch.iter_mut().zip(position.epoch.bytes()) {
            *to = byte;
        }
        Self { fingerprint, epoch, seq: position.seq }
    }

    fn position(&self) -> Position {
        Position { epoch: String::from_utf8_lossy(&self.epoch).into(), seq: self.seq }
    }
}

fn front(hash: [u8; 32]) -> Hash {
    std::array::from_fn(|at| hash[at])
}
