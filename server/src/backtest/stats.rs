//! What is counted of jobs and their results.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::job::{Job, State};
use super::queue::Depth;
use super::results::Part;
use crate::metrics::{Histogram, Histograms, Metrics, Reading};
use crate::wire::now_ms;

/// How an attempt can end, as labels.
const OUTCOMES: [&str; 7] = ["done", "failed", "cancelled", "timeout", "retried", "lost", "released"];
/// Why one is tried again.
const REASONS: [&str; 3] = ["storage", "store", "lease"];
/// Where files are, as labels.
const BACKENDS: [&str; 3] = ["local", "s3", "memory"];
/// What is cleaned up.
const KINDS: [&str; 3] = ["expired", "rows", "orphan"];
/// Bounds of times, in seconds.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 120.0, 600.0];
/// Bounds of the time that a page takes, in seconds.
const PAGE_SECONDS: [f64; 9] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.0];
/// Bounds of a page's length, in bytes.
const PAGE_BYTES: [f64; 6] = [1_024.0, 8_192.0, 65_536.0, 262_144.0, 524_288.0, 1_048_576.0];

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a result.
    Done,
    /// Without, for good.
    Failed,
    /// Cancelled.
    Cancelled,
    /// It took too long.
    Timeout,
    /// What went wrong may not the next time.
    Retried,
    /// Its job is another's now.
    Lost,
    /// The process ends; another goes on with its job.
    Released,
}

impl Outcome {
    /// How a job has ended; `None` for one that has not.
    pub const fn of(job: &Job) -> Option<Self> {
        match job.state {
            State::Queued | State::Running => None,
            State::Done => Some(Self::Done),
            State::Failed => Some(Self::Failed),
            State::Cancelled => Some(Self::Cancelled),
            State::Timeout => Some(Self::Timeout),
        }
    }

    /// Its name, as a label.
    pub const fn name(self) -> &'static str {
        OUTCOMES[self as usize]
    }
}

/// Why a job is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The storage of files could not be used.
    Storage,
    /// The database could not be used.
    Store,
    /// Its worker died.
    Lease,
}

/// Where a stored result was found not to be what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// When it was handed out.
    Download,
    /// When its rows were read.
    Rows,
}

/// What is cleaned up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// Results whose time was over.
    Expired,
    /// Chunks of rows of attempts that came to nothing.
    Rows,
    /// Files of jobs that have no result.
    Orphan,
}

/// Counters of jobs and results.
pub struct JobStats {
    runs: [AtomicU64; OUTCOMES.len()],
    retries: [AtomicU64; REASONS.len()],
    lease_lost: AtomicU64,
    reaper_last_run_ms: AtomicU64,
    depth: Mutex<Depth>,
    start_delay: Histogram,
    duration: Histograms,
    page_seconds: Histograms,
    page_bytes: Histograms,
    commit_seconds: Histograms,
    downloads: [[AtomicU64; 2]; BACKENDS.len()],
    integrity: [AtomicU64; 2],
    cleaned: [AtomicU64; KINDS.len()],
}

impl JobStats {
    /// Counters that stand at 0, with their places among the metrics; [`JobStats::readings`] are to be added.
    ///
    /// # Errors
    /// When a name is there already.
    pub fn new(metrics: &Metrics) -> Result<Self, prometheus::Error> {
        let (runs, retries, lease_lost, reaper_last_run_ms, depth) = Default::default();
        let (downloads, integrity, cleaned) = Default::default();
        let parts = Part::ALL.map(Part::name);
        let strategies = ["sma_cross", "rsi_reversion", "donchian_breakout", "buy_and_hold"];
        Ok(Self {
            runs,
            retries,
            lease_lost,
            reaper_last_run_ms,
            depth,
            downloads,
            integrity,
            cleaned,
            start_delay: metrics.histogram(
                "spark_job_start_delay_seconds",
                "Time from a job's confirmation to its first start.",
                &SECONDS,
            )?,
            duration: metrics.histograms(
                "spark_job_duration_seconds",
                "Time that an attempt took which came to a result.",
                ("strategy", &strategies),
                &SECONDS,
            )?,
            page_seconds: metrics.histograms(
                "spark_result_page_seconds",
                "Time to read a page of rows.",
                ("part", &parts),
                &PAGE_SECONDS,
            )?,
            page_bytes: metrics.histograms(
                "spark_result_page_bytes",
                "Length of a page's rows.",
                ("part", &parts),
                &PAGE_BYTES,
            )?,
            commit_seconds: metrics.histograms(
                "spark_result_commit_seconds",
                "Time to keep the file of a result.",
                ("backend", &BACKENDS),
                &SECONDS,
            )?,
        })
    }

    /// An attempt has ended.
    pub fn ran(&self, outcome: Outcome) {
        self.runs[outcome as usize].fetch_add(1, Ordering::Relaxed);
        if outcome == Outcome::Lost {
            self.lease_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A job waits to be tried again.
    pub fn retried(&self, reason: Retry) {
        self.retries[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A job has started for the first time, so long after its confirmation.
    pub fn started_after(&self, delay: Duration) {
        self.start_delay.observe(delay.as_secs_f64());
    }

    /// An attempt came to a result.
    pub fn took(&self, strategy: &'static str, time: Duration) {
        self.duration.observe(strategy, time.as_secs_f64());
    }

    /// A result was kept in a backend.
    pub fn committed(&self, backend: &'static str, time: Duration) {
        self.commit_seconds.observe(backend, time.as_secs_f64());
    }

    /// A page of rows was read.
    pub fn paged(&self, part: Part, time: Duration, bytes: usize) {
        self.page_seconds.observe(part.name(), time.as_secs_f64());
        self.page_bytes.observe(part.name(), bytes as f64);
    }

    /// A file was handed out, or a link to it, or could not be.
    pub fn downloaded(&self, backend: &'static str, is_good: bool) {
        if let Some(at) = BACKENDS.iter().position(|name| *name == backend) {
            self.downloads[at][usize::from(is_good)].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A stored result is not what was written.
    pub fn corrupt(&self, at: Integrity) {
        self.integrity[at as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// So many things were cleaned up.
    pub fn cleaned(&self, kind: Cleaned, count: u64) {
        self.cleaned[kind as usize].fetch_add(count, Ordering::Relaxed);
    }

    /// The reaper has looked, and found so much.
    pub fn reaped(&self, depth: Option<Depth>) {
        self.reaper_last_run_ms.store(now_ms(), Ordering::Relaxed);
        if let Some(depth) = depth {
            *self.depth() = depth;
        }
    }

    fn depth(&self) -> MutexGuard<'_, Depth> {
        self.depth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What can be measured of them.
    pub fn readings(self: &Arc<Self>) -> Vec<Reading> {
        let mut readings = Vec::new();
        let mut count =
            |name, help, label: (&'static str, &'static str), read: fn(&Self, usize) -> u64, at: usize| {
                let stats = Arc::clone(self);
                let reading = Reading::counter(name, help, move || read(&stats, at));
                readings.push(reading.labelled(label.0, label.1));
            };
        for (at, outcome) in OUTCOMES.into_iter().enumerate() {
            let help = "Attempts to run a job, by how they ended.";
            count("spark_job_runs_total", help, ("outcome", outcome), |stats, at| read(&stats.runs[at]), at);
        }
        for (at, reason) in REASONS.into_iter().enumerate() {
            let help = "Jobs that wait to be tried again, by why.";
            count(
                "spark_job_retries_total",
                help,
                ("reason", reason),
                |stats, at| read(&stats.retries[at]),
                at,
            );
        }
        for (at, place) in ["download", "rows"].into_iter().enumerate() {
            let help = "Stored results that are not what was written.";
            let name = "spark_result_integrity_failures_total";
            count(name, help, ("where", place), |stats, at| read(&stats.integrity[at]), at);
        }
        for (at, kind) in KINDS.into_iter().enumerate() {
            let help = "What was cleaned up of results.";
            count(
                "spark_result_cleanup_total",
                help,
                ("kind", kind),
                |stats, at| read(&stats.cleaned[at]),
                at,
            );
        }
        readings.extend(self.downloads_read());
        readings.extend(self.queue_read());
        readings
    }

    fn downloads_read(self: &Arc<Self>) -> impl Iterator<Item = Reading> {
        let help = "Downloads that were begun or links given for them, by whether there was one.";
        BACKENDS.into_iter().enumerate().flat_map(move |(at, backend)| {
            ["failed", "ok"].into_iter().enumerate().map({
                let stats = Arc::clone(self);
                move |(good, outcome)| {
                    let stats = Arc::clone(&stats);
                    let read = move || read(&stats.downloads[at][good]);
                    let reading = Reading::counter("spark_result_downloads_total", help, read);
                    reading.labelled("backend", backend).labelled("outcome", outcome)
                }
            })
        })
    }

    fn queue_read(self: &Arc<Self>) -> impl Iterator<Item = Reading> {
        let by_state = State::ALL.into_iter().map(|state| {
            let stats = Arc::clone(self);
            let read = move || stats.depth().by_state[state as usize] as f64;
            Reading::gauge("spark_jobs", "Jobs, by state.", read).labelled("state", state.name())
        });
        let (oldest, lost, reaped) = (Arc::clone(self), Arc::clone(self), Arc::clone(self));
        by_state.chain([
            Reading::gauge(
                "spark_job_oldest_queued_timestamp_seconds",
                "When the job was confirmed that waits longest; 0 when none waits.",
                move || oldest.depth().oldest_queued_at.unwrap_or_default() as f64 / 1_000.0,
            ),
            Reading::counter(
                "spark_job_lease_lost_total",
                "Attempts whose job was another's when they wanted to write.",
                move || read(&lost.lease_lost),
            ),
            Reading::gauge(
                "spark_job_reaper_last_run_timestamp_seconds",
                "When jobs of workers that have died were last looked for.",
                move || read(&reaped.reaper_last_run_ms) as f64 / 1_000.0,
            ),
        ])
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
