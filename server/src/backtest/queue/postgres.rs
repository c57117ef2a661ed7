//! The queue in PostgreSQL, for many nodes.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use tokio_postgres::Row;

use super::{Beat, Depth, Queue, Waiting};
use crate::backtest::job::{
    ATTEMPTS_MAX, Committed, End, Job, JobError, LEASE_MS, RECORD_MS, RUNNING_MAX, State,
};
use crate::database::postgres::{Database, failed, limited, ms, told};
use crate::database::{StoreError, StoreFuture};

/// A job's columns, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        concat!(
            "id, subject, session_id, params, params_hash, state, attempt, version, progress, phase, cancel_requested, ",
            ms!("created_at"),
            ", ",
            ms!("started_at"),
            ", ",
            ms!("finished_at"),
            ", error_code, error_cause, error_message, result_hash, crashes, failures"
        )
    };
}

/// The lock under which jobs are claimed, so that two nodes do not count a person's running ones at once.
const CLAIM_LOCK: i64 = 0x7370_6172_6b5f_636c;
const LOCK: &str = "SELECT pg_advisory_xact_lock($1)";
const CLAIM: &str = concat!(
    "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $1, started_at = coalesce(started_at, \
     clock_timestamp()), lease_until = clock_timestamp() + $2::bigint * interval '1 millisecond', progress = 0, \
     phase = '', version = version + 1, updated_at = clock_timestamp() WHERE id = (SELECT id FROM jobs AS waiting WHERE \
     state = 'queued' AND run_at <= clock_timestamp() AND (SELECT count(*) FROM jobs WHERE subject = waiting.subject AND \
     state = 'running') < $3 ORDER BY (SELECT count(*) FROM jobs WHERE subject = waiting.subject AND state = 'running'), \
     run_at, created_at, id FOR UPDATE SKIP LOCKED LIMIT 1) RETURNING ",
    columns!()
);
const BEAT: &str = "UPDATE jobs SET lease_until = clock_timestamp() + $3::bigint * interval '1 millisecond', updated_at = \
    clock_timestamp(), version = version + CASE WHEN progress <> $4 OR phase <> $5 THEN 1 ELSE 0 END, progress = $4, \
    phase = $5 WHERE id = $1 AND attempt = $2 AND state = 'running' RETURNING cancel_requested";
const HELD: &str =
    "SELECT cancel_requested FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running' FOR UPDATE";
const GIVE_BACK: &str = "UPDATE jobs SET state = 'queued', lease_until = NULL, run_at = clock_timestamp() + $3::bigint * \
    interval '1 millisecond', failures = failures + $4, progress = 0, phase = '', version = version + 1, \
    updated_at = clock_timestamp() WHERE id = $1 AND attempt = $2 AND state = 'running' AND NOT cancel_requested";
const LOST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE state = 'running' AND lease_until < clock_timestamp() LIMIT 1000 FOR UPDATE SKIP LOCKED"
);
const AGAIN: &str = "UPDATE jobs SET state = 'queued', lease_until = NULL, run_at = clock_timestamp(), progress = 0, \
    crashes = crashes + 1, phase = '', version = version + 1, updated_at = clock_timestamp() WHERE id = $1";
const WANT_END: &str = "UPDATE jobs SET cancel_requested = true, version = version + 1, updated_at = clock_timestamp() \
    WHERE id = $1 AND NOT cancel_requested";
const GET: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1");
const OWN: &str = concat!("SELECT ", columns!(), " FROM jobs WHERE id = $1 AND subject = $2 FOR UPDATE");
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM jobs WHERE subject = $1 AND ($2::bigint IS NULL OR (",
    ms!("created_at"),
    ", id) < ($2, $3)) ORDER BY ",
    ms!("created_at"),
    " DESC, id DESC LIMIT $4"
);
const ENDED: &str = concat!(
    "UPDATE jobs SET is_noted = true WHERE id IN (SELECT id FROM jobs WHERE NOT is_noted AND finished_at IS NOT NULL \
     ORDER BY finished_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING ",
    columns!()
);
const WAITING: &str =
    "SELECT count(*) FILTER (WHERE subject = $1), count(*) FROM jobs WHERE state = 'queued'";
const DEPTH: &str = concat!("SELECT state, count(*), ", ms!("min(created_at)"), " FROM jobs GROUP BY state");
const FORGET: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE finished_at < clock_timestamp() - \
    $1::bigint * interval '1 millisecond' AND NOT EXISTS (SELECT 1 FROM backtest_results WHERE job_id = jobs.id) \
    LIMIT $2 FOR UPDATE SKIP LOCKED)";
const FINISH: &str = "UPDATE jobs SET state = $2, finished_at = clock_timestamp(), updated_at = clock_timestamp(), \
    lease_until = NULL, progress = CASE $2 WHEN 'done' THEN 1 ELSE progress END, phase = '', version = version + 1, error_code = $3, \
    error_cause = $4, error_message = $5, result_hash = $6 WHERE id = $1 AND state IN ('queued', 'running')";
const COMMIT: &str = "INSERT INTO backtest_results (job_id, attempt, result_hash, metrics, equity_rows, trades_rows, \
    blob_sha256, blob_bytes, created_at, expires_at) VALUES ($1, $2, $3, $4::text::jsonb, $5, $6, $7, $8, \
    clock_timestamp(), clock_timestamp() + $9::bigint * interval '1 millisecond')";

/// The queue in an open database.
#[derive(Clone, Debug)]
pub struct PostgresQueue {
    database: Database,
    lease_ms: i64,
}

impl PostgresQueue {
    /// The queue in this database.
    pub fn new(database: Database) -> Self {
        Self { database, lease_ms: LEASE_MS }
    }

    /// With another time for which a worker has a job without saying that it lives.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease_ms: lease.as_millis() as i64, ..self }
    }
}

impl Queue for PostgresQueue {
    fn claim<'a>(&'a self, worker: &'a str) -> StoreFuture<'a, Option<Job>> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            transaction.execute(LOCK, &[&CLAIM_LOCK]).await.map_err(|error| told(&error))?;
            let statement = transaction.prepare_cached(CLAIM).await.map_err(|error| told(&error))?;
            let most = i64::from(RUNNING_MAX);
            let claimed = transaction.query_opt(&statement, &[&worker, &self.lease_ms, &most]).await;
            let claimed = claimed.map_err(|error| told(&error))?.map(|row| read(&row)).transpose()?;
            transaction.commit().await.map_err(|error| told(&error))?;
            Ok(claimed)
        })
    }

    fn beat<'a>(&'a self, job: &'a Job, progress: f64, phase: &'a str) -> StoreFuture<'a, Beat> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(BEAT).await.map_err(|error| told(&error))?;
            let attempt = job.attempt as i32;
            let found =
                client.query_opt(&statement, &[&job.id, &attempt, &self.lease_ms, &progress, &phase]).await;
            Ok(match found.map_err(|error| told(&error))?.map(|row| row.get(0)) {
                Some(true) => Beat::Cancel,
                Some(false) => Beat::GoOn,
                None => Beat::Lost,
            })
        })
    }

    fn end<'a>(&'a self, job: &'a Job, end: &'a End) -> StoreFuture<'a, bool> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            let attempt = job.attempt as i32;
            let held =
                transaction.query_opt(HELD, &[&job.id, &attempt]).await.map_err(|error| told(&error))?;
            let end = match held.map(|row| row.get(0)) {
                None => return Ok(false),
                Some(true) => &End::Cancelled,
                Some(false) => end,
            };
            if let End::Done(committed) = end {
                commit(&transaction, job, committed).await?;
            }
            finish(&transaction, &job.id, end).await?;
            transaction.commit().await.map_err(|error| told(&error))?;
            Ok(true)
        })
    }

    fn give_back<'a>(&'a self, job: &'a Job, failed_ms: Option<i64>) -> StoreFuture<'a, bool> {
        limited(async move {
            let attempt = job.attempt as i32;
            let (after_ms, failed) = (failed_ms.unwrap_or(0), i32::from(failed_ms.is_some()));
            Ok(self.database.execute(GIVE_BACK, &[&job.id, &attempt, &after_ms, &failed]).await? == 1)
        })
    }

    fn reap(&self) -> StoreFuture<'_, Vec<String>> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            let lost = transaction.query(LOST, &[]).await.map_err(|error| told(&error))?;
            let lost = lost.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            for job in &lost {
                if job.is_cancel_requested {
                    finish(&transaction, &job.id, &End::Cancelled).await?;
                } else if job.crashes + 1 >= ATTEMPTS_MAX {
                    finish(&transaction, &job.id, &End::Failed(super::poisoned())).await?;
                } else {
                    transaction.execute(AGAIN, &[&job.id]).await.map_err(|error| told(&error))?;
                }
            }
            transaction.commit().await.map_err(|error| told(&error))?;
            Ok(lost.into_iter().map(|job| job.id).collect())
        })
    }

    fn cancel<'a>(&'a self, job_id: &'a str, subject: &'a str) -> StoreFuture<'a, Option<Job>> {
        limited(async move {
            let mut client = self.database.client().await?;
            let transaction = client.transaction().await.map_err(|error| told(&error))?;
            let found =
                transaction.query_opt(OWN, &[&job_id, &subject]).await.map_err(|error| told(&error))?;
            let Some(job) = found.map(|row| read(&row)).transpose()? else { return Ok(None) };
            match job.state {
                State::Queued => finish(&transaction, job_id, &End::Cancelled).await?,
                State::Running => {
                    transaction.execute(WANT_END, &[&job_id]).await.map_err(|error| told(&error))?;
                }
                _ => {}
            }
            let job = transaction.query_one(GET, &[&job_id]).await.map_err(|error| told(&error))?;
            let job = read(&job)?;
            transaction.commit().await.map_err(|error| told(&error))?;
            Ok(Some(job))
        })
    }

    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Job>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(GET).await.map_err(|error| told(&error))?;
            let found = client.query_opt(&statement, &[&job_id]).await.map_err(|error| told(&error))?;
            found.map(|row| read(&row)).transpose()
        })
    }

    fn list<'a>(
        &'a self,
        subject: &'a str,
        behind: Option<(i64, &'a str)>,
        limit: u32,
    ) -> StoreFuture<'a, Vec<Job>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(LIST).await.map_err(|error| told(&error))?;
            let (time, id) = behind.map_or((None, ""), |(time, id)| (Some(time), id));
            let rows = client.query(&statement, &[&subject, &time, &id, &i64::from(limit)]).await;
            rows.map_err(|error| told(&error))?.iter().map(read).collect()
        })
    }

    fn waiting<'a>(&'a self, subject: &'a str) -> StoreFuture<'a, Waiting> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(WAITING).await.map_err(|error| told(&error))?;
            let row = client.query_one(&statement, &[&subject]).await.map_err(|error| told(&error))?;
            let count = |at| u32::try_from(row.get::<_, i64>(at)).unwrap_or(u32::MAX);
            Ok(Waiting { of_subject: count(0), in_all: count(1) })
        })
    }

    fn ended(&self, limit: u32) -> StoreFuture<'_, Vec<Job>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(ENDED).await.map_err(|error| told(&error))?;
            let rows = client.query(&statement, &[&i64::from(limit)]).await;
            rows.map_err(|error| told(&error))?.iter().map(read).collect()
        })
    }

    fn depth(&self) -> StoreFuture<'_, Depth> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(DEPTH).await.map_err(|error| told(&error))?;
            let rows = client.query(&statement, &[]).await.map_err(|error| told(&error))?;
            let mut depth = Depth::default();
            for row in &rows {
                depth.add(row.get(0), row.get::<_, i64>(1) as u64, row.get(2));
            }
            Ok(depth)
        })
    }

    fn forget(&self, limit: u32) -> StoreFuture<'_, u64> {
        limited(async move { self.database.execute(FORGET, &[&RECORD_MS, &i64::from(limit)]).await })
    }
}

/// Ends a job, whoever has it.
async fn finish(client: &impl GenericClient, id: &str, end: &End) -> Result<(), StoreError> {
    let (state, error, hash) = super::written(end);
    let error = error.as_ref();
    let (code, message) = (error.map(|it| &it.error_code), error.map(|it| &it.message));
    let cause = error.and_then(|it| it.cause.as_ref());
    let statement = client.prepare_cached(FINISH).await.map_err(|error| told(&error))?;
    let finished = client.execute(&statement, &[&id, &state.name(), &code, &cause, &message, &hash]).await;
    finished.map(drop).map_err(|error| told(&error))
}

/// Makes a result visible.
async fn commit(client: &impl GenericClient, job: &Job, committed: &Committed) -> Result<(), StoreError> {
    let statement = client.prepare_cached(COMMIT).await.map_err(|error| told(&error))?;
    let Committed { result_hash, metrics, blob_sha256, retention_ms, .. } = committed;
    let (attempt, equity) = (job.attempt as i32, committed.equity_rows as i64);
    let (trades, bytes) = (committed.trades_rows as i64, committed.blob_bytes as i64);
    let committed = client
        .execute(
            &statement,
            &[&job.id, &attempt, result_hash, metrics, &equity, &trades, blob_sha256, &bytes, retention_ms],
        )
        .await;
    committed.map(drop).map_err(|error| told(&error))
}

fn read(row: &Row) -> Result<Job, StoreError> {
    let state = State::from_name(row.get(5)).ok_or_else(|| failed("a job cannot be read: its state"))?;
    let (cause, message): (_, Option<String>) = (row.get(15), row.get(16));
    let error = row.get::<_, Option<String>>(14);
    Ok(Job {
        id: row.get(0),
        subject: row.get(1),
        session_id: row.get(2),
        params: row.get(3),
        params_hash: row.get(4),
        state,
        attempt: row.get::<_, i32>(6) as u32,
        version: row.get::<_, i64>(7) as u64,
        progress: row.get(8),
        phase: row.get(9),
        is_cancel_requested: row.get(10),
        created_at: row.get(11),
        started_at: row.get(12),
        finished_at: row.get(13),
        error: error.map(|error_code| JobError { error_code, cause, message: message.unwrap_or_default() }),
        result_hash: row.get(17),
        crashes: row.get::<_, i32>(18) as u32,
        failures: row.get::<_, i32>(19) as u32,
    })
}
