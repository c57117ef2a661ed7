//! Conversations: a person says something, a language model answers, calling tools on the way.
//!
//! ```text
//! POST /api/copilot/chat ─▶ Chat ─▶ Conversation ─▶ Answer (a task) ─▶ Provider ─▶ Tools
//!                                                      `─▶ channel copilot:<sessionId> (and the stream of the request)
//! ```
//! An answer belongs to its conversation and not to the request: it goes on when the connection drops. The model can
//! propose and never confirm; a confirmation comes from the person with their message and goes past the model. What was
//! said is kept in memory, for as long as the process lives.

mod answer;
mod asked;
mod calls;
mod conversation;
mod history;
pub mod http;
mod question;
mod teller;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::copilot::CopilotError;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use tokio::sync::mpsc;

use self::answer::Answer;
use self::conversation::{Conversation, Running};
use self::question::Question;
use self::teller::Teller;
use super::provider::Provider;
use super::stats::{Answered, Ending};
use super::tool::{Listed, Tool};
use super::tools::Tools;
use crate::auth::Identity;
use crate::broker::Broker;
use crate::confirmation::token::PREFIX;
use crate::directory::Owners;
use crate::error::AppError;
use crate::evidence::chain::Body;
use crate::evidence::store::EvidenceStore;
use crate::random;
use crate::transport::Lifecycle;
use crate::wire::now_ms;

/// Conversations that are known at once; beyond it those are forgotten that were quiet for longest.
const CONVERSATIONS_MAX: usize = 10_000;
/// The same of one person, so that nobody makes the gateway forget what others have said.
const CONVERSATIONS_OF_ONE_MAX: usize = 100;
/// Answers that one person is given at once, in as many conversations.
const ANSWERS_MAX: usize = 4;
/// When somebody is to try again whom an answer is given already.
const BUSY_RETRY: Duration = Duration::from_secs(1);
/// Entries of evidence that are looked through for an answer that a crash has cut.
const LOOK_BACK: u64 = 64;
/// Events that wait for the stream of a request; who does not read goes on from the channel.
const WATCHED_MAX: usize = 512;

/// What conversations are made of.
pub struct Chat {
    tools: Arc<Tools>,
    provider: Arc<dyn Provider>,
    broker: Arc<dyn Broker>,
    owners: Arc<Owners>,
    evidence: Arc<dyn EvidenceStore>,
    lifecycle: Lifecycle,
    listed: Vec<Listed>,
    conversations: Mutex<HashMap<String, Arc<Conversation>>>,
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
        let Parts { tools, provider, broker, owners, evidence, lifecycle } = parts;
        let listed = Tool::for_models().collect();
        let conversations = Mutex::default();
        Self { tools, provider, broker, owners, evidence, lifecycle, listed, conversations }
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
        let running = self.begin(&conversation, &answer_id)?;
        let (watcher, events) = mpsc::channel(WATCHED_MAX);
        let answer = Answer {
            chat: Arc::clone(self),
            identity: Arc::clone(identity),
            teller: Teller::new(&self.broker, &conversation, Some(watcher)),
            conversation,
            id: answer_id.clone(),
            stop: running.stop,
        };
        self.lifecycle.tasks.spawn(answer.run(message, token));
        Ok(Begun { session_id, answer_id, events })
    }

    /// Stops the answer that a session is given; whether there was one.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a session that is not known or somebody else's.
    pub async fn stop(&self, identity: &Identity, session_id: &str) -> Result<Option<String>, AppError> {
        let conversation = self.known(identity, session_id).await?;
        let running = conversation.running();
        Ok(running.map(|Running { answer_id, stop }| {
            stop.cancel();
            answer_id
        }))
    }

    /// Which answer a session is given now. After a restart it opens the session's channel again.
    ///
    /// # Errors
    /// As [`Chat::stop`].
    pub async fn look(&self, identity: &Identity, session_id: &str) -> Result<Option<String>, AppError> {
        let conversation = self.known(identity, session_id).await?;
        Ok(conversation.running().map(|running| running.answer_id))
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
    /// its last answer was cut.
    async fn open(&self, subject: &str, session_id: &str) -> Result<Arc<Conversation>, AppError> {
        let session_id = self.tools.session(subject, Some(session_id)).await?;
        let known = self.conversations().get(&session_id).cloned();
        if let Some(conversation) = known {
            self.own(&conversation)?;
            return Ok(conversation);
        }
        let channel = ChannelName::parse(&format!("copilot:{session_id}"));
        let channel = channel.map_err(|_| AppError::of(ErrorCode::ChannelInvalid))?;
        let conversation = Arc::new(Conversation::new(&session_id, subject, channel));
        self.own(&conversation)?;
        let (conversation, is_new) = {
            let mut all = self.conversations();
            forget(&mut all, subject);
            match all.get(&session_id) {
                Some(other) => (Arc::clone(other), false),
                None => {
                    all.insert(session_id, Arc::clone(&conversation));
                    (conversation, true)
                }
            }
        };
        if is_new {
            self.tell_of_a_cut(&conversation).await;
        }
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

    /// Notes that a conversation is answered, if it is not already, and the person is not given too many answers.
    fn begin(&self, conversation: &Conversation, answer_id: &str) -> Result<Running, AppError> {
        let busy = |field: &str, reason: &str| {
            let detail = ErrorDetail {
                message: ErrorCode::RateLimited.meaning().into(),
                field: Some(field.into()),
                reason: Some(reason.into()),
                ..ErrorDetail::default()
            };
            AppError::later_for(ErrorCode::RateLimited, BUSY_RETRY, detail)
        };
        let all = self.conversations();
        let is_theirs = |other: &&Arc<Conversation>| other.subject == conversation.subject;
        if all.values().filter(is_theirs).filter(|other| other.is_running()).count() >= ANSWERS_MAX {
            return Err(busy("message", "is one too many: others of yours are being answered"));
        }
        conversation
            .begin(answer_id)
            .ok_or_else(|| busy("sessionId", "is being answered: wait for the end, or stop it"))
    }

    /// What was being said when the process ended last time was never ended: that is told now.
    async fn tell_of_a_cut(&self, conversation: &Conversation) {
        let id = &*conversation.id;
        let cut = async {
            let session = self.evidence.session(id).await?;
            let entries = session.map_or(0, |session| session.entries);
            let after = entries.saturating_sub(LOOK_BACK);
            self.evidence.read(id, after, LOOK_BACK as u32).await
        };
        let links = cut.await.unwrap_or_default();
        let entries = links.iter().rev().filter_map(|link| serde_json::from_str(&link.entry).ok());
        let mut entries = entries.map(|entry: serde_json::Value| entry);
        let last =
            entries.find(|entry| ["request", "answer"].contains(&entry["kind"].as_str().unwrap_or_default()));
        let Some(last) = last.filter(|last| last["kind"] == "request") else { return };
        let error = CopilotError {
            answer_id: last["reason"].as_str().unwrap_or_default().into(),
            code: ErrorCode::Internal.as_str().into(),
            message: "the gateway was restarted while it answered".into(),
            retry_after_ms: None,
        };
        self.note_end(id, &error.answer_id.clone(), Ending::Error, Some(ErrorCode::Internal.as_str())).await;
        // Whoever cannot be told now reads it in the evidence.
        let _told = Teller::new(&self.broker, conversation, None).tell(CopilotError::EVENT, &error).await;
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

    fn conversations(&self) -> MutexGuard<'_, HashMap<String, Arc<Conversation>>> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_session_id() -> String {
    format!("chat-{}", random::text(20))
}

/// Makes room for one more of somebody's, if there are too many: of theirs, or of all.
fn forget(all: &mut HashMap<String, Arc<Conversation>>, subject: &str) {
    let is_theirs = |conversation: &Conversation| *conversation.subject == *subject;
    while all.values().filter(|conversation| is_theirs(conversation)).count() >= CONVERSATIONS_OF_ONE_MAX
        && forget_oldest(all, is_theirs)
    {}
    while all.len() >= CONVERSATIONS_MAX && forget_oldest(all, |_| true) {}
}

/// Forgets the one that was quiet for longest and is not being answered; false where there is none.
fn forget_oldest(
    all: &mut HashMap<String, Arc<Conversation>>,
    may_go: impl Fn(&Conversation) -> bool,
) -> bool {
    let idle = all.iter().filter(|(_, conversation)| may_go(conversation) && !conversation.is_running());
    let oldest = idle.min_by_key(|(_, conversation)| conversation.last_used()).map(|(id, _)| id.clone());
    oldest.is_some_and(|id| all.remove(&id).is_some())
}

/// A text without the confirmation tokens that somebody may have put into it.
fn masked(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        masked.push_str(&rest[..at]);
        masked.push_str("[token]");
        let tail = &rest[at + PREFIX.len()..];
        let is_of_token = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        rest = tail.trim_start_matches(is_of_token);
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_taken_out_of_what_is_said() {
        assert_eq!(masked("a sct_Ab-_9, b"), "a [token], b");
        assert_eq!(masked("sct_sct_x sct_"), "[token] [token]");
        assert_eq!(masked("çok güzel"), "çok güzel");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_makes_others_be_forgotten() {
        let mut all = HashMap::new();
        let mut open = |subject: &str, at: usize| {
            let id = format!("{subject}-{at}");
            let channel = ChannelName::parse(&format!("copilot:{id}")).expect("a name");
            forget(&mut all, subject);
            all.insert(id.clone(), Arc::new(Conversation::new(&id, subject, channel)));
            all.len()
        };
        open("ann", 0);
        for at in 0..CONVERSATIONS_OF_ONE_MAX * 3 {
            tokio::time::advance(Duration::from_secs(1)).await;
            assert!(open("bob", at) <= CONVERSATIONS_OF_ONE_MAX + 1);
        }
        let newest = format!("bob-{}", CONVERSATIONS_OF_ONE_MAX * 3 - 1);
        assert!(all.contains_key("ann-0") && all.contains_key(&newest) && !all.contains_key("bob-0"));
    }
}
