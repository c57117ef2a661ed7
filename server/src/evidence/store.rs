//! Where evidence is kept: entries are added, in one transaction with the end of their chain, and never changed.

use super::chain::{Body, Link, genesis, link};
use crate::database::StoreFuture;

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
        conformance(&SqliteEvidence::new(Database::in_memory().expect("opened"))).await;
    }

    #[tokio::test]
    async fn a_file_keeps_it() {
        let dir = tempfile::tempdir().expect("a folder");
        conformance(&SqliteEvidence::new(Database::open(dir.path()).expect("opened"))).await;
        let again = SqliteEvidence::new(Database::open(dir.path()).expect("opened"));
        assert_eq!(again.session("s").await.expect("asked").expect("is there").entries, 45);
    }
}
