//! What is done in a transaction.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, named_params};

use super::super::clock::Clock;
use super::super::judge::{Judgement, judge};
use super::super::record::{MacKeys, Record};
use super::super::store::{Attempt, JobRecord, StoreError, Verdict};
use super::super::token::TokenHash;
use super::failed;

/// Why something could not be done.
#[derive(Debug)]
pub(super) enum Failure {
    /// It has failed by itself; what else is in the transaction is as good as before.
    Own(StoreError),
    /// The transaction cannot be relied on any more.
    All(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::All(error)
    }
}

/// The tables within a transaction that holds the lock for writing.
pub(super) struct Tables<'a> {
    connection: &'a Connection,
    keys: &'a MacKeys,
    clock: &'a dyn Clock,
    deadlines: &'a mut HashMap<TokenHash, Duration>,
}

impl<'a> Tables<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        keys: &'a MacKeys,
        clock: &'a dyn Clock,
        deadlines: &'a mut HashMap<TokenHash, Duration>,
    ) -> Self {
        Self { connection, keys, clock, deadlines }
    }

    pub(super) fn create(&mut self, hash: &TokenHash, record: &Record) -> Result<bool, Failure> {
        let sql = "INSERT INTO copilot_confirmation_tokens (token_hash, v, subject, tool, params, params_hash,
              session_id, proposal_id, created_at, expires_at, mismatches, used_at, job_id, idem_hash, revoked_at, mac)
            VALUES (:hash, :v, :subject, :tool, :params, :params_hash, :session_id, :proposal_id, :created_at,
              :expires_at, :mismatches, :used_at, :job_id, :idem_hash, :revoked_at, :mac)
            ON CONFLICT (token_hash) DO NOTHING";
        let is_new = self.connection.prepare_cached(sql)?.execute(named_params! {
            ":hash": hash.to_string(), ":v": record.v, ":subject": record.subject, ":tool": record.tool,
            ":params": record.params, ":params_hash": record.params_hash, ":session_id": record.session_id,
            ":proposal_id": record.proposal_id, ":created_at": record.created_at, ":expires_at": record.expires_at,
            ":mismatches": record.mismatches, ":used_at": record.used_at, ":job_id": record.job_id,
            ":idem_hash": record.idem_hash, ":revoked_at": record.revoked_at, ":mac": record.mac,
        })? > 0;
        if is_new {
            let left_ms = record.expires_at.saturating_sub(self.clock.now_ms()).max(0) as u64;
            self.deadlines.insert(*hash, self.clock.monotonic() + Duration::from_millis(left_ms));
        }
        Ok(is_new)
    }

    pub(super) fn consume(&mut self, hash: &TokenHash, attempt: &Attempt) -> Result<Verdict, Failure> {
        let record = match self.token(hash) {
            Ok(record) => record,
            // Not even of the form of one.
            Err(error) if error.sqlite_error_code().is_none() => return Ok(Verdict::Tampered),
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now_ms();
        let Some(record) = record else { return Ok(Verdict::Unknown) };
        let is_over = self.deadlines.get(hash).is_some_and(|deadline| self.clock.monotonic() >= *deadline);
        let judged_at = if is_over { now.max(record.expires_at) } else { now };
        match judge(Some(&record), self.keys, hash, attempt, judged_at) {
            Judgement::Tell(verdict) => Ok(verdict),
            Judgement::Count(of) => {
                self.change(hash, &record.mismatched(now))?;
                Ok(Verdict::Mismatch { of })
            }
            Judgement::Consume => self.start(hash, record.consumed(attempt, now)),
        }
    }

    pub(super) fn revoke(&mut self, hash: &TokenHash) -> Result<bool, Failure> {
        let sql = "UPDATE copilot_confirmation_tokens SET revoked_at = :now
            WHERE token_hash = :hash AND used_at IS NULL AND revoked_at IS NULL";
        let params = named_params! { ":now": self.clock.now_ms(), ":hash": hash.to_string() };
        Ok(self.connection.prepare_cached(sql)?.execute(params)? > 0)
    }

    /// Removes up to `limit` tokens whose limit is more than so many milliseconds ago.
    pub(super) fn forget(&mut self, marker_ms: i64, limit: u32) -> Result<u64, Failure> {
        let sql = "DELETE FROM copilot_confirmation_tokens WHERE token_hash IN
            (SELECT token_hash FROM copilot_confirmation_tokens WHERE expires_at < :before LIMIT :limit)";
        let params = named_params! { ":before": self.clock.now_ms() - marker_ms, ":limit": limit };
        let forgotten = self.connection.prepare_cached(sql)?.execute(params)?;
        let (now, marker) = (self.clock.monotonic(), Duration::from_millis(marker_ms.unsigned_abs()));
        self.deadlines.retain(|_, deadline| *deadline + marker >= now);
        Ok(forgotten as u64)
    }

    /// Fails when the tables cannot be read.
    pub(super) fn probe(&mut self) -> Result<(), Failure> {
        let sql = "SELECT 1 FROM copilot_confirmation_tokens LIMIT 1";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |_| Ok(())).optional().map(drop)?)
    }

    pub(super) fn job(&mut self, job_id: &str) -> Result<Option<JobRecord>, Failure> {
        let sql = "SELECT id, token_hash, subject, tool, params, params_hash, state, created_at FROM jobs WHERE id = ?";
        let job = self.connection.prepare_cached(sql)?.query_row([job_id], job).optional();
        job.map_err(|error| match error.sqlite_error_code() {
            None => Failure::Own(failed(&format!("job {job_id}: {error}"))),
            Some(_) => error.into(),
        })
    }

    /// Keeps a token as consumed, with its job.
    fn start(&mut self, hash: &TokenHash, consumed: Record) -> Result<Verdict, Failure> {
        let sql = "SELECT id FROM jobs WHERE token_hash = ?";
        let started = self.connection.prepare_cached(sql)?.query_row([hash.to_string()], |row| row.get(0));
        if let Some(job_id) = started.optional()? {
            return Ok(Verdict::Used { job_id });
        }
        self.change(hash, &consumed)?;
        let job = JobRecord::queued(*hash, &consumed);
        let sql = "INSERT INTO jobs (id, token_hash, subject, tool, params, params_hash, state, created_at, updated_at,
              version)
            VALUES (:id, :token_hash, :subject, :tool, :params, :params_hash, :state, :now, :now, 1)";
        let inserted = self.connection.prepare_cached(sql)?.execute(named_params! {
            ":id": job.id, ":token_hash": job.token_hash.to_string(), ":subject": job.subject, ":tool": job.tool,
            ":params": job.params, ":params_hash": job.params_hash, ":state": job.state, ":now": job.created_at,
        });
        match inserted {
            Ok(_) => Ok(Verdict::Consumed(Box::new(consumed))),
            // Such as one of that name; the transaction as a whole goes on, if it is still there.
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
                    && !self.connection.is_autocommit() =>
            {
                Err(Failure::Own(failed(&format!("job {} cannot be written down: {error}", job.id))))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn token(&self, hash: &TokenHash) -> rusqlite::Result<Option<Record>> {
        let sql =
            "SELECT v, subject, tool, params, params_hash, session_id, proposal_id, created_at, expires_at,
              mismatches, used_at, job_id, idem_hash, revoked_at, mac
            FROM copilot_confirmation_tokens WHERE token_hash = ?";
        self.connection.prepare_cached(sql)?.query_row([hash.to_string()], record).optional()
    }

    /// Writes down what has changed of a token that is neither used nor taken back.
    fn change(&self, hash: &TokenHash, changed: &Record) -> Result<(), Failure> {
        let sql = "UPDATE copilot_confirmation_tokens
            SET mismatches = :mismatches, used_at = :used_at, job_id = :job_id, idem_hash = :idem_hash,
              revoked_at = :revoked_at
            WHERE token_hash = :hash AND used_at IS NULL AND revoked_at IS NULL";
        let rows = self.connection.prepare_cached(sql)?.execute(named_params! {
            ":mismatches": changed.mismatches, ":used_at": changed.used_at, ":job_id": changed.job_id,
            ":idem_hash": changed.idem_hash, ":revoked_at": changed.revoked_at, ":hash": hash.to_string(),
        })?;
        // Nobody else can have changed it since it was read.
        if rows == 1 { Ok(()) } else { Err(Failure::Own(failed(&"a token changed under the lock"))) }
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        v: row.get(0)?,
        subject: row.get(1)?,
        tool: row.get(2)?,
        params: row.get(3)?,
        params_hash: row.get(4)?,
        session_id: row.get(5)?,
        proposal_id: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        mismatches: row.get(9)?,
        used_at: row.get(10)?,
        job_id: row.get(11)?,
        idem_hash: row.get(12)?,
        revoked_at: row.get(13)?,
        mac: row.get(14)?,
    })
}

fn job(row: &Row<'_>) -> rusqlite::Result<JobRecord> {
    let token_hash: String = row.get(1)?;
    let kind = rusqlite::types::Type::Text;
    let token_hash = TokenHash::parse(&token_hash)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(1, "token_hash".to_owned(), kind))?;
    Ok(JobRecord {
        id: row.get(0)?,
        token_hash,
        subject: row.get(2)?,
        tool: row.get(3)?,
        params: row.get(4)?,
        params_hash: row.get(5)?,
        state: row.get(6)?,
        created_at: row.get(7)?,
    })
}
