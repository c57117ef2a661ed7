//! What is counted of those who wait for jobs: one caller's wait on one job, from its request to the answer that ends it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::job::State;
use crate::metrics::{Histogram, Metrics, Reading};

/// Waits of one person on one job at once.
const POLLS_MAX: usize = 4;
/// Bounds of the time that a wait took, in milliseconds.
const LATENCY_MS: [f64; 17] = [
    1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 15_000.0,
    20_000.0, 25_000.0, 30_000.0,
];
/// What a wait can come to, as labels.
const STATUSES: [&str; 4] = ["done", "failed", "timeout", "aborted"];

/// Counters of waits.
pub struct Polls {
    by_status: [AtomicU64; STATUSES.len()],
    active: AtomicI64,
    latency_ms: Histogram,
    /// How many there are of each person and job.
    open: Mutex<HashMap<(String, String), usize>>,
}

/// A wait that goes on. Dropped without a word, its caller has gone away.
pub struct Poll {
    polls: Arc<Polls>,
    key: (String, String),
    began: Instant,
    status: usize,
}

impl Polls {
    /// Counters that stand at 0, added to the metrics.
    ///
    /// # Errors
    /// When a name is there already.
    pub fn new(metrics: &Metrics) -> Result<Arc<Self>, prometheus::Error> {
        let help = "Time from the request to the answer of a wait for a job, in milliseconds.";
        let latency_ms = metrics.histogram("copilot_job_poll_latency_ms", help, &LATENCY_MS)?;
        let (by_status, active, open) = Default::default();
        let polls = Arc::new(Self { by_status, active, latency_ms, open });
        let mut readings = Vec::new();
        for (at, status) in STATUSES.into_iter().enumerate() {
            let read = |polls: Arc<Self>| move || polls.by_status[at].load(Ordering::Relaxed);
            let help = "Waits for a job, by what they saw.";
            let reading = Reading::counter("copilot_job_poll_total", help, read(Arc::clone(&polls)));
            readings.push(reading.labelled("status", status));
            if status == "aborted" {
                let help = "Waits for a job whose caller went away.";
                readings.push(Reading::counter(
                    "copilot_job_poll_abort_total",
                    help,
                    read(Arc::clone(&polls)),
                ));
            }
        }
        let active = Arc::clone(&polls);
        let read = move || active.active.load(Ordering::Relaxed) as f64;
        readings.push(Reading::gauge("copilot_active_polls", "Waits for a job that go on.", read));
        metrics.add(readings)?;
        Ok(polls)
    }

    /// Begins a wait; `None` when there are as many of this person on this job as there may be.
    pub fn begin(self: &Arc<Self>, subject: &str, job_id: &str) -> Option<Poll> {
        let key = (subject.to_owned(), job_id.to_owned());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(key.clone()).or_default();
        if *count >= POLLS_MAX {
            return None;
        }
        *count += 1;
        self.active.fetch_add(1, Ordering::Relaxed);
        let aborted = STATUSES.len() - 1;
        Some(Poll { polls: Arc::clone(self), key, began: Instant::now(), status: aborted })
    }
}

impl Poll {
    /// It ends with an answer: the job stands there.
    pub fn answered(mut self, state: State) {
        self.status = match state {
            State::Done => 0,
            State::Failed | State::Cancelled | State::Timeout => 1,
            State::Queued | State::Running => 2,
        };
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        let polls = &self.polls;
        polls.active.fetch_sub(1, Ordering::Relaxed);
        polls.by_status[self.status].fetch_add(1, Ordering::Relaxed);
        polls.latency_ms.observe(self.began.elapsed().as_secs_f64() * 1_000.0);
        let mut open = polls.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_counted_once_for_what_it_saw() {
        let metrics = Metrics::default();
        let polls = Polls::new(&metrics).expect("new");
        let begin = || polls.begin("ann", "a").expect("there is room");
        begin().answered(State::Done);
        for state in [State::Failed, State::Cancelled, State::Timeout] {
            begin().answered(state);
        }
        begin().answered(State::Running);
        drop(begin());
        let open: Vec<Poll> = (0..POLLS_MAX).map(|_| begin()).collect();
        assert!(polls.begin("ann", "a").is_none(), "as many as there may be");
        assert!(polls.begin("ann", "b").is_some() && polls.begin("bob", "a").is_some());
        let text = metrics.text().expect("written");
        for line in [
            "copilot_job_poll_total{status=\"done\"} 1",
            "copilot_job_poll_total{status=\"failed\"} 3",
            "copilot_job_poll_total{status=\"timeout\"} 1",
            "copilot_job_poll_total{status=\"aborted\"} 3",
            "copilot_job_poll_abort_total 3",
            "copilot_active_polls 4",
            "copilot_job_poll_latency_ms_count 8",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        drop(open);
        assert!(metrics.text().expect("written").contains("copilot_active_polls 0"));
        assert!(polls.open.lock().expect("held").is_empty());
    }
}
