//! Calls of tools: judged, measured, and written down as evidence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use live_core::canonical::sha256_hex;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::proposals::Proposals;
use super::stats::{CopilotStats, Executed, Failed, Issued, Judged, Outcome};
use super::tool::Tool;
use super::{STORE_RETRY, store_detail};
use crate::auth::{Identity, Role};
use crate::backtest::board::Board;
use crate::backtest::fields::{Fault, Fields};
use crate::backtest::job::{QUEUED_IN_ALL_MAX, QUEUED_MAX};
use crate::backtest::params::Params;
use crate::backtest::queue::{Queue, Waiting};
use crate::confirmation::judge::{Judgement, judge};
use crate::confirmation::record::{MISMATCHES_MAX, MacKeys, Record, VERSION};
use crate::confirmation::store::{Attempt, ConfirmationStore, Mismatch, Verdict};
use crate::confirmation::token::{RawToken, TokenHash};
use crate::crash;
use crate::database::StoreError;
use crate::error::AppError;
use crate::evidence::chain::Body;
use crate::evidence::ledger::{Count, Ledger};
use crate::market::Market;
use crate::random;
use crate::rate::Rates;
use crate::wire::now_ms;

/// When a call is answered at the latest that stores have not answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// Longest idempotency key and longest id of a session.
const ID_LEN_MAX: usize = 64;
/// Sessions that are known to have been opened; beyond it they are asked for again.
const SESSIONS_MAX: usize = 10_000;

/// What tools work with.
pub struct Tools {
    store: Arc<dyn ConfirmationStore>,
    queue: Arc<dyn Queue>,
    keys: MacKeys,
    ttl: Duration,
    market: Arc<Market>,
    ledger: Arc<Ledger>,
    stats: Arc<CopilotStats>,
    proposals: Proposals,
    takes_guests: bool,
    calls: Rates,
    board: Board,
    bell: Arc<Notify>,
    /// Whose the sessions are that were opened here.
    sessions: Mutex<HashMap<String, String>>,
}

/// What the tools are built from.
pub struct Parts {
    /// Where tokens are kept.
    pub store: Arc<dyn ConfirmationStore>,
    /// Where jobs wait.
    pub queue: Arc<dyn Queue>,
    /// What their records are signed with.
    pub keys: MacKeys,
    /// How long they are valid.
    pub ttl: Duration,
    /// What can be tested.
    pub market: Arc<Market>,
    /// Where evidence is written.
    pub ledger: Arc<Ledger>,
    /// What is counted.
    pub stats: Arc<CopilotStats>,
    /// Whether guests may start something, too.
    pub takes_guests: bool,
    /// How often one person may call.
    pub calls: Rates,
    /// Where it is told how jobs stand.
    pub board: Board,
    /// Rung when a job was confirmed.
    pub bell: Arc<Notify>,
}

/// A call of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool.
    pub tool: Tool,
    /// The conversation; without one the call belongs to the person's own of the day.
    pub session_id: Option<&'a str>,
    /// The key under which a confirmation can be repeated.
    pub idempotency_key: Option<&'a str>,
    /// What the tool takes, as JSON. It may hold a confirmation token.
    pub arguments: &'a [u8],
}

/// What a tool answers.
#[derive(Debug)]
pub enum Answer {
    /// Something was proposed.
    Proposed(Proposed),
    /// Something was started, now or by the same call before.
    Accepted(Accepted),
}

/// What was proposed. Boxed inside, so that it is not copied around.
#[derive(Debug)]
pub struct Proposed {
    /// What confirms it.
    pub token: RawToken,
    /// Until when, in milliseconds since the Unix epoch by the store's clock.
    pub expires_at: i64,
    /// The parameters, with what was left out filled in.
    pub params: Box<Params>,
    /// SHA-256 of their canonical JSON.
    pub params_hash: String,
    /// The proposal's own id.
    pub proposal_id: String,
    /// The conversation.
    pub session_id: String,
}

/// What was started.
#[derive(Debug)]
pub struct Accepted {
    /// The job.
    pub job_id: String,
    /// Its state.
    pub state: String,
    /// SHA-256 of the canonical JSON of its parameters.
    pub params_hash: String,
    /// Whether it was started by the same call before.
    pub is_replayed: bool,
    /// The conversation.
    pub session_id: String,
}

/// Why a call came to nothing.
#[derive(Debug)]
struct Refusal {
    code: ErrorCode,
    detail: Box<ErrorDetail>,
    retry_after: Option<Duration>,
}

/// What a call leaves behind.
#[derive(Default)]
struct Trace {
    session_id: String,
    params_hash: Option<String>,
    token_hash: Option<TokenHash>,
    job_id: Option<String>,
    reason: Option<String>,
    more_codes: Vec<&'static str>,
    is_issued: bool,
    outcome: Option<Outcome>,
}

impl From<Refusal> for AppError {
    fn from(Refusal { code, detail, retry_after }: Refusal) -> Self {
        match retry_after {
            Some(after) => Self::later_for(code, after, *detail),
            None => Self::with_detail(code, &detail),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a store cannot be used");
        let (code, detail) = (ErrorCode::StoreUnavailable, Box::new(store_detail(&error)));
        Self { code, detail, retry_after: Some(STORE_RETRY) }
    }
}

impl From<Fault> for Refusal {
    fn from(Fault { field, value, reason, allowed }: Fault) -> Self {
        let code = ErrorCode::ParamsInvalid;
        let field = if field.is_empty() { "body".to_owned() } else { field };
        let detail = ErrorDetail {
            message: format!("{field} {reason}").into(),
            field: Some(field.into()),
            reason: Some(reason.into()),
            value: value.map(Into::into),
            allowed: Some(allowed.into()),
            ..ErrorDetail::default()
        };
        Self { code, detail: Box::new(detail), retry_after: None }
    }
}

impl Refusal {
    fn of(code: ErrorCode) -> Self {
        let detail = ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() };
        Self { code, detail: Box::new(detail), retry_after: None }
    }

    fn at(code: ErrorCode, field: &str, reason: &str) -> Self {
        let (field, reason) = (Some(field.into()), Some(reason.into()));
        let detail = ErrorDetail { message: code.meaning().into(), field, reason, ..ErrorDetail::default() };
        Self { code, detail: Box::new(detail), retry_after: None }
    }
}

impl Tools {
    /// Puts the tools together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, queue, keys, ttl, market, ledger, stats, takes_guests, calls, board, bell } =
            parts;
        let (proposals, sessions) = Default::default();
        Self {
            store,
            queue,
            keys,
            ttl,
            market,
            ledger,
            stats,
            proposals,
            takes_guests,
            calls,
            board,
            bell,
            sessions,
        }
    }

    /// Calls a tool for somebody.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], [`ErrorCode::ConfirmNotHuman`]; [`ErrorCode::NotFound`] for somebody else's session;
    /// [`ErrorCode::StoreUnavailable`]; what the tool refuses.
    pub async fn call(&self, identity: &Identity, call: Call<'_>) -> Result<Answer, AppError> {
        let subject = self.may_call(identity, call.tool)?;
        self.calls.of(subject).take(1).map_err(|after| AppError::later(ErrorCode::RateLimited, after))?;
        let began = Instant::now();
        let deadline = began + ANSWER_WITHIN;
        let session_id = match timeout_at(deadline, self.session(subject, call.session_id)).await {
            Ok(session_id) => session_id?,
            Err(_) => return Err(self.failed(self.late()).into()),
        };
        let mut trace = Trace { session_id, ..Trace::default() };
        crash::point("received");
        let answer = match timeout_at(deadline, self.answer(subject, call, &mut trace)).await {
            Ok(answer) => answer,
            // Of a confirmation that was given up nobody knows; confirmed again, it tells.
            Err(_) if call.tool == Tool::ConfirmBacktest => Err(self.undecided(self.late(), &mut trace)),
            Err(_) => Err(self.failed(self.late())),
        };
        if let (Tool::StartBacktest, Err(_), Some(hash)) = (call.tool, &answer, trace.token_hash) {
            // Nobody has this token.
            self.proposals.settle(subject, hash);
        }
        self.note(call.tool, trace, answer.as_ref().err(), began.elapsed()).await;
        crash::point("noted");
        answer.map_err(AppError::from)
    }

    async fn answer(&self, subject: &str, call: Call<'_>, trace: &mut Trace) -> Result<Answer, Refusal> {
        match call.tool {
            Tool::StartBacktest => self.propose(subject, call.arguments, trace).await.map(Answer::Proposed),
            Tool::ConfirmBacktest => self.confirm(subject, call, trace).await.map(Answer::Accepted),
        }
    }

    /// What is said of a store that has not answered in the time that there is.
    fn late(&self) -> StoreError {
        StoreError { store: self.store.name(), reason: "it does not answer in time".to_owned() }
    }

    /// Makes sure that somebody may call a tool; who it is.
    fn may_call<'a>(&self, identity: &'a Identity, tool: Tool) -> Result<&'a str, AppError> {
        let roles = identity.roles;
        // Programs publish; what costs something is for people to decide.
        if tool == Tool::ConfirmBacktest && roles.has(Role::Publisher) {
            return Err(AppError::of(ErrorCode::ConfirmNotHuman));
        }
        let may = roles.has(Role::Trader) || self.takes_guests && roles.has(Role::Guest);
        match identity.subject.as_deref().filter(|_| may) {
            Some(subject) => Ok(subject),
            None if tool == Tool::ConfirmBacktest => Err(AppError::of(ErrorCode::ConfirmNotHuman)),
            None => Err(AppError::forbidden("the token has no role that may start something")),
        }
    }

    /// The session that a call belongs to, which is opened here if it is new.
    async fn session(&self, subject: &str, wanted: Option<&str>) -> Result<String, AppError> {
        let id = match wanted {
            // Nobody takes the one that another person's calls belong to.
            Some(id) if id.starts_with(OWN) && !id.starts_with(&own_sessions(subject)) => {
                return Err(unknown_session());
            }
            Some(id) if is_id(id) => id.to_owned(),
            Some(_) => {
                let reason = "is not 1 to 64 letters, digits, '_' and '-'";
                return Err(AppError::bad_request("sessionId", reason));
            }
            None => own_session(subject),
        };
        let known = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let owner = match known {
            Some(owner) => owner,
            None => {
                let session = self.ledger.open(&id, subject).await.map_err(Refusal::from)?;
                let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
                if sessions.len() >= SESSIONS_MAX {
                    sessions.clear();
                }
                sessions.insert(id.clone(), session.subject.clone());
                session.subject
            }
        };
        // Nobody learns that it is somebody else's.
        if owner == subject { Ok(id) } else { Err(unknown_session()) }
    }

    async fn propose(&self, subject: &str, arguments: &[u8], trace: &mut Trace) -> Result<Proposed, Refusal> {
        let params = Box::new(Params::read(arguments)?);
        params.check(&self.market)?;
        let text = params.canonical();
        let params_hash = sha256_hex(text.as_bytes());
        trace.params_hash = Some(params_hash.clone());
        let proposal_id = random::text(20);
        // Twice: that there is a token of this hash means that the first was not random.
        for _ in 0..2 {
            let token = RawToken::generate();
            let hash = token.hash();
            self.proposals.add(subject, hash, self.ttl).map_err(|after| Refusal {
                retry_after: Some(after),
                ..Refusal::of(ErrorCode::ProposalLimit)
            })?;
            trace.token_hash = Some(hash);
            let kept = async {
                let now = self.store.now().await?;
                let record = Record {
                    v: VERSION,
                    subject: subject.to_owned(),
                    tool: Tool::StartBacktest.name().to_owned(),
                    params: text.clone(),
                    params_hash: params_hash.clone(),
                    session_id: trace.session_id.clone(),
                    proposal_id: proposal_id.clone(),
                    created_at: now,
                    expires_at: now + self.ttl.as_millis() as i64,
                    mismatches: 0,
                    used_at: None,
                    job_id: None,
                    idem_hash: None,
                    revoked_at: None,
                    mac: String::new(),
                };
                let record = Record { mac: self.keys.sign(&hash, &record), ..record };
                Ok((self.store.create(&hash, &record).await?, record.expires_at))
            };
            match kept.await {
                Ok((true, expires_at)) => {
                    trace.is_issued = true;
                    let session_id = trace.session_id.clone();
                    return Ok(Proposed { token, expires_at, params, params_hash, proposal_id, session_id });
                }
                Ok((false, _)) => self.proposals.settle(subject, hash),
                Err(error) => return Err(self.failed(error)),
            }
        }
        tracing::error!("two random tokens were there already");
        Err(Refusal::of(ErrorCode::Internal))
    }

    async fn confirm(&self, subject: &str, call: Call<'_>, trace: &mut Trace) -> Result<Accepted, Refusal> {
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
        let refusal = |code| Err(Refusal::of(code));
        match verdict {
            Verdict::Consumed(record) => {
                self.proposals.settle(subject, hash);
                let job_id = record.job_id.clone().unwrap_or_default();
                self.board.open_for(&job_id, subject);
                self.bell.notify_one();
                let job = Job { id: job_id, state: "queued".to_owned(), is_replayed: false };
                Ok(accepted(trace, job, record.params_hash.clone()))
            }
            Verdict::Replayed { job_id } => {
                let params_hash = own.map(|own| own.params_hash.clone()).unwrap_or_default();
                if attempt.params_hash.is_some_and(|other| other != params_hash) {
                    trace.outcome = Some(Outcome::Refused);
                    let code = ErrorCode::IdempotencyMismatch;
                    return Err(Refusal::at(code, "params", "are not those that it was confirmed with"));
                }
                let job = self.store.job(&job_id).await.map_err(|error| self.failed(error))?;
                let state = job.map_or_else(|| "queued".to_owned(), |job| job.state);
                Ok(accepted(trace, Job { id: job_id, state, is_replayed: true }, params_hash))
            }
            Verdict::Used { job_id } => {
                self.proposals.settle(subject, hash);
                trace.job_id = Some(job_id.clone());
                let mut refusal = Refusal::of(ErrorCode::TokenUsed);
                refusal.detail.job_id = Some(job_id.into());
                Err(refusal)
            }
            Verdict::Expired => refusal(ErrorCode::TokenExpired),
            Verdict::Mismatch { of } => {
                let what = match of {
                    Mismatch::Subject => "subject",
                    Mismatch::Tool => "tool",
                    Mismatch::Params => "params",
                };
                trace.reason = Some(what.to_owned());
                if own.is_some_and(|own| own.mismatches + 1 >= MISMATCHES_MAX) {
                    self.stats.revoked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    self.proposals.settle(subject, hash);
                }
                let is_stolen = |record: &&Record| own.is_none() && record.used_at.is_some();
                if let Some(stolen) = record.as_ref().filter(is_stolen) {
                    self.replayed_by_a_stranger(stolen, hash, trace).await;
                }
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

    /// Writes the call down and counts what came of it.
    async fn note(&self, tool: Tool, trace: Trace, refusal: Option<&Refusal>, time: Duration) {
        let codes = refusal.map(|refusal| refusal.code.as_str()).into_iter().chain(trace.more_codes);
        let detailed = || {
            let detail = &refusal?.detail;
            Some(format!("{} {}", detail.field.as_deref()?, detail.reason.as_deref()?))
        };
        let body = Body {
            at: now_ms(),
            kind: "tool_call".into(),
            tool: Some(tool.name().into()),
            params_hash: trace.params_hash,
            token_hash: trace.token_hash.map(|hash| hash.to_string()),
            error_codes: codes.map(Cow::Borrowed).collect(),
            reason: trace.reason.or_else(detailed),
            job_id: trace.job_id,
            ..Body::default()
        };
        let (issued, executed) = (Issued(&self.stats), Executed(&self.stats, tool, time));
        let judged = trace.outcome.map(|outcome| Judged(&self.stats, outcome));
        let failed = trace.outcome.and_then(Failed::of);
        let mut counts: Vec<&dyn Count> = vec![&executed];
        counts.extend(trace.is_issued.then_some(&issued as &dyn Count));
        counts.extend(judged.as_ref().map(|judged| judged as &dyn Count));
        counts.extend(failed.as_ref().map(|failed| failed as &dyn Count));
        match refusal.is_some_and(|refusal| refusal.code == ErrorCode::StoreUnavailable) {
            // The store of the evidence may be the one: nobody waits for it twice.
            true => self.ledger.note_later(&trace.session_id, body, &counts),
            false => self.ledger.note(&trace.session_id, body, &counts).await,
        }
    }

    fn failed(&self, error: StoreError) -> Refusal {
        self.stats.store_errors.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        error.into()
    }

    fn undecided(&self, error: StoreError, trace: &mut Trace) -> Refusal {
        trace.outcome = Some(Outcome::Store);
        self.failed(error)
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

fn accepted(trace: &mut Trace, job: Job, params_hash: String) -> Accepted {
    trace.job_id = Some(job.id.clone());
    trace.params_hash = Some(params_hash.clone());
    let Job { id: job_id, state, is_replayed } = job;
    Accepted { job_id, state, params_hash, is_replayed, session_id: trace.session_id.clone() }
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
    let whole =
        |reason| Fault { field: String::new(), value: None, reason, allowed: "an object of JSON".into() };
    // A name that stands there twice has no certain meaning.
    let text = live_core::canonical::stable_stringify(arguments).map_err(|error| whole(error.reason))?;
    let value: Value = serde_json::from_str(&text).map_err(|_| whole("is not JSON"))?;
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

/// Whether a text can be an idempotency key, or the id of a session.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// What the sessions of calls without one begin with.
const OWN: &str = "direct-";

/// What a person's own ones begin with.
fn own_sessions(subject: &str) -> String {
    format!("{OWN}{}-", &sha256_hex(subject.as_bytes())[..16])
}

/// The session of what somebody calls without naming one: a new one each day, so that none grows without end.
fn own_session(subject: &str) -> String {
    format!("{}{}", own_sessions(subject), jiff::Timestamp::now().strftime("%Y%m%d"))
}

/// What is said of a session that is another person's, whether it is there or not.
fn unknown_session() -> AppError {
    Refusal::at(ErrorCode::NotFound, "sessionId", "is not known").into()
}
