//! Where a page goes on: a text that only the gateway can make, for one part of one result.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Part;
use crate::signing::SigningKeys;

/// What the keys are derived for, and what every code is of, first of all.
const DOMAIN: &str = "spark/cursor/v1";
/// Version of the form.
const VERSION: u8 = 1;
/// Bytes of the row's number, and of the code behind it.
const ROW_LEN: usize = 8;
const CODE_LEN: usize = 16;

/// Makes cursors and reads them.
pub struct Cursors(Vec<Zeroizing<[u8; 32]>>);

/// What a cursor belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The job.
    pub job_id: &'a str,
    /// The part of its result.
    pub part: Part,
    /// The result, by its hash.
    pub result_hash: &'a str,
}

impl Cursors {
    /// With the keys that are derived for it.
    pub fn new(keys: &SigningKeys) -> Self {
        Self(keys.derive(DOMAIN).into_iter().map(|key| key.bytes).collect())
    }

    /// A cursor that leads to a row.
    pub fn write(&self, place: Place<'_>, row: u64) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(row.to_be_bytes());
        if let Some(key) = self.0.first() {
            bytes.extend(&code(key, place, row).finalize().into_bytes()[..CODE_LEN]);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The row that a cursor leads to; `None` for one that was changed, or made for something else.
    pub fn read(&self, place: Place<'_>, cursor: &str) -> Option<u64> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (version, rest) = bytes.split_first()?;
        if *version != VERSION || rest.len() != ROW_LEN + CODE_LEN {
            return None;
        }
        let row = u64::from_be_bytes(rest[..ROW_LEN].try_into().ok()?);
        // In constant time.
        let is_good =
            |key: &Zeroizing<[u8; 32]>| code(key, place, row).verify_truncated_left(&rest[ROW_LEN..]).is_ok();
        self.0.iter().any(is_good).then_some(row)
    }
}

/// The code of a place and a row: each part behind its length, so that no two are one text.
fn code(key: &[u8; 32], Place { job_id, part, result_hash }: Place<'_>, row: u64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length are taken");
    for part in [DOMAIN, job_id, part.name(), result_hash] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    mac.update(&row.to_be_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::secret::Secret;

    fn cursors(secrets: &[u8]) -> Cursors {
        let secrets: Vec<_> = secrets.iter().map(|byte| Secret::new(vec![*byte; 32])).collect();
        Cursors::new(&SigningKeys::open(&secrets, None).expect("given"))
    }

    #[test]
    fn a_cursor_leads_to_its_row_of_its_part_of_its_result() {
        let (here, hash) = (cursors(&[1]), "a".repeat(64));
        let place = Place { job_id: "job_1", part: Part::Equity, result_hash: &hash };
        for row in [0, 1, 999_999, u64::MAX] {
            assert_eq!(here.read(place, &here.write(place, row)), Some(row));
        }
        let cursor = here.write(place, 500);
        let other = "b".repeat(64);
        for foreign in [
            Place { job_id: "job_2", ..place },
            Place { part: Part::Trades, ..place },
            Place { result_hash: &other, ..place },
            Place { job_id: "job_", part: Part::Equity, result_hash: &hash },
        ] {
            assert_eq!(here.read(foreign, &cursor), None, "{foreign:?}");
        }
        let newer = cursors(&[2, 1]);
        assert_eq!(newer.read(place, &cursor), Some(500), "an older key is still known");
        assert_eq!(here.read(place, &newer.write(place, 500)), None);
        for bad in
            ["", "AQ", &cursor[1..], &format!("{cursor}A"), &format!("{cursor}="), "%00", &"A".repeat(10_000)]
        {
            assert_eq!(here.read(place, bad), None, "{bad}");
        }
    }

    #[test]
    fn no_changed_byte_passes() {
        let (here, hash) = (cursors(&[1]), "a".repeat(64));
        let place = Place { job_id: "job_1", part: Part::Trades, result_hash: &hash };
        let cursor = URL_SAFE_NO_PAD.decode(here.write(place, 7)).expect("base64");
        for at in 0..cursor.len() {
            for bit in 0..8 {
                let mut changed = cursor.clone();
                changed[at] ^= 1 << bit;
                assert_eq!(here.read(place, &URL_SAFE_NO_PAD.encode(changed)), None, "{at}.{bit}");
            }
        }
    }
}
