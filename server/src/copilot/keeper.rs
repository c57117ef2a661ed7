//! What goes on beside the calls: old tokens are forgotten, jobs that a crash has left out are written down, evidence that
//! waits catches up, and whether the store answers is looked at.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::stats::CopilotStats;
use crate::confirmation::store::ConfirmationStore;
use crate::evidence::ledger::Ledger;
use crate::metrics::Reading;

/// How often it looks around.
const EVERY: Duration = Duration::from_secs(1);
/// Rounds between two looks at whether the store answers.
const PING_ROUNDS: u64 = 2;
/// Rounds between two looks at what has to be finished.
const RECOVER_ROUNDS: u64 = 5;
/// Rounds between two clean-ups, and how much each forgets at once.
const CLEAN_UP_ROUNDS: u64 = 60;
const CLEAN_UP_MAX: u32 = 1_000;

/// Whether the store of tokens answers.
#[derive(Debug)]
pub struct StoreHealth {
    store: &'static str,
    is_up: AtomicBool,
    /// Which store has failed, and what should be set up otherwise.
    found: Mutex<(Option<&'static str>, Vec<String>)>,
}

/// The same as it is told.
#[derive(Clone, Debug, Serialize)]
pub struct StoreCheck {
    /// `memory`, `sqlite`, `redis`, `postgres`.
    pub store: &'static str,
    /// It has answered the last time.
    pub ok: bool,
    /// The one that has not: the store itself, or the database of its jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failing: Option<&'static str>,
    /// What should be set up otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
}

impl StoreHealth {
    /// Of a store that has answered a moment ago.
    pub fn new(store: &'static str) -> Self {
        Self { store, is_up: AtomicBool::new(true), found: Mutex::default() }
    }

    /// What was found last.
    pub fn check(&self) -> StoreCheck {
        let (failing, advice) = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        StoreCheck { store: self.store, ok: failing.is_none(), failing, advice }
    }

    /// It, to be measured.
    pub fn reading(self: &Arc<Self>) -> Reading {
        let health = Arc::clone(self);
        let read = move || f64::from(u8::from(health.is_up.load(Ordering::Relaxed)));
        Reading::gauge("spark_store_up", "Whether a store answers.", read).labelled("store", self.store)
    }

    async fn look(&self, store: &dyn ConfirmationStore) {
        let answer = store.ping().await;
        let is_up = answer.is_ok();
        let failing = answer.as_ref().err().map(|error| error.store);
        self.found.lock().unwrap_or_else(PoisonError::into_inner).0 = failing;
        match (self.is_up.swap(is_up, Ordering::Relaxed), answer) {
            (true, Err(error)) => tracing::error!(%error, "the store of tokens does not answer"),
            (false, Ok(())) => tracing::info!(store = self.store, "the store of tokens answers again"),
            _ => {}
        }
        if let Ok(advice) = store.advice().await {
            self.found.lock().unwrap_or_else(PoisonError::into_inner).1 = advice;
        }
    }
}

/// Does what goes on beside the calls.
pub struct Keeper {
    /// Where tokens are kept.
    pub store: Arc<dyn ConfirmationStore>,
    /// Where evidence is written.
    pub ledger: Arc<Ledger>,
    /// What is counted.
    pub stats: Arc<CopilotStats>,
    /// What is found of the store.
    pub health: Arc<StoreHealth>,
}

impl Keeper {
    /// Goes on until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let rounds = async {
            for round in 0_u64.. {
                ticks.tick().await;
                self.round(round).await;
            }
        };
        stop.run_until_cancelled(rounds).await;
        self.ledger.catch_up().await;
    }

    async fn round(&self, round: u64) {
        if round.is_multiple_of(PING_ROUNDS) {
            self.health.look(&*self.store).await;
        }
        self.ledger.catch_up().await;
        if round.is_multiple_of(RECOVER_ROUNDS) {
            match self.store.recover().await {
                Ok(0) => {}
                Ok(count) => {
                    self.stats.recovered.fetch_add(count, Ordering::Relaxed);
                    tracing::warn!(count, "jobs were written down that a crash had left out");
                }
                Err(error) => tracing::debug!(%error, "not looked for what has to be finished"),
            }
        }
        if round.is_multiple_of(CLEAN_UP_ROUNDS) {
            while let Ok(count) = self.store.clean_up(CLEAN_UP_MAX).await
                && count == u64::from(CLEAN_UP_MAX)
            {}
        }
    }
}
