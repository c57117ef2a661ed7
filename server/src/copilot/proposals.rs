//! How much one person may propose: so many that wait for a confirmation, and so many an hour.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::confirmation::token::TokenHash;

/// Most proposals of a person that wait.
pub const OPEN_MAX: usize = 20;
/// Most proposals of a person within an hour.
pub const HOURLY_MAX: usize = 60;
/// The time that they are counted over.
const HOUR: Duration = Duration::from_secs(3_600);
/// Persons from whom on those are forgotten who have not proposed for an hour.
const PERSONS_MAX: usize = 10_000;

/// The proposals of a node's last hour, by person.
#[derive(Debug, Default)]
pub struct Proposals(Mutex<HashMap<String, Vec<Proposal>>>);

#[derive(Debug)]
struct Proposal {
    made_at: Instant,
    /// Until when it waits for a confirmation; `None` when it does not any more.
    waits_until: Option<Instant>,
    token: TokenHash,
}

impl Proposals {
    /// Counts a proposal of somebody, which waits for `ttl`.
    ///
    /// # Errors
    /// When there are as many as there may be: how long it is until there is room.
    pub fn add(&self, subject: &str, token: TokenHash, ttl: Duration) -> Result<(), Duration> {
        let now = Instant::now();
        let mut all = self.lock();
        if all.len() >= PERSONS_MAX {
            all.retain(|_, list| list.iter().any(|it| it.made_at + HOUR > now));
        }
        let list = all.entry(subject.to_owned()).or_default();
        // A token may wait for longer than an hour.
        let is_waiting = |it: &Proposal| it.waits_until.is_some_and(|until| until > now);
        list.retain(|it| it.made_at + HOUR > now || is_waiting(it));
        let waiting = list.iter().filter(|it| is_waiting(it));
        let open = (waiting.clone().count() >= OPEN_MAX)
            .then(|| waiting.filter_map(|it| it.waits_until).min())
            .flatten();
        let recent = list.iter().filter(|it| it.made_at + HOUR > now);
        let hourly = (recent.clone().count() >= HOURLY_MAX)
            .then(|| recent.map(|it| it.made_at + HOUR).min())
            .flatten();
        if let Some(until) = open.max(hourly) {
            return Err(until - now);
        }
        list.push(Proposal { made_at: now, waits_until: Some(now + ttl), token });
        Ok(())
    }

    /// A proposal does not wait any more, or was never made.
    pub fn settle(&self, subject: &str, token: TokenHash) {
        let mut all = self.lock();
        let list = all.get_mut(subject).map_or(&mut [][..], |list| list);
        if let Some(proposal) = list.iter_mut().find(|it| it.token == token) {
            proposal.waits_until = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Vec<Proposal>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confirmation::token::RawToken;
    use tokio::time::advance;

    const TTL: Duration = Duration::from_secs(300);

    fn token() -> TokenHash {
        RawToken::generate().hash()
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_may_wait() {
        let proposals = Proposals::default();
        let first = token();
        assert_eq!(proposals.add("ann", first, TTL), Ok(()));
        advance(Duration::from_secs(10)).await;
        for _ in 1..OPEN_MAX {
            assert_eq!(proposals.add("ann", token(), TTL), Ok(()));
        }
        assert_eq!(proposals.add("ann", token(), TTL), Err(TTL - Duration::from_secs(10)));
        assert_eq!(proposals.add("bob", token(), TTL), Ok(()), "he has his own");
        proposals.settle("ann", first);
        assert_eq!(proposals.add("ann", token(), TTL), Ok(()));
        assert_eq!(proposals.add("ann", token(), TTL), Err(TTL));
        advance(TTL).await;
        assert_eq!(proposals.add("ann", token(), TTL), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn sixty_may_be_made_an_hour() {
        let proposals = Proposals::default();
        for _ in 0..HOURLY_MAX {
            let token = token();
            assert_eq!(proposals.add("ann", token, TTL), Ok(()));
            proposals.settle("ann", token);
        }
        assert_eq!(proposals.add("ann", token(), TTL), Err(HOUR));
        advance(HOUR).await;
        assert_eq!(proposals.add("ann", token(), TTL), Ok(()));
        assert_eq!(proposals.lock()["ann"].len(), 1, "old ones are forgotten");
    }
}
