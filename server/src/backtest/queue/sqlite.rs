//! The queue in a file of SQLite.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Beat, Depth, Queue, Waiting};
use crate::backtest::job::{
    ATTEMPTS_MAX, Committed, End, Job, JobError, LEASE_MS, RECORD_MS, RUNNING_MAX, State,
};
use crate::confirmation::clock::Clock;
use crate::database::StoreFuture;
use crate::database::sqlite::{Database, Failure, failed};

/// A job's columns, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "id, subject, session_id, params, params_hash, state, attempt, version, progress, phase, cancel_requested, \
         created_at, started_at, finished_at, error_code, error_cause, error_message, result_hash, crashes, failures"
    };
}

/// The queue in an open file.
pub struct SqliteQueue {
    database: Database,
    clock: Arc<dyn Clock>,
    lease_ms: i64,
}

impl SqliteQueue {
    /// The queue in this file, by this clock.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock, lease_ms: LEASE_MS }
    }

    /// With another time for which a worker has a job without saying that it lives.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease_ms: lease.as_millis() as i64, ..self }
    }

    fn call<'a, T: Send + 'static>(
        &'a self,
        work: impl FnOnce(&Connection, i64) -> Result<T, Failure> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        let clock = Arc::clone(&self.clock);
        self.database.call(move |connection| work(connection, clock.now_ms()))
    }
}

impl Queue for SqliteQueue {
    fn claim<'a>(&'a self, worker: &'a str) -> StoreFuture<'a, Option<Job>> {
        let (worker, lease_ms) = (worker.to_owned(), self.lease_ms);
        self.call(move |connection, now| {
            let sql = concat!(
                "UPDATE jobs SET state = 'running', attempt = attempt + 1, lease_until = :lease, worker = :worker,
                   started_at = coalesce(started_at, :now), progress = 0, phase = '', version = version + 1,
                   updated_at = :now
                 WHERE id = (
                   SELECT id FROM jobs AS waiting WHERE state = 'queued' AND run_at <= :now AND
                     (SELECT count(*) FROM jobs WHERE subject = waiting.subject AND state = 'running') < :most
                   ORDER BY (SELECT count(*) FROM jobs WHERE subject = waiting.subject AND state = 'running'),
                     run_at, created_at, id LIMIT 1)
                 RETURNING ",
                columns!()
            );
            let params = named_params! {
                ":lease": now + lease_ms, ":worker": worker, ":now": now, ":most": RUNNING_MAX,
            };
            Ok(connection.prepare_cached(sql)?.query_row(params, read).optional()?)
        })
    }

    fn beat<'a>(&'a self, job: &'a Job, progress: f64, phase: &'a str) -> StoreFuture<'a, Beat> {
        let (id, attempt, phase, lease_ms) = (job.id.clone(), job.attempt, phase.to_owned(), self.lease_ms);
        self.call(move |connection, now| {
            let sql = "UPDATE jobs SET lease_until = :lease, updated_at = :now,
                  version = version + (progress <> :progress OR phase <> :phase), progress = :progress, phase = :phase
                WHERE id = :id AND attempt = :attempt AND state = 'running' RETURNING cancel_requested";
            let params = named_params! {
                ":lease": now + lease_ms, ":now": now, ":progress": progress, ":phase": phase, ":id": id,
                ":attempt": attempt,
            };
            let wanted = connection.prepare_cached(sql)?.query_row(params, |row| row.get(0)).optional()?;
            Ok(match wanted {
                Some(true) => Beat::Cancel,
                Some(false) => Beat::GoOn,
                None => Beat::Lost,
            })
        })
    }

    fn end<'a>(&'a self, job: &'a Job, end: &'a End) -> StoreFuture<'a, bool> {
        let (id, attempt, end) = (job.id.clone(), job.attempt, end.clone());
        self.call(move |connection, now| {
            let sql = "SELECT cancel_requested FROM jobs WHERE id = ? AND attempt = ? AND state = 'running'";
            let wanted = connection.prepare_cached(sql)?.query_row((&id, attempt), |row| row.get(0));
            let end = match wanted.optional()? {
                None => return Ok(false),
                Some(true) => End::Cancelled,
                Some(false) => end,
            };
            if let End::Done(committed) = &end {
                commit(connection, &id, attempt, committed, now)?;
            }
            finish(connection, &id, &end, now)?;
            Ok(true)
        })
    }

    fn give_back<'a>(&'a self, job: &'a Job, failed_ms: Option<i64>) -> StoreFuture<'a, bool> {
        let (id, attempt) = (job.id.clone(), job.attempt);
        self.call(move |connection, now| {
            let sql = "UPDATE jobs SET state = 'queued', lease_until = NULL, run_at = :run_at, progress = 0, phase = '',
                  failures = failures + :failed,
                  version = version + 1, updated_at = :now
                WHERE id = :id AND attempt = :attempt AND state = 'running' AND cancel_requested = 0";
            let params =
                named_params! {
                    ":run_at": now + failed_ms.unwrap_or(0), ":failed": failed_ms.is_some(), ":now": now, ":id": id,
                    ":attempt": attempt,
                };
            Ok(connection.prepare_cached(sql)?.execute(params)? == 1)
        })
    }

    fn reap(&self) -> StoreFuture<'_, Vec<String>> {
        self.call(move |connection, now| {
            let sql = concat!("SELECT ", columns!(), " FROM jobs WHERE state = 'running' AND lease_until < ? LIMIT 1000");
            let mut statement = connection.prepare_cached(sql)?;
            let lost = statement.query_map([now], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
            for job in &lost {
                if job.is_cancel_requested {
                    finish(connection, &job.id, &End::Cancelled, now)?;
                } else if job.crashes + 1 >= ATTEMPTS_MAX {
                    finish(connection, &job.id, &End::Failed(super::poisoned()), now)?;
                } else {
                    let sql = "UPDATE jobs SET state = 'queued', lease_until = NULL, run_at = ?1, progress = 0, phase = '',
                          crashes = crashes + 1,
                          version = version + 1, updated_at = ?1 WHERE id = ?2";
                    connection.prepare_cached(sql)?.execute((now, &job.id))?;
                }
            }
            Ok(lost.into_iter().map(|job| job.id).collect())
        })
    }

    fn cancel<'a>(&'a self, job_id: &'a str, subject: &'a str) -> StoreFuture<'a, Option<Job>> {
        let (id, subject) = (job_id.to_owned(), subject.to_owned());
        self.call(move |connection, now| {
            let Some(job) = get(connection, &id)?.filter(|job| job.subject == subject) else {
                return Ok(None);
            };
            match job.state {
                State::Queued => finish(connection, &id, &End::Cancelled, now)?,
                State::Running => {
                    let sql = "UPDATE jobs SET cancel_requested = 1, version = version + 1, updated_at = ?
                        WHERE id = ? AND cancel_requested = 0";
                    connection.prepare_cached(sql)?.execute((now, &id))?;
                }
                _ => {}
            }
            get(connection, &id)
        })
    }

    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Job>> {
        let id = job_id.to_owned();
        self.database.call(move |connection| get(connection, &id))
    }

    fn list<'a>(
        &'a self,
        subject: &'a str,
        behind: Option<(i64, &'a str)>,
        limit: u32,
    ) -> StoreFuture<'a, Vec<Job>> {
        let subject = subject.to_owned();
        let (time, id) = behind.map_or((i64::MAX, String::new()), |(time, id)| (time, id.to_owned()));
        self.database.call(move |connection| {
            let sql = concat!(
                "SELECT ",
                columns!(),
                " FROM jobs WHERE subject = ? AND (created_at, id) < (?, ?) ORDER BY created_at DESC, id DESC LIMIT ?"
            );
            let mut statement = connection.prepare_cached(sql)?;
            let jobs = statement.query_map((&subject, time, &id, limit), read)?;
            Ok(jobs.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn waiting<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Waiting> {
        let subject = subject.to_owned();
        self.database.call(move |connection| {
            let sql = "SELECT count(*) FILTER (WHERE subject = ?), count(*) FROM jobs WHERE state = 'queued'";
            let read = |row: &Row<'_>| Ok(Waiting { of_subject: row.get(0)?, in_all: row.get(1)? });
            Ok(connection.prepare_cached(sql)?.query_row([&subject], read)?)
        })
    }

    fn ended(&self, limit: u32) -> StoreFuture<'_, Vec<Job>> {
        self.database.call(move |connection| {
            let sql = concat!(
                "UPDATE jobs SET is_noted = 1 WHERE id IN (SELECT id FROM jobs WHERE is_noted = 0 AND
                   finished_at IS NOT NULL ORDER BY finished_at LIMIT ?) RETURNING ",
                columns!()
            );
            let mut statement = connection.prepare_cached(sql)?;
            let ended = statement.query_map([limit], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(ended)
        })
    }

    fn depth(&self) -> StoreFuture<'_, Depth> {
        self.database.call(|connection| {
            let sql = "SELECT state, count(*), min(created_at) FROM jobs GROUP BY state";
            let mut depth = Depth::default();
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let (state, count, oldest): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                depth.add(&state, count as u64, oldest);
            }
            Ok(depth)
        })
    }

    fn forget(&self, limit: u32) -> StoreFuture<'_, u64> {
        self.call(move |connection, now| {
            let sql = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < ? AND
                  NOT EXISTS (SELECT 1 FROM backtest_results WHERE job_id = jobs.id) LIMIT ?)";
            Ok(connection.prepare_cached(sql)?.execute((now - RECORD_MS, limit))? as u64)
        })
    }
}

fn get(connection: &Connection, id: &str) -> Result<Option<Job>, Failure> {
    let sql = concat!("SELECT ", columns!(), " FROM jobs WHERE id = ?");
    let found = connection.prepare_cached(sql)?.query_row([id], read).optional();
    found.map_err(|error| match error.sqlite_error_code() {
        None => Failure::Own(failed(&format!("job {id} cannot be read: {error}"))),
        Some(_) => error.into(),
    })
}

/// Ends a job, whoever has it.
fn finish(connection: &Connection, id: &str, end: &End, now: i64) -> Result<(), Failure> {
    let sql = "UPDATE jobs SET state = :state, finished_at = :now, updated_at = :now, lease_until = NULL,
          progress = CASE :state WHEN 'done' THEN 1 ELSE progress END, phase = '', version = version + 1, error_code = :code,
          error_cause = :cause, error_message = :message, result_hash = :hash
        WHERE id = :id AND state IN ('queued', 'running')";
    let (state, error, hash) = super::written(end);
    let error = error.as_ref();
    connection.prepare_cached(sql)?.execute(named_params! {
        ":state": state.name(), ":now": now, ":code": error.map(|it| &it.error_code),
        ":cause": error.and_then(|it| it.cause.as_ref()), ":message": error.map(|it| &it.message), ":hash": hash,
        ":id": id,
    })?;
    Ok(())
}

/// Makes a result visible.
fn commit(
    connection: &Connection,
    id: &str,
    attempt: u32,
    committed: &Committed,
    now: i64,
) -> Result<(), Failure> {
    let sql = "INSERT INTO backtest_results (job_id, attempt, result_hash, metrics, equity_rows, trades_rows, blob_sha256,
          blob_bytes, created_at, expires_at)
        VALUES (:id, :attempt, :hash, :metrics, :equity, :trades, :blob, :bytes, :now, :expires)";
    connection.prepare_cached(sql)?.execute(named_params! {
        ":id": id, ":attempt": attempt, ":hash": committed.result_hash, ":metrics": committed.metrics,
        ":equity": committed.equity_rows as i64, ":trades": committed.trades_rows as i64,
        ":blob": committed.blob_sha256, ":bytes": committed.blob_bytes as i64, ":now": now,
        ":expires": now + committed.retention_ms,
    })?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    let state: String = row.get(5)?;
    let kind = rusqlite::types::Type::Text;
    let state = State::from_name(&state)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(5, "state".to_owned(), kind))?;
    let (error_code, cause, message): (Option<String>, _, Option<String>) =
        (row.get(14)?, row.get(15)?, row.get(16)?);
    let version: i64 = row.get(7)?;
    Ok(Job {
        id: row.get(0)?,
        subject: row.get(1)?,
        session_id: row.get(2)?,
        params: row.get(3)?,
        params_hash: row.get(4)?,
        state,
        attempt: row.get(6)?,
        version: version as u64,
        progress: row.get(8)?,
        phase: row.get(9)?,
        is_cancel_requested: row.get(10)?,
        created_at: row.get(11)?,
        started_at: row.get(12)?,
        finished_at: row.get(13)?,
        error: error_code.map(|error_code| JobError {
            error_code,
            cause,
            message: message.unwrap_or_default(),
        }),
        result_hash: row.get(17)?,
        crashes: row.get(18)?,
        failures: row.get(19)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tempfile::TempDir;

    use super::*;
    use crate::backtest::queue::conformance::{Rig, RigFuture, suite};
    use crate::confirmation::clock::ManualClock;
    use crate::confirmation::jobs::Jobs;
    use crate::confirmation::jobs::sqlite::SqliteJobs;

    struct Files {
        clock: Arc<ManualClock>,
        dirs: Mutex<Vec<TempDir>>,
    }

    impl Rig for Files {
        fn fresh(&self) -> RigFuture<'_, (Arc<dyn Queue>, Arc<dyn Jobs>)> {
            let dir = tempfile::tempdir().expect("a folder");
            let database = Database::open(dir.path()).expect("opened");
            self.dirs.lock().expect("held").push(dir);
            let queue = Arc::new(SqliteQueue::new(database.clone(), self.clock.clone()));
            let jobs = Arc::new(SqliteJobs::new(database, self.clock.clone()));
            Box::pin(std::future::ready((queue as _, jobs as _)))
        }

        fn advance(&self, ms: i64) -> RigFuture<'_, ()> {
            self.clock.advance(ms as u64);
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn it_does_what_every_queue_does() {
        let clock = Arc::new(ManualClock::at(1_800_000_000_000));
        suite(&Files { clock, dirs: Mutex::default() }).await;
    }
}
