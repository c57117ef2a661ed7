//! Tokens and jobs in this process's memory: for tests, and for trying things out.

use std::collections::{HashMap, HashSet};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::clock::Clock;
use super::judge::{Judgement, judge};
use super::record::{MARKER_MS, MacKeys, Record};
use super::store::{Attempt, ConfirmationStore, JobRecord, StoreError, StoreFuture, Verdict};
use super::token::TokenHash;

const NAME: &str = "memory";

/// A store that is gone with its last clone; clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    keys: MacKeys,
    clock: Arc<dyn Clock>,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    tokens: HashMap<TokenHash, Record>,
    jobs: HashMap<String, JobRecord>,
    /// Ids of the jobs by the tokens that paid for them.
    paid: HashMap<TokenHash, String>,
    /// Idempotency keys of these, hashed.
    keys: HashSet<String>,
}

impl MemoryStore {
    /// An empty one.
    pub fn new(keys: MacKeys, clock: Arc<dyn Clock>) -> Self {
        Self { keys, clock, tables: Arc::default() }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tables {
    fn consume(
        &mut self,
        keys: &MacKeys,
        hash: &TokenHash,
        attempt: &Attempt,
        now: i64,
    ) -> Result<Verdict, StoreError> {
        let record = self.tokens.get(hash);
        match (judge(record, keys, hash, attempt, now), record) {
            (Judgement::Tell(verdict), _) => Ok(verdict),
            (Judgement::Count(of), Some(record)) => {
                let counted = record.mismatched(now);
                self.tokens.insert(*hash, counted);
                Ok(Verdict::Mismatch { of })
            }
            (Judgement::Consume, Some(record)) => {
                let consumed = record.consumed(attempt, now);
                self.start(hash, consumed)
            }
            (Judgement::Count(_) | Judgement::Consume, None) => Ok(Verdict::Unknown),
        }
    }

    /// Keeps a token as consumed, with its job.
    fn start(&mut self, hash: &TokenHash, consumed: Record) -> Result<Verdict, StoreError> {
        if let Some(job_id) = self.paid.get(hash) {
            return Ok(Verdict::Used { job_id: job_id.clone() });
        }
        if consumed.idem_hash.as_ref().is_some_and(|idem_hash| self.keys.contains(idem_hash)) {
            return Ok(Verdict::KeyTaken);
        }
        let job = JobRecord::queued(*hash, &consumed);
        if self.jobs.contains_key(&job.id) {
            return Err(StoreError { store: NAME, reason: format!("there is a job {} already", job.id) });
        }
        self.paid.insert(*hash, job.id.clone());
        self.keys.extend(job.idem_hash.clone());
        self.jobs.insert(job.id.clone(), job);
        self.tokens.insert(*hash, consumed.clone());
        Ok(Verdict::Consumed(Box::new(consumed)))
    }
}

impl ConfirmationStore for MemoryStore {
    fn name(&self) -> &'static str {
        NAME
    }

    fn now(&self) -> StoreFuture<'_, i64> {
        Box::pin(ready(Ok(self.clock.now_ms())))
    }

    fn create<'a>(&'a self, hash: &'a TokenHash, record: &'a Record) -> StoreFuture<'a, bool> {
        let mut tables = self.tables();
        let is_new = !tables.tokens.contains_key(hash);
        if is_new {
            tables.tokens.insert(*hash, record.clone());
        }
        Box::pin(ready(Ok(is_new)))
    }

    fn look<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, Option<Record>> {
        let record = self.tables().tokens.get(hash).cloned();
        Box::pin(ready(Ok(record)))
    }

    fn consume<'a>(&'a self, hash: &'a TokenHash, attempt: &'a Attempt) -> StoreFuture<'a, Verdict> {
        let mut tables = self.tables();
        let verdict = tables.consume(&self.keys, hash, attempt, self.clock.now_ms());
        Box::pin(ready(verdict))
    }

    fn revoke<'a>(&'a self, hash: &'a TokenHash) -> StoreFuture<'a, bool> {
        let now = self.clock.now_ms();
        let mut tables = self.tables();
        let held = tables.tokens.get_mut(hash).filter(|it| it.used_at.is_none() && it.revoked_at.is_none());
        let is_held = held.map(|record| record.revoked_at = Some(now)).is_some();
        Box::pin(ready(Ok(is_held)))
    }

    fn clean_up(&self, limit: u32) -> StoreFuture<'_, u64> {
        let before = self.clock.now_ms() - MARKER_MS;
        let mut tables = self.tables();
        let old = tables.tokens.iter().filter(|(_, record)| record.expires_at < before);
        let old: Vec<_> = old.map(|(hash, _)| *hash).take(limit as usize).collect();
        for hash in &old {
            tables.tokens.remove(hash);
        }
        Box::pin(ready(Ok(old.len() as u64)))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    fn job<'a>(&'a self, job_id: &'a str) -> StoreFuture<'a, Option<JobRecord>> {
        let job = self.tables().jobs.get(job_id).cloned();
        Box::pin(ready(Ok(job)))
    }

    fn recover(&self) -> StoreFuture<'_, u64> {
        Box::pin(ready(Ok(0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::clock::ManualClock;
    use super::super::conformance::{Handle, Rig, RigFuture, keys, model, proposal, suite};
    use super::*;

    struct Memory(Arc<ManualClock>);

    impl Rig for Memory {
        fn fresh(&self, handles: usize) -> RigFuture<'_, Vec<Handle>> {
            let store = MemoryStore::new(keys(), self.0.clone());
            Box::pin(ready((0..handles).map(|_| Arc::new(store.clone()) as Handle).collect()))
        }

        fn reopened(&self) -> RigFuture<'_, Option<Handle>> {
            Box::pin(ready(None))
        }

        fn advance(&self, ms: u64) -> RigFuture<'_, ()> {
            self.0.advance(ms);
            Box::pin(ready(()))
        }

        fn is_exact(&self) -> bool {
            true
        }
    }

    fn rig() -> Memory {
        Memory(Arc::new(ManualClock::at(1_700_000_000_000)))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn it_does_what_every_store_does() {
        suite(&rig()).await;
    }

    #[tokio::test]
    async fn a_job_of_that_name_leaves_the_token_as_it_is() {
        let store = rig().fresh(1).await.remove(0);
        let attempt = |job_id: &str| Attempt {
            subject: "ann".into(),
            tool: "startBacktest".into(),
            params_hash: None,
            job_id: job_id.into(),
            idem_hash: None,
        };
        let (first, second) = (proposal(&store, 1_000).await, proposal(&store, 1_000).await);
        for (hash, record) in [&first, &second] {
            assert!(store.create(hash, record).await.expect("created"));
        }
        store.consume(&first.0, &attempt("a")).await.expect("consumed");
        let error = store.consume(&second.0, &attempt("a")).await.expect_err("taken");
        assert!(error.to_string().contains("job a already"), "{error}");
        let verdict = store.consume(&second.0, &attempt("b")).await.expect("judged");
        assert!(matches!(verdict, Verdict::Consumed(_)));
    }

    #[tokio::test]
    async fn no_more_is_forgotten_than_asked() {
        let rig = rig();
        let store = rig.fresh(1).await.remove(0);
        for _ in 0..5 {
            let (hash, record) = proposal(&store, 0).await;
            store.create(&hash, &record).await.expect("created");
        }
        rig.0.advance(MARKER_MS as u64);
        assert_eq!(store.clean_up(10).await, Ok(0));
        rig.0.advance(1);
        for forgotten in [2, 2, 1, 0] {
            assert_eq!(store.clean_up(2).await, Ok(forgotten));
        }
    }

    proptest! {
        #[test]
        fn any_sequence_of_calls_is_answered_as_by_the_model(mut steps in model::steps()) {
            steps.retain(|step| !matches!(step, model::Step::Restart));
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(model::run(&rig(), &steps));
        }
    }
}
