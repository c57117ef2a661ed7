//! The signature under a bundle: how many entries there are and the hash of the last, by the gateway's own key.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use live_core::canonical::stable_stringify;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::chain::VERSION;
use super::store::Session;
use crate::signing::SigningKeys;

/// What the key is derived for.
const PURPOSE: &str = "spark/evidence/v1";
/// The one algorithm.
const ALGORITHM: &str = "Ed25519";

/// What stands at the end of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seal {
    /// `Ed25519` (RFC 8032).
    pub algorithm: String,
    /// How many entries there are.
    pub count: u64,
    /// When it was signed, in milliseconds since the Unix epoch.
    pub exported_at: u64,
    /// Hash of the last entry.
    pub head: String,
    /// The key that it can be checked with, in base64url.
    pub public_key: String,
    /// The signature, in base64url.
    pub signature: String,
}

/// Signs bundles.
#[derive(Debug)]
pub struct Sealer(Ed25519KeyPair);

impl Sealer {
    /// With the key that is derived for it.
    ///
    /// # Errors
    /// When there is none, which is never so.
    pub fn new(keys: &SigningKeys) -> anyhow::Result<Self> {
        let derived = keys.derive(PURPOSE);
        let seed = derived.first().map(|key| &*key.bytes);
        let seed = seed.ok_or_else(|| anyhow::anyhow!("there is no key to sign evidence with"))?;
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|error| anyhow::anyhow!("{error}"))
    }

    /// The key that what is signed here can be checked with, in base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.public_key())
    }

    /// Signs a session as it is.
    pub fn seal(&self, session: &Session, exported_at: u64) -> Seal {
        let text = signed(&session.id, &session.subject, session.entries, &session.head, exported_at);
        Seal {
            algorithm: ALGORITHM.to_owned(),
            count: session.entries,
            exported_at,
            head: session.head.clone(),
            public_key: self.public_key(),
            signature: URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes())),
        }
    }
}

impl Seal {
    /// Whether it is the signature of its own key under a session of this name and owner.
    pub fn is_good(&self, session_id: &str, subject: &str) -> bool {
        let (Ok(key), Ok(signature)) =
            (URL_SAFE_NO_PAD.decode(&self.public_key), URL_SAFE_NO_PAD.decode(&self.signature))
        else {
            return false;
        };
        let text = signed(session_id, subject, self.count, &self.head, self.exported_at);
        self.algorithm == ALGORITHM
            && UnparsedPublicKey::new(&ED25519, key).verify(text.as_bytes(), &signature).is_ok()
    }
}

/// What is signed, in canonical JSON.
fn signed(session_id: &str, subject: &str, count: u64, head: &str, exported_at: u64) -> String {
    let text = json!({
        "count": count, "exportedAt": exported_at, "head": head, "sessionId": session_id, "subject": subject, "v": VERSION,
    });
    stable_stringify(text.to_string().as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_what_was_signed_and_nothing_else() {
        let keys = SigningKeys::open(&[], None).expect("made");
        let sealer = Sealer::new(&keys).expect("a key");
        let session = Session { id: "s".into(), subject: "ann".into(), entries: 3, head: "abc".into() };
        let seal = sealer.seal(&session, 5);
        assert!(seal.is_good("s", "ann"));
        let other = Sealer::new(&SigningKeys::open(&[], None).expect("made")).expect("a key");
        for bad in [
            Seal { count: 2, ..seal.clone() },
            Seal { head: "abd".into(), ..seal.clone() },
            Seal { exported_at: 6, ..seal.clone() },
            Seal { algorithm: "none".into(), ..seal.clone() },
            Seal { public_key: other.public_key(), ..seal.clone() },
            Seal { public_key: String::new(), ..seal.clone() },
            Seal { signature: String::new(), ..seal.clone() },
            Seal { signature: "?".into(), ..seal.clone() },
        ] {
            assert!(!bad.is_good("s", "ann"), "{bad:?}");
        }
        assert!(!seal.is_good("s", "bob") && !seal.is_good("t", "ann"));
    }
}
