//! Jobs under faults: workers that are killed, frozen and restarted, people who change their minds, time that is over, disks
//! that are full. Each job ends once, with the result that it would have had.
//!
//! `SPARK_TEST_LONG=1` runs the long form; `SPARK_TEST_SEED` repeats a run.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "also in helpers, where a panic is the verdict of the test"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spark_live_tests::copilot::{DATABASE, Keeping, Person, SECRET, Stand, usual};
use spark_live_tests::postgres::Postgres;
use spark_live_tests::{Dice, Gateway, GatewayOptions, PATIENCE, Signer};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

/// The shortest lease that can be set, so that a lost one is soon found.
const LEASE: Duration = Duration::from_secs(2);

fn is_long() -> bool {
    std::env::var_os("SPARK_TEST_LONG").is_some()
}

fn signed(subject: &str) -> Person {
    Person::with(&Signer::new(SECRET).token(subject, &["trader"]).unwrap())
}

/// A folder with one symbol of a hundred years, whose backtests take a while.
fn long_history() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("Date,Open,High,Low,Close,Volume\n");
    let mut day = jiff::civil::date(1900, 1, 1);
    for at in 0..40_000_u32 {
        let price = 100.0 + 30.0 * (f64::from(at) / 40.0).sin() + f64::from(at * 7919 % 13);
        let open = price - 0.5;
        writeln!(text, "{day},{open:.2},{:.2},{:.2},{price:.2},1000", price + 1.0, price - 1.0).unwrap();
        day = day.tomorrow().unwrap();
    }
    std::fs::write(dir.path().join("LONG.csv"), text).unwrap();
    dir
}

/// A sweep over it of so many times ten combinations; each takes some milliseconds.
fn sweep(tens: u32) -> Value {
    let slow: Vec<u32> = (0..tens).map(|at| 100 + at).collect();
    let fast: Vec<u32> = (0..10).map(|at| 5 + at).collect();
    json!({ "symbol": "LONG", "strategy": { "name": "sma_cross" }, "sweep": { "fast": fast, "slow": slow } })
}

fn options(data: &TempDir) -> GatewayOptions {
    let lease_ms = LEASE.as_millis();
    Gateway::options().data_dir(data.path()).env("SPARK_JOBS_LEASE_MS", lease_ms).env("SPARK_JOBS_WORKERS", 2)
}

async fn sqlite(options: GatewayOptions) -> Stand {
    Keeping::Sqlite.stand(options).await.unwrap()
}

/// Two gateways on one database.
struct Pair {
    gateways: [Gateway; 2],
    postgres: Postgres,
}

impl Pair {
    async fn start(options: GatewayOptions) -> Self {
        let postgres = Postgres::start().await.unwrap();
        let url = postgres.database(DATABASE).await.unwrap();
        let options = options
            .env("SPARK_DATABASE_URL", url)
            .env("SPARK_JWT_SECRET", SECRET)
            .env("SPARK_SIGNING_KEYS", "one-secret-of-all-nodes-0123456789");
        let first = options.clone().start().await.unwrap();
        let second = options.start().await.unwrap();
        Self { gateways: [first, second], postgres }
    }

    async fn count(&self, sql: &str) -> u64 {
        self.postgres.query(DATABASE, sql).await.unwrap().trim().parse().unwrap()
    }
}

async fn job(person: &Person, gateway: &Gateway, id: &str) -> Value {
    let reply = person.ask(gateway, "GET", &format!("/api/backtest/jobs/{id}"), None, None).await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.envelope);
    reply.envelope["data"].clone()
}

/// Waits until a job runs and some of it is done.
async fn in_the_middle(person: &Person, gateway: &Gateway, id: &str) -> Value {
    let wait = async {
        loop {
            let job = job(person, gateway, id).await;
            assert!(["queued", "running"].contains(&job["state"].as_str().unwrap()), "too quick: {job}");
            if job["state"] == "running" && job["progress"].as_f64().unwrap() > 0.0 {
                return job;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap()
}

async fn metric(gateway: &Gateway, name: &str) -> u64 {
    let text = signed("ann").file(gateway, "/api/public/metrics").await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.expect(name).parse().unwrap()
}

/// The hash of a job's result when nothing disturbs it.
async fn undisturbed(data: &TempDir, params: &Value) -> Value {
    let stand = sqlite(options(data)).await;
    let ann = signed("ann");
    let id = ann.start(&stand.gateway, params).await.unwrap();
    let job = ann.ended(&stand.gateway, &id).await.unwrap();
    assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(1)), "{job}");
    job["resultHash"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_survives_its_gateway() {
    let (data, params, ann) = (long_history(), sweep(60), signed("ann"));
    let expected = undisturbed(&data, &params).await;
    let mut stand = sqlite(options(&data)).await;
    let id = ann.start(&stand.gateway, &params).await.unwrap();
    in_the_middle(&ann, &stand.gateway, &id).await;
    stand.gateway.restart().await.unwrap();
    let ended = ann.ended(&stand.gateway, &id).await.unwrap();
    assert_eq!(
        (&ended["state"], &ended["attempt"], &ended["resultHash"]),
        (&json!("done"), &json!(2), &expected),
        "{ended}"
    );
    assert_eq!(metric(&stand.gateway, "spark_job_retries_total{reason=\"lease\"}").await, 1);

    // Asked to stop, it gives the job back at once: nobody waits for the lease.
    let id = ann.start(&stand.gateway, &params).await.unwrap();
    in_the_middle(&ann, &stand.gateway, &id).await;
    stand.gateway.terminate().unwrap();
    stand.gateway.wait(PATIENCE).await.unwrap();
    stand.gateway.restart().await.unwrap();
    let job = job(&ann, &stand.gateway, &id).await;
    assert!(job["state"] == "queued" || job["attempt"] == 2, "{job}");
    assert_eq!(ann.ended(&stand.gateway, &id).await.unwrap()["resultHash"], expected);
}

/// Waits until the end of a job is in the evidence; how often it is.
async fn ends_written_down(person: &Person, gateway: &Gateway, id: &str) -> usize {
    let proposed = person.call(gateway, "startBacktest", None, &usual_of("LONG")).await.unwrap();
    let path = format!("/api/copilot/evidence/{}", proposed.text("sessionId"));
    let wait = async {
        loop {
            let bundle: Value = serde_json::from_str(&person.file(gateway, &path).await.unwrap()).unwrap();
            let is_its = |entry: &&Value| {
                let entry = entry.to_string();
                entry.contains(id) && entry.contains("spark_job_runs_total")
            };
            let count = bundle["entries"].as_array().unwrap().iter().filter(is_its).count();
            if count > 0 {
                return count;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("the end of a job is written down")
}

/// Starts a small job on a gateway that is about to end, perhaps before it has answered.
async fn started(person: &Person, stand: &Stand) -> String {
    match person.start(&stand.gateway, &sweep(1)).await {
        Ok(id) => id,
        Err(_) => stand.jobs().await.unwrap().remove(0),
    }
}

fn usual_of(symbol: &str) -> Value {
    json!({ "symbol": symbol, "strategy": { "name": "buy_and_hold" } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_step_leaves_one_result() {
    let ann = signed("ann");
    let data = long_history();
    for point in ["job_claimed", "job_rows", "job_stored", "job_ended"] {
        let mut stand = sqlite(options(&data).env("SPARK_TEST_CRASH_AT", point)).await;
        let id = started(&ann, &stand).await;
        stand.gateway.wait(PATIENCE).await.unwrap();
        stand.gateway.restart_with("SPARK_TEST_CRASH_AT", None).await.unwrap();
        let ended = ann.ended(&stand.gateway, &id).await.unwrap();
        let attempts = if point == "job_ended" { 1 } else { 2 };
        assert_eq!(
            (&ended["state"], &ended["attempt"]),
            (&json!("done"), &json!(attempts)),
            "{point}: {ended}"
        );
        let path = format!("/api/backtest/jobs/{id}/result/download");
        assert_eq!(ann.ask(&stand.gateway, "GET", &path, None, None).await.unwrap().status, 200);
        assert_eq!(ends_written_down(&ann, &stand.gateway, &id).await, 1, "{point}");
    }
    // One that kills every worker is given up.
    let mut stand = sqlite(options(&data).env("SPARK_TEST_CRASH_AT", "job_rows")).await;
    let id = started(&ann, &stand).await;
    for _ in 0..2 {
        stand.gateway.wait(PATIENCE).await.unwrap();
        stand.gateway.restart().await.unwrap();
    }
    stand.gateway.wait(PATIENCE).await.unwrap();
    stand.gateway.restart_with("SPARK_TEST_CRASH_AT", None).await.unwrap();
    let ended = ann.ended(&stand.gateway, &id).await.unwrap();
    assert_eq!((&ended["state"], &ended["error"]["errorCode"]), (&json!("failed"), &json!("JOB_POISONED")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_survive_random_kills_of_two_gateways() {
    let data = long_history();
    let (people, each, kills) = if is_long() { (10, 10, 12) } else { (4, 3, 3) };
    let params = sweep(12);
    let expected = undisturbed(&data, &params).await;
    let mut pair = Pair::start(options(&data)).await;
    let mut dice = Dice::from_environment();
    println!("SPARK_TEST_SEED={}", dice.seed());
    let people: Vec<Person> = (0..people).map(|at| signed(&format!("person-{at}"))).collect();
    let mut ids = Vec::new();
    for person in &people {
        for _ in 0..each {
            ids.push((person, person.start(&pair.gateways[0], &params).await.unwrap()));
        }
    }
    let began = Instant::now();
    for _ in 0..kills {
        sleep(dice.up_to(Duration::from_millis(1_500))).await;
        let which = (dice.roll() % 2) as usize;
        pair.gateways[which].restart().await.unwrap();
    }
    for (person, id) in &ids {
        let wait = async {
            loop {
                let job = job(person, &pair.gateways[1], id).await;
                if !["queued", "running"].contains(&job["state"].as_str().unwrap()) {
                    return job;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        let ended = timeout(PATIENCE * 20, wait).await.unwrap();
        assert_eq!((&ended["state"], &ended["resultHash"]), (&json!("done"), &expected), "{ended}");
    }
    let count = ids.len() as u64;
    assert_eq!(pair.count("SELECT count(*) FROM jobs WHERE state = 'done'").await, count);
    assert_eq!(pair.count("SELECT count(*) FROM backtest_results").await, count);
    let again = pair.count("SELECT count(*) FROM jobs WHERE attempt > 1").await;
    println!("{count} jobs, {kills} kills, {again} run again, {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_wakes_up_writes_nothing_more() {
    let (data, params, ann) = (long_history(), sweep(60), signed("ann"));
    let expected = undisturbed(&data, &params).await;
    let pair = Pair::start(options(&data)).await;
    let rounds = if is_long() { 50 } else { 2 };
    let mut lost = [0, 0];
    for round in 0..rounds {
        let id = ann.start(&pair.gateways[round % 2], &params).await.unwrap();
        in_the_middle(&ann, &pair.gateways[0], &id).await;
        // Whoever has it is not known from outside: freeze one after the other until its lease is over.
        let worker = "SELECT count(*) FROM jobs WHERE state = 'running' AND lease_until > clock_timestamp()";
        let (mut frozen, other) = (0, 1);
        pair.gateways[frozen].freeze(true).unwrap();
        sleep(LEASE / 2).await;
        let renewed = pair.count(&format!("{worker} + interval '1.3 s'")).await;
        let mut awake = other;
        if renewed == 1 {
            // The other one goes on with it.
            pair.gateways[frozen].freeze(false).unwrap();
            (frozen, awake) = (other, 0);
            pair.gateways[frozen].freeze(true).unwrap();
        }
        let ended = ann.ended(&pair.gateways[awake], &id).await.unwrap();
        pair.gateways[frozen].freeze(false).unwrap();
        assert_eq!((&ended["state"], &ended["resultHash"]), (&json!("done"), &expected), "{ended}");
        assert_eq!(ended["attempt"], 2, "another has done it");
        lost[frozen] += 1;
        let told = async {
            while metric(&pair.gateways[frozen], "spark_job_lease_lost_total").await < lost[frozen] {
                sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, told).await.expect("the one that woke up has noticed");
        let after = job(&ann, &pair.gateways[awake], &id).await;
        assert_eq!(
            (&after["version"], &after["attempt"]),
            (&ended["version"], &ended["attempt"]),
            "nothing changed"
        );
        assert_eq!(
            pair.count(
                "SELECT count(DISTINCT (job_id, attempt)) FROM backtest_result_rows WHERE attempt = 1"
            )
            .await,
            0
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_changes_their_mind_gets_no_result() {
    let (data, params) = (long_history(), sweep(30));
    let mut stand = sqlite(options(&data)).await;
    let mut dice = Dice::from_environment();
    println!("SPARK_TEST_SEED={}", dice.seed());
    let rounds = if is_long() { 200 } else { 12 };
    let (mut slowest, mut cancelled) = (Duration::ZERO, 0);
    for round in 0..rounds {
        let (ann, gateway) = (signed(&format!("ann-{round}")), &stand.gateway);
        let id = ann.start(gateway, &params).await.unwrap();
        sleep(dice.up_to(Duration::from_millis(900))).await;
        let asked_at = Instant::now();
        let path = format!("/api/backtest/jobs/{id}");
        let reply = ann.ask(gateway, "DELETE", &path, None, None).await.unwrap();
        let was_done = reply.text("state") == "done";
        let ended = ann.ended(gateway, &id).await.unwrap();
        slowest = slowest.max(asked_at.elapsed());
        let expected = if was_done { "done" } else { "cancelled" };
        assert_eq!(ended["state"], expected, "{ended}");
        cancelled += u32::from(!was_done);
        if !was_done {
            assert_eq!(
                (&ended["error"]["errorCode"], &ended["resultHash"]),
                (&json!("JOB_CANCELLED"), &Value::Null)
            );
            sleep(Duration::from_millis(30)).await;
            assert_eq!(job(&ann, gateway, &id).await["version"], ended["version"], "an end never changes");
        }
    }
    println!("{cancelled} of {rounds} cancelled, the slowest took {slowest:?}");
    // A second, and what a busy machine adds.
    assert!(cancelled > 0 && slowest < Duration::from_secs(3), "{slowest:?}");
    let results = stand.gateway.folder().join(".spark/backtest-results");
    // The folder is made with the first file.
    let files = results.read_dir().map_or(0, Iterator::count);
    assert_eq!(files, (rounds - cancelled) as usize, "no file of one that was cancelled");

    // One that has not begun, which is written down as well.
    let ann = signed("ann");
    stand.gateway.restart_with("SPARK_JOBS_WORKERS", Some("0")).await.unwrap();
    let id = ann.start(&stand.gateway, &params).await.unwrap();
    let reply =
        ann.ask(&stand.gateway, "DELETE", &format!("/api/backtest/jobs/{id}"), None, None).await.unwrap();
    assert_eq!((reply.status, reply.text("state")), (200, "cancelled"));
    assert_eq!(ends_written_down(&ann, &stand.gateway, &id).await, 1);
    stand.gateway.restart_with("SPARK_JOBS_WORKERS", Some("2")).await.unwrap();

    // Its worker is dead.
    let id = ann.start(&stand.gateway, &params).await.unwrap();
    in_the_middle(&ann, &stand.gateway, &id).await;
    stand.gateway.restart_with("SPARK_JOBS_WORKERS", Some("0")).await.unwrap();
    let path = format!("/api/backtest/jobs/{id}");
    assert_eq!(ann.ask(&stand.gateway, "DELETE", &path, None, None).await.unwrap().status, 202);
    assert_eq!(ann.ended(&stand.gateway, &id).await.unwrap()["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_run_ends_with_its_reason() {
    let (data, ann) = (long_history(), signed("ann"));
    let stand = sqlite(options(&data).env("SPARK_JOBS_TIMEOUT_MS", 300)).await;
    let id = ann.start(&stand.gateway, &sweep(100)).await.unwrap();
    let ended = ann.ended(&stand.gateway, &id).await.unwrap();
    assert_eq!((&ended["state"], &ended["error"]["errorCode"]), (&json!("timeout"), &json!("JOB_TIMEOUT")));
    let mut nowhere = usual();
    nowhere["symbol"] = json!("LONG");
    nowhere["from"] = json!("2190-01-01");
    let id = ann.start(&stand.gateway, &nowhere).await.unwrap();
    let ended = ann.ended(&stand.gateway, &id).await.unwrap();
    let error = &ended["error"];
    assert_eq!(
        (&ended["state"], &error["errorCode"], &error["cause"]),
        (&json!("failed"), &json!("JOB_FAILED"), &json!("params"))
    );
    let reason = "there are no bars of LONG from 2190-01-01 to the last";
    assert_eq!(error["message"], reason);
    assert_eq!(metric(&stand.gateway, "spark_job_runs_total{outcome=\"timeout\"}").await, 1);
}

/// A small file system of its own, as long as it lives.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(at: &'a Path, size: &str) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs", at.to_str().unwrap()])
            .then_some(Self(at))
    }

    fn grow(&self, size: &str) {
        assert!(run("mount", &["-o", &format!("remount,size={size}"), self.0.to_str().unwrap()]));
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_fails_a_job_and_nothing_else() {
    let (data, ann) = (long_history(), signed("ann"));
    let stand = sqlite(options(&data)).await;
    let gateway = &stand.gateway;
    let results = gateway.folder().join(".spark/backtest-results");
    let Some(disk) = SmallDisk::mount(&results, "64k") else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    let whole = json!({ "symbol": "LONG", "strategy": { "name": "sma_cross" } });
    let brief = json!({ "symbol": "LONG", "strategy": { "name": "sma_cross" }, "to": "1900-12-31" });
    let id = ann.start(gateway, &whole).await.unwrap();
    let ended = ann.ended(gateway, &id).await.unwrap();
    let error = &ended["error"];
    assert_eq!(
        (&ended["state"], &ended["attempt"], &error["cause"]),
        (&json!("failed"), &json!(3), &json!("storage"))
    );
    assert_eq!(error["message"], "the storage of results (local) cannot be used");
    assert_eq!(results.read_dir().unwrap().count(), 0, "nothing half-written is left");
    let other = ann.start(gateway, &brief).await.unwrap();
    assert_eq!(ann.ended(gateway, &other).await.unwrap()["state"], "done", "what fits is not harmed");
    disk.grow("16m");
    let id = ann.start(gateway, &whole).await.unwrap();
    assert_eq!(ann.ended(gateway, &id).await.unwrap()["state"], "done", "there is room again");
    let left = "spark_job_retries_total{reason=\"storage\"}";
    assert_eq!(metric(gateway, left).await, 2);
}
