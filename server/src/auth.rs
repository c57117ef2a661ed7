//! Who somebody is, and what they may do.
//!
//! A token is judged once, when it comes ([`Auth::identify`]); what it says of its holder is an [`Identity`]. What an
//! identity may read is decided by [`Access`], from the roles' rules of the settings. A live connection has a
//! [`Session`](sessions::Session), by which the end of its token reaches it.

pub mod access;
pub mod attempts;
pub mod caller;
pub mod http;
pub mod identity;
pub mod keyring;
pub mod keys;
pub mod revocations;
pub mod secret;
pub mod sessions;
pub mod state_dir;
pub mod token;

mod claims;
mod guest;
mod standing;
mod strict;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use live_core::error::ErrorCode;

pub use self::access::Access;
pub use self::caller::Caller;
pub use self::claims::Policy;
pub use self::identity::{Identity, Role, Roles};

use self::attempts::Attempts;
use self::guest::Guests;
use self::keyring::Keyring;
use self::revocations::{Revocation, Revocations};
use self::sessions::Sessions;
use self::token::{Parts, TokenFault};
use crate::config::AuthConfig;
use crate::wire::now_ms;

/// Why a token was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// [`ErrorCode::Unauthenticated`], [`ErrorCode::AuthExpired`], [`ErrorCode::AuthRevoked`], or
    /// [`ErrorCode::RateLimited`] after too many that were bad.
    pub code: ErrorCode,
    /// What is wrong with the token.
    pub fault: TokenFault,
    /// When the next one is judged by itself again.
    pub retry_after: Option<Duration>,
}

/// Judges tokens, and holds what came of it.
pub struct Auth {
    config: AuthConfig,
    keyring: Keyring,
    guests: Option<Guests>,
    attempts: Attempts,
    revocations: Arc<Revocations>,
    sessions: Arc<Sessions>,
    access: Arc<Access>,
}

impl Auth {
    /// Opens the keys and the state folder of the settings; without a folder nothing outlives the process.
    ///
    /// # Errors
    /// When a file of keys or of the folder cannot be read or made.
    pub fn open(config: &AuthConfig, state_dir: Option<&Path>) -> anyhow::Result<Self> {
        state_dir.map_or(Ok(()), state_dir::prepare)?;
        let secret = match (&config.secret, state_dir) {
            (Some(secret), _) => Some(secret.clone()),
            (None, _) if !config.guest => None,
            (None, Some(dir)) => Some(state_dir::secret(dir, state_dir::JWT_SECRET)?),
            (None, None) => Some(state_dir::new_secret()),
        };
        let policy = &config.policy;
        let kept_ms = policy.lifetime_ms_max + 2 * policy.skew_ms;
        let revocations = Arc::new(Revocations::open(state_dir, kept_ms)?);
        let guests = secret.as_ref().filter(|_| config.guest);
        Ok(Self {
            keyring: Keyring::open(secret.as_ref(), config.key_set.clone())?,
            guests: guests.map(|secret| Guests::new(secret, policy, config.guest_ttl)),
            attempts: Attempts::new(config.bad_auths_per_minute),
            sessions: Arc::new(Sessions::new(config.sessions, Arc::clone(&revocations))),
            access: Arc::new(Access::new(&config.rules)),
            revocations,
            config: config.clone(),
        })
    }

    /// The settings.
    pub fn settings(&self) -> &AuthConfig {
        &self.config
    }

    /// What identities may read.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// Live connections by their session.
    pub fn sessions(&self) -> &Arc<Sessions> {
        &self.sessions
    }

    /// Who has a token. `address` is where it came from; bad ones are counted for it.
    ///
    /// # Errors
    /// What is wrong with it; nothing of the token itself is in there.
    pub async fn identify(&self, token: &str, address: Option<IpAddr>) -> Result<Arc<Identity>, Refused> {
        let fault = match self.judge(token, now_ms()).await {
            Ok(identity) if self.revocations.covers(&identity) => TokenFault::Revoked,
            Ok(identity) => return Ok(Arc::new(identity)),
            Err(fault) => fault,
        };
        tracing::debug!(%fault, "token refused");
        let refused = Refused { code: fault.code(), fault, retry_after: None };
        // A token that was good once is nobody's attempt to guess one.
        let is_attempt = refused.code == ErrorCode::Unauthenticated;
        match address.filter(|_| is_attempt).map(|address| self.attempts.failed(address)) {
            Some(Err(after)) => {
                Err(Refused { code: ErrorCode::RateLimited, retry_after: Some(after), ..refused })
            }
            _ => Err(refused),
        }
    }

    /// Whose token it is that is only past its time, and not taken back: the session may have been given a newer
    /// one meanwhile.
    pub(crate) async fn was(&self, token: &str) -> Option<Arc<str>> {
        // As it would have been judged when it was still good: nothing but its end is let pass.
        let parts = Parts::read(token).ok()?;
        let key = self.keyring.find(parts.key_id.as_deref()).await?;
        let policy = Policy { skew_ms: self.config.policy.lifetime_ms_max, ..self.config.policy.clone() };
        let identity = parts.judge(&key, &policy, now_ms()).ok()?;
        identity.subject.clone().filter(|_| !self.revocations.covers(&identity))
    }

    async fn judge(&self, token: &str, now_ms: u64) -> Result<Identity, TokenFault> {
        let parts = Parts::read(token)?;
        let key = self.keyring.find(parts.key_id.as_deref()).await.ok_or(TokenFault::Key)?;
        parts.judge(&key, &self.config.policy, now_ms)
    }

    /// Takes tokens back, and ends what goes on under them. Returns how many connections that were.
    ///
    /// # Errors
    /// It holds from now on, but not across a restart.
    pub fn revoke(&self, revocation: &Revocation) -> anyhow::Result<usize> {
        let written = self.revocations.add(revocation, now_ms());
        let ended = self.sessions.end_revoked();
        written.map(|()| ended)
    }
}
