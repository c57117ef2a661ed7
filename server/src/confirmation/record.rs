//! What is kept of a token.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::token::TokenHash;
use crate::signing::SigningKeys;

/// Version of the record's form.
pub const VERSION: u8 = 1;
/// Wrong attempts after which a token is taken back.
pub const MISMATCHES_MAX: u32 = 5;
/// How long a token is remembered after its limit, in milliseconds, so that used, expired and unknown can be told apart.
pub const MARKER_MS: i64 = 24 * 3_600 * 1_000;
/// What the MAC is of, first of all.
const DOMAIN: &str = "spark/ctok/v1";

/// A record as it is stored; times are milliseconds since the Unix epoch by the store's clock. In JSON its fields are in
/// camelCase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// [`VERSION`].
    pub v: u8,
    /// Whose action it is.
    pub subject: String,
    /// The tool, such as `startBacktest`.
    pub tool: String,
    /// Parameters in canonical JSON, so that anybody can finish what was begun.
    pub params: String,
    /// SHA-256 of these, in lower-case hexadecimal digits.
    pub params_hash: String,
    /// The conversation that it was proposed in.
    pub session_id: String,
    /// The proposal's own id.
    pub proposal_id: String,
    /// When it was made.
    pub created_at: i64,
    /// It is valid strictly before.
    pub expires_at: i64,
    /// Attempts of its own subject with another tool or other parameters.
    pub mismatches: u32,
    /// When it was consumed.
    pub used_at: Option<i64>,
    /// What it has paid for.
    pub job_id: Option<String>,
    /// SHA-256 of the idempotency key that it was consumed under, in hexadecimal digits.
    pub idem_hash: Option<String>,
    /// When it was taken back.
    pub revoked_at: Option<i64>,
    /// Id of the key of the MAC, a colon, and the MAC in hexadecimal digits.
    pub mac: String,
}

/// Keys of the MACs by their ids; the first one makes new ones. Without a key nobody who can write to a store can make a
/// token there.
#[derive(Clone)]
pub struct MacKeys(Vec<(String, zeroize::Zeroizing<Vec<u8>>)>);

impl MacKeys {
    /// Keys of at least 32 bytes each, the current one first.
    pub fn new(keys: Vec<(String, Vec<u8>)>) -> Self {
        Self(keys.into_iter().map(|(id, key)| (id, zeroize::Zeroizing::new(key))).collect())
    }

    /// Those that are derived for it.
    pub fn of(signing: &SigningKeys) -> Self {
        Self::new(signing.derive(DOMAIN).into_iter().map(|key| (key.id, key.bytes.to_vec())).collect())
    }

    /// Signs what a record promises.
    pub fn sign(&self, hash: &TokenHash, record: &Record) -> String {
        let Some((id, key)) = self.0.first() else { return String::new() };
        let code = mac(key, hash, record).finalize().into_bytes();
        let digits: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{id}:{digits}")
    }

    /// Whether a record that a store has returned is one that was signed here. Its parameters are signed by their hash.
    pub fn is_genuine(&self, hash: &TokenHash, record: &Record) -> bool {
        if live_core::canonical::sha256_hex(record.params.as_bytes()) != record.params_hash {
            return false;
        }
        let Some((id, digits)) = record.mac.split_once(':') else { return false };
        let Some((_, key)) = self.0.iter().find(|(known, _)| known == id) else { return false };
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let Some(code) = digits.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>() else {
            return false;
        };
        // In constant time.
        mac(key, hash, record).verify_slice(&code).is_ok()
    }
}

impl std::fmt::Debug for MacKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(id, _)| id)).finish()
    }
}

/// The MAC of what cannot change: each part behind its length, so that no two records are one text.
fn mac(key: &[u8], hash: &TokenHash, record: &Record) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length are taken");
    let (hash, expires_at) = (hash.to_string(), record.expires_at.to_string());
    for part in [DOMAIN, &hash, &record.subject, &record.tool, &record.params_hash, &expires_at] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::confirmation::token::RawToken;

    pub(crate) fn record() -> Record {
        Record {
            v: VERSION,
            subject: "ann".into(),
            tool: "startBacktest".into(),
            params: "{}".into(),
            params_hash: live_core::canonical::sha256_hex(b"{}"),
            session_id: "s".into(),
            proposal_id: "p".into(),
            created_at: 1_000,
            expires_at: 2_000,
            mismatches: 0,
            used_at: None,
            job_id: None,
            idem_hash: None,
            revoked_at: None,
            mac: String::new(),
        }
    }

    #[test]
    fn what_a_record_promises_cannot_be_changed() {
        let keys = MacKeys::new(vec![("k2".into(), vec![2; 32]), ("k1".into(), vec![1; 32])]);
        let hash = RawToken::generate().hash();
        let signed = Record { mac: keys.sign(&hash, &record()), ..record() };
        assert!(keys.is_genuine(&hash, &signed));
        assert!(keys.is_genuine(&hash, &Record { used_at: Some(5), mismatches: 2, ..signed.clone() }));
        let old = MacKeys::new(vec![("k1".into(), vec![1; 32])]);
        assert!(
            keys.is_genuine(&hash, &Record { mac: old.sign(&hash, &record()), ..record() }),
            "an older key"
        );
        assert!(!old.is_genuine(&hash, &signed), "a key that is not known");
        for changed in [
            Record { subject: "annstart".into(), tool: "Backtest".into(), ..signed.clone() },
            Record { expires_at: 2_001, ..signed.clone() },
            Record { params_hash: "0".repeat(64), ..signed.clone() },
            Record { params: "[]".into(), ..signed.clone() },
            Record { mac: format!("k1:{}", &signed.mac[3..]), ..signed.clone() },
            Record { mac: signed.mac[..20].into(), ..signed.clone() },
            Record { mac: "k2:zz".into(), ..signed.clone() },
            Record { mac: String::new(), ..signed.clone() },
        ] {
            assert!(!keys.is_genuine(&hash, &changed), "{changed:?}");
        }
        assert!(!keys.is_genuine(&RawToken::generate().hash(), &signed));
        assert!(!format!("{keys:?}").contains('2') || format!("{keys:?}").contains("k2"));
    }
}
