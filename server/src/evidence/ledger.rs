//! Writes evidence down, and counts what it says: one place for both, so that the one can be recomputed from the other.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chain::Body;
use super::store::{EvidenceStore, Session};
use crate::database::StoreError;
use crate::metrics::Reading;

/// Entries that wait for a store that cannot be used; beyond, further ones are lost.
const WAITING_MAX: usize = 10_000;

/// What entries are about: a call of a tool, what somebody should look at, a job that has ended, something that was said in a
/// conversation, and the end of its answer.
const KINDS: [&str; 5] = ["tool_call", "alert", "job", "request", "answer"];

/// Something that is counted, with its place among the metrics.
pub trait Count: Sync {
    /// Its name and label, as in the metrics: `copilot_token_issued_total{tool="startBacktest"}`.
    fn name(&self) -> String;

    /// Counts it.
    fn count(&self);
}

/// Writes evidence down. While the store cannot be used entries wait in memory.
pub struct Ledger {
    store: Arc<dyn EvidenceStore>,
    waiting: Mutex<VecDeque<(String, Body)>>,
    written: [AtomicU64; KINDS.len()],
    lost: AtomicU64,
}

impl Ledger {
    /// Writes into a store.
    pub fn new(store: Arc<dyn EvidenceStore>) -> Self {
        let (waiting, written, lost) = Default::default();
        Self { store, waiting, written, lost }
    }

    /// Opens a session for somebody, or finds it as it is: perhaps somebody else's.
    ///
    /// # Errors
    /// When the store cannot be used.
    pub async fn open(&self, session_id: &str, subject: &str) -> Result<Session, StoreError> {
        self.store.open(session_id, subject).await
    }

    /// Counts, and writes an entry down that says what was counted.
    pub async fn note(&self, session_id: &str, body: Body, counts: &[&dyn Count]) {
        let body = counted(body, counts);
        if self.waiting().is_empty() {
            match self.store.append(session_id, &body).await {
                Ok(_) => return self.wrote(&body),
                Err(error) => tracing::warn!(%error, session_id, "evidence waits for its store"),
            }
        }
        self.wait(session_id, body);
    }

    /// The same for an entry that nobody waits for: [`Ledger::catch_up`] writes it.
    pub fn note_later(&self, session_id: &str, body: Body, counts: &[&dyn Count]) {
        self.wait(session_id, counted(body, counts));
    }

    fn wait(&self, session_id: &str, body: Body) {
        let mut waiting = self.waiting();
        if waiting.len() >= WAITING_MAX {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!("evidence is lost: too much waits for its store");
            return;
        }
        waiting.push_back((session_id.to_owned(), body));
    }

    /// Writes down what waits, in its order, until the store cannot be used again.
    pub async fn catch_up(&self) {
        loop {
            let Some((session_id, body)) = self.waiting().front().cloned() else { return };
            match self.store.append(&session_id, &body).await {
                Ok(_) => self.wrote(&body),
                // Its session is there no more: it can be written nowhere, and must not keep others from it.
                Err(error) if matches!(self.store.session(&session_id).await, Ok(None)) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    tracing::error!(%error, session_id, "evidence is lost");
                }
                Err(error) => {
                    tracing::debug!(%error, "evidence still waits for its store");
                    return;
                }
            }
            self.waiting().pop_front();
        }
    }

    /// What can be measured of it.
    pub fn readings(self: &Arc<Self>) -> Vec<Reading> {
        let (lost, waiting) = (Arc::clone(self), Arc::clone(self));
        let written = KINDS.iter().enumerate().map(|(at, kind)| {
            let ledger = Arc::clone(self);
            let read = move || ledger.written[at].load(Ordering::Relaxed);
            let help = "Entries of evidence, written down.";
            Reading::counter("copilot_evidence_entries_total", help, read).labelled("kind", kind)
        });
        let mut readings: Vec<_> = written.collect();
        readings.push(Reading::counter(
            "copilot_evidence_lost_total",
            "Entries of evidence that were lost.",
            move || lost.lost.load(Ordering::Relaxed),
        ));
        readings.push(Reading::gauge(
            "copilot_evidence_waiting",
            "Entries that wait for their store.",
            move || waiting.waiting().len() as f64,
        ));
        readings
    }

    fn wrote(&self, body: &Body) {
        if let Some(at) = KINDS.iter().position(|kind| *kind == body.kind) {
            self.written[at].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(String, Body)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts, and says in the entry what was counted.
fn counted(mut body: Body, counts: &[&dyn Count]) -> Body {
    for counted in counts {
        counted.count();
        *body.counters.entry(counted.name()).or_default() += 1;
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::StoreFuture;
    use crate::database::sqlite::Database;
    use crate::evidence::chain::Link;
    use crate::evidence::store::SqliteEvidence;

    struct Flaky {
        store: SqliteEvidence,
        is_down: std::sync::atomic::AtomicBool,
    }

    impl EvidenceStore for Flaky {
        fn open<'a>(&'a self, session_id: &'a str, subject: &'a str) -> StoreFuture<'a, Session> {
            self.store.open(session_id, subject)
        }

        fn session<'a>(&'a self, session_id: &'a str) -> StoreFuture<'a, Option<Session>> {
            self.store.session(session_id)
        }

        fn append<'a>(&'a self, session_id: &'a str, body: &'a Body) -> StoreFuture<'a, Link> {
            if self.is_down.load(Ordering::SeqCst) {
                let error = StoreError { store: "memory", reason: "down".into() };
                return Box::pin(std::future::ready(Err(error)));
            }
            self.store.append(session_id, body)
        }

        fn read<'a>(&'a self, session_id: &'a str, after: u64, limit: u32) -> StoreFuture<'a, Vec<Link>> {
            self.store.read(session_id, after, limit)
        }
    }

    #[derive(Default)]
    struct Eggs(AtomicU64);

    impl Count for Eggs {
        fn name(&self) -> String {
            "eggs_total".into()
        }

        fn count(&self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn what_cannot_be_written_down_now_is_later_in_its_order() {
        let store = SqliteEvidence::new(Database::in_memory().expect("opened"));
        let store = Arc::new(Flaky { store, is_down: false.into() });
        let ledger = Arc::new(Ledger::new(Arc::clone(&store) as _));
        ledger.open("s", "ann").await.expect("opened");
        let eggs = Eggs::default();
        for at in 1..=6 {
            store.is_down.store((3..6).contains(&at), Ordering::SeqCst);
            let body = Body { at, kind: "alert".into(), ..Body::default() };
            match at {
                5 => ledger.note_later("s", body, &[&eggs, &eggs]),
                _ => ledger.note("s", body, &[&eggs, &eggs]).await,
            }
        }
        assert_eq!(store.read("s", 0, 9).await.expect("read").len(), 2, "the sixth waits behind the others");
        ledger.catch_up().await;
        let links = store.read("s", 0, 9).await.expect("read");
        let at =
            |link: &Link| serde_json::from_str::<serde_json::Value>(&link.entry).expect("JSON")["at"].clone();
        assert_eq!(links.iter().map(at).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert!(links.iter().all(|link| link.entry.contains(r#""counters":{"eggs_total":2}"#)));
        assert_eq!(eggs.0.load(Ordering::SeqCst), 12);
        assert_eq!((ledger.written[1].load(Ordering::Relaxed), ledger.waiting().len()), (6, 0));

        // One of a session that has gone keeps no other from being written.
        for session_id in ["gone", "s"] {
            ledger.note(session_id, Body { kind: "alert".into(), ..Body::default() }, &[]).await;
        }
        assert_eq!(ledger.waiting().len(), 2);
        ledger.catch_up().await;
        assert_eq!((ledger.waiting().len(), ledger.lost.load(Ordering::Relaxed)), (0, 1));
        assert_eq!(store.read("s", 0, 9).await.expect("read").len(), 7);
    }
}
