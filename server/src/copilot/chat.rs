//! Conversations: a person says something, a language model answers, calling tools on the way.
//!
//! ```text
//! POST /api/copilot/chat ─▶ Chat ─▶ Conversation ─▶ Answer (a task) ─▶ Provider ─▶ Tools
//!                                        └─▶ channel copilot:<sessionId> (and the stream of the request)
//! ```
//! An answer belongs to its conversation and not to the request: it goes on when the connection drops. The model can
//! propose and never confirm; a confirmation comes from the person, with their message or by itself, and goes past the
//! model. What was said is kept in memory, for as long as the process lives.

mod answer;
mod asked;
mod calls;
mod confirmed;
mod conversation;
mod cut;
mod history;
pub mod http;
mod question;
mod shelf;
mod teller;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use tokio::sync::mpsc;

use self::answer::Answer;
use self::conversation::{Conversation, Running};
pub use self::cut::Origin;
use self::question::Question;
use self::shelf::{Busy, Shelf};
use self::teller::Watcher;
use super::provider::Provider;
use super::stats::{Answered, Ending};
use super::tool::{Listed, Tool};
use super::tools::Tools;
use crate::auth::{Auth, Identity};
use crate::broker::Broker;
use crate::directory::Owners;
use crate::error::AppError;
use crate::evidence::chain::Body;
use crate::evidence::store::EvidenceStore;
use crate::random;
use crate::rate::Rates;
use crate::transport::Lifecycle;
use crate::wire::now_ms;

/// What the ids of conversations begin with that are named here.
const NAMED: &str = "chat-";
/// When somebody is to try again whom an answer is given already.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// Events that wait for the stream of a request; who does not read goes on from the channel.
const WATCHED_MAX: usize = 512;
/// Conversations that one person opens, new ones or such as are not known any more: so many a second over time, and so
/// many at once.
const OPENS_PER_SECOND: u32 = 1;
const OPENS_BURST: u32 = 60;

/// What conversations are made of.
pub struct Chat {
    tools: Arc<Tools>,
    provider: Arc<dyn Provider>,
    broker: Arc<dyn Broker>,
    owners: Arc<Owners>,
    evidence: Arc<dyn EvidenceStore>,
    auth: Arc<Auth>,
    origin: Origin,
    patience: Duration,
    lifecycle: Lifecycle,
    listed: Vec<Listed>,
    opens: Rates,
    shelf: Shelf,
}

/// What it is built from.
pub struct Parts {
    /// What can be done.
    pub tools: Arc<Tools>,
    /// What answers.
    pub provider: Arc<dyn Provider>,
    /// Where it is told.
    pub broker: Arc<dyn Broker>,
    /// Whose the channels are.
    pub owners: Arc<Owners>,
    /// Where it is written down what was asked and done.
    pub evidence: Arc<dyn EvidenceStore>,
    /// Whose token still holds.
    pub auth: Arc<Auth>,
    /// Which process this is.
    pub origin: Origin,
    /// Longest time of an answer, with the tools that it calls.
    pub patience: Duration,
    /// How the process ends.
    pub lifecycle: Lifecycle,
}

/// An answer that has begun.
pub struct Begun {
    /// The conversation.
    pub session_id: String,
    /// The answer.
    pub answer_id: String,
    /// What is told of it, each as an event of a stream.
    pub events: mpsc::Receiver<Bytes>,
}

impl Chat {
    /// Puts it together.
    pub fn new(parts: Parts) -> Self {
        let Parts { tools, provider, broker, owners, evidence, auth, origin, patience, lifecycle } = parts;
        let listed = Tool::for_models().collect();
        let (opens, shelf) = (Rates::new(OPENS_PER_SECOND, OPENS_BURST), Shelf::new(shelf::USUAL));
        Self {
            tools,
            provider,
            broker,
            owners,
            evidence,
            auth,
            origin,
            patience,
            lifecycle,
            listed,
            opens,
            shelf,
        }
    }

    /// What can be done in them, and by itself.
    pub fn tools(&self) -> &Arc<Tools> {
        &self.tools
    }

    /// Opens a conversation in which nothing was said yet, so that its channel can be heard from the first word on.
    /// Returns its id.
    ///
    /// # Errors
    /// [`ErrorCode::Forbidden`], [`ErrorCode::RateLimited`], [`ErrorCode::Draining`], [`ErrorCode::StoreUnavailable`].
    pub async fn begin_session(&self, identity: &Identity) -> Result<String, AppError> {
        let subject = self.admitted(identity)?;
        let session_id = new_session_id();
        self.open(subject, &session_id).await?;
        Ok(session_id)
    }

    /// Takes what somebody has said, and begins to answer.
    ///
    /// # Errors
    /// [`ErrorCode::ParamsInvalid`]; [`ErrorCode::NotFound`] for somebody else's session; [`ErrorCode::Forbidden`];
    /// [`ErrorCode::RateLimited`], also while the session's last message is being answered; [`ErrorCode::Draining`];
    /// [`ErrorCode::StoreUnavailable`].
    pub async fn ask(self: &Arc<Self>, identity: &Arc<Identity>, body: &[u8]) -> Result<Begun, AppError> {
        let subject = self.admitted(identity)?;
        let Question { session_id, message, token } = Question::read(body)?;
        let session_id = session_id.unwrap_or_else(new_session_id);
        let conversation = self.open(subject, &session_id).await?;
        let answer_id = format!("ans_{}", random::text(16));
        let running = self.begin(&conversation, &answer_id).await?;
        let (stream, events) = mpsc::channel(WATCHED_MAX);
        let answer = Answer {
            chat: Arc::clone(self),
            identity: Arc::clone(identity),
            conversation,
            watcher: Watcher::new(stream),
            id: answer_id.clone(),
            stop: running.stop,
            proposals: 0,
        };
        self.lifecycle.tasks.spawn(answer.run(message, token));
        Ok(Begun { session_id, answer_id, events })
    }

    /// Stops the answer that a session is given, which is told by `copilot.stopped`; which one. `None` where there is
    /// none, or it has come to its end already.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a session that is not known or somebody else's.
    pub async fn stop(&self, identity: &Identity, session_id: &str) -> Result<Option<String>, AppError> {
        Ok(self.known(identity, session_id).await?.stop())
    }

    /// Which answer a session is given now. After a restart it opens the session's channel again.
    ///
    /// # Errors
    /// As [`Chat::stop`].
    pub async fn look(&self, identity: &Identity, session_id: &str) -> Result<Option<String>, AppError> {
        Ok(self.known(identity, session_id).await?.running())
    }

    /// Whoever may converse, not too often, and with a gateway that does not end.
    fn admitted<'a>(&self, identity: &'a Identity) -> Result<&'a str, AppError> {
        let subject = self.tools.may_converse(identity)?;
        let rate = self.tools.rates().of(subject).take(1);
        rate.map_err(|after| AppError::later(ErrorCode::RateLimited, after))?;
        if self.lifecycle.stopping.is_cancelled() {
            return Err(AppError::draining());
        }
        Ok(subject)
    }

    /// A conversation that was begun before, here or by this person on a gateway that has ended.
    async fn known(&self, identity: &Identity, session_id: &str) -> Result<Arc<Conversation>, AppError> {
        let not_found = || AppError::of(ErrorCode::NotFound);
        let subject = identity.subject.as_deref().ok_or_else(not_found)?;
        if !super::tools::is_id(session_id) {
            return Err(not_found());
        }
        let found = self.evidence.session(session_id).await;
        let found = found.map_err(|error| super::store_unavailable(&error))?;
        match found {
            Some(session) if session.subject == subject => {}
            Some(_) => {
                self.tools.intruded(session_id);
                return Err(not_found());
            }
            None => return Err(not_found()),
        }
        self.open(subject, session_id).await
    }

    /// A person's conversation, with its channel. One that is opened for the first time since the process began is told if
    /// its last answer was cut, before anything else is.
    async fn open(&self, subject: &str, session_id: &str) -> Result<Arc<Conversation>, AppError> {
        let session_id = self.tools.session(subject, Some(session_id)).await?;
        let conversation = match self.shelf.find(&session_id) {
            Some(known) => known,
            None => {
                let rate = self.opens.of(subject).take(1);
                rate.map_err(|after| AppError::later(ErrorCode::RateLimited, after))?;
                let channel = channel(&session_id).ok_or_else(|| AppError::of(ErrorCode::ChannelInvalid))?;
                let broker = Arc::clone(&self.broker);
                let new = Conversation::new(&session_id, subject, channel, broker);
                self.own(&new)?;
                let (conversation, gone) = self.shelf.put(new);
                self.forget(&gone).await;
                conversation
            }
        };
        self.own(&conversation)?;
        let looked = conversation.looked.get_or_try_init(|| self.tell_of_a_cut(&conversation)).await;
        looked.map_err(|error| super::store_unavailable(&error))?;
        Ok(conversation)
    }

    /// Makes the channel the person's.
    fn own(&self, conversation: &Conversation) -> Result<(), AppError> {
        let Conversation { channel, subject, .. } = conversation;
        if self.owners.of(channel).is_some_and(|owner| *owner == **subject) {
            return Ok(());
        }
        let opening = self.owners.judge([(channel, Some(&**subject))]);
        opening.map_err(|_| AppError::of(ErrorCode::NotFound))?.open();
        Ok(())
    }

    /// Lets go of what the channels of conversations keep that are not known any more.
    async fn forget(&self, gone: &[Arc<Conversation>]) {
        for conversation in gone {
            if let Err(error) = self.broker.forget(&conversation.channel).await {
                tracing::debug!(%error, "a channel keeps what nobody knows any more");
            }
        }
    }

    /// Notes that a conversation is answered, if it is not already, and the person is not given too many answers.
    async fn begin(&self, conversation: &Arc<Conversation>, answer_id: &str) -> Result<Running, AppError> {
        let begun = self.shelf.begin(conversation, answer_id);
        let (running, gone) = begun.map_err(|busy| match busy {
            Busy::Person => busy_with("message", "is one too many: others of yours are being answered"),
            Busy::Session => busy_with("sessionId", "is being answered: wait for the end, or stop it"),
        })?;
        self.forget(&gone).await;
        Ok(running)
    }

    /// Writes an answer's end down and counts it.
    async fn note_end(&self, session_id: &str, answer_id: &str, ending: Ending, code: Option<&'static str>) {
        let body = Body {
            at: now_ms(),
            kind: "answer".into(),
            reason: Some(answer_id.to_owned()),
            error_codes: code.map(Into::into).into_iter().collect(),
            ..Body::default()
        };
        let stats = self.tools.stats();
        self.tools.ledger().note(session_id, body, &[&Answered(stats, ending)]).await;
    }
}

fn new_session_id() -> String {
    format!("{NAMED}{}", random::text(20))
}

/// Where a conversation is told.
fn channel(session_id: &str) -> Option<ChannelName> {
    ChannelName::parse(&format!("copilot:{session_id}")).ok()
}

/// Why no answer begins now.
fn busy_with(field: &str, reason: &str) -> AppError {
    let detail = ErrorDetail {
        message: ErrorCode::RateLimited.meaning().into(),
        field: Some(field.into()),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    };
    AppError::later_for(ErrorCode::RateLimited, BUSY_RETRY, detail)
}

#[cfg(test)]
mod tests;
