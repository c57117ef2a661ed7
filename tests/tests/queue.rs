//! The queue of jobs, and the rows of their results, in PostgreSQL, against a real server that is started here.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use spark_live::backtest::queue::Queue;
use spark_live::backtest::queue::conformance::{Rig, RigFuture, suite};
use spark_live::backtest::queue::postgres::PostgresQueue;
use spark_live::backtest::results::conformance as results;
use spark_live::backtest::results::postgres::PostgresResults;
use spark_live::confirmation::jobs::Jobs;
use spark_live::confirmation::jobs::postgres::PostgresJobs;
use spark_live::database::postgres::Database;
use spark_live_tests::postgres::Postgres;

struct Server {
    server: Postgres,
    databases: AtomicU32,
}

impl Server {
    fn newest(&self) -> String {
        format!("queue_{}", self.databases.load(Ordering::Relaxed))
    }
}

impl Rig for Server {
    fn fresh(&self) -> RigFuture<'_, (Arc<dyn Queue>, Arc<dyn Jobs>)> {
        Box::pin(async move {
            self.databases.fetch_add(1, Ordering::Relaxed);
            let url = self.server.database(&self.newest()).await.unwrap();
            let database = Database::open(&url).await.unwrap();
            let jobs = Arc::new(PostgresJobs::new(database.clone()));
            (Arc::new(PostgresQueue::new(database)) as _, jobs as _)
        })
    }

    /// As if all had been written down that much earlier: the database's clock is its own.
    fn advance(&self, ms: i64) -> RigFuture<'_, ()> {
        Box::pin(async move {
            let sql = format!(
                "UPDATE jobs SET lease_until = lease_until - interval '{ms} ms', run_at = run_at - interval '{ms} ms', \
                 finished_at = finished_at - interval '{ms} ms'"
            );
            self.server.query(&self.newest(), &sql).await.unwrap();
        })
    }
}

impl results::Rig for Server {
    fn fresh(&self) -> RigFuture<'_, results::Tables> {
        Box::pin(async move {
            self.databases.fetch_add(1, Ordering::Relaxed);
            let url = self.server.database(&self.newest()).await.unwrap();
            let database = Database::open(&url).await.unwrap();
            results::Tables {
                results: Arc::new(PostgresResults::new(database.clone())),
                queue: Arc::new(PostgresQueue::new(database.clone())),
                jobs: Arc::new(PostgresJobs::new(database)),
            }
        })
    }

    fn advance(&self, ms: i64) -> RigFuture<'_, ()> {
        Box::pin(async move {
            Rig::advance(self, ms).await;
            let sql = format!("UPDATE backtest_results SET expires_at = expires_at - interval '{ms} ms'");
            self.server.query(&self.newest(), &sql).await.unwrap();
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_does_what_every_store_of_results_must() {
    results::suite(&Server { server: Postgres::start().await.unwrap(), databases: AtomicU32::new(0) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_does_what_every_queue_must() {
    suite(&Server { server: Postgres::start().await.unwrap(), databases: AtomicU32::new(0) }).await;
}
