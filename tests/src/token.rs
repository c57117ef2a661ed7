//! Tokens as an operator's own service would sign them, with the secret of the server under judgement.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::access::{now_seconds, token_signed};

/// Signs tokens with a secret that the gateway knows too.
#[derive(Clone)]
pub struct Signer {
    secret: String,
}

impl Signer {
    /// A signer for that secret.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned() }
    }

    /// A token of `subject` in these roles that is valid for an hour.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token(&self, subject: &str, roles: &[&str]) -> Result<String> {
        self.token_for(subject, roles, Duration::from_secs(3_600))
    }

    /// The same for another time, which counts in whole seconds.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn token_for(&self, subject: &str, roles: &[&str], life: Duration) -> Result<String> {
        let exp = now_seconds() + life.as_secs();
        self.sign(&json!({ "sub": subject, "roles": roles, "exp": exp }))
    }

    /// A token with any claims.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        token_signed(claims, &self.secret)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}
