//! Canonical JSON (RFC 8785, "JSON Canonicalization Scheme"): one text for one value, whoever wrote it and in which
//! order, and the hash of it. Confirmation tokens are bound to the hash of their parameters, the entries of the
//! evidence to that of the one before.
//!
//! The members of an object are sorted by the UTF-16 code units of their names, numbers are written as ECMAScript
//! writes them (an integer beyond 2^53 is the nearest double), strings with the fewest escapes, and no white space.
//! `stableStringify` of `@spark/live-core` gives the same bytes for a value of JavaScript.
//!
//! Nothing here recurses: depth is bounded by [`NESTING_MAX`](crate::NESTING_MAX), and time by the text's length
//! times that.

mod number;
mod writer;

use std::fmt;

use sha2::{Digest as _, Sha256};

use writer::{Integers, Writer};

pub use number::write_number;

/// Why a text has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct CanonicalError {
    /// Where the fault is, as a JSON Pointer (RFC 6901): `/sweep/fast/0`; empty for the whole. A name longer than 64
    /// characters is cut.
    pub path: String,
    /// The reason, in plain words.
    pub reason: &'static str,
    /// Byte offset in the text.
    pub at: usize,
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, reason, at } = self;
        let place = if path.is_empty() { "the value" } else { path };
        write!(f, "{place} {reason} (at byte {at})")
    }
}

/// The canonical form of a JSON text.
///
/// # Errors
/// The first fault from the left: what is no JSON, or nests more than 64 levels deep, a number too large for a
/// double, half of a surrogate pair; a name that an object has twice is found where the object ends.
pub fn stable_stringify(json: &[u8]) -> Result<String, CanonicalError> {
    Writer::new(json, Integers::AsDoubles)?.write()
}

/// The canonical form of parameters that are to be hashed: as [`stable_stringify`], but an integer beyond
/// 2^53 - 1 is refused, since two different ones may be the same double.
///
/// What is hashed is the parameters after defaults are filled in, so that what was left out and what was written out
/// are the same. They must have been seen to be finite before they became JSON: `serde_json` writes `null` for the
/// rest.
///
/// # Errors
/// As [`stable_stringify`], and an integer (a number without fraction and exponent) beyond 2^53 - 1.
pub fn canonical_params(json: &[u8]) -> Result<String, CanonicalError> {
    Writer::new(json, Integers::Exact)?.write()
}

/// The `paramsHash` of a confirmation token: the [`sha256_hex`] of the [`canonical_params`], and of nothing else. Tool
/// and subject are bound beside it.
///
/// ```
/// use live_core::canonical::params_hash;
///
/// let hash = params_hash(br#"{"symbol": "AAPL", "fast": 10}"#)?;
/// assert_eq!(hash, params_hash(br#"{"fast": 1e1, "symbol": "AAPL"}"#)?);
/// # Ok::<(), live_core::canonical::CanonicalError>(())
/// ```
///
/// # Errors
/// As [`canonical_params`].
pub fn params_hash(json: &[u8]) -> Result<String, CanonicalError> {
    canonical_params(json).map(|text| sha256_hex(text.as_bytes()))
}

/// The SHA-256 of some bytes as 64 lower-case hexadecimal digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        for digit in [byte >> 4, byte & 15] {
            hex.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    hex
}

impl CanonicalError {
    fn new(path: String, reason: &'static str, at: usize) -> Self {
        Self { path, reason, at }
    }
}

#[cfg(test)]
mod tests;
