//! Evidence in PostgreSQL.

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{EvidenceStore, Session};
use crate::database::postgres::{Database, failed, limited, told};
use crate::database::{StoreError, StoreFuture};
use crate::evidence::chain::{Body, Link};

const OPEN: &str = "INSERT INTO copilot_sessions (id, subject, created_at, entries, head) VALUES ($1, $2, \
    clock_timestamp(), 0, $3) ON CONFLICT (id) DO NOTHING";
const SESSION: &str = "SELECT id, subject, entries, head FROM copilot_sessions WHERE id = $1";
const LOCKED: &str = "SELECT id, subject, entries, head FROM copilot_sessions WHERE id = $1 FOR UPDATE";
const ADD: &str = "INSERT INTO copilot_evidence (session_id, n, entry, hash) VALUES ($1, $2, $3, $4)";
const EXTEND: &str = "UPDATE copilot_sessions SET entries = $2, head = $3 WHERE id = $1";
const READ: &str =
    "SELECT n, entry, hash FROM copilot_evidence WHERE session_id = $1 AND n > $2 ORDER BY n LIMIT $3";

/// Evidence in an open database.
#[derive(Clone, Debug)]
pub struct PostgresEvidence {
    database: Database,
}

impl PostgresEvidence {
    /// In this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl EvidenceStore for PostgresEvidence {
    fn open<'a>(&'a self, session_id: &'a str, subject: &'a str) -> StoreFuture<'a, Session> {
        limited(async move {
            let new = Session::new(session_id, subject);
            self.database.execute(OPEN, &[&new.id, &new.subject, &new.head]).await?;
            let client = self.database.client().await?;
            Ok(session(&client, SESSION, session_id).await?.unwrap_or(new))
        })
    }

    fn session<'a>(&'a self, session_id: &'a str) -> StoreFuture<'a, Option<Session>> {
        limited(async move { session(&self.database.client().await?, SESSION, session_id).await })
    }

    fn append<'a>(&'a self, session_id: &'a str, body: &'a Body) -> StoreFuture<'a, Link> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            let session = session(&transaction, LOCKED, session_id).await?;
            let mut session = session.ok_or_else(|| failed("the session was not opened"))?;
            let link = session.extend(body).map_err(|error| failed(&error))?;
            let (n, entries) = (link.n as i64, session.entries as i64);
            let added = transaction.execute(ADD, &[&session_id, &n, &link.entry, &link.hash]).await;
            added.map_err(|error| told(&error))?;
            let extended = transaction.execute(EXTEND, &[&session_id, &entries, &session.head]).await;
            extended.map_err(|error| told(&error))?;
            transaction.commit().await.map_err(|error| told(&error))?;
            Ok(link)
        })
    }

    fn read<'a>(&'a self, session_id: &'a str, after: u64, limit: u32) -> StoreFuture<'a, Vec<Link>> {
        limited(async move {
            let client = self.database.client().await?;
            let rows = client.query(READ, &[&session_id, &(after as i64), &i64::from(limit)]).await;
            let link =
                |row: &Row| Link { n: row.get::<_, i64>(0) as u64, entry: row.get(1), hash: row.get(2) };
            Ok(rows.map_err(|error| told(&error))?.iter().map(link).collect())
        })
    }
}

async fn session(
    client: &impl GenericClient,
    sql: &'static str,
    id: &str,
) -> Result<Option<Session>, StoreError> {
    let statement = client.prepare_cached(sql).await.map_err(|error| told(&error))?;
    let found = client.query_opt(&statement, &[&id]).await.map_err(|error| told(&error))?;
    let session = |row: Row| Session {
        id: row.get(0),
        subject: row.get(1),
        entries: row.get::<_, i64>(2) as u64,
        head: row.get(3),
    };
    Ok(found.map(session))
}
