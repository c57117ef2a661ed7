//! Looks after jobs and results: those of workers that have died wait again, results whose time is over are removed, and
//! what attempts have left behind that came to nothing.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::backtest::blobs::Name;
use crate::backtest::job::Job;
use crate::backtest::stats::{Cleaned, Retry};
use crate::wire::now_ms;

/// How often it looks for jobs of workers that have died, or more often with short leases.
const EVERY: Duration = Duration::from_secs(5);
/// Rounds between two looks at results whose time is over, and how many of them are looked at in one.
const EXPIRE_ROUNDS: u64 = 12;
const EXPIRE_MAX: u32 = 100;
/// Chunks of rows that are removed at once, how often in a round, and the pause between.
const CHUNKS_MAX: u32 = 100;
const CLEAN_UP_TIMES: u32 = 1_000;
const BREATH: Duration = Duration::from_millis(20);
/// Jobs that are forgotten at once.
const FORGET_MAX: u32 = 1_000;
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
            if !job.state.is_end() {
                desk.stats.retried(Retry::Lease);
                desk.bell.notify_one();
            }
            desk.board.show(&job).await;
        }
        desk.note_ends().await;
    }

    /// Removes results whose time is over: from one moment on nobody sees them, then the files go, and the rows a few
    /// at a time.
    async fn expire(&self) {
        let desk = &self.0;
        match desk.results.expire(EXPIRE_MAX).await {
            Ok(count) => desk.stats.cleaned(Cleaned::Expired, count),
            Err(error) => tracing::warn!(%error, "no results are removed"),
        }
        let left = desk.results.files_left(EXPIRE_MAX).await.unwrap_or_default();
        for (job_id, attempt) in &left {
            let removed = desk.blobs.remove(Name { job_id, attempt: *attempt }).await;
            if let Err(error) = removed {
                return tracing::warn!(%error, job_id, "files whose time is over are left for later");
            }
            if let Err(error) = desk.results.file_removed(job_id).await {
                return tracing::warn!(%error, job_id, "removed, and to be removed again");
            }
        }
    }

    /// Removes rows that nobody sees any more, and forgets jobs of long ago; others get their turn in between.
    async fn clean_up(&self) {
        let desk = &self.0;
        for _ in 0..CLEAN_UP_TIMES {
            match desk.results.clean_up(CHUNKS_MAX).await {
                Ok(0) => break,
                Ok(removed) => desk.stats.cleaned(Cleaned::Rows, removed),
                Err(error) => return tracing::warn!(%error, "no rows are removed"),
            }
            sleep(BREATH).await;
        }
        if let Err(error) = desk.queue.forget(FORGET_MAX).await {
            tracing::warn!(%error, "no jobs are forgotten");
        }
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
            let file = Name { job_id: &found.job_id, attempt: found.attempt };
            if self.is_orphan(&job, found.attempt).await && desk.blobs.remove(file).await.is_ok() {
                desk.stats.cleaned(Cleaned::Orphan, 1);
            }
        }
    }

    /// Whether the file of an attempt is of no result.
    async fn is_orphan(&self, job: &Job, attempt: u32) -> bool {
        let is_kept = match self.0.results.get(&job.id).await {
            Ok(result) => result.is_some_and(|result| !result.is_expired && result.attempt == attempt),
            Err(_) => true,
        };
        job.state.is_end() && !is_kept
    }
}
