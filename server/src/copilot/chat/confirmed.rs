//! What a person has confirmed is told in the conversation in which it was proposed, however the confirmation came.

use std::sync::Arc;
use std::time::Duration;

use live_core::copilot::CopilotConfirmed;
use tokio::time::timeout;

use super::{Chat, Conversation, NAMED, channel};
use crate::auth::Identity;
use crate::copilot::tools::{Accepted, is_own};

/// Entries of evidence among which the first message of a conversation is.
const FIRST: u32 = 64;
/// How long whoever confirms waits at most until their conversation is told.
const TOLD_WITHIN: Duration = Duration::from_secs(1);

/// What the model is told of a confirmation.
pub(super) fn note(job_id: &str) -> String {
    format!("The person has confirmed the proposal. The backtest runs as job {job_id}.")
}

/// What everybody who listens is told of it.
pub(super) fn event(accepted: &Accepted) -> CopilotConfirmed {
    CopilotConfirmed {
        proposal_id: accepted.proposal_id.as_str().into(),
        params_hash: accepted.params_hash.as_str().into(),
        job_id: accepted.job_id.as_str().into(),
    }
}

impl Chat {
    /// Hears of a confirmation that has come by itself, and tells its conversation. Whoever says something next finds it
    /// there; a store that is slow holds nobody up.
    pub async fn hear_of(self: &Arc<Self>, identity: &Arc<Identity>, accepted: &Accepted) {
        let (chat, identity, accepted) = (Arc::clone(self), Arc::clone(identity), accepted.clone());
        let telling = self.lifecycle.tasks.spawn(async move {
            chat.confirmed(identity.subject.as_deref().unwrap_or_default(), &accepted).await;
        });
        let _told_later = timeout(TOLD_WITHIN, telling).await;
    }

    /// Tells the conversation in which something was proposed that its person has confirmed it; the model learns of it
    /// with the next message. A session of calls that were never a conversation has no channel, and is told nothing.
    pub(super) async fn confirmed(&self, subject: &str, accepted: &Accepted) {
        let Some(conversation) = self.proposing(subject, accepted).await else { return };
        // First: whoever hears of it may say something at once.
        conversation.note(&note(&accepted.job_id));
        // Whoever is not told reads it in the answer, in the list of jobs, or in the evidence.
        let _told = conversation.tell(CopilotConfirmed::EVENT, &event(accepted)).await;
    }

    /// The conversation in which something was proposed.
    async fn proposing(&self, subject: &str, accepted: &Accepted) -> Option<Arc<Conversation>> {
        let session_id = &accepted.session_id;
        if accepted.proposal_id.is_empty() || !self.is_conversation(subject, session_id).await {
            return None;
        }
        let opened = self.open(subject, session_id).await;
        opened.inspect_err(|_| tracing::debug!(session_id, "a confirmation is not told")).ok()
    }

    /// Whether somebody has ever said something in a session, or opened it to do so.
    async fn is_conversation(&self, subject: &str, session_id: &str) -> bool {
        let is_open = || {
            let owner = channel(session_id).and_then(|channel| self.owners.of(&channel));
            owner.is_some_and(|owner| *owner == *subject)
        };
        if self.shelf.find(session_id).is_some() || session_id.starts_with(NAMED) || is_open() {
            return true;
        }
        // A person's own session of a day holds as many calls as there were.
        if is_own(session_id) {
            return false;
        }
        let links = self.evidence.read(session_id, 0, FIRST).await.unwrap_or_default();
        let is_request = |entry: &str| entry.contains("\"kind\":\"request\"");
        links.iter().any(|link| is_request(&link.entry))
    }
}
