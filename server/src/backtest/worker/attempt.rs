//! One attempt at a job, from its claim to its end: rows and file are written under its number, and while it goes on its
//! lease is renewed.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Desk;
use super::engine::{Fault as EngineFault, Made, make};
use super::recorder::{Chunk, Control};
use crate::backtest::blobs::{BlobError, Name};
use crate::backtest::job::{ATTEMPTS_MAX, Committed, End, Job, JobError};
use crate::backtest::params::Params;
use crate::backtest::queue::Beat;
use crate::backtest::stats::{Outcome, Retry};
use crate::crash;
use crate::database::{StoreError, StoreFuture};
use crate::random;

/// How often a worker says that it lives and how far it is, and hears whether it should go on.
const BEAT_EVERY: Duration = Duration::from_millis(500);
/// Chunks that are on their way to the database.
const CHUNKS_MAX: usize = 2;
/// How long a job waits of which an attempt has failed for the storage or the database, by how many have.
const RETRY_MS: [i64; ATTEMPTS_MAX as usize - 1] = [1_000, 5_000];
/// How long an upload may go on that nobody waits for any more, so that it leaves nothing behind.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// Why an attempt comes to nothing.
#[derive(Debug)]
enum Fault {
    /// The job cannot be run at all.
    Job(JobError),
    /// The database cannot be used.
    Store(StoreError),
    /// The storage of files cannot be used, or the disk on which they are written before; in words for people, and why.
    Storage(String, String),
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
        let what = match &error {
            BlobError::Storage { store, .. } => format!("the storage of results ({store}) cannot be used"),
            BlobError::Missing => "the storage of results has lost a file".to_owned(),
        };
        Self::Storage(what, error.to_string())
    }
}

impl From<EngineFault> for Fault {
    fn from(fault: EngineFault) -> Self {
        match fault {
            EngineFault::Params(reason) => Self::Job(JobError::failed("params", &reason)),
            EngineFault::Disk(error) => Self::Storage(
                "the disk on which results are made cannot be used".to_owned(),
                error.to_string(),
            ),
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
    let mut making = pin!(attempt.make());
    let stopped = tokio::select! {
        made = &mut making => Ok(made),
        fault = attempt.beat() => Err(fault),
        () = sleep(desk.timeout) => Err(Fault::Timeout),
        () = ending.cancelled() => Err(Fault::Ending),
    };
    // Whatever still computes ends at once.
    control.stop();
    let came_to = match stopped {
        Ok(made) => made,
        Err(fault) => {
            let _ = timeout(SETTLE_TIME, making).await;
            Err(fault)
        }
    };
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
        let cores = Arc::clone(&self.desk.cores);
        let compute = move || make(&params, &market, &spool, &cores, to, &control);
        let computing = tokio::task::spawn_blocking(compute);
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
            // Twice is the same.
            match self.persist(|| self.desk.results.put(self.job, part, n, &rows)).await? {
                true => {}
                false => return Err(Fault::Lost),
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
        self.desk.blobs.put(self.file(), written, self.job.created_at).await?;
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

    /// The file of this attempt.
    fn file(&self) -> Name<'_> {
        Name { job_id: &self.job.id, attempt: self.job.attempt }
    }

    /// Writes down how it ended.
    async fn end(&self, came_to: Result<Committed, Fault>) -> Outcome {
        let end = match came_to {
            Ok(committed) => End::Done(committed),
            Err(Fault::Job(error)) => End::Failed(error),
            Err(Fault::Cancelled) => End::Cancelled,
            Err(Fault::Timeout) => End::Timeout,
            Err(Fault::Lost) => return Outcome::Lost,
            Err(Fault::Ending) => return self.give_back(None, Outcome::Released).await,
            Err(Fault::Storage(what, reason)) => {
                tracing::warn!(what, reason, job_id = self.job.id, "an attempt has failed");
                match self.retry_after() {
                    Some(after_ms) => return self.again(after_ms, Retry::Storage).await,
                    None => End::Failed(JobError::failed("storage", &what)),
                }
            }
            Err(Fault::Store(error)) => {
                tracing::warn!(%error, job_id = self.job.id, "an attempt has failed");
                let what = format!("the database ({}) cannot be used", error.store);
                match self.retry_after() {
                    Some(after_ms) => return self.again(after_ms, Retry::Store).await,
                    None => End::Failed(JobError::failed("store", &what)),
                }
            }
        };
        match self.persist(|| self.desk.queue.end(self.job, &end)).await {
            Ok(true) => self.ended_as().await.unwrap_or(Outcome::Lost),
            // It may be that the answer was lost and not the job.
            Ok(false) => {
                self.ended_as().await.filter(|outcome| is_own(*outcome, &end)).unwrap_or(Outcome::Lost)
            }
            Err(_) => Outcome::Lost,
        }
    }

    /// How the job has ended, if this is the attempt that it has ended with.
    async fn ended_as(&self) -> Option<Outcome> {
        let job = self.persist(|| self.desk.queue.get(&self.job.id)).await.ok()??;
        Outcome::of(&job).filter(|_| job.attempt == self.job.attempt)
    }

    /// How long the database may be away: nobody else can have taken the job yet.
    fn patience(&self) -> Duration {
        self.desk.lease * 2 / 3
    }

    /// How long to wait before it is tried again; `None` after the last attempt. A fifth more or less, so that jobs that
    /// failed together do not come back together.
    fn retry_after(&self) -> Option<i64> {
        let usual = RETRY_MS.get(self.job.failures as usize)?;
        let spread = random::within(Duration::from_millis((usual * 2 / 5) as u64)).as_millis() as i64;
        Some(usual * 4 / 5 + spread)
    }

    async fn again(&self, after_ms: i64, reason: Retry) -> Outcome {
        let outcome = self.give_back(Some(after_ms), Outcome::Retried).await;
        if outcome == Outcome::Retried {
            self.desk.stats.retried(reason);
        }
        outcome
    }

    async fn give_back(&self, failed_ms: Option<i64>, outcome: Outcome) -> Outcome {
        match self.persist(|| self.desk.queue.give_back(self.job, failed_ms)).await {
            Ok(true) => outcome,
            // Perhaps its person wants it to end; or the answer was lost, and not the job.
            Ok(false) => match self.persist(|| self.desk.queue.end(self.job, &End::Cancelled)).await {
                Ok(true) => Outcome::Cancelled,
                _ => Outcome::Lost,
            },
            Err(_) => Outcome::Lost,
        }
    }

    /// Asks the database until it answers, as long as the lease holds.
    async fn persist<'f, T>(&self, ask: impl Fn() -> StoreFuture<'f, T>) -> Result<T, StoreError> {
        let began = Instant::now();
        loop {
            match ask().await {
                Ok(answer) => return Ok(answer),
                Err(error) if began.elapsed() >= self.patience() => return Err(error),
                Err(error) => tracing::debug!(%error, job_id = self.job.id, "asked again"),
            }
            sleep(BEAT_EVERY).await;
        }
    }

    /// Counts what became of it, and tells how the job stands.
    async fn tell(&self, outcome: Outcome, time: Duration) {
        crash::point("job_ended");
        if outcome == Outcome::Done {
            if let Ok(params) = Params::read(self.job.params.as_bytes()) {
                self.desk.stats.took(params.strategy.name(), time);
            }
        } else if let Err(error) = self.desk.blobs.remove(self.file()).await {
            tracing::warn!(%error, job_id = self.job.id, "a file that nobody needs is left");
        }
        match outcome {
            Outcome::Done | Outcome::Failed | Outcome::Cancelled | Outcome::Timeout => {
                self.desk.note_ends().await;
            }
            Outcome::Retried | Outcome::Lost | Outcome::Released => self.desk.stats.ran(outcome),
        }
        if let Ok(Some(job)) = self.desk.queue.get(&self.job.id).await {
            self.desk.board.show(&job).await;
        }
    }
}

/// Whether a job's end is the one that an attempt has written, and nobody else's who has found its worker dead.
fn is_own(outcome: Outcome, end: &End) -> bool {
    match end {
        End::Done(_) => outcome == Outcome::Done,
        End::Timeout => outcome == Outcome::Timeout,
        End::Failed(_) | End::Cancelled => false,
    }
}
