//! One attempt at a job, from its claim to its end: rows and file are written under its number, and while it goes on its
//! lease is renewed.

use std::sync::Arc;
use std::time::Duration;

use live_core::error::ErrorCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::engine::{Fault as EngineFault, Made, make};
use super::recorder::{Chunk, Control};
use crate::backtest::blobs::BlobError;
use crate::backtest::job::{ATTEMPTS_MAX, Committed, End, Job, JobError, State};
use crate::backtest::params::Params;
use crate::backtest::queue::Beat;
use crate::backtest::stats::{Outcome, Retry};
use crate::crash;
use crate::database::StoreError;
use crate::random;

/// How often a worker says that it lives and how far it is, and hears whether it should go on.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Chunks that are on their way to the database.
const CHUNKS_MAX: usize = 2;
/// How long an attempt waits that failed for the storage or the database, by its number.
const RETRY_MS: [i64; 3] = [1_000, 5_000, 25_000];

/// Why an attempt comes to nothing.
#[derive(Debug)]
enum Fault {
    /// The job cannot be run at all.
    Job(JobError),
    /// The database cannot be used.
    Store(StoreError),
    /// The storage of files cannot be used, or the disk.
    Storage(String),
    /// It is another's job now.
    Lost,
    /// Its person does not want it any more.
    Cancelled,
    /// It takes too long.
    Timeout,
    /// The process ends.
    Ending,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<BlobError> for Fault {
    fn from(error: BlobError) -> Self {
        Self::Storage(error.to_string())
    }
}

impl From<EngineFault> for Fault {
    fn from(fault: EngineFault) -> Self {
        match fault {
            EngineFault::Params(reason) => Self::Job(JobError::failed("params", &reason)),
            EngineFault::Disk(error) => Self::Storage(error.to_string()),
            EngineFault::Told => Self::Lost,
        }
    }
}

/// Runs a job once, and writes down what became of it.
pub async fn run(desk: Arc<Desk>, job: Job, ending: CancellationToken) {
    crash::point("job_claimed");
    let began = Instant::now();
    if let (1, Some(started_at)) = (job.attempt, job.started_at) {
        desk.stats.started_after(Duration::from_millis((started_at - job.created_at).max(0) as u64));
    }
    desk.board.show(&job).await;
    let control = Arc::<Control>::default();
    let attempt = Attempt { desk: &desk, job: &job, control: Arc::clone(&control) };
    let came_to = tokio::select! {
        made = attempt.make() => made,
        fault = attempt.beat() => Err(fault),
        () = sleep(desk.timeout) => Err(Fault::Timeout),
        () = ending.cancelled() => Err(Fault::Ending),
    };
    // Whatever still computes ends at once.
    control.stop();
    let outcome = attempt.end(came_to).await;
    tracing::info!(job_id = job.id, attempt = job.attempt, ?outcome, "a job was run");
    attempt.tell(outcome, began.elapsed()).await;
}

struct Attempt<'a> {
    desk: &'a Desk,
    job: &'a Job,
    control: Arc<Control>,
}

impl Attempt<'_> {
    /// Computes the result, and keeps its rows and its file.
    async fn make(&self) -> Result<Committed, Fault> {
        let params = Params::read(self.job.params.as_bytes())
            .map_err(|fault| Fault::Job(JobError::failed("params", &fault.to_string())))?;
        self.desk.market.prepare(&params.symbol, &params.interval).await;
        let (to, chunks) = mpsc::channel(CHUNKS_MAX);
        let (market, control) = (Arc::clone(&self.desk.market), Arc::clone(&self.control));
        let spool = self.desk.blobs.spool().to_owned();
        let computing = tokio::task::spawn_blocking(move || make(&params, &market, &spool, to, &control));
        self.keep_rows(chunks).await?;
        let made = computing.await.map_err(|error| {
            tracing::error!(%error, job_id = self.job.id, "the engine has failed");
            Fault::Job(JobError::failed("engine", "the engine has failed; the log says more"))
        })?;
        crash::point("job_rows");
        self.keep_file(made?).await
    }

    async fn keep_rows(&self, mut chunks: mpsc::Receiver<Chunk>) -> Result<(), Fault> {
        while let Some(Chunk { part, n, rows }) = chunks.recv().await {
            if !self.desk.results.put(self.job, part, n, &rows).await? {
                return Err(Fault::Lost);
            }
        }
        Ok(())
    }

    async fn keep_file(&self, made: Made) -> Result<Committed, Fault> {
        let began = Instant::now();
        let Made { written, metrics, equity_rows, trades_rows } = made;
        let committed = Committed {
            result_hash: written.result_hash.clone(),
            metrics,
            equity_rows,
            trades_rows,
            blob_sha256: written.blob_sha256.clone(),
            blob_bytes: written.blob_bytes,
            retention_ms: i64::try_from(self.desk.retention.as_millis()).unwrap_or(i64::MAX / 2),
        };
        self.desk.blobs.put(&self.job.id, written, self.job.created_at).await?;
        self.desk.stats.committed(self.desk.blobs.name(), began.elapsed());
        crash::point("job_stored");
        Ok(committed)
    }

    /// Says that the worker lives until there is a reason to stop.
    async fn beat(&self) -> Fault {
        let mut ticks = interval(BEAT_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut told = 0.0;
        let mut renewed_at = Instant::now();
        loop {
            ticks.tick().await;
            let done = (self.control.done() * 1_000.0).floor() / 1_000.0;
            let phase = if done < 1.0 { "computing" } else { "storing" };
            match self.desk.queue.beat(self.job, done, phase).await {
                Ok(Beat::GoOn) => renewed_at = Instant::now(),
                Ok(Beat::Cancel) => return Fault::Cancelled,
                Ok(Beat::Lost) => return Fault::Lost,
                // As long as nobody else can have taken it.
                Err(error) if renewed_at.elapsed() >= self.patience() => {
                    return error.into();
                }
                Err(error) => tracing::debug!(%error, "a lease is not renewed"),
            }
            if done > told
                && let Ok(Some(job)) = self.desk.queue.get(&self.job.id).await
            {
                told = done;
                self.desk.board.show(&job).await;
            }
        }
    }

    /// Writes down how it ended.
    async fn end(&self, came_to: Result<Committed, Fault>) -> Outcome {
        let (end, outcome) = match came_to {
            Ok(committed) => (End::Done(committed), Outcome::Done),
            Err(Fault::Job(error)) => (End::Failed(error), Outcome::Failed),
            Err(Fault::Cancelled) => (End::Cancelled, Outcome::Cancelled),
            Err(Fault::Timeout) => (End::Timeout, Outcome::Timeout),
            Err(Fault::Lost) => return Outcome::Lost,
            Err(Fault::Ending) => return self.give_back(0, Outcome::Released).await,
            Err(Fault::Storage(reason)) => {
                tracing::warn!(reason, job_id = self.job.id, "the storage of results cannot be used");
                let what = format!("the storage of results ({}) cannot be used", self.desk.blobs.name());
                match self.retry_after() {
                    Some(after_ms) => return self.again(after_ms, Retry::Storage).await,
                    None => (End::Failed(JobError::failed("storage", &what)), Outcome::Failed),
                }
            }
            Err(Fault::Store(error)) => {
                tracing::warn!(%error, job_id = self.job.id, "the database cannot be used");
                let what = format!("the database ({}) cannot be used", error.store);
                match self.retry_after() {
                    Some(after_ms) => return self.again(after_ms, Retry::Store).await,
                    None => (End::Failed(JobError::failed("store", &what)), Outcome::Failed),
                }
            }
        };
        match self.persist(|| self.desk.queue.end(self.job, &end)).await {
            Some(true) => outcome,
            _ => Outcome::Lost,
        }
    }

    /// How long the database may be away: nobody else can have taken the job yet.
    fn patience(&self) -> Duration {
        self.desk.lease * 2 / 3
    }

    /// How long to wait before it is tried again; `None` after the last attempt. A fifth more or less, so that jobs that
    /// failed together do not come back together.
    fn retry_after(&self) -> Option<i64> {
        let usual = RETRY_MS.get((self.job.attempt as usize).checked_sub(1)?)?;
        let spread = random::within(Duration::from_millis((usual * 2 / 5) as u64)).as_millis() as i64;
        (self.job.attempt < ATTEMPTS_MAX).then_some(usual * 4 / 5 + spread)
    }

    async fn again(&self, after_ms: i64, reason: Retry) -> Outcome {
        let outcome = self.give_back(after_ms, Outcome::Retried).await;
        if outcome == Outcome::Retried {
            self.desk.stats.retried(reason);
        }
        outcome
    }

    async fn give_back(&self, after_ms: i64, outcome: Outcome) -> Outcome {
        match self.persist(|| self.desk.queue.give_back(self.job, after_ms)).await {
            Some(true) => outcome,
            // Perhaps its person wants it to end.
            Some(false) => match self.persist(|| self.desk.queue.end(self.job, &End::Cancelled)).await {
                Some(true) => Outcome::Cancelled,
                _ => Outcome::Lost,
            },
            None => Outcome::Lost,
        }
    }

    /// Asks the database until it answers, as long as the lease holds.
    async fn persist<'f, T>(&self, ask: impl Fn() -> crate::database::StoreFuture<'f, T>) -> Option<T> {
        let began = Instant::now();
        loop {
            match ask().await {
                Ok(answer) => return Some(answer),
                Err(error) if began.elapsed() >= self.patience() => {
                    tracing::error!(%error, job_id = self.job.id, "the end of a job is not written down");
                    return None;
                }
                Err(error) => tracing::debug!(%error, "the end of a job is not written down yet"),
            }
            sleep(BEAT_EVERY).await;
        }
    }

    /// Tells and counts what became of it.
    async fn tell(&self, outcome: Outcome, time: Duration) {
        crash::point("job_ended");
        let Ok(Some(job)) = self.desk.queue.get(&self.job.id).await else {
            return self.desk.stats.ran(outcome);
        };
        let is_own_end = job.state.is_end() && outcome != Outcome::Lost;
        let outcome = match (is_own_end, job.state) {
            // It was cancelled at the last moment.
            (true, State::Cancelled) => Outcome::Cancelled,
            _ => outcome,
        };
        if is_own_end {
            if outcome == Outcome::Done {
                if let Ok(params) = Params::read(job.params.as_bytes()) {
                    self.desk.stats.took(params.strategy.name(), time);
                }
            } else if let Err(error) = self.desk.blobs.remove(&job.id).await {
                tracing::warn!(%error, job_id = job.id, "a file that nobody needs is left");
            }
            self.desk.note(&job, outcome).await;
        } else {
            self.desk.stats.ran(outcome);
        }
        self.desk.board.show(&job).await;
    }
}

/// The code that a job has ended with; `None` for one with a result.
pub fn code_of(job: &Job) -> Option<String> {
    let usual = || ErrorCode::JobFailed.as_str().to_owned();
    let code = || job.error.as_ref().map_or_else(usual, |error| error.error_code.clone());
    (job.state != State::Done).then(code)
}
