//! Keys that tokens are signed with, each for one way of signing.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};

use super::secret::Secret;
use super::strict::Object;

/// Shortest secret, in bytes.
pub const SECRET_LEN_MIN: usize = 32;
/// Most keys in a set.
const KEYS_MAX: usize = 64;
/// Longest name of a key, in bytes.
const KEY_ID_LEN_MAX: usize = 256;

/// A key and the one way of signing that it is for.
#[derive(Clone)]
pub struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Key {
    /// A secret that both ends have (HS256). It has no name.
    pub fn from_secret(secret: &Secret) -> Self {
        Self { id: None, algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.expose()) }
    }

    /// The name that tokens call it by.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The way of signing, as a token writes it.
    pub(super) fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::HS256 => "HS256",
            Algorithm::RS256 => "RS256",
            _ => "EdDSA",
        }
    }

    /// Whether `signature` (base64url) is this key's over `message`.
    pub(super) fn has_signed(&self, message: &[u8], signature: &str) -> bool {
        matches!(crypto::verify(signature, message, &self.key, self.algorithm), Ok(true))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({:?}, {})", self.id, self.algorithm_name())
    }
}

/// Why a text is not a key set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeySetFault {
    /// It is not `{"keys": [...]}`, or a name stands in it twice.
    #[error("is not a key set such as {{\"keys\": [...]}}")]
    Unreadable,
    /// More than `KEYS_MAX`.
    #[error("has more than 64 keys")]
    TooMany,
    /// A key that was not meant to be shown.
    #[error("has a key with its private or secret part")]
    Private,
    /// Two keys of the same name.
    #[error("has two keys of the name {0:?}")]
    SameName(String),
    /// None that is of use here.
    #[error("has no key for RS256 or EdDSA signatures")]
    Empty,
}

/// Reads a key set: its RSA keys of 2,048 to 8,192 bits for RS256, its Ed25519 keys for EdDSA. Keys for other
/// purposes are passed over.
///
/// # Errors
/// When the set as a whole cannot be trusted, or has no key of use.
pub fn read_key_set(text: &[u8]) -> Result<Vec<Key>, KeySetFault> {
    let Object(set) = Object::read(text).map_err(|_| KeySetFault::Unreadable)?;
    let listed = set.get("keys").and_then(Value::as_array).ok_or(KeySetFault::Unreadable)?;
    if listed.len() > KEYS_MAX {
        return Err(KeySetFault::TooMany);
    }
    let mut keys: Vec<Key> = Vec::new();
    for listed in listed {
        let listed = listed.as_object().ok_or(KeySetFault::Unreadable)?;
        if ["d", "k", "p", "q"].iter().any(|name| listed.contains_key(*name)) {
            return Err(KeySetFault::Private);
        }
        let Some(key) = read_key(listed) else { continue };
        if keys.iter().any(|other| other.id == key.id) {
            return Err(KeySetFault::SameName(key.id.unwrap_or_default()));
        }
        keys.push(key);
    }
    if keys.is_empty() { Err(KeySetFault::Empty) } else { Ok(keys) }
}

fn read_key(listed: &Map<String, Value>) -> Option<Key> {
    let text = |name: &str| listed.get(name).and_then(Value::as_str);
    let is_for_signatures = listed.get("use").is_none_or(|purpose| purpose == "sig");
    let verifies = listed.get("key_ops").is_none_or(|operations| {
        operations
            .as_array()
            .is_some_and(|operations| operations.iter().any(|operation| operation == "verify"))
    });
    let id = match listed.get("kid") {
        None => None,
        Some(id) => Some(id.as_str().filter(|id| !id.is_empty() && id.len() <= KEY_ID_LEN_MAX)?.to_owned()),
    };
    if !is_for_signatures || !verifies {
        return None;
    }
    let is_for = |name: &str| listed.get("alg").is_none_or(|algorithm| algorithm == name);
    let (algorithm, key) = match text("kty")? {
        "RSA" if is_for("RS256") => {
            let modulus = text("n")?;
            // Base64url has 4 characters for 3 bytes.
            if !(2_048..=8_192).contains(&(modulus.len() * 6 / 8 * 8)) {
                return None;
            }
            (Algorithm::RS256, DecodingKey::from_rsa_components(modulus, text("e")?).ok()?)
        }
        "OKP" if text("crv") == Some("Ed25519") && (is_for("EdDSA") || is_for("Ed25519")) => {
            (Algorithm::EdDSA, DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        _ => return None,
    };
    Some(Key { id, algorithm, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED: &str =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"ed","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

    fn read(keys: &str) -> Result<Vec<String>, KeySetFault> {
        let keys = read_key_set(format!("{{\"keys\":[{keys}]}}").as_bytes())?;
        Ok(keys.iter().map(|key| format!("{key:?}")).collect())
    }

    #[test]
    fn a_set_has_the_keys_that_are_of_use() {
        let rsa = |extra: &str, len: usize| {
            format!(r#"{{"kty":"RSA","n":"{}","e":"AQAB"{extra}}}"#, "A".repeat(len))
        };
        assert_eq!(read(ED), Ok(vec![r#"Key(Some("ed"), EdDSA)"#.to_owned()]));
        assert_eq!(read(&rsa(r#","kid":"r""#, 342)), Ok(vec![r#"Key(Some("r"), RS256)"#.to_owned()]));
        for passed_over in [
            rsa(r#","use":"enc""#, 342),
            rsa(r#","key_ops":["encrypt"]"#, 342),
            rsa(r#","alg":"RS512""#, 342),
            rsa(r#","alg":"HS256""#, 342),
            rsa("", 171),
            rsa("", 1_400),
            rsa(r#","kid":7"#, 342),
            r#"{"kty":"EC","crv":"P-256","x":"x","y":"y"}"#.to_owned(),
            r#"{"kty":"OKP","crv":"X25519","x":"x"}"#.to_owned(),
            r#"{"kty":"oct","alg":"HS256"}"#.to_owned(),
        ] {
            assert_eq!(read(&format!("{ED},{passed_over}")).map(|keys| keys.len()), Ok(1), "{passed_over}");
            assert_eq!(read(&passed_over), Err(KeySetFault::Empty), "{passed_over}");
        }
    }

    #[test]
    fn a_set_that_cannot_be_trusted_is_refused_whole() {
        assert_eq!(read(&format!("{ED},{ED}")), Err(KeySetFault::SameName("ed".to_owned())));
        assert_eq!(read(&format!(r#"{ED},{{"kty":"oct","k":"c2VjcmV0"}}"#)), Err(KeySetFault::Private));
        assert_eq!(read(&vec![ED; 65].join(",")), Err(KeySetFault::TooMany));
        for text in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#] {
            assert_eq!(
                read_key_set(text.as_bytes()).map(|keys| keys.len()),
                Err(KeySetFault::Unreadable),
                "{text}"
            );
        }
    }
}
