//! The stores of confirmation tokens that are servers of their own, against real ones that are started here.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use spark_live::confirmation::conformance::{Handle, Rig, RigFuture, attempt, kept, keys, suite};
use spark_live::confirmation::postgres::PostgresStore;
use spark_live::confirmation::store::{Attempt, ConfirmationStore, Verdict};
use spark_live::database::postgres::Database;
use spark_live::evidence::store::{self as evidence, PostgresEvidence};
use spark_live_tests::postgres::Postgres;
use tokio::sync::Mutex;

async fn postgres(url: &str) -> PostgresStore {
    PostgresStore::new(Database::open(url).await.unwrap(), keys())
}

struct PostgresRig {
    server: Postgres,
    databases: AtomicU32,
    newest: Mutex<String>,
}

impl PostgresRig {
    async fn new() -> Self {
        let server = Postgres::start().await.unwrap();
        Self { server, databases: AtomicU32::new(0), newest: Mutex::default() }
    }

    async fn open(url: &str) -> Handle {
        Arc::new(postgres(url).await)
    }
}

impl Rig for PostgresRig {
    fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>> {
        Box::pin(async move {
            let nth = self.databases.fetch_add(1, Ordering::Relaxed);
            let url = self.server.database(&format!("store_{nth}")).await.unwrap();
            *self.newest.lock().await = url.clone();
            // All at once, as nodes that are started together.
            let opening = (0..handles).map(|_| Self::open(&url));
            futures_util::future::join_all(opening).await
        })
    }

    fn reopened(&self) -> RigFuture<'_, Option<Handle>> {
        Box::pin(async move {
            let url = self.newest.lock().await.clone();
            Some(Self::open(&url).await)
        })
    }

    fn advance(&self, ms: u64) -> RigFuture<'_, ()> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms)))
    }

    fn is_exact(&self) -> bool {
        false
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn evidence_is_kept_in_postgresql() {
    let server = Postgres::start().await.unwrap();
    let url = server.database("evidence").await.unwrap();
    evidence::conformance(&PostgresEvidence::new(Database::open(&url).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgresql_does_what_every_store_must() {
    suite(&PostgresRig::new().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_was_forgotten_and_made_anew_starts_no_second_job() {
    let server = Postgres::start().await.unwrap();
    let url = server.database("forgotten").await.unwrap();
    let store: Handle = Arc::new(postgres(&url).await);
    let (hash, record) = kept(&store, 60_000).await;
    assert!(matches!(store.consume(&hash, &attempt("a")).await, Ok(Verdict::Consumed(_))));
    server.query("forgotten", "DELETE FROM copilot_confirmation_tokens").await.unwrap();
    assert_eq!(store.consume(&hash, &attempt("b")).await, Ok(Verdict::Unknown));
    assert!(store.create(&hash, &record).await.unwrap());
    assert_eq!(store.consume(&hash, &attempt("b")).await, Ok(Verdict::Used { job_id: "a".to_owned() }));
    assert_eq!(store.job("b").await, Ok(None));

    // One key for two tokens at once stands for one of them.
    for round in 0..20 {
        let (one, two) = (kept(&store, 60_000).await.0, kept(&store, 60_000).await.0);
        let under = |job: String| Attempt { idem_hash: Some(format!("{round:064}")), ..attempt(&job) };
        let (first, second) = (under(format!("{round}-1")), under(format!("{round}-2")));
        let verdicts = tokio::join!(store.consume(&one, &first), store.consume(&two, &second));
        let verdicts = [verdicts.0.unwrap(), verdicts.1.unwrap()];
        let consumed = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Consumed(_))).count();
        let taken = verdicts.iter().filter(|verdict| **verdict == Verdict::KeyTaken).count();
        assert_eq!((consumed, taken), (1, 1), "{verdicts:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_slow_or_gone_is_told_in_time_and_comes_back_by_itself() {
    let mut server = Postgres::start().await.unwrap();
    let url = server.database("outage").await.unwrap();
    let store = postgres(&url).await;
    store.ping().await.unwrap();

    server.freeze(true).unwrap();
    let began = Instant::now();
    let error = store.ping().await.unwrap_err();
    assert_eq!(error.store, "postgres");
    // Two seconds are promised; the rest is for a machine that is busy.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    server.freeze(false).unwrap();
    until_it_answers(&store).await;

    server.restart().await.unwrap();
    until_it_answers(&store).await;
}

async fn until_it_answers(store: &PostgresStore) {
    let answered = tokio::time::timeout(spark_live_tests::PATIENCE, async {
        while store.ping().await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    answered.await.expect("it comes back by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_program_are_left_alone() {
    let server = Postgres::start().await.unwrap();
    let url = server.database("newer").await.unwrap();
    drop(postgres(&url).await);
    server.query("newer", "INSERT INTO spark_schema (version) VALUES (999)").await.unwrap();
    let error = Database::open(&url).await.unwrap_err().to_string();
    assert!(error.contains("version 999"), "{error}");
    let error = Database::open("postgres://spark:secret-word@127.0.0.1:1/x").await.unwrap_err();
    assert!(!error.to_string().contains("secret-word"), "{error}");
}
