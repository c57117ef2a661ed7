//! Runs the jobs that wait: each on threads of its own, while the lease on it is renewed beside them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::blobs::Blobs;
use super::board::Board;
use super::job::Job;
use super::queue::Queue;
use super::results::Results;
use super::stats::{JobStats, Outcome};
use crate::evidence::chain::Body;
use crate::evidence::ledger::{Count, Ledger};
use crate::market::Market;
use crate::wire::now_ms;

mod attempt;
mod engine;
pub mod janitor;
mod recorder;

/// How often it is looked for jobs that were confirmed on other nodes.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Ends of jobs that are written down at once.
const ENDS_AT_ONCE: u32 = 100;
/// How long attempts have to give their jobs back when the process ends.
const LAST_MOMENT: Duration = Duration::from_secs(2);

/// What jobs are run with.
pub struct Desk {
    /// Where they wait.
    pub queue: Arc<dyn Queue>,
    /// Where the rows of their results go.
    pub results: Arc<dyn Results>,
    /// Where the files go.
    pub blobs: Arc<Blobs>,
    /// Where bars come from.
    pub market: Arc<Market>,
    /// Tells how they stand.
    pub board: Board,
    /// Where it is written down what became of them.
    pub ledger: Arc<Ledger>,
    /// What is counted.
    pub stats: Arc<JobStats>,
    /// How long a result is kept.
    pub retention: Duration,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How long a worker has a job without saying that it lives.
    pub lease: Duration,
    /// Cores that no sweep has taken yet.
    pub cores: Arc<Semaphore>,
    /// Rung when a job was confirmed here.
    pub bell: Arc<Notify>,
}

/// Runs the jobs that wait.
pub struct Worker {
    /// What with.
    pub desk: Arc<Desk>,
    /// How many at once.
    pub places: usize,
    /// What it is called, to know who has a job.
    pub name: String,
}

impl Worker {
    /// Takes jobs until `stopping`, and goes on with those that it has until `ending`; these wait again then, for another
    /// worker.
    pub async fn run(self, stopping: CancellationToken, ending: CancellationToken) {
        let mut running = JoinSet::new();
        while !stopping.is_cancelled() {
            let job = match running.len() < self.places {
                true => self.claim().await,
                false => None,
            };
            if let Some(job) = job {
                running.spawn(attempt::run(Arc::clone(&self.desk), job, ending.clone()));
                continue;
            }
            tokio::select! {
                () = stopping.cancelled() => {}
                Some(ended) = running.join_next(), if !running.is_empty() => told(ended),
                () = self.desk.bell.notified() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
        let rest = async {
            while let Some(ended) = running.join_next().await {
                told(ended);
            }
        };
        let ended = async {
            ending.cancelled().await;
            sleep(LAST_MOMENT).await;
        };
        tokio::select! {
            () = rest => {}
            () = ended => tracing::warn!("jobs are left behind; they run again when their leases are over"),
        }
    }

    async fn claim(&self) -> Option<Job> {
        match timeout(LOOK_EVERY * 5, self.desk.queue.claim(&self.name)).await {
            Ok(Ok(job)) => job,
            Ok(Err(error)) => {
                tracing::debug!(%error, "no jobs can be taken");
                None
            }
            Err(_) => None,
        }
    }
}

fn told(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        // Its job runs again when its lease is over.
        tracing::error!(%error, "a worker has failed");
    }
}

/// A run is counted, and named in the evidence.
struct Ran<'a>(&'a JobStats, Outcome);

impl Count for Ran<'_> {
    fn name(&self) -> String {
        format!("spark_job_runs_total{{outcome=\"{}\"}}", self.1.name())
    }

    fn count(&self) {
        self.0.ran(self.1);
    }
}

impl Desk {
    /// Counts and writes down the ends of jobs of which that was not done yet, each once whichever node does it.
    pub(super) async fn note_ends(&self) {
        loop {
            let ended = match self.queue.ended(ENDS_AT_ONCE).await {
                Ok(ended) => ended,
                Err(error) => return tracing::debug!(%error, "the ends of jobs are not written down yet"),
            };
            for job in &ended {
                let body = Body {
                    at: now_ms(),
                    kind: "job".into(),
                    params_hash: Some(job.params_hash.clone()),
                    error_codes: job.error.iter().map(|error| error.error_code.clone().into()).collect(),
                    reason: job.error.as_ref().and_then(|error| error.cause.clone()),
                    job_id: Some(job.id.clone()),
                    result_hash: job.result_hash.clone(),
                    ..Body::default()
                };
                let ran = Outcome::of(job).map(|outcome| Ran(&self.stats, outcome));
                let counts: Vec<&dyn Count> = ran.iter().map(|ran| ran as &dyn Count).collect();
                self.ledger.note(&job.session_id, body, &counts).await;
            }
            if ended.len() < ENDS_AT_ONCE as usize {
                return;
            }
        }
    }
}
