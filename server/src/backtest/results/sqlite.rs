//! Rows of results in a file of SQLite.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row};

use super::{EXPIRED_MS, Part, Results, Stored};
use crate::backtest::job::Job;
use crate::confirmation::clock::Clock;
use crate::database::StoreFuture;
use crate::database::sqlite::Database;

/// A result's columns, in the order in which [`read`] takes them.
macro_rules! columns {
    () => {
        "attempt, result_hash, metrics, equity_rows, trades_rows, blob_sha256, blob_bytes, created_at, expires_at, \
         is_expired"
    };
}

/// Results in an open file.
pub struct SqliteResults {
    database: Database,
    clock: Arc<dyn Clock>,
}

impl SqliteResults {
    /// Results in this file, by this clock.
    pub fn new(database: Database, clock: Arc<dyn Clock>) -> Self {
        Self { database, clock }
    }
}

impl Results for SqliteResults {
    fn put<'a>(&'a self, job: &'a Job, part: Part, chunk: u64, rows: &'a str) -> StoreFuture<'a, bool> {
        let (id, attempt, rows) = (job.id.clone(), job.attempt, rows.to_owned());
        self.database.call(move |connection| {
            let sql = "INSERT OR REPLACE INTO backtest_result_rows (job_id, attempt, part, chunk, rows)
                SELECT id, attempt, ?3, ?4, ?5 FROM jobs WHERE id = ?1 AND attempt = ?2 AND state = 'running'";
            let written =
                connection.prepare_cached(sql)?.execute((&id, attempt, part.name(), chunk as i64, &rows))?;
            Ok(written == 1)
        })
    }

    fn get<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<Stored>> {
        let id = job_id.to_owned();
        self.database.call(move |connection| {
            let sql = concat!("SELECT ", columns!(), " FROM backtest_results WHERE job_id = ?");
            Ok(connection.prepare_cached(sql)?.query_row([&id], read).optional()?)
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
        let id = job_id.to_owned();
        self.database.call(move |connection| {
            let sql =
                "SELECT rows FROM backtest_result_rows WHERE job_id = ? AND attempt = ? AND part = ? AND
                  chunk BETWEEN ? AND ? ORDER BY chunk";
            let mut statement = connection.prepare_cached(sql)?;
            let which = (&id, attempt, part.name(), first as i64, last as i64);
            let chunks = statement.query_map(which, |row| row.get(0))?;
            Ok(chunks.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn list<'a>(&'a self, behind: &'a str, limit: u32) -> StoreFuture<'a, Vec<(String, Stored)>> {
        let behind = behind.to_owned();
        self.database.call(move |connection| {
            let sql = concat!(
                "SELECT ",
                columns!(),
                ", job_id FROM backtest_results WHERE is_expired = 0 AND job_id > ? ORDER BY job_id LIMIT ?"
            );
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement.query_map((&behind, limit), |row| Ok((row.get(10)?, read(row)?)))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn expire(&self, limit: u32) -> StoreFuture<'_, u64> {
        let now = self.clock.now_ms();
        self.database.call(move |connection| {
            let sql = "UPDATE backtest_results SET is_expired = 1 WHERE job_id IN (SELECT job_id FROM backtest_results
                  WHERE is_expired = 0 AND expires_at < ? LIMIT ?)";
            Ok(connection.prepare_cached(sql)?.execute((now, limit))? as u64)
        })
    }

    fn files_left(&self, limit: u32) -> StoreFuture<'_, Vec<(String, u32)>> {
        self.database.call(move |connection| {
            let sql = "SELECT job_id, attempt FROM backtest_results WHERE is_expired = 1 AND is_file_removed = 0 LIMIT ?";
            let mut statement = connection.prepare_cached(sql)?;
            let left = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(left.collect::<rusqlite::Result<_>>()?)
        })
    }

    fn file_removed<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, ()> {
        let id = job_id.to_owned();
        self.database.call(move |connection| {
            let sql = "UPDATE backtest_results SET is_file_removed = 1 WHERE job_id = ?";
            Ok(connection.prepare_cached(sql)?.execute([id]).map(drop)?)
        })
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        let before = self.clock.now_ms() - EXPIRED_MS;
        self.database.call(move |connection| {
            let sql = "DELETE FROM backtest_result_rows WHERE (job_id, attempt, part, chunk) IN (
                SELECT job_id, attempt, part, chunk FROM backtest_result_rows AS rows WHERE
                  NOT EXISTS (SELECT 1 FROM backtest_results AS result WHERE result.job_id = rows.job_id AND
                    result.attempt = rows.attempt AND is_expired = 0) AND
                  NOT EXISTS (SELECT 1 FROM jobs WHERE id = rows.job_id AND jobs.attempt = rows.attempt AND
                    state = 'running')
                LIMIT ?)";
            let removed = connection.prepare_cached(sql)?.execute([limit])?;
            let sql = "DELETE FROM backtest_results WHERE is_expired = 1 AND is_file_removed = 1 AND expires_at < ?";
            connection.prepare_cached(sql)?.execute([before])?;
            Ok(removed as u64)
        })
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Stored> {
    let count = |at: usize| row.get::<_, i64>(at).map(|count| count as u64);
    Ok(Stored {
        attempt: row.get(0)?,
        result_hash: row.get(1)?,
        metrics: row.get(2)?,
        equity_rows: count(3)?,
        trades_rows: count(4)?,
        blob_sha256: row.get(5)?,
        blob_bytes: count(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        is_expired: row.get(9)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::queue::sqlite::SqliteQueue;
    use crate::backtest::results::conformance::{Rig, RigFuture, Tables, suite};
    use crate::confirmation::clock::ManualClock;
    use crate::confirmation::jobs::sqlite::SqliteJobs;

    struct Memory(Arc<ManualClock>);

    impl Rig for Memory {
        fn fresh(&self) -> RigFuture<'_, Tables> {
            let database = Database::in_memory().expect("opened");
            let tables = Tables {
                results: Arc::new(SqliteResults::new(database.clone(), self.0.clone())),
                queue: Arc::new(SqliteQueue::new(database.clone(), self.0.clone())),
                jobs: Arc::new(SqliteJobs::new(database, self.0.clone())),
            };
            Box::pin(std::future::ready(tables))
        }

        fn advance(&self, ms: i64) -> RigFuture<'_, ()> {
            self.0.advance(ms as u64);
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn it_does_what_every_store_of_results_does() {
        suite(&Memory(Arc::new(ManualClock::at(1_800_000_000_000)))).await;
    }
}
