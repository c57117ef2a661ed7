//! Evidence in a file of SQLite.

use rusqlite::{Connection, OptionalExtension, Row};

use super::{EvidenceStore, Session};
use crate::database::StoreFuture;
use crate::database::sqlite::{Database, Failure, failed};
use crate::evidence::chain::{Body, Link};
use crate::wire::now_ms;

/// Evidence in an open file.
#[derive(Clone, Debug)]
pub struct SqliteEvidence {
    database: Database,
}

impl SqliteEvidence {
    /// In this file.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl EvidenceStore for SqliteEvidence {
    fn open<'a>(&'a self, session_id: &'a str, subject: &'a str) -> StoreFuture<'a, Session> {
        let new = Session::new(session_id, subject);
        self.database.call(move |connection| {
            let sql =
                "INSERT INTO copilot_sessions (id, subject, created_at, entries, head) VALUES (?, ?, ?, 0, ?)
                ON CONFLICT (id) DO NOTHING";
            connection.prepare_cached(sql)?.execute((&new.id, &new.subject, now_ms() as i64, &new.head))?;
            Ok(session(connection, &new.id)?.unwrap_or(new))
        })
    }

    fn session<'a>(&'a self, session_id: &'a str) -> StoreFuture<'a, Option<Session>> {
        let id = session_id.to_owned();
        self.database.call(move |connection| session(connection, &id))
    }

    fn append<'a>(&'a self, session_id: &'a str, body: &'a Body) -> StoreFuture<'a, Link> {
        let (id, body) = (session_id.to_owned(), body.clone());
        self.database.call(move |connection| {
            let own = |reason: &dyn std::fmt::Display| Failure::Own(failed(reason));
            let mut session = session(connection, &id)?.ok_or_else(|| own(&"the session was not opened"))?;
            let link = session.extend(&body).map_err(|error| own(&error))?;
            let sql = "INSERT INTO copilot_evidence (session_id, n, entry, hash) VALUES (?, ?, ?, ?)";
            connection.prepare_cached(sql)?.execute((&id, link.n as i64, &link.entry, &link.hash))?;
            let sql = "UPDATE copilot_sessions SET entries = ?, head = ? WHERE id = ?";
            connection.prepare_cached(sql)?.execute((session.entries as i64, &session.head, &id))?;
            Ok(link)
        })
    }

    fn read<'a>(&'a self, session_id: &'a str, after: u64, limit: u32) -> StoreFuture<'a, Vec<Link>> {
        let id = session_id.to_owned();
        self.database.call(move |connection| {
            let sql = "SELECT n, entry, hash FROM copilot_evidence WHERE session_id = ? AND n > ? ORDER BY n LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let links = statement.query_map((&id, after as i64, limit), read)?;
            Ok(links.collect::<rusqlite::Result<_>>()?)
        })
    }
}

fn session(connection: &Connection, id: &str) -> Result<Option<Session>, Failure> {
    let sql = "SELECT id, subject, entries, head FROM copilot_sessions WHERE id = ?";
    let read = |row: &Row<'_>| {
        let entries: i64 = row.get(2)?;
        Ok(Session { id: row.get(0)?, subject: row.get(1)?, entries: entries as u64, head: row.get(3)? })
    };
    Ok(connection.prepare_cached(sql)?.query_row([id], read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Link> {
    let n: i64 = row.get(0)?;
    Ok(Link { n: n as u64, entry: row.get(1)?, hash: row.get(2)? })
}
