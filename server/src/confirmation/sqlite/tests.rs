use std::fs;
use std::path::Path;
use std::time::Instant;

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::super::clock::ManualClock;
use super::super::conformance::{Handle, Rig, RigFuture, keys, model, proposal, suite};
use super::*;
use crate::database::sqlite::FILE;

const START: i64 = 1_700_000_000_000;

struct Files {
    clock: Arc<ManualClock>,
    /// The newest store's folder; those before it are needed no longer.
    dir: Mutex<TempDir>,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { clock: Arc::new(ManualClock::at(START)), dir: dir.into() }
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.lock().expect("held").path().to_owned()
    }

    fn open(&self) -> Handle {
        let database = Database::open(&self.path()).expect("opened");
        Arc::new(SqliteStore::new(database, keys(), self.clock.clone()))
    }

    /// The file, as another program would use it.
    fn other(&self) -> Connection {
        Connection::open(self.path().join(FILE)).expect("opened")
    }
}

impl Rig for Files {
    fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>> {
        *self.dir.lock().expect("held") = tempfile::tempdir().expect("a folder");
        Box::pin(std::future::ready((0..handles).map(|_| self.open()).collect()))
    }

    fn reopened(&self) -> RigFuture<'_, Option<Handle>> {
        Box::pin(std::future::ready(Some(self.open())))
    }

    fn advance(&self, ms: u64) -> RigFuture<'_, ()> {
        self.clock.advance(ms);
        Box::pin(std::future::ready(()))
    }

    fn is_exact(&self) -> bool {
        true
    }
}

fn attempt(job_id: &str) -> Attempt {
    Attempt {
        subject: "ann".into(),
        tool: "startBacktest".into(),
        params_hash: None,
        job_id: job_id.into(),
        idem_hash: None,
    }
}

async fn kept(store: &Handle, ttl_ms: i64) -> TokenHash {
    let (hash, record) = proposal(store, ttl_ms).await;
    assert!(store.create(&hash, &record).await.expect("created"));
    hash
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_does_what_every_store_does() {
    suite(&Files::new()).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_sequence_of_calls_is_answered_as_by_the_model(steps in model::steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(model::run(&Files::new(), &steps));
    }
}

#[tokio::test]
async fn what_fails_between_consumption_and_job_leaves_nothing() {
    let files = Files::new();
    let store = files.open();
    let hash = kept(&store, 1_000).await;
    // One undoes what the statement has done, the other one the whole transaction.
    for how in ["ABORT", "ROLLBACK"] {
        let trigger =
            format!("CREATE TRIGGER fault BEFORE INSERT ON jobs BEGIN SELECT RAISE({how}, 'a fault'); END");
        files.other().execute_batch(&trigger).expect("made");
        let error = store.consume(&hash, &attempt("a")).await.expect_err("it cannot be");
        assert!(error.to_string().contains("a fault"), "{error}");
        files.other().execute_batch("DROP TRIGGER fault").expect("dropped");
        assert_eq!(store.job("a").await, Ok(None));
        let sql = "SELECT used_at IS NULL AND job_id IS NULL FROM copilot_confirmation_tokens";
        assert!(files.other().query_row(sql, [], |row| row.get::<_, bool>(0)).expect("read"));
    }
    let verdict = store.consume(&hash, &attempt("a")).await.expect("judged");
    assert!(matches!(verdict, Verdict::Consumed(_)), "and it comes back by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_call_that_fails_does_not_harm_those_in_the_same_transaction() {
    let files = Files::new();
    let store = files.open();
    let mut hashes = Vec::new();
    for _ in 0..10 {
        hashes.push(kept(&store, 60_000).await);
    }
    store.consume(&hashes[9], &attempt("taken")).await.expect("consumed");
    let trigger =
        "CREATE TRIGGER fault BEFORE INSERT ON jobs WHEN NEW.id = '3' BEGIN SELECT RAISE(ABORT, 'x'); END";
    files.other().execute_batch(trigger).expect("made");
    // They wait for the lock, so that they come together.
    let other = files.other();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let calls = (0..9).map(|n| {
        let (store, hash) = (store.clone(), hashes[n]);
        let job_id = if n == 5 { "taken".to_owned() } else { n.to_string() };
        tokio::spawn(async move { store.consume(&hash, &attempt(&job_id)).await })
    });
    let calls: Vec<_> = calls.collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    other.execute_batch("COMMIT").expect("released");
    for (n, call) in calls.into_iter().enumerate() {
        let verdict = call.await.expect("it ends");
        let is_consumed = matches!(verdict, Ok(Verdict::Consumed(_)));
        assert_eq!(is_consumed, n != 3 && n != 5, "{n}: {verdict:?}");
    }
    let verdict = store.consume(&hashes[5], &attempt("free")).await.expect("judged");
    assert!(matches!(verdict, Verdict::Consumed(_)), "it was left as it was");
}

#[tokio::test]
async fn a_file_that_others_hold_is_waited_for_but_not_for_ever() {
    let files = Files::new();
    let store = files.open();
    let hash = kept(&store, 1_000).await;
    let other = files.other();
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let begun = Instant::now();
    let error = store.consume(&hash, &attempt("a")).await.expect_err("it cannot be");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(error.store, "sqlite");
    other.execute_batch("COMMIT").expect("released");
    assert_eq!(store.job("a").await, Ok(None));
    let verdict = store.consume(&hash, &attempt("b")).await.expect("judged");
    assert!(matches!(verdict, Verdict::Consumed(_)), "nothing was consumed before");
}

#[tokio::test]
async fn setting_the_clock_back_does_not_revive_a_token() {
    let files = Files::new();
    let store = files.open();
    let (late, early) = (kept(&store, 1_000).await, kept(&store, 10_000).await);
    files.clock.advance(1_000);
    files.clock.set(START);
    assert_eq!(store.consume(&late, &attempt("a")).await, Ok(Verdict::Expired));
    files.clock.set(START + 10_000);
    assert_eq!(store.consume(&early, &attempt("b")).await, Ok(Verdict::Expired), "the earlier of the two");
}

#[tokio::test]
async fn a_row_that_is_no_record_is_tampered_with() {
    let files = Files::new();
    let store = files.open();
    let hash = kept(&store, 1_000).await;
    files.other().execute_batch("UPDATE copilot_confirmation_tokens SET v = 1000").expect("changed");
    assert_eq!(store.consume(&hash, &attempt("a")).await, Ok(Verdict::Tampered));
    let sql = "UPDATE copilot_confirmation_tokens SET v = 1, used_at = 5";
    files.other().execute_batch(sql).expect("changed");
    assert_eq!(store.consume(&hash, &attempt("a")).await, Ok(Verdict::Tampered), "used, but for no job");
}

#[tokio::test]
async fn a_store_that_has_failed_comes_back() {
    let files = Files::new();
    let store = files.open();
    let hash = kept(&store, 1_000).await;
    let (dir, away) = (files.path().join(FILE), files.path().join("away"));
    // As a folder that cannot be reached for a while.
    let moved = |from: &Path, to: &Path| {
        for end in ["", "-wal", "-shm"] {
            let named = |path: &Path| format!("{}{end}", path.display());
            fs::rename(named(from), named(to)).expect("moved");
        }
    };
    moved(&dir, &away);
    fs::create_dir(&dir).expect("made");
    store.ping().await.expect_err("there is no file");
    store.consume(&hash, &attempt("a")).await.expect_err("there is no file");
    fs::remove_dir(&dir).expect("removed");
    fs::rename(&away, &dir).expect("moved");
    let wal = |path: &Path| format!("{}-wal", path.display());
    if fs::exists(wal(&away)).expect("asked") {
        fs::rename(wal(&away), wal(&dir)).expect("moved");
    }
    store.ping().await.expect("there it is");
    let verdict = store.consume(&hash, &attempt("a")).await.expect("judged");
    assert!(matches!(verdict, Verdict::Consumed(_)), "{verdict:?}");
}

#[tokio::test]
async fn a_file_that_is_not_understood_is_refused_by_name() {
    let files = Files::new();
    drop(files.open());
    let refused = || Database::open(&files.path()).expect_err("refused").to_string();
    files.other().execute_batch("PRAGMA user_version = 1000").expect("set");
    let reason = refused();
    assert!(reason.contains(FILE) && reason.contains("newer version") && reason.contains("1000"), "{reason}");
    let tables: u32 = files
        .other()
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type = 'table'", [], |row| row.get(0))
        .expect("read");
    assert_eq!(tables, 7, "it was left as it is");

    let other = Files::new();
    fs::write(other.path().join(FILE), "not a database at all, but a longer text than its header")
        .expect("written");
    assert!(Database::open(&other.path()).expect_err("refused").to_string().contains(FILE));
    let nowhere = Database::open(Path::new("/nonexistent")).expect_err("refused");
    assert!(nowhere.to_string().contains("/nonexistent"));
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let files = Files::new();
    fs::write(files.path().join(FILE), "").expect("written");
    fs::set_permissions(files.path().join(FILE), fs::Permissions::from_mode(0o644)).expect("set");
    let store = files.open();
    kept(&store, 1_000).await;
    let mut names: Vec<_> =
        fs::read_dir(files.path()).expect("read").map(|it| it.expect("an entry")).collect();
    names.sort_by_key(fs::DirEntry::file_name);
    let modes = names.iter().map(|it| it.metadata().expect("read").permissions().mode() & 0o777);
    assert_eq!(modes.collect::<Vec<_>>(), [0o600; 3], "{names:?}");
}

#[tokio::test]
async fn no_more_is_forgotten_than_asked() {
    let files = Files::new();
    let store = files.open();
    for _ in 0..5 {
        kept(&store, 0).await;
    }
    files.clock.advance(MARKER_MS as u64 + 1);
    for forgotten in [2, 2, 1, 0] {
        assert_eq!(store.clean_up(2).await, Ok(forgotten));
    }
}
