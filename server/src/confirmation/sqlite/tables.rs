//! What is done in a transaction.

use std::collections::HashMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::super::jobs::sqlite as jobs;
use super::super::judge::{Judgement, judge};
use super::super::record::Record;
use super::super::store::{Attempt, JobRecord, Verdict};
use super::super::token::TokenHash;
use super::Around;
use crate::crash;
use crate::database::sqlite::{Failure, failed};

/// The tables within a transaction that holds the lock for writing.
pub(super) struct Tables<'a> {
    connection: &'a Connection,
    around: &'a Around,
}

impl<'a> Tables<'a> {
    pub(super) fn new(connection: &'a Connection, around: &'a Around) -> Self {
        Self { connection, around }
    }

    fn now(&self) -> i64 {
        self.around.clock.now_ms()
    }

    fn deadlines(&self) -> MutexGuard<'_, HashMap<TokenHash, Duration>> {
        self.around.deadlines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn create(&self, hash: &TokenHash, record: &Record) -> Result<bool, Failure> {
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
            let left = Duration::from_millis(record.expires_at.saturating_sub(self.now()).max(0) as u64);
            self.deadlines().insert(*hash, self.around.clock.monotonic() + left);
        }
        Ok(is_new)
    }

    pub(super) fn consume(&self, hash: &TokenHash, attempt: &Attempt) -> Result<Verdict, Failure> {
        let record = match self.token(hash) {
            Ok(record) => record,
            // Not even of the form of one.
            Err(error) if error.sqlite_error_code().is_none() => return Ok(Verdict::Tampered),
            Err(error) => return Err(error.into()),
        };
        let now = self.now();
        let Some(record) = record else { return Ok(Verdict::Unknown) };
        let monotonic = self.around.clock.monotonic();
        let is_over = self.deadlines().get(hash).is_some_and(|deadline| monotonic >= *deadline);
        let judged_at = if is_over { now.max(record.expires_at) } else { now };
        match judge(Some(&record), &self.around.keys, hash, attempt, judged_at) {
            Judgement::Tell(verdict) => Ok(verdict),
            Judgement::Count(of) => {
                self.change(hash, &record.mismatched(now))?;
                Ok(Verdict::Mismatch { of })
            }
            Judgement::Consume => self.start(hash, record.consumed(attempt, now)),
        }
    }

    pub(super) fn revoke(&self, hash: &TokenHash) -> Result<bool, Failure> {
        let sql = "UPDATE copilot_confirmation_tokens SET revoked_at = :now
            WHERE token_hash = :hash AND used_at IS NULL AND revoked_at IS NULL";
        let params = named_params! { ":now": self.now(), ":hash": hash.to_string() };
        Ok(self.connection.prepare_cached(sql)?.execute(params)? > 0)
    }

    /// Removes up to `limit` tokens whose limit is more than so many milliseconds ago.
    pub(super) fn forget(&self, marker_ms: i64, limit: u32) -> Result<u64, Failure> {
        let sql = "DELETE FROM copilot_confirmation_tokens WHERE token_hash IN
            (SELECT token_hash FROM copilot_confirmation_tokens WHERE expires_at < :before LIMIT :limit)";
        let params = named_params! { ":before": self.now() - marker_ms, ":limit": limit };
        let forgotten = self.connection.prepare_cached(sql)?.execute(params)?;
        let now = self.around.clock.monotonic();
        let marker = Duration::from_millis(marker_ms.unsigned_abs());
        self.deadlines().retain(|_, deadline| *deadline + marker >= now);
        Ok(forgotten as u64)
    }

    /// Fails when the tables cannot be read.
    pub(super) fn probe(&self) -> Result<(), Failure> {
        let sql = "SELECT 1 FROM copilot_confirmation_tokens LIMIT 1";
        Ok(self.connection.prepare_cached(sql)?.query_row([], |_| Ok(())).optional().map(drop)?)
    }

    /// What is kept of a token, good or bad; `None` also for what has not the form of a record.
    pub(super) fn look(&self, hash: &TokenHash) -> Result<Option<Record>, Failure> {
        match self.token(hash) {
            Err(error) if error.sqlite_error_code().is_none() => Ok(None),
            found => Ok(found?),
        }
    }

    /// Keeps a token as consumed, with its job.
    fn start(&self, hash: &TokenHash, consumed: Record) -> Result<Verdict, Failure> {
        if let Some(job) = jobs::of_token(self.connection, hash)? {
            return Ok(Verdict::Used { job_id: job.id });
        }
        if let Some(idem_hash) = &consumed.idem_hash
            && jobs::is_under(self.connection, idem_hash)?
        {
            return Ok(Verdict::KeyTaken);
        }
        self.change(hash, &consumed)?;
        crash::point("consumed");
        jobs::insert(self.connection, &JobRecord::queued(*hash, &consumed))?;
        crash::point("started");
        Ok(Verdict::Consumed(Box::new(consumed)))
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
