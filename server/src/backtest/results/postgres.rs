//! Rows of results in PostgreSQL.

use tokio_postgres::Row;

use super::{EXPIRED_MS, Part, Results, Stored};
use crate::backtest::job::Job;
use crate::database::StoreFuture;
use crate::database::postgres::{Database, limited, ms, told};

/// A result's columns, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        concat!(
            "attempt, result_hash, metrics::text, equity_rows, trades_rows, blob_sha256, blob_bytes, ",
            ms!("created_at"),
            ", ",
            ms!("expires_at"),
            ", is_expired"
        )
    };
}

const PUT: &str = "INSERT INTO backtest_result_rows (job_id, attempt, part, chunk, rows) SELECT id, attempt, $3, $4, \
    $5::text::jsonb FROM jobs WHERE id = $1 AND attempt = $2 AND state = 'running' ON CONFLICT (job_id, attempt, part, \
    chunk) DO UPDATE SET rows = excluded.rows";
const GET: &str = concat!("SELECT ", columns!(), " FROM backtest_results WHERE job_id = $1");
const LIST: &str = concat!(
    "SELECT ",
    columns!(),
    ", job_id FROM backtest_results WHERE NOT is_expired AND job_id COLLATE \"C\" > $1 ORDER BY job_id COLLATE \"C\" LIMIT $2"
);
const CHUNKS: &str = "SELECT rows::text FROM backtest_result_rows WHERE job_id = $1 AND attempt = $2 AND part = $3 AND \
    chunk BETWEEN $4 AND $5 ORDER BY chunk";
const EXPIRE: &str = "UPDATE backtest_results SET is_expired = true WHERE job_id IN (SELECT job_id FROM backtest_results \
    WHERE NOT is_expired AND expires_at < clock_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED)";
const FILES_LEFT: &str =
    "SELECT job_id, attempt FROM backtest_results WHERE is_expired AND NOT is_file_removed LIMIT $1";
const FILE_REMOVED: &str = "UPDATE backtest_results SET is_file_removed = true WHERE job_id = $1";
const ORPHANS: &str = "DELETE FROM backtest_result_rows WHERE (job_id, attempt, part, chunk) IN (SELECT job_id, attempt, \
    part, chunk FROM backtest_result_rows AS rows WHERE NOT EXISTS (SELECT 1 FROM backtest_results AS result WHERE \
    result.job_id = rows.job_id AND result.attempt = rows.attempt AND NOT is_expired) AND NOT EXISTS (SELECT 1 FROM jobs \
    WHERE id = rows.job_id AND jobs.attempt = rows.attempt AND state = 'running') LIMIT $1)";
const FORGET: &str = "DELETE FROM backtest_results WHERE is_expired AND is_file_removed AND expires_at < clock_timestamp() - $1::bigint * \
    interval '1 millisecond'";

/// Results in an open database.
#[derive(Clone, Debug)]
pub struct PostgresResults {
    database: Database,
}

impl PostgresResults {
    /// Results in this database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

impl Results for PostgresResults {
    fn put<'a>(&'a self, job: &'a Job, part: Part, chunk: u64, rows: &'a str) -> StoreFuture<'a, bool> {
        limited(async move {
            let (attempt, chunk) = (job.attempt as i32, chunk as i64);
            Ok(self.database.execute(PUT, &[&job.id, &attempt, &part.name(), &chunk, &rows]).await? == 1)
        })
    }

    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Stored>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(GET).await.map_err(|error| told(&error))?;
            let found = client.query_opt(&statement, &[&job_id]).await.map_err(|error| told(&error))?;
            Ok(found.as_ref().map(read))
        })
    }

    fn chunks<'a>(
        &'a self,
        job_id: &'a str,
        attempt: u32,
        part: Part,
        first: u64,
        last: u64,
    ) -> StoreFuture<'a, Vec<String>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(CHUNKS).await.map_err(|error| told(&error))?;
            let (attempt, first, last) = (attempt as i32, first as i64, last as i64);
            let rows = client.query(&statement, &[&job_id, &attempt, &part.name(), &first, &last]).await;
            Ok(rows.map_err(|error| told(&error))?.iter().map(|row| row.get(0)).collect())
        })
    }

    fn list<'a>(&'a self, behind: &'a str, limit: u32) -> StoreFuture<'a, Vec<(String, Stored)>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(LIST).await.map_err(|error| told(&error))?;
            let found = client.query(&statement, &[&behind, &i64::from(limit)]).await;
            Ok(found.map_err(|error| told(&error))?.iter().map(|row| (row.get(10), read(row))).collect())
        })
    }

    fn expire(&self, limit: u32) -> StoreFuture<'_, u64> {
        limited(async move { self.database.execute(EXPIRE, &[&i64::from(limit)]).await })
    }

    fn files_left(&self, limit: u32) -> StoreFuture<'_, Vec<(String, u32)>> {
        limited(async move {
            let client = self.database.client().await?;
            let statement = client.prepare_cached(FILES_LEFT).await.map_err(|error| told(&error))?;
            let rows = client.query(&statement, &[&i64::from(limit)]).await.map_err(|error| told(&error))?;
            Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i32>(1) as u32)).collect())
        })
    }

    fn file_removed<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, ()> {
        limited(async move { self.database.execute(FILE_REMOVED, &[&job_id]).await.map(drop) })
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        limited(async move {
            let removed = self.database.execute(ORPHANS, &[&i64::from(limit)]).await?;
            self.database.execute(FORGET, &[&EXPIRED_MS]).await?;
            Ok(removed)
        })
    }
}

fn read(row: &Row) -> Stored {
    let count = |at: usize| row.get::<_, i64>(at) as u64;
    Stored {
        attempt: row.get::<_, i32>(0) as u32,
        result_hash: row.get(1),
        metrics: row.get(2),
        equity_rows: count(3),
        trades_rows: count(4),
        blob_sha256: row.get(5),
        blob_bytes: count(6),
        created_at: row.get(7),
        expires_at: row.get(8),
        is_expired: row.get(9),
    }
}
