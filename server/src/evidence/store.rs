//! Where evidence is kept: entries are added, in one transaction with the end of their chain, and never changed.

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Mutex, PoisonError};

use super::chain::{Body, Link, genesis, link};
use crate::database::{StoreError, StoreFuture};

mod postgres;
mod sqlite;

pub use self::postgres::PostgresEvidence;
pub use self::sqlite::SqliteEvidence;

/// A conversation, as far as its evidence goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub subject: String,
    /// How many entries there are.
    pub entries: u64,
    /// Hash of the last one, or what the first one builds on.
    pub head: String,
}

/// Keeps evidence.
pub trait EvidenceStore: Send + Sync {
    /// Opens a session for somebody, or finds it as it is: perhaps somebody else's.
    fn open<'a>(&'a self, session_id: &'a str, subject: &'a str) -> StoreFuture<'a, Session>;

    /// A session as it is.
    fn session<'a>(&'a self, session_id: &'a str) -> StoreFuture<'a, Option<Session>>;

    /// Adds an entry to a session that was opened.
    fn append<'a>(&'a self, session_id: &'a str, body: &'a Body) -> StoreFuture<'a, Link>;

    /// Up to `limit` entries behind the number `after`, in order.
    fn read<'a>(&'a self, session_id: &'a str, after: u64, limit: u32) -> StoreFuture<'a, Vec<Link>>;
}

/// Evidence in this process's memory.
#[derive(Debug, Default)]
pub struct MemoryEvidence(Mutex<HashMap<String, (Session, Vec<Link>)>>);

impl Session {
    fn new(id: &str, subject: &str) -> Self {
        Self { id: id.to_owned(), subject: subject.to_owned(), entries: 0, head: genesis(id, subject) }
    }

    /// The next entry; the session ends with it then.
    fn extend(&mut self, body: &Body) -> anyhow::Result<Link> {
        let link = link(self.entries + 1, &self.head, body)?;
        self.entries = link.n;
        self.head.clone_from(&link.hash);
        Ok(link)
    }
}

impl EvidenceStore for MemoryEvidence {
    fn open<'a>(&'a self, session_id: &'a str, subject: &'a str) -> StoreFuture<'a, Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || (Session::new(session_id, subject), Vec::new());
        let (session, _) = sessions.entry(session_id.to_owned()).or_insert_with(new);
        Box::pin(ready(Ok(session.clone())))
    }

    fn session<'a>(&'a self, session_id: &'a str) -> StoreFuture<'a, Option<Session>> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(Ok(sessions.get(session_id).map(|(session, _)| session.clone()))))
    }

    fn append<'a>(&'a self, session_id: &'a str, body: &'a Body) -> StoreFuture<'a, Link> {
        let failed = |reason: &str| StoreError { store: "memory", reason: reason.to_owned() };
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let added = match sessions.get_mut(session_id) {
            None => Err(failed("the session was not opened")),
            Some((session, links)) => {
                let link = session.extend(body).map_err(|error| failed(&error.to_string()));
                links.extend(link.clone());
                link
            }
        };
        Box::pin(ready(added))
    }

    fn read<'a>(&'a self, session_id: &'a str, after: u64, limit: u32) -> StoreFuture<'a, Vec<Link>> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let links = sessions.get(session_id).map_or(&[][..], |(_, links)| links);
        let wanted = links.iter().skip(after as usize).take(limit as usize).cloned().collect();
        Box::pin(ready(Ok(wanted)))
    }
}

/// What every store of evidence does.
#[doc(hidden)]
pub async fn conformance(store: &dyn EvidenceStore) {
    let body = |at| Body { at, kind: "tool_call".into(), ..Body::default() };
    store.append("s", &body(0)).await.expect_err("it was not opened");
    assert_eq!(store.session("s").await.expect("asked"), None);
    let opened = store.open("s", "ann").await.expect("opened");
    assert_eq!(opened, Session::new("s", "ann"));
    assert_eq!(store.open("s", "bob").await.expect("found").subject, "ann", "it is hers");
    let mut expected = Session::new("s", "ann");
    let mut links = Vec::new();
    for at in 1..=5 {
        let added = store.append("s", &body(at)).await.expect("added");
        assert_eq!(added, expected.extend(&body(at)).expect("written"));
        links.push(added);
    }
    store.open("t", "bob").await.expect("opened");
    let other = store.append("t", &body(1)).await.expect("added");
    assert_eq!(store.session("s").await.expect("asked"), Some(expected));
    assert_eq!(store.read("s", 0, 100).await.expect("read"), links);
    assert_eq!(store.read("s", 3, 1).await.expect("read"), links[3..4]);
    assert_eq!(store.read("t", 0, 100).await.expect("read"), [other]);
    assert_eq!(store.read("u", 0, 100).await.expect("read"), []);
    let all =
        futures_util::future::join_all((0..40).map(|_| async { store.append("s", &body(9)).await })).await;
    let mut numbers: Vec<u64> = all.into_iter().map(|link| link.expect("added").n).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (6..46).collect::<Vec<_>>(), "each in a place of its own");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::sqlite::Database;

    #[tokio::test]
    async fn memory_keeps_it() {
        conformance(&MemoryEvidence::default()).await;
    }

    #[tokio::test]
    async fn a_file_keeps_it() {
        let dir = tempfile::tempdir().expect("a folder");
        conformance(&SqliteEvidence::new(Database::open(dir.path()).expect("opened"))).await;
        let again = SqliteEvidence::new(Database::open(dir.path()).expect("opened"));
        assert_eq!(again.session("s").await.expect("asked").expect("is there").entries, 45);
    }
}
