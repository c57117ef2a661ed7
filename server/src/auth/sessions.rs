//! Live connections by their session, for as long as their token lets them go on.
//!
//! A transport registers its connection and gets a [`Session`], which says when the token ends soon, has ended, was
//! renewed or was taken back. Others reach the session by its id.

mod idle;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use live_core::error::ErrorCode;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use self::idle::{IDLE_ANONYMOUS_MAX, Idle};
use super::identity::Identity;
use super::revocations::Revocations;
use crate::wire::now_ms;

/// Longest sleep, after which the wall clock is looked at again: it may have been set, or the machine slept.
const LOOK: Duration = Duration::from_secs(30);

/// What sessions are held to.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// How long before its end a token's holder is warned.
    pub warn: Duration,
    /// How long a connection goes on after the end of its token.
    pub grace: Duration,
    /// Most connections of one person, and most sessions of theirs between two polls.
    pub connections_per_user: usize,
}

/// What happened to a session's token.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// It ends soon.
    Expiring {
        /// When, in milliseconds since the Unix epoch.
        expires_at: u64,
    },
    /// It has ended; the connection goes on for the grace.
    Expired {
        /// When, in milliseconds since the Unix epoch.
        expires_at: u64,
    },
    /// The grace is over, too.
    Over,
    /// It was taken back.
    Revoked,
    /// There is a new one.
    Refreshed(Arc<Identity>),
}

/// Why a session was not given a new token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshFault {
    /// There is no such session.
    Unknown,
    /// The token is somebody else's.
    OtherSubject,
    /// Whose token it is has as many connections as one may.
    ConnectionLimit,
    /// The token was taken back.
    Revoked,
}

impl RefreshFault {
    /// The code that the fault is told by.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unknown => ErrorCode::NotFound,
            Self::OtherSubject => ErrorCode::SubjectMismatch,
            Self::ConnectionLimit => ErrorCode::ConnectionLimit,
            Self::Revoked => ErrorCode::AuthRevoked,
        }
    }
}

/// All sessions.
#[derive(Debug)]
pub struct Sessions {
    limits: SessionLimits,
    revocations: Arc<Revocations>,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    by_id: HashMap<Box<str>, Slot>,
    /// Live connections of each person.
    connections: HashMap<Arc<str>, usize>,
    /// Those that have none.
    idle: Idle,
}

#[derive(Debug)]
struct Slot {
    grant: watch::Sender<Grant>,
    connections: usize,
    /// Its turn among those that have none; `None` while it has some.
    left: Option<u64>,
}

/// What a session's token grants.
#[derive(Clone, Debug)]
struct Grant {
    identity: Arc<Identity>,
    /// Counts the tokens of the session.
    number: u64,
    /// What of its course has been told.
    told: Told,
    /// When it ends, by the clock that cannot be set.
    ends: Option<Instant>,
    is_revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Nothing,
    Expiring,
    Expired,
}

impl Grant {
    fn new(identity: Arc<Identity>, number: u64) -> Self {
        let left = |at: u64| Duration::from_millis(at.saturating_sub(now_ms()));
        let ends = identity.expires_at.map(|at| Instant::now() + left(at));
        Self { identity, number, told: Told::Nothing, ends, is_revoked: false }
    }
}

impl Sessions {
    /// No sessions yet.
    pub fn new(limits: SessionLimits, revocations: Arc<Revocations>) -> Self {
        Self { limits, revocations, held: Mutex::default() }
    }

    /// How long a connection goes on after the end of its token.
    pub fn grace(&self) -> Duration {
        self.limits.grace
    }

    /// Whether a session may be gone on with by somebody: it is known, between two polls or in one, and theirs.
    pub fn is_of(&self, id: &str, subject: Option<&str>) -> bool {
        let mut held = self.lock();
        held.forget_overdue(Instant::now());
        held.by_id.get(id).is_some_and(|slot| slot.grant.borrow().identity.subject.as_deref() == subject)
    }

    /// The token that a session was given last, if it is of the same person.
    pub fn granted(&self, id: &str, subject: &str) -> Option<Arc<Identity>> {
        let held = self.lock();
        let grant = held.by_id.get(id)?.grant.borrow();
        let is_theirs = grant.identity.subject.as_deref() == Some(subject) && !grant.is_revoked;
        is_theirs.then(|| Arc::clone(&grant.identity))
    }

    /// The token of a person's that holds for longest, of those that their live connections have.
    pub fn newest(&self, subject: &str) -> Option<Arc<Identity>> {
        let held = self.lock();
        let grants = held.by_id.values().map(|slot| slot.grant.borrow());
        let theirs =
            grants.filter(|grant| grant.identity.subject.as_deref() == Some(subject) && !grant.is_revoked);
        theirs.map(|grant| Arc::clone(&grant.identity)).max_by_key(|identity| identity.expires_at)
    }

    /// Registers a connection. One that goes on with a session that is there shares it, and the newer of the two
    /// tokens holds.
    ///
    /// # Errors
    /// [`ErrorCode::ConnectionLimit`], [`ErrorCode::AuthRevoked`]; [`ErrorCode::SubjectMismatch`] when the session is
    /// somebody else's.
    pub fn open(self: &Arc<Self>, id: &str, identity: Arc<Identity>) -> Result<Session, ErrorCode> {
        let mut held = self.lock();
        held.forget_overdue(Instant::now());
        if let Some(slot) = held.by_id.get(id)
            && slot.grant.borrow().identity.subject != identity.subject
        {
            return Err(ErrorCode::SubjectMismatch);
        }
        held.count(identity.subject.as_ref(), 1, self.limits.connections_per_user)?;
        held.come_back(id);
        let grant = match held.by_id.get_mut(id) {
            Some(slot) => {
                slot.connections += 1;
                let is_newer = slot.grant.borrow().identity.expires_at < identity.expires_at;
                if is_newer || slot.grant.borrow().is_revoked {
                    slot.renew(Arc::clone(&identity));
                }
                slot.grant.subscribe()
            }
            None => {
                let (sender, receiver) = watch::channel(Grant::new(Arc::clone(&identity), 0));
                held.by_id.insert(id.into(), Slot { grant: sender, connections: 1, left: None });
                receiver
            }
        };
        let number = grant.borrow().number;
        let sessions = Arc::clone(self);
        let session = Session { sessions, id: id.into(), grant, number, is_kept: false };
        drop(held);
        // After it is registered: a revocation from now on finds it there.
        match self.revocations.covers(&identity) {
            true => Err(ErrorCode::AuthRevoked),
            false => Ok(session),
        }
    }

    /// Gives a session a new token. Somebody who had none becomes who the token says.
    ///
    /// # Errors
    /// When there is no such session, or the token is somebody else's.
    pub fn refresh(&self, id: &str, identity: Arc<Identity>) -> Result<(), RefreshFault> {
        let mut held = self.lock();
        let slot = held.by_id.get(id).ok_or(RefreshFault::Unknown)?;
        let (before, connections) = (slot.grant.borrow().identity.subject.clone(), slot.connections);
        if before.is_some() && before != identity.subject {
            return Err(RefreshFault::OtherSubject);
        }
        // Under the lock: a revocation from now on finds the new token in its place.
        if self.revocations.covers(&identity) {
            return Err(RefreshFault::Revoked);
        }
        if before.is_none() {
            let counted =
                held.count(identity.subject.as_ref(), connections, self.limits.connections_per_user);
            counted.map_err(|_| RefreshFault::ConnectionLimit)?;
            if held.come_back(id) {
                held.leave(id, identity.subject.clone(), self.limits.connections_per_user);
            }
        }
        if let Some(slot) = held.by_id.get_mut(id) {
            slot.renew(identity);
        }
        Ok(())
    }

    /// Ends every session whose token was taken back. Returns how many.
    pub fn end_revoked(&self) -> usize {
        let held = self.lock();
        let revoke = |slot: &&Slot| {
            slot.grant.send_if_modified(|grant| {
                let is_new = !grant.is_revoked && self.revocations.covers(&grant.identity);
                grant.is_revoked |= is_new;
                is_new
            })
        };
        held.by_id.values().filter(revoke).count()
    }

    fn left(&self, id: &str, is_kept: bool) {
        let mut held = self.lock();
        let Some(slot) = held.by_id.get_mut(id) else { return };
        slot.connections -= 1;
        let is_last = slot.connections == 0;
        let subject = slot.grant.borrow().identity.subject.clone();
        if let Some(subject) = &subject {
            held.uncount(subject);
        }
        match is_last {
            true if is_kept => held.leave(id, subject, self.limits.connections_per_user),
            true => drop(held.by_id.remove(id)),
            false => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Forgets sessions that nobody came back to.
    fn forget_overdue(&mut self, now: Instant) {
        while let Some(id) = self.idle.overdue(now) {
            self.by_id.remove(&id);
        }
    }

    /// Has a session without connections wait for the next poll. The oldest go where there are too many.
    fn leave(&mut self, id: &str, subject: Option<Arc<str>>, max: usize) {
        let now = Instant::now();
        let max = if subject.is_some() { max } else { IDLE_ANONYMOUS_MAX };
        let turn = self.idle.put(id, subject.clone(), now);
        if let Some(slot) = self.by_id.get_mut(id) {
            slot.left = Some(turn);
        }
        while let Some(gone) = self.idle.one_too_many(&subject, max) {
            self.by_id.remove(&gone);
        }
        self.forget_overdue(now);
    }

    /// Has a session wait no more. Returns whether it did.
    fn come_back(&mut self, id: &str) -> bool {
        let turn = self.by_id.get_mut(id).and_then(|slot| slot.left.take());
        turn.is_some_and(|turn| self.idle.take(turn).is_some())
    }

    fn count(&mut self, subject: Option<&Arc<str>>, more: usize, max: usize) -> Result<(), ErrorCode> {
        let Some(subject) = subject.filter(|_| more > 0) else { return Ok(()) };
        let count = self.connections.get(subject).copied().unwrap_or_default() + more;
        if count > max {
            return Err(ErrorCode::ConnectionLimit);
        }
        self.connections.insert(Arc::clone(subject), count);
        Ok(())
    }

    fn uncount(&mut self, subject: &str) {
        if let Some(count) = self.connections.get_mut(subject) {
            *count -= 1;
            if *count == 0 {
                self.connections.remove(subject);
            }
        }
    }
}

impl Slot {
    fn renew(&mut self, identity: Arc<Identity>) {
        self.grant.send_modify(|grant| {
            let mut next = Grant::new(identity, grant.number + 1);
            // The same end is not told again, lest whoever answers it with the same token is asked for ever.
            if next.identity.expires_at == grant.identity.expires_at {
                (next.told, next.ends) = (grant.told, grant.ends);
            }
            *grant = next;
        });
    }
}

/// The session of one live connection. Dropping it makes room for another connection.
#[derive(Debug)]
pub struct Session {
    sessions: Arc<Sessions>,
    id: Box<str>,
    grant: watch::Receiver<Grant>,
    /// The last token that was seen here.
    number: u64,
    /// It is remembered for a while after this.
    is_kept: bool,
}

impl Session {
    /// Who it is now.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.grant.borrow().identity)
    }

    /// Has the session remembered for a while after this connection: a poll follows.
    #[must_use]
    pub fn kept(mut self) -> Self {
        self.is_kept = true;
        self
    }

    /// Gives it a new token.
    ///
    /// # Errors
    /// As [`Sessions::refresh`].
    pub fn refresh(&self, identity: Arc<Identity>) -> Result<(), RefreshFault> {
        self.sessions.refresh(&self.id, identity)
    }

    /// Waits for what happens next to the token. [`Signal::Over`] and [`Signal::Revoked`] stay so.
    ///
    /// # Cancel safety
    /// A signal is given out once, when this returns.
    pub async fn next(&mut self) -> Signal {
        loop {
            if let Some(signal) = self.signal() {
                return signal;
            }
            let wake = self.next_look();
            tokio::select! {
                _changed = self.grant.changed() => {}
                () = sleep_until(wake) => {}
            }
        }
    }

    fn next_look(&self) -> Instant {
        let look = Instant::now() + LOOK;
        let grant = self.grant.borrow();
        let limits = self.sessions.limits;
        grant.ends.map_or(look, |ends| match grant.told {
            Told::Nothing => look.min(ends.checked_sub(limits.warn).unwrap_or(ends)),
            Told::Expiring => look.min(ends),
            Told::Expired => look.min(ends + limits.grace),
        })
    }

    fn signal(&mut self) -> Option<Signal> {
        let grant = self.grant.borrow_and_update().clone();
        if grant.is_revoked {
            return Some(Signal::Revoked);
        }
        if grant.number != self.number {
            self.number = grant.number;
            return Some(Signal::Refreshed(grant.identity));
        }
        let (ends, expires_at) = grant.ends.zip(grant.identity.expires_at)?;
        let limits = self.sessions.limits;
        let left = Duration::from_millis(expires_at.saturating_sub(now_ms()));
        let left = left.min(ends.saturating_duration_since(Instant::now()));
        let is_over = left.is_zero() && (ends + limits.grace) <= Instant::now();
        let (told, signal) = match grant.told {
            // It lives on meanwhile, for the grace counts from when this end saw the token.
            _ if is_over => return Some(Signal::Over),
            Told::Nothing if left <= limits.warn => (Told::Expiring, Signal::Expiring { expires_at }),
            Told::Expiring if left.is_zero() => (Told::Expired, Signal::Expired { expires_at }),
            _ => return None,
        };
        let sender = self.sessions.lock().by_id.get(&self.id).map(|slot| slot.grant.clone())?;
        // Whoever shares the session does not say it again.
        let is_first = sender.send_if_modified(|now| {
            let is_first = now.number == grant.number && now.told < told;
            if is_first {
                now.told = told;
                // It ended by the wall clock, which was set, or the machine slept.
                if told == Told::Expired {
                    now.ends = now.ends.map(|ends| ends.min(Instant::now()));
                }
            }
            is_first
        });
        is_first.then_some(signal)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.left(&self.id, self.is_kept);
    }
}

#[cfg(test)]
mod tests;
