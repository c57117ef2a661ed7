//! Tokens that were taken back, kept across restarts.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::identity::Identity;

/// Name of the file in the state folder.
const FILE: &str = "revocations.json";

/// What is taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// The token of that name.
    Token(String),
    /// All tokens of that person that were made until now.
    Subject(String),
}

/// All that was taken back and has not ended by itself since.
#[derive(Debug)]
pub struct Revocations {
    file: Option<PathBuf>,
    /// How long a token can live at most, in milliseconds; after that there is nothing left to take back.
    kept_ms: u64,
    held: Mutex<Held>,
    /// Told of each that is added.
    added: watch::Sender<()>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    /// When each was taken back, in milliseconds since the Unix epoch.
    tokens: HashMap<String, u64>,
    subjects: HashMap<String, u64>,
}

impl Revocations {
    /// What the state folder has; without one nothing is kept across a restart.
    ///
    /// # Errors
    /// When the file is there and cannot be read: else what was taken back would hold again.
    pub fn open(state_dir: Option<&Path>, kept_ms: u64) -> anyhow::Result<Self> {
        let file = state_dir.map(|dir| dir.join(FILE));
        let held = file.as_deref().map_or(Ok(Held::default()), read)?;
        Ok(Self { file, kept_ms, held: Mutex::new(held), added: watch::Sender::new(()) })
    }

    /// Whether somebody's token was taken back. One that does not say when it was made is older than any revocation.
    pub fn covers(&self, identity: &Identity) -> bool {
        let held = self.lock();
        let by_id = identity.jti.as_deref().is_some_and(|id| held.tokens.contains_key(id));
        let by_subject = identity.subject.as_deref().and_then(|subject| held.subjects.get(subject));
        by_id || by_subject.is_some_and(|&until| identity.issued_at.is_none_or(|at| at <= until))
    }

    /// Is changed by each that is added from now on.
    pub fn added(&self) -> watch::Receiver<()> {
        self.added.subscribe()
    }

    /// Takes back, from now on and after a restart.
    ///
    /// # Errors
    /// It holds from now on, but could not be written down.
    pub fn add(&self, revocation: &Revocation, now_ms: u64) -> anyhow::Result<()> {
        let mut held = self.lock();
        let kept_ms = self.kept_ms;
        let is_of_use = |_: &String, at: &mut u64| at.saturating_add(kept_ms) > now_ms;
        held.tokens.retain(is_of_use);
        held.subjects.retain(is_of_use);
        match revocation {
            Revocation::Token(id) => held.tokens.insert(id.clone(), now_ms),
            Revocation::Subject(subject) => held.subjects.insert(subject.clone(), now_ms),
        };
        self.added.send_replace(());
        match &self.file {
            Some(file) => write(file, &held).with_context(|| format!("write {}", file.display())),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(file: &Path) -> anyhow::Result<Held> {
    let place =
        || format!("read {}, without which tokens that were taken back would hold again", file.display());
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).with_context(place),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Held::default()),
        Err(error) => Err(error).with_context(place),
    }
}

/// Replaces the file in one step: after a crash it is the old one or the new one.
fn write(file: &Path, held: &Held) -> anyhow::Result<()> {
    let new = file.with_extension("new");
    let mut to = std::fs::File::create(&new)?;
    to.write_all(&serde_json::to_vec(held)?)?;
    to.sync_all()?;
    std::fs::rename(&new, file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(subject: &str, jti: &str, issued_at: Option<u64>) -> Identity {
        Identity { subject: Some(subject.into()), jti: Some(jti.into()), issued_at, ..Identity::default() }
    }

    #[test]
    fn what_was_taken_back_stays_so_across_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let open = || Revocations::open(Some(dir.path()), 1_000).expect("a list");
        let revocations = open();
        assert!(!revocations.covers(&identity("ada", "1", Some(5_000))));
        revocations.add(&Revocation::Token("1".to_owned()), 10_000).expect("written");
        revocations.add(&Revocation::Subject("bob".to_owned()), 10_000).expect("written");
        for revocations in [revocations, open()] {
            assert!(revocations.covers(&identity("ada", "1", Some(5_000))));
            assert!(!revocations.covers(&identity("ada", "2", Some(5_000))));
            assert!(revocations.covers(&identity("bob", "2", Some(10_000))));
            assert!(revocations.covers(&identity("bob", "2", None)));
            assert!(!revocations.covers(&identity("bob", "2", Some(10_001))), "made after that");
            assert!(!revocations.covers(&Identity::anonymous()));
        }
    }

    #[test]
    fn what_has_ended_by_itself_is_forgotten_and_a_broken_file_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let revocations = Revocations::open(Some(dir.path()), 1_000).expect("a list");
        revocations.add(&Revocation::Token("1".to_owned()), 10_000).expect("written");
        revocations.add(&Revocation::Token("2".to_owned()), 11_000).expect("written");
        let held = read(&dir.path().join(FILE)).expect("a list");
        assert_eq!(held.tokens.keys().collect::<Vec<_>>(), ["2"]);
        std::fs::write(dir.path().join(FILE), "{").expect("written");
        let error = Revocations::open(Some(dir.path()), 1_000).expect_err("broken");
        assert!(format!("{error:#}").contains(FILE), "{error:#}");
    }
}
