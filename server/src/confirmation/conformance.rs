//! What every store must do, as one suite: each store is put into a [`Rig`] and given to [`suite`].
//!
//! It asserts, so it is for tests alone, those outside of this crate included. A thousand rounds of the race are run
//! instead of fifty when `SPARK_TEST_LONG` is set.

#![allow(clippy::panic, reason = "a test that fails panics, wherever it is compiled")]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use live_core::canonical::sha256_hex;

use super::record::{MacKeys, Record, VERSION};
use super::store::{Attempt, ConfirmationStore, Verdict};
use super::token::{RawToken, TokenHash};

mod life;
mod race;
mod refusals;

#[cfg(test)]
pub(crate) mod model;

/// Long enough that nothing expires while a test runs, in milliseconds.
const LONG_MS: i64 = 3_600_000;
/// Whose tokens these are.
const ANN: &str = "ann";
/// Somebody else.
const BOB: &str = "bob";
/// What the tokens are for.
const TOOL: &str = "startBacktest";
/// Parameters in canonical JSON.
const PARAMS: &str = r#"{"symbol":"AAPL"}"#;

/// One way to reach a store.
pub type Handle = Arc<dyn ConfirmationStore>;
/// What a rig does.
pub type RigFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Brings a store to be tested.
pub trait Rig: Send + Sync {
    /// As many handles to one new and empty store, each as another node would have it: with connections of its own. The
    /// store's keys are [`keys`].
    fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>>;

    /// The newest store of [`Rig::fresh`], opened anew after all its handles were dropped; `None` for one that lives no
    /// longer than they do.
    fn reopened(&self) -> RigFuture<'_, Option<Handle>>;

    /// Returns when the store's clock shows at least so many milliseconds more.
    fn advance(&self, ms: u64) -> RigFuture<'_, ()>;

    /// Whether the clock stands still but for [`Rig::advance`], so that limits can be tested to the millisecond.
    fn is_exact(&self) -> bool;
}

/// The keys that a rig's stores check records with.
pub fn keys() -> MacKeys {
    MacKeys::new(vec![("now".to_owned(), vec![7; 32]), ("before".to_owned(), vec![8; 32])])
}

/// Asserts all that the stores have in common. It needs a runtime of several threads.
pub async fn suite(rig: &dyn Rig) {
    life::a_token_is_made_once_and_consumed_once(rig).await;
    life::the_job_is_there_after_consumption_and_nowhere_else(rig).await;
    life::the_same_idempotency_key_leads_to_the_same_job(rig).await;
    life::used_beats_expired(rig).await;
    life::a_token_is_valid_strictly_before_its_limit(rig).await;
    life::what_was_written_is_there_after_a_restart(rig).await;
    life::markers_are_kept_for_a_day_past_the_limit(rig).await;
    life::one_token_never_starts_two_jobs_whatever_was_forgotten(rig).await;
    refusals::a_stranger_learns_of_a_mismatch_and_nothing_more(rig).await;
    refusals::wrong_attempts_consume_nothing_and_five_take_the_token_back(rig).await;
    refusals::a_token_that_was_taken_back_is_not_consumed(rig).await;
    refusals::records_that_were_not_signed_here_are_refused(rig).await;
    refusals::nobody_has_made_this_token(rig).await;
    race::one_of_many_wins(rig).await;
}

/// A new token and its record, which is valid for `ttl_ms` from now on.
pub(crate) async fn proposal(store: &Handle, ttl_ms: i64) -> (TokenHash, Record) {
    let hash = RawToken::generate().hash();
    let now = store.now().await.expect("the store's clock");
    let record = Record {
        v: VERSION,
        subject: ANN.to_owned(),
        tool: TOOL.to_owned(),
        params: PARAMS.to_owned(),
        params_hash: sha256_hex(PARAMS.as_bytes()),
        session_id: "session".to_owned(),
        proposal_id: "proposal".to_owned(),
        created_at: now,
        expires_at: now + ttl_ms,
        mismatches: 0,
        used_at: None,
        job_id: None,
        idem_hash: None,
        revoked_at: None,
        mac: String::new(),
    };
    let record = Record { mac: keys().sign(&hash, &record), ..record };
    (hash, record)
}

/// A new token that the store keeps.
pub async fn kept(store: &Handle, ttl_ms: i64) -> (TokenHash, Record) {
    let (hash, record) = proposal(store, ttl_ms).await;
    assert!(create(store, &hash, &record).await);
    (hash, record)
}

/// Its own subject confirms just what was proposed.
pub fn attempt(job_id: &str) -> Attempt {
    Attempt {
        subject: ANN.to_owned(),
        tool: TOOL.to_owned(),
        params_hash: None,
        job_id: job_id.to_owned(),
        idem_hash: None,
    }
}

/// An id that no other job has.
fn new_job_id() -> String {
    crate::random::text(16)
}

async fn create(store: &Handle, hash: &TokenHash, record: &Record) -> bool {
    store.create(hash, record).await.expect("created")
}

async fn consume(store: &Handle, hash: &TokenHash, attempt: &Attempt) -> Verdict {
    store.consume(hash, attempt).await.expect("judged")
}

/// Consumes it, which must succeed, as a job that it returns the id of.
async fn win(store: &Handle, hash: &TokenHash) -> String {
    let job_id = new_job_id();
    let verdict = consume(store, hash, &attempt(&job_id)).await;
    assert!(matches!(verdict, Verdict::Consumed(_)), "{}: {verdict:?}", store.name());
    job_id
}

/// Forgets all that has had its time.
async fn clean_up(store: &Handle) {
    while store.clean_up(100).await.expect("cleaned up") > 0 {}
}

async fn one(rig: &dyn Rig) -> Handle {
    rig.fresh(1).await.remove(0)
}
