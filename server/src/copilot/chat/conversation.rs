//! A conversation: whose it is, what was said, and the answer that is on its way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use live_core::channel::ChannelName;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::history::History;
use crate::copilot::provider::Message;

/// A conversation.
#[derive(Debug)]
pub(super) struct Conversation {
    /// Its id.
    pub id: Box<str>,
    /// Whose it is.
    pub subject: Box<str>,
    /// Where it is told.
    pub channel: ChannelName,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    history: History,
    running: Option<Running>,
    last_used: Instant,
}

/// An answer on its way.
#[derive(Clone, Debug)]
pub(super) struct Running {
    /// Its id.
    pub answer_id: String,
    /// Ends it.
    pub stop: CancellationToken,
}

impl Conversation {
    /// In which nothing was said yet.
    pub fn new(id: &str, subject: &str, channel: ChannelName) -> Self {
        let state = State { history: History::default(), running: None, last_used: Instant::now() };
        Self { id: id.into(), subject: subject.into(), channel, state: Mutex::new(state) }
    }

    /// Begins an answer; `None` while there is one.
    pub fn begin(&self, answer_id: &str) -> Option<Running> {
        let mut state = self.state();
        if state.running.is_some() {
            return None;
        }
        let running = Running { answer_id: answer_id.to_owned(), stop: CancellationToken::new() };
        state.running = Some(running.clone());
        state.last_used = Instant::now();
        Some(running)
    }

    /// An answer has ended; what was said is kept.
    pub fn end(&self, said: Vec<Message>) {
        let mut state = self.state();
        state.history.extend(said);
        state.running = None;
        state.last_used = Instant::now();
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
    pub fn running(&self) -> Option<Running> {
        self.state().running.clone()
    }

    /// Whether there is one.
    pub fn is_running(&self) -> bool {
        self.state().running.is_some()
    }

    /// When it last began or ended.
    pub fn last_used(&self) -> Instant {
        self.state().last_used
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
