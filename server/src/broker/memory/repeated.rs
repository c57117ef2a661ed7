//! What was published under an idempotency key, for as long as it may be tried again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use live_core::sequence::Position;
use tokio::time::Instant;

use crate::broker::Idempotency;

/// How long a key is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(600);
/// Most keys of a channel that are remembered; beyond it the oldest are forgotten.
const KEYS_MAX: usize = 10_000;

/// The keys of one channel.
#[derive(Default)]
pub struct Repeated {
    known: HashMap<Box<str>, First>,
    /// The same keys in the order in which they came.
    order: VecDeque<(Instant, Box<str>)>,
}

struct First {
    fingerprint: [u8; 32],
    position: Position,
}

/// What is known of a key.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Never,
    /// The same was published there.
    Before(Position),
    /// Something else was published under it.
    Other,
}

impl Repeated {
    pub fn find(&mut self, idempotency: &Idempotency, now: Instant) -> Seen {
        self.forget(now);
        match self.known.get(&*id(idempotency)) {
            None => Seen::Never,
            Some(first) if first.fingerprint == idempotency.fingerprint => {
                Seen::Before(first.position.clone())
            }
            Some(_) => Seen::Other,
        }
    }

    pub fn remember(&mut self, idempotency: &Idempotency, position: &Position, now: Instant) {
        if self.order.len() >= KEYS_MAX
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        let id = id(idempotency);
        let first = First { fingerprint: idempotency.fingerprint, position: position.clone() };
        self.known.insert(id.clone(), first);
        self.order.push_back((now, id));
    }

    pub fn is_empty(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.order.is_empty()
    }

    fn forget(&mut self, now: Instant) {
        while let Some((at, _)) = self.order.front()
            && now.duration_since(*at) > REMEMBERED
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// A key has no control character, so that subject and key cannot run into each other.
fn id(idempotency: &Idempotency) -> Box<str> {
    format!("{}\0{}", idempotency.key, idempotency.subject).into()
}
