//! Tokens of guests, signed by the gateway itself.

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{EncodingKey, Header, encode};
use serde::Serialize;

use super::claims::Policy;
use super::identity::{Identity, Role};
use super::secret::Secret;
use crate::random;

/// What the subjects of guests begin with.
const PREFIX: &str = "guest-";
/// Characters after it; 100 bits.
const NAME_LEN: usize = 20;

/// Signs tokens for guests.
pub(super) struct Guests {
    key: EncodingKey,
    audience: Option<String>,
    issuer: Option<String>,
    lifetime: Duration,
}

/// A token that was just made; it leaves the process once, in the answer to who asked for it.
pub(super) struct Issued {
    pub token: Secret,
    pub subject: Arc<str>,
    /// In milliseconds since the Unix epoch.
    pub expires_at: u64,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    jti: String,
    roles: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
}

impl Guests {
    pub fn new(secret: &Secret, policy: &Policy, lifetime: Duration) -> Self {
        Self {
            key: EncodingKey::from_secret(secret.expose()),
            audience: policy.audience.clone(),
            issuer: policy.issuer.clone(),
            lifetime,
        }
    }

    /// A token for a new guest, or a new one for a guest.
    pub fn issue(&self, subject: Option<Arc<str>>, now_ms: u64) -> anyhow::Result<Issued> {
        let subject = subject.unwrap_or_else(|| format!("{PREFIX}{}", random::text(NAME_LEN)).into());
        let iat = now_ms / 1_000;
        // Whole seconds: a shorter life than one ends within it.
        let exp = (now_ms + self.lifetime.as_millis() as u64) / 1_000;
        let claims = Claims {
            sub: &subject,
            iat,
            exp,
            jti: random::text(NAME_LEN),
            roles: [Role::Guest.as_str()],
            aud: self.audience.as_deref(),
            iss: self.issuer.as_deref(),
        };
        let token = Secret::from(encode(&Header::default(), &claims, &self.key)?);
        Ok(Issued { token, subject, expires_at: exp * 1_000 })
    }
}

/// Whether somebody is a guest who was named here.
pub(super) fn is_guest(identity: &Identity) -> bool {
    identity.roles.has(Role::Guest)
        && identity.subject.as_deref().is_some_and(|name| name.starts_with(PREFIX))
}
