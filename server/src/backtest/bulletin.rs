//! Who waits for a job is woken when it changes here. What changes on another node is seen by looking every two seconds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// How often somebody who waits looks without having been woken.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Wakes those who wait for jobs.
#[derive(Debug, Default)]
pub struct Bulletin(Mutex<HashMap<String, watch::Sender<()>>>);

/// Somebody who waits for a job.
#[derive(Debug)]
pub struct Reader<'a> {
    bulletin: &'a Bulletin,
    job_id: String,
    changes: watch::Receiver<()>,
}

impl Bulletin {
    /// A job has changed.
    pub fn changed(&self, job_id: &str) {
        if let Some(changes) = self.lock().get(job_id) {
            changes.send_replace(());
        }
    }

    /// Waits for a job from now on: no later change is missed.
    pub fn read(&self, job_id: &str) -> Reader<'_> {
        let changes =
            self.lock().entry(job_id.to_owned()).or_insert_with(|| watch::Sender::new(())).subscribe();
        Reader { bulletin: self, job_id: job_id.to_owned(), changes }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reader<'_> {
    /// Waits until it is time to look: the job has changed, nobody has looked for a while, or the time is over.
    pub async fn look(&mut self, deadline: Instant) {
        // However it ends, it is looked.
        let _ = timeout_at(deadline.min(Instant::now() + LOOK_EVERY), self.changes.changed()).await;
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        let mut notes = self.bulletin.lock();
        // This one is still counted.
        if notes.get(&self.job_id).is_some_and(|changes| changes.receiver_count() <= 1) {
            notes.remove(&self.job_id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_or_looks() {
        let bulletin = Bulletin::default();
        let began = Instant::now();
        let mut reader = bulletin.read("a");
        reader.look(began + Duration::from_secs(25)).await;
        assert_eq!(began.elapsed(), LOOK_EVERY, "nobody has said so");
        reader.look(began + Duration::from_secs(3)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(3), "the time is over");
        let mut other = bulletin.read("a");
        bulletin.changed("b");
        bulletin.changed("a");
        reader.look(began + Duration::from_secs(25)).await;
        other.look(began + Duration::from_secs(25)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(3), "both at once, though it was before they waited");
        drop(other);
        assert_eq!(bulletin.lock().len(), 1);
        drop(reader);
        assert!(bulletin.lock().is_empty(), "nobody waits any more");
    }
}
