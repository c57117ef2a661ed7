//! Links to files that the gateway hands out itself: good for whoever has one, for a while, for one file.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::signing::SigningKeys;

/// What the keys are derived for, and what every code is of, first of all.
const DOMAIN: &str = "spark/blob/v1";

/// Signs links and judges them.
pub struct Links(Vec<(String, Zeroizing<[u8; 32]>)>);

/// What a link is for.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The job whose file it is.
    pub job_id: &'a str,
    /// SHA-256 of the file: a link is not good for another that takes its place.
    pub blob_sha256: &'a str,
}

/// What a link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Until when it is good, in seconds since the Unix epoch.
    pub expires: u64,
    /// Which key it was signed with.
    pub key_id: String,
    /// The code.
    pub code: Vec<u8>,
}

/// Why a link is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkFault {
    /// It was not signed here, or for something else.
    Invalid,
    /// Its time is over.
    Expired,
}

impl Links {
    /// With the keys that are derived for it.
    pub fn new(keys: &SigningKeys) -> Self {
        Self(keys.derive(DOMAIN).into_iter().map(|key| (key.id, key.bytes)).collect())
    }

    /// The address of a file on this gateway, without its host, good until a second.
    pub fn write(&self, target: Target<'_>, expires: u64) -> String {
        let Target { job_id, .. } = target;
        let Some((id, key)) = self.0.first() else { return String::new() };
        let code: String = code(key, target, expires)
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("/api/backtest/blobs/{job_id}?e={expires}&k={id}&s={code}")
    }

    /// Judges what a link says. `now` is in seconds since the Unix epoch.
    ///
    /// # Errors
    /// Why it is not taken: a code that is wrong before a time that is over.
    pub fn judge(&self, target: Target<'_>, signed: &Signed, now: u64) -> Result<(), LinkFault> {
        let key = self.0.iter().find(|(id, _)| *id == signed.key_id).ok_or(LinkFault::Invalid)?;
        // In constant time.
        code(&key.1, target, signed.expires).verify_slice(&signed.code).map_err(|_| LinkFault::Invalid)?;
        if now < signed.expires { Ok(()) } else { Err(LinkFault::Expired) }
    }
}

impl Signed {
    /// Reads the question of an address: `e`, `k` and `s`, each once and nothing else.
    pub fn read(query: &str) -> Option<Self> {
        let (mut expires, mut key_id, mut code) = (None, None, None);
        for part in query.split('&') {
            let (name, value) = part.split_once('=')?;
            let field = match name {
                "e" => &mut expires,
                "k" => &mut key_id,
                "s" => &mut code,
                _ => return None,
            };
            if field.replace(value).is_some() {
                return None;
            }
        }
        let expires = expires.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()?;
        Some(Self { expires, key_id: key_id?.to_owned(), code: bytes(code?)? })
    }
}

/// The 32 bytes of 64 digits, which are written in one way only.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let is_plain = digits.len() == 64
        && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let pairs = is_plain.then(|| digits.as_bytes().chunks_exact(2))?;
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// The code of a link: each part behind its length, so that no two are one text.
fn code(key: &[u8; 32], Target { job_id, blob_sha256 }: Target<'_>, expires: u64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length are taken");
    for part in [DOMAIN.as_bytes(), job_id.as_bytes(), blob_sha256.as_bytes(), &expires.to_be_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secret::Secret;

    const TARGET: Target<'static> = Target { job_id: "job_1", blob_sha256: "abc" };

    fn links(secrets: &[u8]) -> Links {
        let secrets: Vec<_> = secrets.iter().map(|byte| Secret::new(vec![*byte; 32])).collect();
        Links::new(&SigningKeys::open(&secrets, None).expect("given"))
    }

    fn read(link: &str) -> Signed {
        Signed::read(link.split_once('?').expect("a question").1).expect("whole")
    }

    #[test]
    fn a_link_is_good_for_one_file_until_its_time_is_over() {
        let here = links(&[1]);
        let link = here.write(TARGET, 1_000);
        assert!(link.starts_with("/api/backtest/blobs/job_1?e=1000&k="));
        let signed = read(&link);
        assert_eq!(here.judge(TARGET, &signed, 999), Ok(()));
        assert_eq!(here.judge(TARGET, &signed, 1_000), Err(LinkFault::Expired));
        for other in [Target { job_id: "job_2", ..TARGET }, Target { blob_sha256: "abd", ..TARGET }] {
            assert_eq!(here.judge(other, &signed, 999), Err(LinkFault::Invalid));
        }
        for changed in [
            Signed { expires: 1_001, ..signed.clone() },
            Signed { key_id: "00000000".into(), ..signed.clone() },
            Signed { code: vec![0; 32], ..signed.clone() },
        ] {
            assert_eq!(here.judge(TARGET, &changed, 999), Err(LinkFault::Invalid));
            assert_eq!(here.judge(TARGET, &changed, 9_999), Err(LinkFault::Invalid), "and no more is learnt");
        }
        assert_eq!(links(&[2, 1]).judge(TARGET, &signed, 999), Ok(()), "an older key is still known");
        assert_eq!(links(&[2]).judge(TARGET, &signed, 999), Err(LinkFault::Invalid));
    }

    #[test]
    fn a_question_says_each_thing_once() {
        let good = format!("e=1000&k=ab&s={}", "0f".repeat(32));
        assert!(Signed::read(&good).is_some());
        for bad in [
            String::new(),
            "e=1000&k=ab".into(),
            format!("{good}&e=1000"),
            format!("{good}&x=1"),
            format!("{good}&"),
            good.replace("e=1000", "e=-1"),
            good.replace("e=1000", "e="),
            good.replace("e=1000", "e=99999999999999999999"),
            good.replace("0f", "0F"),
            good.replacen("0f", "0", 1),
            good.replacen("0f", "0g", 1),
        ] {
            assert_eq!(Signed::read(&bad), None, "{bad}");
        }
    }
}
