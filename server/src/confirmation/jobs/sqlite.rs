//! Jobs in a file of SQLite.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, named_params};

use super::super::clock::Clock;
use super::super::store::JobRecord;
use super::super::token::TokenHash;
use super::{Intended, Jobs};
use crate::database::StoreFuture;
use crate::database::sqlite::{Database, Failure, failed};

/// A job's columns, in the order in which [`read`] takes them.
macro_rules! select {
    ($which:literal) => {
        concat!(
            "SELECT id, token_hash, subject, session_id, tool, params, params_hash, idem_hash, state, created_at FROM jobs WHERE ",
            $which
        )
    };
}

/// Writes a job down.
pub(in super::super) fn insert(connection: &Connection, job: &JobRecord) -> Result<(), Failure> {
    let sql =
        "INSERT INTO jobs (id, token_hash, subject, session_id, tool, params, params_hash, idem_hash, state,
          created_at, updated_at, run_at, version)
        VALUES (:id, :token_hash, :subject, :session, :tool, :params, :params_hash, :idem_hash, :state, :now, :now, :now, 1)";
    let inserted = connection.prepare_cached(sql)?.execute(named_params! {
        ":id": job.id, ":token_hash": job.token_hash.to_string(), ":subject": job.subject, ":session": job.session_id, ":tool": job.tool,
        ":params": job.params, ":params_hash": job.params_hash, ":idem_hash": job.idem_hash, ":state": job.state,
        ":now": job.created_at,
    });
    match inserted {
        Ok(_) => Ok(()),
        // Such as one of that name; the transaction as a whole goes on, if it is still there.
        Err(error)
            if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
                && !connection.is_autocommit() =>
        {
            Err(Failure::Own(failed(&format!("job {} cannot be written down: {error}", job.id))))
        }
        Err(error) => Err(error.into()),
    }
}

/// The job that a token has paid for.
pub(in super::super) fn of_token(
    connection: &Connection,
    hash: &TokenHash,
) -> Result<Option<JobRecord>, Failure> {
    one(connection, select!("token_hash = ?"), &hash.to_string())
}

/// A job by its id.
pub(in super::super) fn by_id(connection: &Connection, job_id: &str) -> Result<Option<JobRecord>, Failure> {
    one(connection, select!("id = ?"), job_id)
}

/// Whether there is a job under an idempotency key.
pub(in super::super) fn is_under(connection: &Connection, idem_hash: &str) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM jobs WHERE idem_hash = ?";
    Ok(connection.prepare_cached(sql)?.exists([idem_hash])?)
}

fn one(connection: &Connection, sql: &str, value: &str) -> Result<Option<JobRecord>, Failure> {
    let found = connection.prepare_cached(sql)?.query_row([value], read).optional();
    found.map_err(|error| match error.sqlite_error_code() {
        None => Failure::Own(failed(&format!("a job cannot be read: {error}"))),
        Some(_) => error.into(),
    })
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    Ok(JobRecord {
        id: row.get(0)?,
        token_hash: read_hash(row, 1)?,
        subject: row.get(2)?,
        session_id: row.get(3)?,
        tool: row.get(4)?,
        params: row.get(5)?,
        params_hash: row.get(6)?,
        idem_hash: row.get(7)?,
        state: row.get(8)?,
        created_at: row.get(9)?,
    })
}

fn read_hash(row: &Row<'_>, column: usize) -> rusqlite::Result<TokenHash> {
    let text: String = row.get(column)?;
    let kind = rusqlite::types::Type::Text;
    TokenHash::parse(&text)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(column, "token_hash".to_owned(), kind))
}

/// Jobs of tokens that are kept elsewhere.
pub struct SqliteJobs {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl SqliteJobs {
    /// Jobs in an open file; intents are as old as a clock says.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }
}

impl Jobs for SqliteJobs {
    fn intend<'a>(
        &'a self,
        hash: &'a TokenHash,
        job_id: &'a str,
        idem_hash: Option<&'a str>,
    ) -> StoreFuture<'a, Intended> {
        let (hash, now) = (*hash, self.clock.now_ms());
        let (job_id, idem_hash) = (job_id.to_owned(), idem_hash.map(str::to_owned));
        self.database.call(move |connection| {
            if let Some(job) = of_token(connection, &hash)? {
                return Ok(Intended::Started(Box::new(job)));
            }
            if let Some(idem_hash) = &idem_hash
                && is_under(connection, idem_hash)?
            {
                return Ok(Intended::KeyTaken);
            }
            let sql = "INSERT INTO confirm_intents (token_hash, job_id, created_at) VALUES (?1, ?2, ?3)
                ON CONFLICT (token_hash) DO UPDATE SET created_at = excluded.created_at RETURNING job_id";
            let mut statement = connection.prepare_cached(sql)?;
            let job_id = statement.query_row((hash.to_string(), &job_id, now), |row| row.get(0))?;
            Ok(Intended::As { job_id })
        })
    }

    fn start<'a>(&'a self, job: &'a JobRecord) -> StoreFuture<'a, (String, bool)> {
        let job = job.clone();
        self.database.call(move |connection| {
            let started = of_token(connection, &job.token_hash)?;
            let is_new = started.is_none();
            if is_new {
                insert(connection, &job)?;
            }
            remove(connection, &job.token_hash)?;
            Ok((started.map_or(job.id, |started| started.id), is_new))
        })
    }

    fn forget<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, ()> {
        let hash = *hash;
        self.database.call(move |connection| remove(connection, &hash))
    }

    fn intended(&self, older_than_ms: i64, limit: u32) -> StoreFuture<'_, Vec<TokenHash>> {
        let before = self.clock.now_ms() - older_than_ms;
        self.database.call(move |connection| {
            let sql =
                "SELECT token_hash FROM confirm_intents WHERE created_at < ? ORDER BY created_at LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let hashes = statement.query_map((before, limit), |row| read_hash(row, 0))?;
            Ok(hashes.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        let job_id = job_id.to_owned();
        self.database.call(move |connection| by_id(connection, &job_id))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.database.call(|connection| {
            Ok(connection.prepare_cached("SELECT 1 FROM jobs LIMIT 1")?.exists([]).map(drop)?)
        })
    }
}

fn remove(connection: &Connection, hash: &TokenHash) -> Result<(), Failure> {
    let sql = "DELETE FROM confirm_intents WHERE token_hash = ?";
    Ok(connection.prepare_cached(sql)?.execute([hash.to_string()]).map(drop)?)
}
