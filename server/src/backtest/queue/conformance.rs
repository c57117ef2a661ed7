//! What every queue must do, as one suite. It asserts, so it is for tests alone, those outside of this crate included.

#![allow(clippy::panic, reason = "a test that fails panics, wherever it is compiled")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use live_core::canonical::sha256_hex;

use super::{Beat, Queue, Waiting};
use crate::backtest::job::{ATTEMPTS_MAX, Committed, End, Job, JobError, LEASE_MS, RECORD_MS, State};
use crate::confirmation::jobs::Jobs;
use crate::confirmation::store::JobRecord;
use crate::confirmation::token::RawToken;

/// What a rig does.
pub type RigFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Brings a queue to be tested.
pub trait Rig: Send + Sync {
    /// A new and empty one, with where its jobs are written down.
    fn fresh(&self) -> RigFuture<'_, (Arc<dyn Queue>, Arc<dyn Jobs>)>;

    /// Lets so much time pass for leases and for jobs that wait for a later time.
    fn advance(&self, ms: i64) -> RigFuture<'_, ()>;
}

/// Asserts all that the queues have in common.
pub async fn suite(rig: &dyn Rig) {
    a_job_goes_from_its_confirmation_to_its_end(rig).await;
    the_oldest_goes_first_and_nobody_runs_more_than_two(rig).await;
    a_worker_that_has_died_loses_its_job_and_writes_nothing_more(rig).await;
    a_job_that_breaks_its_workers_is_given_up(rig).await;
    what_may_work_next_time_waits_for_it(rig).await;
    who_does_not_want_a_job_any_more_gets_no_result(rig).await;
    many_workers_share_the_jobs(rig).await;
    lists_are_of_a_person_from_the_newest_on(rig).await;
    jobs_are_forgotten_long_after_their_end(rig).await;
}

/// Writes a job down as a confirmation does.
pub async fn confirmed(jobs: &Arc<dyn Jobs>, id: &str, subject: &str, at: i64) {
    let job = JobRecord {
        id: id.to_owned(),
        token_hash: RawToken::generate().hash(),
        subject: subject.to_owned(),
        session_id: "s".to_owned(),
        tool: "startBacktest".to_owned(),
        params: "{}".to_owned(),
        params_hash: sha256_hex(b"{}"),
        idem_hash: None,
        state: "queued".to_owned(),
        created_at: at,
    };
    assert_eq!(jobs.start(&job).await.expect("written"), (id.to_owned(), true));
}

/// A result that is whole.
pub fn committed() -> Committed {
    Committed {
        result_hash: "a".repeat(64),
        metrics: "{}".to_owned(),
        equity_rows: 3,
        trades_rows: 1,
        blob_sha256: "b".repeat(64),
        blob_bytes: 100,
        retention_ms: 1_000,
    }
}

const AT: i64 = 1_700_000_000_000;

async fn claim(queue: &Arc<dyn Queue>) -> Option<Job> {
    queue.claim("worker").await.expect("asked")
}

async fn job(queue: &Arc<dyn Queue>, id: &str) -> Job {
    queue.get(id).await.expect("asked").expect("there is one")
}

async fn state(queue: &Arc<dyn Queue>, id: &str) -> State {
    job(queue, id).await.state
}

async fn a_job_goes_from_its_confirmation_to_its_end(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    assert_eq!(claim(&queue).await, None);
    assert_eq!(queue.get("nope").await, Ok(None));
    confirmed(&jobs, "a", "ann", AT).await;
    let waiting = job(&queue, "a").await;
    assert_eq!(
        (waiting.state, waiting.attempt, waiting.version, waiting.created_at),
        (State::Queued, 0, 1, AT)
    );
    assert_eq!((waiting.session_id.as_str(), waiting.started_at), ("s", None));
    assert_eq!(queue.waiting("ann").await, Ok(Waiting { of_subject: 1, in_all: 1 }));
    assert_eq!(queue.depth().await.expect("counted").oldest_queued_at, Some(AT));

    let running = claim(&queue).await.expect("it waits");
    assert_eq!((running.state, running.attempt, running.version), (State::Running, 1, 2));
    assert!(running.started_at.is_some());
    assert_eq!(claim(&queue).await, None, "once");
    assert_eq!(queue.beat(&running, 0.5, "equity").await, Ok(Beat::GoOn));
    assert_eq!(queue.beat(&running, 0.5, "equity").await, Ok(Beat::GoOn));
    let half = job(&queue, "a").await;
    assert_eq!(
        (half.progress, half.phase.as_str(), half.version),
        (0.5, "equity", 3),
        "what is the same is no change"
    );

    assert_eq!(queue.end(&running, &End::Done(committed())).await, Ok(true));
    let done = job(&queue, "a").await;
    assert_eq!((done.state, done.version, done.progress, done.error), (State::Done, 4, 1.0, None));
    assert_eq!(done.result_hash, Some(committed().result_hash));
    assert!(done.finished_at >= done.started_at);
    // An end never changes.
    for end in [End::Cancelled, End::Timeout, End::Done(committed())] {
        assert_eq!(queue.end(&running, &end).await, Ok(false));
    }
    assert_eq!(queue.beat(&running, 0.9, "late").await, Ok(Beat::Lost));
    assert_eq!(queue.give_back(&running, None).await, Ok(false));
    assert_eq!(queue.cancel("a", "ann").await.expect("asked").expect("hers").state, State::Done);
    assert_eq!(job(&queue, "a").await.version, 4);
    let ended = queue.ended(9).await.expect("asked");
    assert_eq!(
        ended.iter().map(|job| (job.id.as_str(), job.state)).collect::<Vec<_>>(),
        [("a", State::Done)]
    );
    assert_eq!(queue.ended(9).await, Ok(vec![]), "once");
    let depth = queue.depth().await.expect("counted");
    assert_eq!((depth.by_state, depth.oldest_queued_at), ([0, 0, 1, 0, 0, 0], None));
}

async fn the_oldest_goes_first_and_nobody_runs_more_than_two(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    for (id, subject, at) in
        [("d", "bob", AT + 4), ("b", "ann", AT + 1), ("a", "ann", AT), ("c", "ann", AT + 2)]
    {
        confirmed(&jobs, id, subject, at).await;
    }
    assert_eq!(queue.waiting("ann").await, Ok(Waiting { of_subject: 3, in_all: 4 }));
    let first = claim(&queue).await.expect("a");
    let ids = [first.id.clone(), claim(&queue).await.expect("d").id, claim(&queue).await.expect("b").id];
    assert_eq!(ids, ["a", "d", "b"], "who has none running comes first, and the third of ann's waits");
    assert_eq!(claim(&queue).await, None);
    assert_eq!(queue.end(&first, &End::Timeout).await, Ok(true));
    assert_eq!(claim(&queue).await.map(|job| job.id), Some("c".to_owned()));
    let ended = job(&queue, "a").await;
    assert_eq!((ended.state, ended.error.expect("why").error_code.as_str()), (State::Timeout, "JOB_TIMEOUT"));
}

async fn a_worker_that_has_died_loses_its_job_and_writes_nothing_more(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    confirmed(&jobs, "a", "ann", AT).await;
    let zombie = claim(&queue).await.expect("it waits");
    rig.advance(LEASE_MS - 5_000).await;
    assert_eq!(queue.reap().await, Ok(vec![]), "its lease goes on");
    assert_eq!(queue.beat(&zombie, 0.1, "x").await, Ok(Beat::GoOn), "and is renewed");
    rig.advance(LEASE_MS - 5_000).await;
    assert_eq!(queue.reap().await, Ok(vec![]));
    rig.advance(10_000).await;
    assert_eq!(queue.reap().await, Ok(vec!["a".to_owned()]));
    assert_eq!(queue.reap().await, Ok(vec![]), "once");
    let again = job(&queue, "a").await;
    assert_eq!((again.state, again.attempt, again.progress), (State::Queued, 1, 0.0));
    let heir = claim(&queue).await.expect("it waits again");
    assert_eq!((heir.attempt, heir.started_at), (2, zombie.started_at));
    // The one that was thought dead wakes up.
    assert_eq!(queue.beat(&zombie, 0.9, "y").await, Ok(Beat::Lost));
    assert_eq!(queue.end(&zombie, &End::Done(committed())).await, Ok(false));
    assert_eq!(queue.end(&zombie, &End::Failed(JobError::failed("engine", "x"))).await, Ok(false));
    assert_eq!(queue.give_back(&zombie, None).await, Ok(false));
    assert_eq!(state(&queue, "a").await, State::Running);
    assert_eq!(queue.end(&heir, &End::Done(committed())).await, Ok(true));
}

async fn a_job_that_breaks_its_workers_is_given_up(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    confirmed(&jobs, "a", "ann", AT).await;
    for attempt in 1..=ATTEMPTS_MAX {
        assert_eq!(claim(&queue).await.expect("it waits").attempt, attempt);
        rig.advance(LEASE_MS + 5_000).await;
        assert_eq!(queue.reap().await, Ok(vec!["a".to_owned()]));
    }
    let ended = job(&queue, "a").await;
    assert_eq!((ended.state, ended.error.expect("why").error_code.as_str()), (State::Failed, "JOB_POISONED"));
    assert_eq!(claim(&queue).await, None);
    // What was given back in order is not counted.
    confirmed(&jobs, "b", "ann", AT).await;
    for _ in 0..ATTEMPTS_MAX {
        let job = claim(&queue).await.expect("it waits");
        assert_eq!(queue.give_back(&job, None).await, Ok(true));
    }
    claim(&queue).await.expect("it waits");
    rig.advance(LEASE_MS + 5_000).await;
    assert_eq!(queue.reap().await, Ok(vec!["b".to_owned()]));
    let again = job(&queue, "b").await;
    assert_eq!((again.state, again.crashes), (State::Queued, 1));
}

async fn what_may_work_next_time_waits_for_it(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    confirmed(&jobs, "a", "ann", AT).await;
    let first = claim(&queue).await.expect("it waits");
    assert_eq!(queue.give_back(&first, Some(5_000)).await, Ok(true));
    assert_eq!((claim(&queue).await, state(&queue, "a").await), (None, State::Queued));
    rig.advance(6_000).await;
    let second = claim(&queue).await.expect("its time has come");
    assert_eq!((second.attempt, second.failures, second.crashes), (2, 1, 0));
    // Given back in order it has not failed.
    assert_eq!(queue.give_back(&second, None).await, Ok(true));
    let second = claim(&queue).await.expect("at once");
    assert_eq!((second.attempt, second.failures), (3, 1));
    let error = JobError::failed("storage", "the storage of results cannot be reached");
    assert_eq!(queue.end(&second, &End::Failed(error.clone())).await, Ok(true));
    let ended = job(&queue, "a").await;
    assert_eq!((ended.state, ended.error, ended.result_hash), (State::Failed, Some(error), None));
}

async fn who_does_not_want_a_job_any_more_gets_no_result(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    for id in ["a", "b", "c"] {
        confirmed(&jobs, id, "ann", AT).await;
    }
    assert_eq!(queue.cancel("a", "bob").await, Ok(None), "it is not his");
    assert_eq!(queue.cancel("nope", "ann").await, Ok(None));
    let cancelled = queue.cancel("a", "ann").await.expect("asked").expect("hers");
    assert_eq!((cancelled.state, cancelled.version), (State::Cancelled, 2));
    assert_eq!(cancelled.error.expect("why").error_code, "JOB_CANCELLED");

    let running = claim(&queue).await.expect("b");
    let asked = queue.cancel("b", "ann").await.expect("asked").expect("hers");
    assert_eq!((asked.state, asked.is_cancel_requested), (State::Running, true));
    let version = asked.version;
    assert_eq!(queue.cancel("b", "ann").await.expect("asked").expect("hers").version, version, "once");
    assert_eq!(queue.beat(&running, 0.2, "x").await, Ok(Beat::Cancel));
    assert_eq!(queue.give_back(&running, None).await, Ok(false));
    assert_eq!(queue.end(&running, &End::Done(committed())).await, Ok(true));
    let ended = job(&queue, "b").await;
    assert_eq!((ended.state, ended.result_hash), (State::Cancelled, None), "whatever it came to");

    // Its worker has died.
    claim(&queue).await.expect("c");
    queue.cancel("c", "ann").await.expect("asked");
    rig.advance(LEASE_MS + 5_000).await;
    assert_eq!(queue.reap().await, Ok(vec!["c".to_owned()]));
    assert_eq!(state(&queue, "c").await, State::Cancelled);
}

async fn many_workers_share_the_jobs(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    for n in 0..40 {
        confirmed(&jobs, &format!("{n:02}"), &format!("person-{}", n % 10), AT + n).await;
    }
    let claims = (0..60).map(|_| claim(&queue));
    let mut ids: Vec<_> =
        futures_util::future::join_all(claims).await.into_iter().flatten().map(|job| job.id).collect();
    ids.sort_unstable();
    // Two of each person's, and none twice.
    assert_eq!(ids, (0..20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
}

async fn lists_are_of_a_person_from_the_newest_on(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    for (id, subject, at) in
        [("a", "ann", AT), ("x", "bob", AT), ("b", "ann", AT + 1), ("c", "ann", AT + 1), ("d", "ann", AT + 2)]
    {
        confirmed(&jobs, id, subject, at).await;
    }
    let ids = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id).collect::<String>();
    let page = queue.list("ann", None, 2).await.expect("listed");
    let last = page.last().map(|job| (job.created_at, job.id.clone())).expect("two");
    assert_eq!(ids(page), "dc");
    let page = queue.list("ann", Some((last.0, &last.1)), 10).await.expect("listed");
    assert_eq!(ids(page), "ba", "also of those that were confirmed at once");
    assert_eq!(ids(queue.list("bob", None, 10).await.expect("listed")), "x");
    assert_eq!(ids(queue.list("eve", None, 10).await.expect("listed")), "");
}

async fn jobs_are_forgotten_long_after_their_end(rig: &dyn Rig) {
    let (queue, jobs) = rig.fresh().await;
    for id in ["with", "without", "waiting"] {
        confirmed(&jobs, id, id, AT).await;
    }
    for end in [End::Done(committed()), End::Timeout] {
        let job = claim(&queue).await.expect("it waits");
        assert_eq!(queue.end(&job, &end).await, Ok(true));
    }
    assert_eq!(queue.forget(10).await, Ok(0));
    rig.advance(RECORD_MS + 60_000).await;
    assert_eq!(queue.forget(10).await, Ok(1), "not one that waits, or whose result is there");
    let mut left = Vec::new();
    for id in ["with", "without", "waiting"] {
        left.extend(queue.get(id).await.expect("asked").map(|job| job.id));
    }
    assert_eq!(left.len(), 2);
}
