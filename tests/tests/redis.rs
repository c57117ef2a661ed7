//! Confirmation tokens in Redis, with their jobs in SQLite and in PostgreSQL, against real servers that are started here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use spark_live::confirmation::clock::SystemClock;
use spark_live::confirmation::conformance::{Handle, Rig, RigFuture, attempt, kept, keys, suite};
use spark_live::confirmation::jobs::Jobs;
use spark_live::confirmation::jobs::postgres::PostgresJobs;
use spark_live::confirmation::jobs::sqlite::SqliteJobs;
use spark_live::confirmation::redis::RedisStore;
use spark_live::confirmation::store::{ConfirmationStore, Verdict};
use spark_live::database::{postgres, sqlite};
use spark_live_tests::postgres::Postgres;
use spark_live_tests::redis::Redis;
use tempfile::TempDir;
use tokio::sync::Mutex;

fn in_sqlite(dir: &Path) -> Arc<dyn Jobs> {
    let database = sqlite::Database::open(dir).unwrap();
    Arc::new(SqliteJobs::new(database, Arc::new(SystemClock::default())))
}

async fn in_postgres(url: &str) -> Arc<dyn Jobs> {
    Arc::new(PostgresJobs::new(postgres::Database::open(url).await.unwrap()))
}

async fn open(redis: &Redis, jobs: Arc<dyn Jobs>) -> Handle {
    Arc::new(RedisStore::open(&redis.url(), keys(), jobs).await.unwrap())
}

struct SqliteRig {
    redis: Redis,
    dir: Mutex<TempDir>,
}

impl Rig for SqliteRig {
    fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>> {
        Box::pin(async move {
            self.redis.command(&["FLUSHALL"]).await.unwrap();
            let mut dir = self.dir.lock().await;
            *dir = tempfile::tempdir().unwrap();
            let mut opened = Vec::new();
            for _ in 0..handles {
                opened.push(open(&self.redis, in_sqlite(dir.path())).await);
            }
            opened
        })
    }

    fn reopened(&self) -> RigFuture<'_, Option<Handle>> {
        Box::pin(async move { Some(open(&self.redis, in_sqlite(self.dir.lock().await.path())).await) })
    }

    fn advance(&self, ms: u64) -> RigFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn is_exact(&self) -> bool {
        false
    }
}

struct PostgresRig {
    redis: Redis,
    postgres: Postgres,
    databases: AtomicU32,
    newest: Mutex<String>,
}

impl Rig for PostgresRig {
    fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>> {
        Box::pin(async move {
            self.redis.command(&["FLUSHALL"]).await.unwrap();
            let nth = self.databases.fetch_add(1, Ordering::Relaxed);
            let url = self.postgres.database(&format!("jobs_{nth}")).await.unwrap();
            self.newest.lock().await.clone_from(&url);
            let mut opened = Vec::new();
            for _ in 0..handles {
                opened.push(open(&self.redis, in_postgres(&url).await).await);
            }
            opened
        })
    }

    fn reopened(&self) -> RigFuture<'_, Option<Handle>> {
        Box::pin(async move { Some(open(&self.redis, in_postgres(&self.newest.lock().await).await).await) })
    }

    fn advance(&self, ms: u64) -> RigFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn is_exact(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_with_sqlite_does_what_every_store_must() {
    let dir = tempfile::tempdir().unwrap().into();
    suite(&SqliteRig { redis: Redis::start().await.unwrap(), dir }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_with_postgresql_does_what_every_store_must() {
    let (redis, postgres) = (Redis::start().await.unwrap(), Postgres::start().await.unwrap());
    let (databases, newest) = Default::default();
    suite(&PostgresRig { redis, postgres, databases, newest }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_of_one_does_it_too() {
    let settings = ["--cluster-enabled", "yes", "--appendonly", "yes", "--maxmemory-policy", "noeviction"];
    let redis = Redis::with(&settings).await.unwrap();
    redis.command(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]).await.unwrap();
    let is_ready = async {
        while !redis.command(&["CLUSTER", "INFO"]).await.unwrap().contains("cluster_state:ok") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(spark_live_tests::PATIENCE, is_ready).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    // Two addresses say that it is a cluster.
    let urls = format!("{0},{0}", redis.url());
    let store: Handle = Arc::new(RedisStore::open(&urls, keys(), in_sqlite(dir.path())).await.unwrap());
    let (hash, _) = kept(&store, 60_000).await;
    assert!(matches!(store.consume(&hash, &attempt("a")).await, Ok(Verdict::Consumed(_))));
    let used = Verdict::Used { job_id: "a".to_owned() };
    assert_eq!(store.consume(&hash, &attempt("b")).await, Ok(used));
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_the_server_has_forgotten_are_sent_again() {
    let redis = Redis::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&redis, in_sqlite(dir.path())).await;
    for round in 0..3 {
        let (hash, _) = kept(&store, 60_000).await;
        assert!(matches!(store.consume(&hash, &attempt(&round.to_string())).await, Ok(Verdict::Consumed(_))));
        redis.command(&["SCRIPT", "FLUSH"]).await.unwrap();
    }
}

/// What Redis has acknowledged and then lost starts no second job: killed without its own files, emptied, or one key gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_that_redis_has_lost_starts_no_second_job() {
    let rounds = if std::env::var_os("SPARK_TEST_LONG").is_some() { 200 } else { 5 };
    let mut redis = Redis::with(&["--appendonly", "no", "--maxmemory-policy", "noeviction"]).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&redis, in_sqlite(dir.path())).await;
    for round in 0..rounds {
        let (hash, record) = kept(&store, 60_000).await;
        let job_id = format!("job-{round}");
        assert!(matches!(store.consume(&hash, &attempt(&job_id)).await, Ok(Verdict::Consumed(_))));
        redis.kill().await.unwrap();
        redis.revive().await.unwrap();
        until_it_answers(&store).await;
        assert_eq!(store.consume(&hash, &attempt("other")).await, Ok(Verdict::Unknown), "it is gone");
        // As from a replica that had not heard of the use.
        assert!(store.create(&hash, &record).await.unwrap());
        let verdict = store.consume(&hash, &attempt("second")).await.unwrap();
        assert_eq!(verdict, Verdict::Used { job_id }, "round {round}");
        assert_eq!(store.job("second").await, Ok(None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_that_redis_has_written_down_is_there_after_a_power_cut() {
    let rounds = if std::env::var_os("SPARK_TEST_LONG").is_some() { 200 } else { 3 };
    let mut redis = Redis::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&redis, in_sqlite(dir.path())).await;
    for round in 0..rounds {
        let (used, open) = (kept(&store, 60_000).await.0, kept(&store, 60_000).await.0);
        let job_id = format!("job-{round}");
        assert!(matches!(store.consume(&used, &attempt(&job_id)).await, Ok(Verdict::Consumed(_))));
        redis.kill().await.unwrap();
        redis.revive().await.unwrap();
        until_it_answers(&store).await;
        assert_eq!(store.consume(&used, &attempt("again")).await, Ok(Verdict::Used { job_id }));
        let verdict = store.consume(&open, &attempt(&format!("open-{round}"))).await;
        assert!(matches!(verdict, Ok(Verdict::Consumed(_))), "{verdict:?}");
    }
}

/// A replica that is made the master before it has heard of the use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_that_forgets_a_use_starts_no_second_job() {
    let rounds = if std::env::var_os("SPARK_TEST_LONG").is_some() { 50 } else { 2 };
    for round in 0..rounds {
        let (master, replica) = (Redis::start().await.unwrap(), Redis::start().await.unwrap());
        let port = master.port().to_string();
        replica.command(&["REPLICAOF", "127.0.0.1", &port]).await.unwrap();
        let is_in_step = async {
            while !replica.command(&["INFO", "replication"]).await.unwrap().contains("master_link_status:up")
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(spark_live_tests::PATIENCE, is_in_step).await.unwrap();
        let dir = tempfile::tempdir().unwrap();
        let jobs = in_sqlite(dir.path());
        let store = RedisStore::open(&master.url(), keys(), Arc::clone(&jobs)).await.unwrap();
        let handle: Handle = Arc::new(store.clone());
        let (heard, _) = kept(&handle, 60_000).await;
        assert!(matches!(store.consume(&heard, &attempt("heard")).await, Ok(Verdict::Consumed(_))));
        assert_eq!(store.unreplicated(), 0, "the replica was waited for");
        let (hash, _) = kept(&handle, 60_000).await;
        // The token must be there; its use must not.
        master.command(&["WAIT", "1", "5000"]).await.unwrap();
        replica.freeze(true).unwrap();
        assert!(matches!(store.consume(&hash, &attempt("first")).await, Ok(Verdict::Consumed(_))));
        assert_eq!(store.unreplicated(), 1, "which is counted");
        drop(master);
        replica.freeze(false).unwrap();
        replica.command(&["REPLICAOF", "NO", "ONE"]).await.unwrap();
        let promoted = open(&replica, jobs).await;
        let verdict = promoted.consume(&hash, &attempt("second")).await.unwrap();
        assert_eq!(verdict, Verdict::Used { job_id: "first".to_owned() }, "round {round}");
        assert_eq!(promoted.job("second").await, Ok(None));
        let verdict = promoted.consume(&heard, &attempt("third")).await.unwrap();
        assert_eq!(verdict, Verdict::Used { job_id: "heard".to_owned() });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_refuses_and_uses_nothing_up() {
    let settings = ["--appendonly", "yes", "--maxmemory-policy", "noeviction"];
    let redis = Redis::with(&settings).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&redis, in_sqlite(dir.path())).await;
    assert_eq!(store.advice().await, Ok(vec![]));
    let (hash, record) = kept(&store, 60_000).await;
    redis.command(&["CONFIG", "SET", "maxmemory", "1"]).await.unwrap();
    let error = store.consume(&hash, &attempt("a")).await.unwrap_err();
    assert_eq!((error.store, error.reason.contains("OOM")), ("redis", true), "{error}");
    store.create(&spark_live::confirmation::token::RawToken::generate().hash(), &record).await.unwrap_err();
    redis.command(&["CONFIG", "SET", "maxmemory", "0"]).await.unwrap();
    assert!(matches!(store.consume(&hash, &attempt("b")).await, Ok(Verdict::Consumed(_))));

    redis.command(&["CONFIG", "SET", "maxmemory-policy", "volatile-lru"]).await.unwrap();
    redis.command(&["CONFIG", "SET", "appendonly", "no"]).await.unwrap();
    let advice = store.advice().await.unwrap().join("; ");
    assert!(
        advice.contains("maxmemory-policy should be noeviction")
            && advice.contains("appendonly should be yes")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_slow_or_gone_is_told_in_time_and_comes_back_by_itself() {
    let mut redis = Redis::start().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let store = open(&redis, in_sqlite(dir.path())).await;
    let (hash, _) = kept(&store, 600_000).await;
    redis.freeze(true).unwrap();
    let began = Instant::now();
    let error = store.consume(&hash, &attempt("a")).await.unwrap_err();
    assert_eq!(error.store, "redis");
    // Two seconds are promised; the rest is for a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    redis.freeze(false).unwrap();
    until_it_answers(&store).await;
    redis.kill().await.unwrap();
    store.consume(&hash, &attempt("b")).await.unwrap_err();
    redis.revive().await.unwrap();
    until_it_answers(&store).await;
    // What was sent to the server while it stood still may have been done when it went on.
    match store.consume(&hash, &attempt("c")).await.unwrap() {
        Verdict::Consumed(record) => assert!(record.job_id.is_some()),
        Verdict::Used { job_id } => assert!(store.job(&job_id).await.unwrap().is_some()),
        other => panic!("{other:?}"),
    }
}

async fn until_it_answers(store: &Handle) {
    let answered = tokio::time::timeout(spark_live_tests::PATIENCE, async {
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    answered.await.expect("it comes back by itself");
}
