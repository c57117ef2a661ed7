//! Sessions between two polls: for a while, and only so many of one person and in all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a session between two polls is remembered.
pub(super) const KEPT: Duration = Duration::from_secs(60);
/// Most sessions between two polls. What a node takes on in [`KEPT`] as long as no setting says otherwise.
pub(super) const IDLE_MAX: usize = 30_000;
/// Most of these of people without a token, who cannot be told apart: no more than leaves room for the others.
pub(super) const IDLE_ANONYMOUS_MAX: usize = IDLE_MAX / 2;

/// Those sessions, in the order in which they were left. Each step costs the logarithm of their number.
#[derive(Debug, Default)]
pub(super) struct Idle {
    by_turn: BTreeMap<u64, Left>,
    /// Turns of each person; people without a token are one.
    by_person: HashMap<Option<Arc<str>>, BTreeSet<u64>>,
    last_turn: u64,
}

#[derive(Debug)]
struct Left {
    id: Box<str>,
    subject: Option<Arc<str>>,
    at: Instant,
}

impl Idle {
    /// Notes that a session was left, and returns its turn.
    pub fn put(&mut self, id: &str, subject: Option<Arc<str>>, now: Instant) -> u64 {
        self.last_turn += 1;
        let turn = self.last_turn;
        self.by_person.entry(subject.clone()).or_default().insert(turn);
        self.by_turn.insert(turn, Left { id: id.into(), subject, at: now });
        turn
    }

    /// Takes out the session of that turn, and returns its id.
    pub fn take(&mut self, turn: u64) -> Option<Box<str>> {
        let left = self.by_turn.remove(&turn)?;
        if let Some(turns) = self.by_person.get_mut(&left.subject) {
            turns.remove(&turn);
            if turns.is_empty() {
                self.by_person.remove(&left.subject);
            }
        }
        Some(left.id)
    }

    /// Takes out the oldest one if its time is over or there are too many.
    pub fn overdue(&mut self, now: Instant) -> Option<Box<str>> {
        let (&turn, left) = self.by_turn.first_key_value()?;
        let is_over = now - left.at >= KEPT || self.by_turn.len() > IDLE_MAX;
        if is_over { self.take(turn) } else { None }
    }

    /// Takes out the oldest one of a person who has more than `max`.
    pub fn one_too_many(&mut self, subject: &Option<Arc<str>>, max: usize) -> Option<Box<str>> {
        let turns = self.by_person.get(subject).filter(|turns| turns.len() > max)?;
        self.take(*turns.first()?)
    }
}
