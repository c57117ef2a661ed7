//! Whether what was begun in somebody's name may go on: their token holds, or they have a newer one.

use std::sync::Arc;
use std::time::Duration;

use live_core::error::ErrorCode;
use tokio::time::sleep;

use super::{Auth, Identity};
use crate::wire::now_ms;

/// Longest sleep, after which the wall clock is looked at again: it may have been set, or the machine slept.
const LOOK: Duration = Duration::from_secs(30);

impl Auth {
    /// In whose name something goes on: the same identity while its token holds, for the grace after its end, or that of
    /// a newer token which the same person has given to a live connection.
    ///
    /// # Errors
    /// [`ErrorCode::AuthRevoked`], [`ErrorCode::AuthExpired`].
    pub fn standing(&self, identity: &Arc<Identity>) -> Result<Arc<Identity>, ErrorCode> {
        if self.revocations.covers(identity) {
            return Err(ErrorCode::AuthRevoked);
        }
        if !self.left(identity).is_zero() {
            return Ok(Arc::clone(identity));
        }
        let newest = identity.subject.as_deref().and_then(|subject| self.sessions.newest(subject));
        let newest = newest.filter(|newest| !self.revocations.covers(newest) && !self.left(newest).is_zero());
        newest.ok_or(ErrorCode::AuthExpired)
    }

    /// Waits until nothing may go on in somebody's name any more; why.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn lapse(&self, identity: &Arc<Identity>) -> ErrorCode {
        let mut identity = Arc::clone(identity);
        // Before it is looked: what is taken back meanwhile wakes it.
        let mut added = self.revocations.added();
        loop {
            identity = match self.standing(&identity) {
                Ok(identity) => identity,
                Err(code) => return code,
            };
            tokio::select! {
                _added = added.changed() => {}
                () = sleep(self.left(&identity).min(LOOK)) => {}
            }
        }
    }

    /// How long a token lets something go on.
    fn left(&self, identity: &Identity) -> Duration {
        let Some(expires_at) = identity.expires_at else { return Duration::MAX };
        let grace_ms = self.sessions.grace().as_millis() as u64;
        Duration::from_millis(expires_at.saturating_add(grace_ms).saturating_sub(now_ms()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::revocations::Revocation;
    use crate::config::Config;

    fn auth() -> Auth {
        let mut config = Config::defaults().expect("sound").auth;
        config.sessions.grace = Duration::from_secs(10);
        Auth::open(&config, None).expect("opened")
    }

    fn ann(jti: &str, ends_in_ms: i64) -> Arc<Identity> {
        Arc::new(Identity {
            subject: Some("ann".into()),
            jti: Some(jti.into()),
            issued_at: Some(now_ms()),
            expires_at: Some(now_ms().saturating_add_signed(ends_in_ms)),
            ..Identity::default()
        })
    }

    #[tokio::test]
    async fn a_token_holds_for_its_grace_and_then_a_newer_one_does() {
        let auth = auth();
        let (good, late, over) = (ann("1", 60_000), ann("2", -5_000), ann("3", -15_000));
        assert_eq!(auth.standing(&good).as_ref(), Ok(&good));
        assert_eq!(auth.standing(&late).as_ref(), Ok(&late), "within the grace");
        assert_eq!(auth.standing(&over), Err(ErrorCode::AuthExpired));
        let session = auth.sessions().open("s", Arc::clone(&good)).expect("opened");
        assert_eq!(auth.standing(&over).as_ref(), Ok(&good), "she is here with a newer one");
        let bob = Arc::new(Identity { subject: Some("bob".into()), ..(*over).clone() });
        assert_eq!(auth.standing(&bob), Err(ErrorCode::AuthExpired), "it is hers");
        auth.revoke(&Revocation::Token("1".into())).expect("taken back");
        assert_eq!(auth.standing(&good), Err(ErrorCode::AuthRevoked));
        assert_eq!(auth.standing(&over), Err(ErrorCode::AuthExpired));
        drop(session);
    }

    #[tokio::test]
    async fn who_waits_is_told_at_once() {
        let auth = auth();
        assert_eq!(auth.lapse(&ann("1", -15_000)).await, ErrorCode::AuthExpired);
        let good = ann("2", 60_000);
        let revoke = async { auth.revoke(&Revocation::Token("2".into())) };
        let (code, revoked) = tokio::join!(auth.lapse(&good), revoke);
        assert_eq!((code, revoked.is_ok()), (ErrorCode::AuthRevoked, true));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_told_of_the_end() {
        // By the wall clock, which is not paused: a moment.
        assert_eq!(auth().lapse(&ann("1", -9_950)).await, ErrorCode::AuthExpired);
    }
}
