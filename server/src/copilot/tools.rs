//! Calls of tools: judged, measured, and written down as evidence.

mod arguments;
mod confirm;
mod jobs;
mod look;
mod propose;
mod refusal;
mod sessions;
mod summary;
mod trace;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant as Moment};

use live_core::error::ErrorCode;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

pub(super) use self::arguments::certain;
pub use self::refusal::Refusal;
pub use self::sessions::{is_id, is_own};

use self::trace::Trace;
use super::keeper::StoreHealth;
use super::proposals::Proposals;
use super::stats::CopilotStats;
use super::tool::Tool;
use crate::auth::{Access, Identity, Role};
use crate::backtest::board::Board;
use crate::backtest::params::Params;
use crate::backtest::queue::Queue;
use crate::backtest::results::Results;
use crate::confirmation::record::MacKeys;
use crate::confirmation::store::ConfirmationStore;
use crate::confirmation::token::RawToken;
use crate::crash;
use crate::database::StoreError;
use crate::error::AppError;
use crate::evidence::ledger::Ledger;
use crate::market::Market;
use crate::rate::Rates;
use crate::status::Status;

/// When a call is answered at the latest that stores have not answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The same of a tool that may have to ask an exchange for its history.
const CANDLES_WITHIN: Duration = Duration::from_secs(12);

/// What tools work with.
pub struct Tools {
    store: Arc<dyn ConfirmationStore>,
    queue: Arc<dyn Queue>,
    results: Arc<dyn Results>,
    keys: MacKeys,
    ttl: Duration,
    market: Arc<Market>,
    access: Arc<Access>,
    status: Arc<Status>,
    health: Arc<StoreHealth>,
    began: Moment,
    ledger: Arc<Ledger>,
    stats: Arc<CopilotStats>,
    proposals: Proposals,
    takes_guests: bool,
    calls: Rates,
    board: Board,
    bell: Arc<Notify>,
    /// Whose the sessions are that were opened here.
    sessions: Mutex<HashMap<String, String>>,
    /// When it was last written down of a session that somebody else has asked for it.
    intrusions: Mutex<HashMap<String, Instant>>,
}

/// What the tools are built from.
pub struct Parts {
    /// Where tokens are kept.
    pub store: Arc<dyn ConfirmationStore>,
    /// Where jobs wait.
    pub queue: Arc<dyn Queue>,
    /// Where their results are.
    pub results: Arc<dyn Results>,
    /// What their records are signed with.
    pub keys: MacKeys,
    /// How long they are valid.
    pub ttl: Duration,
    /// What can be looked at and tested.
    pub market: Arc<Market>,
    /// Who may look at what.
    pub access: Arc<Access>,
    /// How the gateway itself is.
    pub status: Arc<Status>,
    /// Whether the store of tokens answers.
    pub health: Arc<StoreHealth>,
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

/// Who has decided on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A person or their program.
    Person,
    /// A language model, on a person's behalf. It can propose and never confirm.
    Model,
}

/// A call of a tool.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool.
    pub tool: Tool,
    /// Who has decided on the call.
    pub by: By,
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
    /// Something was looked at, or a job was asked to end.
    Told(Told),
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The event that it is answered as.
    pub event: &'static str,
    /// It, as JSON.
    pub data: String,
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
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The job.
    pub job_id: String,
    /// Its state.
    pub state: String,
    /// SHA-256 of the canonical JSON of its parameters.
    pub params_hash: String,
    /// Whether it was started by the same call before.
    pub is_replayed: bool,
    /// What was proposed; empty where that is not known any more.
    pub proposal_id: String,
    /// The conversation.
    pub session_id: String,
}

impl Tools {
    /// Puts the tools together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, queue, results, keys, ttl, market, access, status, health, .. } = parts;
        let Parts { ledger, stats, takes_guests, calls, board, bell, .. } = parts;
        let (proposals, sessions, intrusions) = Default::default();
        Self {
            store,
            queue,
            results,
            keys,
            ttl,
            market,
            access,
            status,
            health,
            began: Moment::now(),
            ledger,
            stats,
            proposals,
            takes_guests,
            calls,
            board,
            bell,
            sessions,
            intrusions,
        }
    }

    /// How often one person may ask for something.
    pub fn rates(&self) -> &Rates {
        &self.calls
    }

    /// Where it is written down what was asked and done.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// What is counted.
    pub fn stats(&self) -> &Arc<CopilotStats> {
        &self.stats
    }

    /// Calls a tool for somebody.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], [`ErrorCode::ConfirmNotHuman`]; [`ErrorCode::NotFound`] for somebody else's session;
    /// [`ErrorCode::StoreUnavailable`]; what the tool refuses.
    pub async fn call(&self, identity: &Identity, call: Call<'_>) -> Result<Answer, AppError> {
        let subject = self.may_call(identity, call.tool).map_err(AppError::from)?;
        self.calls.of(subject).take(1).map_err(|after| AppError::later(ErrorCode::RateLimited, after))?;
        self.call_unbounded(identity, subject, call).await.map_err(AppError::from)
    }

    /// The same for a language model that answers somebody. What it asks for is judged as if the person had asked, and it
    /// never confirms.
    ///
    /// # Errors
    /// As [`Tools::call`], in a form that can be told to the model.
    pub async fn call_for_model(&self, identity: &Identity, call: Call<'_>) -> Result<Answer, Refusal> {
        let call = Call { by: By::Model, idempotency_key: None, ..call };
        let Some(subject) = identity.subject.as_deref() else {
            return Err(Refusal::of(ErrorCode::Unauthenticated));
        };
        self.call_unbounded(identity, subject, call).await
    }

    /// The same for a person who confirms within a conversation, and was counted when they said something.
    ///
    /// # Errors
    /// As [`Tools::call`].
    pub async fn confirm_for_person(&self, identity: &Identity, call: Call<'_>) -> Result<Accepted, Refusal> {
        let subject = self.may_call(identity, call.tool)?;
        match self.call_unbounded(identity, subject, call).await? {
            Answer::Accepted(accepted) => Ok(accepted),
            Answer::Proposed(_) | Answer::Told(_) => Err(Refusal::of(ErrorCode::Internal)),
        }
    }

    /// A proposal waits for nobody: no one was shown it.
    pub(in crate::copilot) fn withdraw(&self, subject: &str, proposed: &Proposed) {
        self.proposals.settle(subject, proposed.token.hash());
    }

    /// How many bars a backtest would run over, as far as is known now.
    pub fn bars(&self, params: &Params) -> u64 {
        let Ok(bars) = self.market.whole(&params.symbol, &params.interval) else { return 0 };
        let (from, to) = params.times();
        let first = from.map_or(0, |from| bars.first_from(from));
        let end = to.map_or(bars.len(), |to| bars.first_from(to));
        end.saturating_sub(first) as u64
    }

    /// Makes sure that somebody may have conversations; who it is. A model may cost something.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`].
    pub fn may_converse<'a>(&self, identity: &'a Identity) -> Result<&'a str, AppError> {
        let subject = identity.subject.as_deref().filter(|_| self.may_start(identity));
        subject.ok_or_else(|| AppError::forbidden("the token has no role that may have conversations"))
    }

    async fn call_unbounded(
        &self,
        identity: &Identity,
        subject: &str,
        call: Call<'_>,
    ) -> Result<Answer, Refusal> {
        let began = Instant::now();
        let patience = if call.tool == Tool::GetCandles { CANDLES_WITHIN } else { ANSWER_WITHIN };
        let deadline = began + patience;
        let session_id = match timeout_at(deadline, self.session(subject, call.session_id)).await {
            Ok(session_id) => session_id?,
            Err(_) => return Err(self.failed(self.late())),
        };
        let mut trace = Trace { session_id, ..Trace::default() };
        crash::point("received");
        let answer = match timeout_at(deadline, self.answer(identity, subject, call, &mut trace)).await {
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
        answer
    }

    async fn answer(
        &self,
        identity: &Identity,
        subject: &str,
        call: Call<'_>,
        trace: &mut Trace,
    ) -> Result<Answer, Refusal> {
        let arguments = call.arguments;
        match (call.tool, call.by) {
            (Tool::ConfirmBacktest, By::Model) => Err(Refusal::of(ErrorCode::ConfirmNotHuman)),
            (Tool::StartBacktest, By::Model) if !self.may_start(identity) => {
                Err(Refusal::of(ErrorCode::Forbidden))
            }
            (Tool::StartBacktest, _) => self.propose(subject, arguments, trace).await.map(Answer::Proposed),
            (Tool::ConfirmBacktest, _) => self.confirm(subject, call, trace).await.map(Answer::Accepted),
            (Tool::GetRuntimeHealth, _) => self.health(arguments, trace).map(Answer::Told),
            (Tool::GetMarketSnapshot, _) => self.snapshot(identity, arguments, trace).await.map(Answer::Told),
            (Tool::GetCandles, _) => self.candles(identity, arguments, trace).await.map(Answer::Told),
            (Tool::GetBacktestStatus, _) => {
                self.job_status(subject, arguments, trace).await.map(Answer::Told)
            }
            (Tool::GetBacktestResult, _) => {
                self.job_result(subject, arguments, trace).await.map(Answer::Told)
            }
            (Tool::CancelBacktest, _) => self.job_cancel(subject, arguments, trace).await.map(Answer::Told),
        }
    }

    /// What is said of a store that has not answered in the time that there is.
    fn late(&self) -> StoreError {
        StoreError { store: self.store.name(), reason: "it does not answer in time".to_owned() }
    }

    /// Makes sure that somebody may call a tool; who it is.
    fn may_call<'a>(&self, identity: &'a Identity, tool: Tool) -> Result<&'a str, Refusal> {
        let roles = identity.roles;
        // Programs publish; what costs something is for people to decide.
        if tool == Tool::ConfirmBacktest && roles.has(Role::Publisher) {
            return Err(Refusal::of(ErrorCode::ConfirmNotHuman));
        }
        // What is only looked at is for everybody who is known; what of it, the tools judge.
        let may = !tool.costs() || self.may_start(identity);
        match identity.subject.as_deref().filter(|_| may) {
            Some(subject) => Ok(subject),
            None if tool == Tool::ConfirmBacktest => Err(Refusal::of(ErrorCode::ConfirmNotHuman)),
            None => {
                Err(Refusal::told(ErrorCode::Forbidden, "the token has no role that may start something"))
            }
        }
    }

    /// Whether somebody has a role that may start something.
    fn may_start(&self, identity: &Identity) -> bool {
        identity.roles.has(Role::Trader) || self.takes_guests && identity.roles.has(Role::Guest)
    }
}
