//! Starts what a person has confirmed, once.

use std::sync::atomic::Ordering;
use std::time::Duration;

use live_core::canonical::sha256_hex;
use live_core::error::ErrorCode;
use tokio::time::Instant;

use super::arguments::certain;
use super::{Accepted, Call, Refusal, Tools, Trace, is_id};
use crate::backtest::fields::{Fault, Fields};
use crate::backtest::job::{QUEUED_IN_ALL_MAX, QUEUED_MAX};
use crate::backtest::params::Params;
use crate::backtest::queue::Waiting;
use crate::confirmation::judge::{Judgement, judge};
use crate::confirmation::record::{MISMATCHES_MAX, Record};
use crate::confirmation::store::{Attempt, Mismatch, Verdict};
use crate::confirmation::token::{RawToken, TokenHash};
use crate::copilot::stats::Outcome;
use crate::copilot::tool::Tool;
use crate::database::StoreError;
use crate::evidence::chain::Body;
use crate::wire::now_ms;
use crate::{crash, random};

/// What a confirmation is about.
struct Matter<'a> {
    subject: &'a str,
    hash: TokenHash,
    /// What is kept of the token, if it is genuine.
    record: Option<&'a Record>,
    /// SHA-256 of the parameters that the person has seen, if they are named.
    params_hash: Option<String>,
}

impl<'a> Matter<'a> {
    /// What is kept, if the token is the person's own.
    fn own(&self) -> Option<&'a Record> {
        self.record.filter(|record| record.subject == self.subject)
    }
}

impl Tools {
    pub(super) async fn confirm(
        &self,
        subject: &str,
        call: Call<'_>,
        trace: &mut Trace,
    ) -> Result<Accepted, Refusal> {
        let idem_hash = call.idempotency_key.map(|key| idempotency_hash(subject, key)).transpose()?;
        let (token, params_hash) = read_confirmation(call.arguments, trace)?;
        let hash = token.hash();
        drop(token);
        trace.token_hash = Some(hash);
        let found = self.store.look(&hash).await.map_err(|error| self.undecided(error, trace))?;
        crash::point("looked");
        let record = found.filter(|record| self.keys.is_genuine(&hash, record));
        let own = record.as_ref().filter(|record| record.subject == subject);
        if let Some(own) = own {
            trace.session_id.clone_from(&own.session_id);
            trace.params_hash = Some(own.params_hash.clone());
        }
        let attempt = Attempt {
            subject: subject.to_owned(),
            tool: Tool::StartBacktest.name().to_owned(),
            params_hash,
            job_id: format!("job_{}", random::text(20)),
            idem_hash,
        };
        if let Some(own) = own {
            let refused = self.check_again(&hash, own, &attempt).await;
            if let Some(refusal) = refused.map_err(|error| self.undecided(error, trace))? {
                trace.outcome = Some(Outcome::Refused);
                return Err(refusal);
            }
        }
        let began = Instant::now();
        let verdict = self.store.consume(&hash, &attempt).await;
        self.stats.judged_in(self.store.name(), began.elapsed());
        crash::point("judged");
        let verdict = verdict.map_err(|error| self.undecided(error, trace))?;
        let outcome = outcome(&verdict);
        trace.outcome = Some(outcome);
        let matter = Matter { subject, hash, record: record.as_ref(), params_hash: attempt.params_hash };
        self.settle(verdict, &matter, trace).await
    }

    /// Does what a verdict says.
    async fn settle(
        &self,
        verdict: Verdict,
        matter: &Matter<'_>,
        trace: &mut Trace,
    ) -> Result<Accepted, Refusal> {
        let Matter { subject, hash, .. } = *matter;
        let refusal = |code| Err(Refusal::of(code));
        match verdict {
            Verdict::Consumed(record) => {
                self.proposals.settle(subject, hash);
                let job_id = record.job_id.clone().unwrap_or_default();
                self.board.open_for(&job_id, subject);
                self.bell.notify_one();
                let job = Job { id: job_id, state: "queued".to_owned(), is_replayed: false };
                Ok(accepted(trace, job, record.params_hash.clone(), record.proposal_id.clone()))
            }
            Verdict::Replayed { job_id } => self.replayed(job_id, matter, trace).await,
            Verdict::Used { job_id } => {
                self.proposals.settle(subject, hash);
                trace.job_id = Some(job_id.clone());
                let mut refusal = Refusal::of(ErrorCode::TokenUsed);
                refusal.detail.job_id = Some(job_id.into());
                Err(refusal)
            }
            Verdict::Expired => refusal(ErrorCode::TokenExpired),
            Verdict::Mismatch { of } => {
                self.mismatched(of, matter, trace).await;
                refusal(ErrorCode::TokenMismatch)
            }
            Verdict::Revoked => {
                trace.reason = Some("revoked".to_owned());
                refusal(ErrorCode::TokenInvalid)
            }
            Verdict::Unknown => refusal(ErrorCode::TokenInvalid),
            Verdict::Tampered => {
                tracing::error!(%hash, "a record of a token was not made by this system");
                trace.reason = Some("tampered".to_owned());
                refusal(ErrorCode::TokenInvalid)
            }
            Verdict::KeyTaken => {
                let reason = "stands for another confirmation";
                Err(Refusal::at(ErrorCode::IdempotencyMismatch, "Idempotency-Key", reason))
            }
        }
    }

    /// The same confirmation again: what it has started, if it is for the same parameters.
    async fn replayed(
        &self,
        job_id: String,
        matter: &Matter<'_>,
        trace: &mut Trace,
    ) -> Result<Accepted, Refusal> {
        let own = matter.own().map(|own| (own.params_hash.clone(), own.proposal_id.clone()));
        let (params_hash, proposal_id) = own.unwrap_or_default();
        if matter.params_hash.as_ref().is_some_and(|other| *other != params_hash) {
            trace.outcome = Some(Outcome::Refused);
            let code = ErrorCode::IdempotencyMismatch;
            return Err(Refusal::at(code, "params", "are not those that it was confirmed with"));
        }
        let job = self.store.job(&job_id).await.map_err(|error| self.failed(error))?;
        let state = job.map_or_else(|| "queued".to_owned(), |job| job.state);
        Ok(accepted(trace, Job { id: job_id, state, is_replayed: true }, params_hash, proposal_id))
    }

    /// Something is another's, or for something else: it is written down what.
    async fn mismatched(&self, of: Mismatch, matter: &Matter<'_>, trace: &mut Trace) {
        let what = match of {
            Mismatch::Subject => "subject",
            Mismatch::Tool => "tool",
            Mismatch::Params => "params",
        };
        trace.reason = Some(what.to_owned());
        let own = matter.own();
        if own.is_some_and(|own| own.mismatches + 1 >= MISMATCHES_MAX) {
            self.stats.revoked.fetch_add(1, Ordering::Relaxed);
            self.proposals.settle(matter.subject, matter.hash);
        }
        let is_stolen = |record: &&Record| own.is_none() && record.used_at.is_some();
        if let Some(stolen) = matter.record.filter(is_stolen) {
            self.replayed_by_a_stranger(stolen, matter.hash, trace).await;
        }
    }

    /// What was true when it was proposed must still be, and there must be room for one more job. It is asked of a token
    /// that would be consumed: of any other there is more to say.
    async fn check_again(
        &self,
        hash: &TokenHash,
        record: &Record,
        attempt: &Attempt,
    ) -> Result<Option<Refusal>, StoreError> {
        let waiting = self.queue.waiting(&record.subject).await?;
        let refused = self.check_params(record).and_then(|()| check_room(waiting));
        let Err(refusal) = refused else { return Ok(None) };
        let now = self.store.now().await?;
        let is_good = judge(Some(record), &self.keys, hash, attempt, now) == Judgement::Consume;
        Ok(is_good.then_some(refusal))
    }

    fn check_params(&self, record: &Record) -> Result<(), Refusal> {
        let refused = |reason: &str| Refusal::at(ErrorCode::ConfirmRefused, "params", reason);
        let params = Params::read(record.params.as_bytes());
        let params = params.ok().filter(|params| params.canonical() == record.params);
        let params = params.ok_or_else(|| refused("are of another version of this program"))?;
        params.check(&self.market).map_err(|fault| refused(&fault.to_string()))
    }

    /// Somebody has another's used token: both conversations say so.
    async fn replayed_by_a_stranger(&self, record: &Record, hash: TokenHash, trace: &mut Trace) {
        const CODE: &str = "TOKEN_REPLAY_FOREIGN";
        tracing::error!(%hash, "a token that was used is tried by somebody else");
        trace.more_codes.push(CODE);
        let body = Body {
            at: now_ms(),
            kind: "alert".into(),
            token_hash: Some(hash.to_string()),
            error_codes: vec![CODE.into()],
            ..Body::default()
        };
        self.ledger.note(&record.session_id, body, &[]).await;
    }
}

/// How long somebody waits who has too many jobs that wait, or whom others leave no room.
const ROOM_RETRY: Duration = Duration::from_secs(5);

/// Whether one more job can wait. Nothing is used up.
fn check_room(waiting: Waiting) -> Result<(), Refusal> {
    let code = match waiting {
        Waiting { of_subject: QUEUED_MAX.., .. } => ErrorCode::JobLimit,
        Waiting { in_all: QUEUED_IN_ALL_MAX.., .. } => ErrorCode::Overloaded,
        _ => return Ok(()),
    };
    Err(Refusal { retry_after: Some(ROOM_RETRY), ..Refusal::of(code) })
}

struct Job {
    id: String,
    state: String,
    is_replayed: bool,
}

fn accepted(trace: &mut Trace, job: Job, params_hash: String, proposal_id: String) -> Accepted {
    trace.job_id = Some(job.id.clone());
    trace.params_hash = Some(params_hash.clone());
    let Job { id: job_id, state, is_replayed } = job;
    Accepted { job_id, state, params_hash, is_replayed, proposal_id, session_id: trace.session_id.clone() }
}

fn outcome(verdict: &Verdict) -> Outcome {
    match verdict {
        Verdict::Consumed(_) => Outcome::Consumed,
        Verdict::Replayed { .. } => Outcome::Replayed,
        Verdict::Used { .. } => Outcome::Used,
        Verdict::Expired => Outcome::Expired,
        Verdict::Mismatch { .. } => Outcome::Mismatch,
        Verdict::Revoked | Verdict::Unknown | Verdict::Tampered => Outcome::Invalid,
        Verdict::KeyTaken => Outcome::Refused,
    }
}

/// The token of a confirmation, and the hash of the parameters that the person has seen, if they are named.
fn read_confirmation(arguments: &[u8], trace: &mut Trace) -> Result<(RawToken, Option<String>), Refusal> {
    let (value, _) = certain(arguments)?;
    let mut fields = Fields::new("", value, &["confirmationToken", "params"])?;
    let token = fields.must("confirmationToken", "the token that startBacktest has answered with")?;
    let Some(token) = token.as_str().and_then(RawToken::parse) else {
        trace.outcome = Some(Outcome::Invalid);
        return Err(Refusal::of(ErrorCode::TokenInvalid));
    };
    let params = fields.take("params").map(|params| {
        let fault = |fault: Fault| Fault { field: format!("params.{}", fault.field), ..fault };
        // As they were sent: an integer that is not exact is not what was proposed.
        Params::read(params.to_string().as_bytes()).map_err(fault)
    });
    let params = params.transpose()?;
    Ok((token, params.map(|params| sha256_hex(params.canonical().as_bytes()))))
}

/// What an idempotency key is kept as: hashed with whose it is.
fn idempotency_hash(subject: &str, key: &str) -> Result<String, Refusal> {
    match is_id(key) {
        // No key has a line break, so that no two pairs are one text.
        true => Ok(sha256_hex(format!("{subject}\n{key}").as_bytes())),
        false => {
            let reason = "is not 1 to 64 letters, digits, '_' and '-'";
            Err(Refusal::at(ErrorCode::IdempotencyKeyInvalid, "Idempotency-Key", reason))
        }
    }
}
