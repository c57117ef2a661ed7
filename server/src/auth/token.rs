//! A signed token: its parts, its signature, and the order in which they are judged.
//!
//! Nothing that a token says of itself is believed before its signature was found good, but for the name of its
//! key. How it is signed is a property of the key; the token's own word for it is only compared.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use live_core::error::ErrorCode;
use serde_json::Value;

use super::claims::{self, Policy};
use super::identity::Identity;
use super::keys::Key;
use super::strict::{Object, ObjectFault};

/// Longest token, in bytes.
pub const TOKEN_LEN_MAX: usize = 8 * 1024;
/// Headers that would have the token say where its key comes from, or how it is to be read.
const NOT_FOLLOWED: [&str; 4] = ["crit", "jku", "x5u", "jwk"];

/// Why a token is refused, in words that follow "the token".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the texts say it")]
pub enum TokenFault {
    #[error("is longer than 8 KiB")]
    TooLong,
    #[error("does not have three parts")]
    Parts,
    #[error("is not written in base64url without padding")]
    Encoding,
    #[error("has a header that cannot be read")]
    Header,
    #[error("has a header that is not followed here: crit, jku, x5u or jwk")]
    NotFollowed,
    #[error("is not of type JWT or at+jwt")]
    Type,
    #[error("names no key that is known here")]
    Key,
    #[error("is signed in another way than its key is for")]
    Algorithm,
    #[error("has a wrong signature")]
    Signature,
    #[error("has claims that cannot be read")]
    Claims,
    #[error("says something twice")]
    Repeated,
    #[error("does not say whose it is")]
    Subject,
    #[error("does not say in whole seconds when it ends")]
    Expiry,
    #[error("lives longer than a token may")]
    TooFarAhead,
    #[error("is past its time limit")]
    Expired,
    #[error("is not valid yet")]
    NotYet,
    #[error("has a time that is not in whole seconds")]
    Time,
    #[error("is for somebody else")]
    Audience,
    #[error("comes from somebody else")]
    Issuer,
    #[error("has roles that are not a list of names")]
    Roles,
    #[error("has channels that are not lists of patterns")]
    Channels,
    #[error("has an id that is not a text of 1 to 128 characters")]
    Id,
    #[error("was taken back")]
    Revoked,
}

impl TokenFault {
    /// The code that the fault is told by.
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Expired => ErrorCode::AuthExpired,
            Self::Revoked => ErrorCode::AuthRevoked,
            _ => ErrorCode::Unauthenticated,
        }
    }
}

/// A token taken apart, of which nothing has been believed yet.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    /// What the signature is over.
    message: &'a str,
    signature: &'a str,
    payload: Vec<u8>,
    /// How the token says that it is signed.
    algorithm: String,
    /// The name of the key.
    pub key_id: Option<String>,
}

impl<'a> Parts<'a> {
    /// Takes a token apart.
    pub fn read(token: &'a str) -> Result<Self, TokenFault> {
        if token.len() > TOKEN_LEN_MAX {
            return Err(TokenFault::TooLong);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenFault::Parts);
        };
        let message = token.get(..header.len() + 1 + payload.len()).ok_or(TokenFault::Parts)?;
        let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Encoding);
        let (header, payload) = (decode(header)?, decode(payload)?);
        decode(signature)?;
        let Object(mut header) = Object::read(&header).map_err(|fault| match fault {
            ObjectFault::Unreadable => TokenFault::Header,
            ObjectFault::Repeated => TokenFault::Repeated,
        })?;
        if NOT_FOLLOWED.iter().any(|name| header.contains_key(*name)) {
            return Err(TokenFault::NotFollowed);
        }
        if !header.get("typ").is_none_or(is_token) {
            return Err(TokenFault::Type);
        }
        let Some(Value::String(algorithm)) = header.remove("alg") else { return Err(TokenFault::Header) };
        let key_id = match header.remove("kid") {
            None => None,
            Some(Value::String(id)) => Some(id),
            Some(_) => return Err(TokenFault::Header),
        };
        Ok(Self { message, signature, payload, algorithm, key_id })
    }

    /// Judges signature and claims, at `now_ms` of the wall clock.
    pub fn judge(&self, key: &Key, policy: &Policy, now_ms: u64) -> Result<Identity, TokenFault> {
        if self.algorithm != key.algorithm_name() {
            return Err(TokenFault::Algorithm);
        }
        if !key.has_signed(self.message.as_bytes(), self.signature) {
            return Err(TokenFault::Signature);
        }
        claims::read(&self.payload, policy, now_ms)
    }
}

fn is_token(typ: &Value) -> bool {
    let name = typ.as_str().unwrap_or_default();
    let name = name.strip_prefix("application/").unwrap_or(name);
    name.eq_ignore_ascii_case("jwt") || name.eq_ignore_ascii_case("at+jwt")
}

#[cfg(test)]
mod tests;
