//! The token itself, and its hash, which stands for it everywhere else.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::random;

/// What every token begins with, so that scanners for secrets and people know one.
pub const PREFIX: &str = "sct_";
/// Random bytes of a token.
const RANDOM_LEN: usize = 32;
/// Characters of these bytes in base64url without padding.
const RANDOM_TEXT_LEN: usize = 43;

/// A token as a person holds it. It is shown by [`RawToken::expose`] alone: its `Debug` and `Display` are those of its
/// hash, it cannot be serialised, and its memory is cleared.
pub struct RawToken(Zeroizing<String>);

/// SHA-256 of a whole token. 256 random bits need neither salt nor a slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl RawToken {
    /// A new one from the system's random generator.
    pub fn generate() -> Self {
        let bytes = Zeroizing::new(random::bytes(RANDOM_LEN));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + RANDOM_TEXT_LEN));
        text.push_str(PREFIX);
        URL_SAFE_NO_PAD.encode_string(&*bytes, &mut text);
        Self(text)
    }

    /// One that somebody has sent, if it has the form of one. Nobody needs to be asked about any other.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text.strip_prefix(PREFIX).filter(|random| random.len() == RANDOM_TEXT_LEN)?;
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(random).ok()?);
        (bytes.len() == RANDOM_LEN).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The token itself, for the one answer that goes to its person.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What stands for it everywhere else.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

/// A text as it may be repeated to whoever sent it, or logged: not with a token, which somebody has put in the wrong
/// place.
pub fn discreet(text: String) -> String {
    if text.contains(PREFIX) { "[token]".to_owned() } else { text }
}

/// A text of somebody else's as it may be handed on: without the tokens that stand in it.
pub fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        masked.push_str(&rest[..at]);
        masked.push_str("[token]");
        let tail = &rest[at + PREFIX.len()..];
        let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        rest = tail.trim_start_matches(is_of_token);
    }
    masked.push_str(rest);
    masked
}

impl fmt::Debug for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawToken({})", self.hash())
    }
}

impl fmt::Display for RawToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.hash().fmt(f)
    }
}

impl TokenHash {
    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenHash({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_itself_to_nobody_but_who_asks() {
        let token = RawToken::generate();
        let secret = token.expose().to_owned();
        assert!(secret.len() == 47 && secret.starts_with(PREFIX));
        let hash = token.hash().to_string();
        assert_eq!((format!("{token}"), format!("{token:?}")), (hash.clone(), format!("RawToken({hash})")));
        assert_ne!(RawToken::generate().hash(), token.hash());
        assert_eq!(RawToken::parse(&secret).map(|again| again.hash()), Some(token.hash()));
        assert_eq!(TokenHash::parse(&hash), Some(token.hash()));
    }

    #[test]
    fn tokens_are_taken_out_of_what_is_said() {
        assert_eq!(masked("a sct_Ab-_9, b"), "a [token], b");
        assert_eq!(masked("sct_sct_x sct_"), "[token] [token]");
        assert_eq!(masked("çok güzel"), "çok güzel");
    }

    #[test]
    fn the_hash_is_that_of_the_whole_text() {
        let token = RawToken::parse(&format!("{PREFIX}{}", "A".repeat(43))).expect("has the form of one");
        let expected = live_core::canonical::sha256_hex(format!("{PREFIX}{}", "A".repeat(43)).as_bytes());
        assert_eq!(token.hash().to_string(), expected);
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let good = "A".repeat(43);
        for text in [
            "",
            "sct_",
            &good,
            &format!("SCT_{good}"),
            &format!("sct_{good}A"),
            &format!("sct_{}", "/".repeat(43)),
            // Bits beyond the last byte.
            &format!("sct_{}B", "A".repeat(42)),
        ] {
            assert!(RawToken::parse(text).is_none(), "{text}");
        }
        for text in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"\u{e9}".repeat(32)] {
            assert!(TokenHash::parse(text).is_none(), "{text}");
        }
    }
}
