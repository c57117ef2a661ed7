//! A conversation: whose it is, what was said, the answer that is on its way, and what is told of it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use live_core::channel::ChannelName;
use live_core::copilot::{CopilotConfirm, CopilotStart};
use live_core::error::ErrorCode;
use serde::Serialize;
use tokio::sync::{Mutex as AsyncMutex, OnceCell};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::history::History;
use super::teller::{Teller, Watcher};
use crate::broker::Broker;
use crate::copilot::provider::Message;

/// How long the engine keeps what was told after the last word, and how many bytes of it at most.
const TOLD_FOR: Duration = Duration::from_secs(600);
const TOLD_LEN_MAX: usize = 8 * 1024 * 1024;

/// A conversation.
pub(super) struct Conversation {
    /// Its id.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// Where it is told.
    pub channel: ChannelName,
    /// Set once it was looked whether its last answer was cut; no answer begins before.
    pub looked: OnceCell<()>,
    /// One thing is told after the other, so that the channel and the stream of a request have it in the same order.
    teller: AsyncMutex<Teller>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    /// What the person has done beside the answer that is on its way: the model is told with the next message.
    notes: Vec<String>,
    running: Option<Running>,
    last_used: Instant,
    told: usize,
    told_at: Instant,
}

/// An answer on its way.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Its id.
    pub answer_id: String,
    /// Ends it.
    pub stop: CancellationToken,
    /// It is certain how it ends: nobody stops it any more.
    is_concluded: bool,
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Conversation {
    /// In which nothing was said yet.
    pub fn new(id: &str, subject: &str, channel: ChannelName, broker: Arc<dyn Broker>) -> Self {
        let now = Instant::now();
        let (history, notes) = Default::default();
        let state = State { history, notes, running: None, last_used: now, told: 0, told_at: now };
        let teller = Teller::new(broker, channel.clone(), subject.into());
        Self {
            id: id.into(),
            subject: subject.into(),
            channel,
            looked: OnceCell::new(),
            teller: AsyncMutex::new(teller),
            state: Mutex::new(state),
        }
    }

    /// Begins an answer; `None` while there is one.
    pub fn begin(&self, answer_id: &str) -> Option<Running> {
        let mut state = self.state();
        if state.running.is_some() {
            return None;
        }
        let stop = CancellationToken::new();
        let running = Running { answer_id: answer_id.to_owned(), stop, is_concluded: false };
        state.running = Some(running.clone());
        state.last_used = Instant::now();
        Some(running)
    }

    /// Tells that an answer begins, from now on to its request too.
    ///
    /// # Errors
    /// When the engine cannot be used.
    pub async fn start(&self, watcher: Watcher, start: &CopilotStart) -> Result<(), ErrorCode> {
        let mut teller = self.teller.lock().await;
        teller.watch(Some(watcher));
        self.count(teller.tell(CopilotStart::EVENT, start).await?);
        Ok(())
    }

    /// Tells something.
    ///
    /// # Errors
    /// When it breaks a rule of the protocol, or the engine cannot be used.
    pub async fn tell(&self, event: &'static str, data: &impl Serialize) -> Result<(), ErrorCode> {
        let mut teller = self.teller.lock().await;
        self.count(teller.tell(event, data).await?);
        Ok(())
    }

    /// Tells of a proposal, its token to the person's own streams and sockets alone.
    ///
    /// # Errors
    /// As [`Conversation::tell`].
    pub async fn confirm(&self, confirm: CopilotConfirm) -> Result<(), ErrorCode> {
        let mut teller = self.teller.lock().await;
        self.count(teller.confirm(confirm).await?);
        Ok(())
    }

    /// Stops the answer that is on its way; its id, if it ends by that.
    pub fn stop(&self) -> Option<String> {
        let state = self.state();
        let running = state.running.as_ref().filter(|running| !running.is_concluded)?;
        running.stop.cancel();
        Some(running.answer_id.clone())
    }

    /// From now on nobody stops the answer any more. Whether somebody has.
    pub fn conclude(&self) -> bool {
        let mut state = self.state();
        state.running.as_mut().is_some_and(|running| {
            running.is_concluded = true;
            running.stop.is_cancelled()
        })
    }

    /// An answer has ended: what was said is kept, and the end is told as the last thing of its request. Whoever hears of
    /// it can say something at once, and what is told of that comes behind.
    ///
    /// # Errors
    /// When the engine cannot be used.
    pub async fn end(
        &self,
        said: Vec<Message>,
        event: &'static str,
        data: &impl Serialize,
    ) -> Result<(), ErrorCode> {
        let mut teller = self.teller.lock().await;
        {
            let mut state = self.state();
            state.history.extend(said);
            for note in std::mem::take(&mut state.notes) {
                state.history.note(note);
            }
            state.running = None;
            state.last_used = Instant::now();
        }
        let told = teller.tell(event, data).await;
        teller.watch(None);
        self.count(told?);
        Ok(())
    }

    /// Has the model be told with the next message what the person has done, once.
    pub fn note(&self, text: &str) {
        let mut state = self.state();
        if state.notes.iter().any(|note| note == text) || state.history.has_note(text) {
            return;
        }
        match state.running {
            // Its question stands as it was asked.
            Some(_) => state.notes.push(text.to_owned()),
            None => state.history.note(text.to_owned()),
        }
    }

    /// An answer has ended without a word, as none should: the conversation goes on all the same.
    pub fn release(&self, answer_id: &str) {
        let mut state = self.state();
        if state.running.as_ref().is_some_and(|running| running.answer_id == answer_id) {
            tracing::error!(session = &*self.id, answer_id, "an answer has broken off");
            state.running = None;
        }
    }

    /// What was said before.
    pub fn history(&self) -> Vec<Message> {
        self.state().history.messages()
    }

    /// The answer on its way.
    pub fn running(&self) -> Option<String> {
        self.state().running.as_ref().map(|running| running.answer_id.clone())
    }

    /// Whether there is one.
    pub fn is_running(&self) -> bool {
        self.state().running.is_some()
    }

    /// When it last began or ended.
    pub fn last_used(&self) -> Instant {
        self.state().last_used
    }

    /// About how many bytes are kept of it: for the model here, and by the engine.
    pub fn len_bytes(&self) -> usize {
        let state = self.state();
        let is_kept = state.running.is_some() || state.told_at.elapsed() < TOLD_FOR;
        state.history.len_bytes() + if is_kept { state.told } else { 0 }
    }

    fn count(&self, len: usize) {
        let mut state = self.state();
        let before = if state.told_at.elapsed() < TOLD_FOR { state.told } else { 0 };
        state.told = (before + len).min(TOLD_LEN_MAX);
        state.told_at = Instant::now();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
