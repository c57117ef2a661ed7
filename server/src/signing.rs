//! What the gateway signs with: one secret, from which each purpose has a key of its own.

use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::auth::secret::Secret;
use crate::auth::state_dir;

/// Name of the file with the secret that was made here.
const FILE: &str = "signing-key";
/// What the ids of keys are derived for.
const ID: &str = "spark/key-id/v1";

/// Keys by purpose; the first secret signs, all of them are known, so that they can be replaced without a break.
#[derive(Clone, Debug)]
pub struct SigningKeys(Vec<Secret>);

/// A key for one purpose.
pub struct DerivedKey {
    /// What it is called where it was used; the same for all purposes of one secret.
    pub id: String,
    /// The key itself.
    pub bytes: Zeroizing<[u8; 32]>,
}

impl SigningKeys {
    /// Those of the settings; without any, the one that is kept in the state folder and made now if there is none yet, or
    /// one that nobody will know again.
    ///
    /// # Errors
    /// When the folder's cannot be read or written.
    pub fn open(given: &[Secret], dir: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self(match (given, dir) {
            ([], Some(dir)) => vec![state_dir::secret(dir, FILE)?],
            ([], None) => vec![state_dir::new_secret()],
            (given, _) => given.to_vec(),
        }))
    }

    /// The keys for a purpose, the one to sign with first. Derived as by HKDF (RFC 5869) with SHA-256 and no salt.
    pub fn derive(&self, purpose: &str) -> Vec<DerivedKey> {
        let key = |secret: &Secret| {
            let id = expand(secret, ID)[..4].iter().map(|byte| format!("{byte:02x}")).collect();
            DerivedKey { id, bytes: expand(secret, purpose) }
        };
        self.0.iter().map(key).collect()
    }
}

fn expand(secret: &Secret, purpose: &str) -> Zeroizing<[u8; 32]> {
    let extracted = Zeroizing::new(code(&[0; 32], &[secret.expose()]));
    Zeroizing::new(code(&*extracted, &[purpose.as_bytes(), &[1]]))
}

fn code(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length are taken");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_derived_as_rfc_5869_says() {
        // Test case 3 of its appendix A: no salt, no info.
        let keys = SigningKeys(vec![Secret::new(vec![0x0b; 22])]);
        let hex: String = keys.derive("")[0].bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
    }

    #[test]
    fn each_purpose_has_its_own_and_the_first_secret_signs() {
        let secrets = [Secret::new(vec![1; 32]), Secret::new(vec![2; 32])];
        let keys = SigningKeys::open(&secrets, None).expect("opened");
        let (a, b) = (keys.derive("a"), keys.derive("b"));
        assert_ne!(a[0].bytes, b[0].bytes);
        assert_eq!((&a[0].id, a.len()), (&b[0].id, 2));
        assert_ne!(a[0].id, a[1].id);
        let dir = tempfile::tempdir().expect("a folder");
        let made = || SigningKeys::open(&[], Some(dir.path())).expect("opened").derive("a")[0].bytes.clone();
        assert_eq!(made(), made(), "it is kept");
        assert_ne!(made(), a[0].bytes);
    }
}
