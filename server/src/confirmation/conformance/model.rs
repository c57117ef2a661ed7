//! Any sequence of calls, against a model that says in the plainest way what each must answer.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::super::record::{MARKER_MS, MISMATCHES_MAX, Record};
use super::super::store::{Attempt, Mismatch, Verdict};
use super::super::token::{RawToken, TokenHash};
use super::{ANN, BOB, Handle, Rig, TOOL, clean_up, consume, keys, proposal};

/// Tokens that the steps are about.
const TOKENS: usize = 3;

/// A call, or what happens between calls.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Create { token: usize, ttl_ms: i64, is_signed: bool },
    Consume { token: usize, is_bob: bool, is_tool: bool, is_params: bool, key: Option<char> },
    Revoke { token: usize },
    CleanUp,
    Advance { ms: u64 },
    Restart,
}

/// Sequences of steps, for rigs whose clock stands still.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let consume = (
        0..TOKENS,
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.7),
        prop::bool::weighted(0.8),
        prop::option::of(prop_oneof![Just('a'), Just('b')]),
    );
    let create = (0..TOKENS, prop_oneof![Just(0), 1..3_000_i64], prop::bool::weighted(0.9));
    let step = prop_oneof![
        4 => create.prop_map(|(token, ttl_ms, is_signed)| Step::Create { token, ttl_ms, is_signed }),
        12 => consume.prop_map(|(token, is_bob, is_tool, is_params, key)| {
            Step::Consume { token, is_bob, is_tool, is_params, key }
        }),
        1 => (0..TOKENS).prop_map(|token| Step::Revoke { token }),
        1 => Just(Step::CleanUp),
        2 => (1..2_000_u64).prop_map(|ms| Step::Advance { ms }),
        1 => Just(Step::Advance { ms: MARKER_MS as u64 }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

#[derive(Clone, Debug)]
enum State {
    Open { wrong: u32 },
    Used { job_id: String, key: Option<char> },
    Revoked,
}

struct Token {
    expires_at: i64,
    is_signed: bool,
    state: State,
}

#[derive(Default)]
struct Model {
    tokens: HashMap<usize, Token>,
    jobs: HashMap<usize, String>,
    /// Idempotency keys that stand for a job.
    keys: HashSet<char>,
    now: i64,
}

/// What the model expects; `None` for the record of one that is consumed.
type Expected = Option<Verdict>;

impl Model {
    fn create(&mut self, token: usize, expires_at: i64, is_signed: bool) -> bool {
        let is_new = !self.tokens.contains_key(&token);
        let state = State::Open { wrong: 0 };
        self.tokens.entry(token).or_insert(Token { expires_at, is_signed, state });
        is_new
    }

    fn consume(&mut self, step: &Step, job_id: &str) -> Expected {
        let Step::Consume { token, is_bob, is_tool, is_params, key } = step else { unreachable!() };
        let Some(held) = self.tokens.get_mut(token) else { return Some(Verdict::Unknown) };
        let of = if *is_tool { Mismatch::Params } else { Mismatch::Tool };
        match (&mut held.state, held.is_signed, *is_bob) {
            (_, false, _) => Some(Verdict::Tampered),
            (_, _, true) => Some(Verdict::Mismatch { of: Mismatch::Subject }),
            (State::Revoked, ..) => Some(Verdict::Revoked),
            (State::Used { job_id, key: first }, ..) => {
                let job_id = job_id.clone();
                let is_same = key.is_some() && key == first;
                Some(if is_same { Verdict::Replayed { job_id } } else { Verdict::Used { job_id } })
            }
            _ if self.now >= held.expires_at => Some(Verdict::Expired),
            (State::Open { wrong }, ..) if !(*is_tool && *is_params) => {
                *wrong += 1;
                if *wrong == MISMATCHES_MAX {
                    held.state = State::Revoked;
                }
                Some(Verdict::Mismatch { of })
            }
            (State::Open { .. }, ..) => {
                if let Some(job_id) = self.jobs.get(token).cloned() {
                    return Some(Verdict::Used { job_id });
                }
                if key.is_some_and(|key| self.keys.contains(&key)) {
                    return Some(Verdict::KeyTaken);
                }
                self.keys.extend(*key);
                held.state = State::Used { job_id: job_id.to_owned(), key: *key };
                self.jobs.insert(*token, job_id.to_owned());
                None
            }
        }
    }

    fn revoke(&mut self, token: usize) -> bool {
        let held = self.tokens.get_mut(&token).filter(|it| matches!(it.state, State::Open { .. }));
        held.map(|token| token.state = State::Revoked).is_some()
    }
}

/// Takes the steps with a new store of the rig's.
pub(crate) async fn run(rig: &dyn Rig, steps: &[Step]) {
    assert!(rig.is_exact());
    let mut store = rig.fresh(1).await.remove(0);
    let hashes: [TokenHash; TOKENS] = std::array::from_fn(|_| RawToken::generate().hash());
    let mut model = Model { now: store.now().await.expect("a clock"), ..Model::default() };
    for (n, step) in steps.iter().enumerate() {
        let place = || format!("step {n}: {step:?}");
        match step {
            Step::Create { token, ttl_ms, is_signed } => {
                let record = record(&store, &hashes[*token], *ttl_ms, *is_signed).await;
                let expected = model.create(*token, record.expires_at, *is_signed);
                let is_new = store.create(&hashes[*token], &record).await.expect("created");
                assert_eq!(is_new, expected, "{}", place());
            }
            Step::Consume { token, .. } => {
                let attempt = attempt(step, &format!("job-{n}"));
                let expected = model.consume(step, &attempt.job_id);
                let verdict = consume(&store, &hashes[*token], &attempt).await;
                match &expected {
                    Some(expected) => assert_eq!(&verdict, expected, "{}", place()),
                    None => assert!(matches!(verdict, Verdict::Consumed(_)), "{}: {verdict:?}", place()),
                }
                let job = store.job(&attempt.job_id).await.expect("looked up");
                assert_eq!(job.is_some(), expected.is_none(), "{}", place());
            }
            Step::Revoke { token } => {
                let is_held = store.revoke(&hashes[*token]).await.expect("asked");
                assert_eq!(is_held, model.revoke(*token), "{}", place());
            }
            Step::CleanUp => {
                clean_up(&store).await;
                let now = model.now;
                model.tokens.retain(|_, token| token.expires_at + MARKER_MS >= now);
            }
            Step::Advance { ms } => {
                rig.advance(*ms).await;
                model.now += *ms as i64;
                assert_eq!(store.now().await.expect("a clock"), model.now);
            }
            Step::Restart => {
                drop(store);
                store = rig.reopened().await.expect("one that outlives its handles");
            }
        }
    }
}

async fn record(store: &Handle, hash: &TokenHash, ttl_ms: i64, is_signed: bool) -> Record {
    let (_, record) = proposal(store, ttl_ms).await;
    let mac = if is_signed { keys().sign(hash, &record) } else { String::new() };
    Record { mac, ..record }
}

fn attempt(step: &Step, job_id: &str) -> Attempt {
    let Step::Consume { is_bob, is_tool, is_params, key, .. } = step else { unreachable!() };
    Attempt {
        subject: if *is_bob { BOB } else { ANN }.to_owned(),
        tool: if *is_tool { TOOL } else { "other" }.to_owned(),
        params_hash: (!is_params).then(|| "0".repeat(64)),
        job_id: job_id.to_owned(),
        idem_hash: key.map(|key| key.to_string().repeat(64)),
    }
}
