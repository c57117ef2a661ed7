//! Looks after jobs and results: those of workers that have died wait again, results whose time is over are removed, and
//! what attempts have left behind that came to nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::backtest::job::{Job, State};
use crate::backtest::stats::{Cleaned, Outcome, Retry};
use crate::wire::now_ms;

/// How often it looks for jobs of workers that have died, or more often with short leases.
const EVERY: Duration = Duration::from_secs(5);
/// Rounds between two looks at results whose time is over, and how many of them are removed at once.
const EXPIRE_ROUNDS: u64 = 12;
const EXPIRE_MAX: u32 = 100;
/// Chunks of rows, and jobs, that are removed at once.
const CLEAN_UP_MAX: u32 = 1_000;
/// Rounds between two looks through all files: an hour.
const ORPHAN_ROUNDS: u64 = 720;
/// Age from which a file that belongs to no result is nobody's who still writes, in milliseconds.
const ORPHAN_MS: i64 = 24 * 3_600 * 1_000;

/// Looks after jobs and results.
pub struct Janitor(pub Arc<Desk>);

impl Janitor {
    /// Goes on until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(EVERY.min(self.0.lease / 4));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            for round in 0_u64.. {
                ticks.tick().await;
                self.reap().await;
                if round.is_multiple_of(EXPIRE_ROUNDS) {
                    self.expire().await;
                    self.clean_up().await;
                }
                if round.is_multiple_of(ORPHAN_ROUNDS) {
                    self.remove_orphans().await;
                }
            }
        };
        stop.run_until_cancelled(rounds).await;
    }

    /// Jobs of workers that have died wait again, or end.
    async fn reap(&self) {
        let desk = &self.0;
        let reaped = match desk.queue.reap().await {
            Ok(reaped) => reaped,
            Err(error) => return tracing::debug!(%error, "nothing is reaped"),
        };
        desk.stats.reaped(desk.queue.depth().await.ok());
        for job_id in reaped {
            tracing::warn!(job_id, "its worker has died");
            let Ok(Some(job)) = desk.queue.get(&job_id).await else { continue };
            match job.state {
                State::Queued | State::Running => {
                    desk.stats.retried(Retry::Lease);
                    desk.bell.notify_one();
                }
                State::Cancelled => desk.note(&job, Outcome::Cancelled).await,
                _ => desk.note(&job, Outcome::Failed).await,
            }
            desk.board.show(&job).await;
        }
    }

    /// Removes results whose time is over: the rows first, then the file that nobody finds any more.
    async fn expire(&self) {
        let desk = &self.0;
        while let Ok(over) = desk.results.expire(EXPIRE_MAX).await
            && !over.is_empty()
        {
            desk.stats.cleaned(Cleaned::Expired, over.len() as u64);
            for job_id in over {
                if let Err(error) = desk.blobs.remove(&job_id).await {
                    tracing::warn!(%error, job_id, "a file whose time is over is left for later");
                }
            }
        }
    }

    /// Removes rows of attempts that came to nothing, and forgets jobs of long ago.
    async fn clean_up(&self) {
        let desk = &self.0;
        while let Ok(removed) = desk.results.clean_up(CLEAN_UP_MAX).await
            && removed > 0
        {
            desk.stats.cleaned(Cleaned::Rows, removed);
        }
        while let Ok(forgotten) = desk.queue.forget(CLEAN_UP_MAX).await
            && forgotten == u64::from(CLEAN_UP_MAX)
        {}
    }

    /// Removes old files of jobs of which the database says that they have no result. Of a job that it does not know
    /// nothing is removed: it may be another installation's.
    async fn remove_orphans(&self) {
        let desk = &self.0;
        let before = now_ms() as i64 - ORPHAN_MS;
        let mut files = desk.blobs.list();
        while let Some(found) = files.next().await {
            let found = match found {
                Ok(found) if found.modified_at < before => found,
                Ok(_) => continue,
                Err(error) => return tracing::debug!(%error, "files are not listed"),
            };
            let Ok(Some(job)) = desk.queue.get(&found.job_id).await else { continue };
            if self.has_no_result(&job).await && desk.blobs.remove(&job.id).await.is_ok() {
                desk.stats.cleaned(Cleaned::Orphan, 1);
            }
        }
    }

    async fn has_no_result(&self, job: &Job) -> bool {
        let is_kept = match self.0.results.get(&job.id).await {
            Ok(result) => result.is_some_and(|result| !result.is_expired),
            Err(_) => true,
        };
        job.state.is_end() && !is_kept
    }
}
