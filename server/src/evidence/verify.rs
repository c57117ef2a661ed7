//! `spark-live evidence verify FILE`: whether a bundle is what was written.

use std::fmt;

use live_core::canonical::{sha256_hex, stable_stringify};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::chain::{VERSION, genesis};
use super::seal::Seal;

/// A bundle that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The session.
    pub session_id: String,
    /// Whose it is.
    pub subject: String,
    /// How many entries there are.
    pub entries: u64,
    /// The key that it was signed with, in base64url.
    pub public_key: String,
}

/// What was done to a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// What it says is not what was written.
    Changed,
    /// Entries do not stand in their order.
    Reordered,
    /// Entries are missing.
    Truncated,
    /// Entries come from somewhere else.
    Spliced,
    /// It was not signed by the key that it should be.
    Foreign,
    /// It is no bundle.
    Unreadable,
}

/// Where a bundle is not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{damage}: {reason}")]
pub struct Fault {
    /// What was done.
    pub damage: Damage,
    /// Place of the first bad entry, from 1; `None` where it is not in an entry.
    pub place: Option<u64>,
    /// What is wrong there, for people.
    pub reason: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Changed => "changed",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::Spliced => "spliced",
            Self::Foreign => "signed by another key",
            Self::Unreadable => "not a bundle",
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Bundle<'a> {
    v: u8,
    session_id: String,
    subject: String,
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
    seal: Seal,
}

/// What of an entry its place is judged by.
struct Entry {
    n: u64,
    prev: String,
    hash: String,
    is_own_hash: bool,
}

/// Checks a bundle; with a key, in base64url, that it was signed with that one.
///
/// # Errors
/// What was done to it, with the first bad entry.
pub fn verify(bundle: &[u8], public_key: Option<&str>) -> Result<Verified, Fault> {
    let fault = |damage, reason: String| Fault { damage, place: None, reason };
    let Bundle { v, session_id, subject, entries, seal } =
        serde_json::from_slice(bundle).map_err(|error| match error.is_eof() {
            true => fault(Damage::Truncated, format!("the file ends too soon: {error}")),
            false => fault(Damage::Unreadable, error.to_string()),
        })?;
    if v != VERSION {
        return Err(fault(Damage::Unreadable, format!("its version is {v}; known is {VERSION}")));
    }
    let entries = entries.into_iter().zip(1..).map(|(raw, place)| entry(raw, place));
    let entries = entries.collect::<Result<Vec<_>, _>>()?;
    let start = genesis(&session_id, &subject);
    chained(&entries, &start, seal.count)?;
    let head = entries.last().map_or(&start, |entry| &entry.hash);
    if *head != seal.head {
        return Err(fault(Damage::Changed, "the last entry is not the one that was signed".to_owned()));
    }
    if !seal.is_good(&session_id, &subject) {
        return Err(fault(Damage::Changed, "the signature does not fit what stands above it".to_owned()));
    }
    if public_key.is_some_and(|wanted| wanted != seal.public_key) {
        return Err(fault(Damage::Foreign, format!("by {}", seal.public_key)));
    }
    Ok(Verified { session_id, subject, entries: seal.count, public_key: seal.public_key })
}

fn entry(raw: &RawValue, place: u64) -> Result<Entry, Fault> {
    let broken = |reason: &str| Fault {
        damage: Damage::Changed,
        place: Some(place),
        reason: format!("entry {place}: {reason}"),
    };
    // Refuses a name that stands there twice, of which a parser would take one.
    stable_stringify(raw.get().as_bytes()).map_err(|error| broken(&error.to_string()))?;
    let mut entry: Map<String, Value> =
        serde_json::from_str(raw.get()).map_err(|error| broken(&error.to_string()))?;
    let Some(Value::String(hash)) = entry.remove("hash") else { return Err(broken("it has no hash")) };
    let n = entry.get("n").and_then(Value::as_u64).ok_or_else(|| broken("it has no number"))?;
    let prev = entry.get("prev").and_then(Value::as_str).ok_or_else(|| broken("it builds on no other"))?;
    let prev = prev.to_owned();
    let text = serde_json::to_vec(&entry).map_err(|error| broken(&error.to_string()))?;
    let text = stable_stringify(&text).map_err(|error| broken(&error.to_string()))?;
    let is_own_hash = sha256_hex(text.as_bytes()) == hash;
    Ok(Entry { n, prev, hash, is_own_hash })
}

/// Whether the entries stand in one chain from `start` on, `count` of them.
fn chained(entries: &[Entry], start: &str, count: u64) -> Result<(), Fault> {
    let mut prev = start;
    for (entry, place) in entries.iter().zip(1_u64..) {
        let at = |damage, reason: String| {
            Err(Fault { damage, place: Some(place), reason: format!("entry {place}: {reason}") })
        };
        if !entry.is_own_hash {
            return at(Damage::Changed, "its hash is not that of what it says".to_owned());
        }
        if entry.n == place && entry.prev == prev {
            prev = &entry.hash;
            continue;
        }
        let is_elsewhere = entries[place as usize..].iter().any(|other| other.prev == prev);
        return match entry.n {
            n if n == place => at(Damage::Spliced, "it does not build on the one before it".to_owned()),
            n if n < place => at(Damage::Spliced, format!("its number is {n}, which was there before")),
            n if is_elsewhere => at(Damage::Reordered, format!("its number is {n}")),
            n => at(Damage::Truncated, format!("its number is {n}: those from {place} on are missing")),
        };
    }
    let found = entries.len() as u64;
    match found.cmp(&count) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(Fault {
            damage: Damage::Truncated,
            place: Some(found + 1),
            reason: format!("entry {}: it is missing; {count} were signed, {found} are there", found + 1),
        }),
        std::cmp::Ordering::Greater => Err(Fault {
            damage: Damage::Spliced,
            place: Some(count + 1),
            reason: format!("entry {}: it was not signed; {count} were, {found} are there", count + 1),
        }),
    }
}

#[cfg(test)]
mod tests;
