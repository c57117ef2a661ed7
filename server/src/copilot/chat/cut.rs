//! What was being said when a gateway ended was never ended: it is told when the conversation is next opened.

use std::path::Path;

use live_core::canonical::sha256_hex;
use live_core::copilot::CopilotError;
use live_core::error::ErrorCode;
use serde_json::Value;

use super::{Chat, Conversation};
use crate::auth::state_dir;
use crate::copilot::stats::Ending;
use crate::database::StoreError;
use crate::random;
use crate::wire::now_ms;

/// Entries of evidence that are read at once, and at most, looking for the last answer.
const PAGE: u64 = 256;
const PAGES_MAX: u64 = 64;
/// How much longer than an answer may take it is waited for another node's: their clocks are not quite the same.
const DOUBT_MS: u64 = 60_000;
/// Name of the file in the state folder that tells nodes apart.
const NODE: &str = "node";

/// Which process it is, and of which node: so that what another one says, or an earlier one of the same node, is told
/// from what this one does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    node: String,
    boot: String,
}

impl Origin {
    /// Of this process. A node is known by its state folder; without one it has no past.
    ///
    /// # Errors
    /// When the file in the folder cannot be read or made.
    pub fn open(state_dir: Option<&Path>) -> anyhow::Result<Self> {
        let node = match state_dir {
            Some(dir) => state_dir::secret(dir, NODE)?,
            None => state_dir::new_secret(),
        };
        Ok(Self { node: sha256_hex(node.expose())[..16].to_owned(), boot: random::text(8) })
    }

    /// As it is written down.
    pub fn text(&self) -> String {
        format!("{}.{}", self.node, self.boot)
    }

    /// Whether an answer was cut that has begun at a time and has no end. This process knows of its own, and whatever
    /// else its node began ended with it; another node may still be at it for as long as an answer may take.
    fn has_cut(&self, origin: &str, age_ms: u64, patience_ms: u64) -> bool {
        match origin.split_once('.') {
            Some((node, boot)) if node == self.node => boot != self.boot,
            _ => age_ms > patience_ms + DOUBT_MS,
        }
    }
}

impl Chat {
    /// What was being said when the process ended last time is told to have been cut.
    pub(super) async fn tell_of_a_cut(&self, conversation: &Conversation) -> Result<(), StoreError> {
        let Some(last) = self.last_word(&conversation.id).await? else { return Ok(()) };
        let of = |name: &str| last[name].as_str().unwrap_or_default();
        let age_ms = now_ms().saturating_sub(last["at"].as_u64().unwrap_or_default());
        if of("kind") != "request"
            || !self.origin.has_cut(of("origin"), age_ms, self.patience.as_millis() as u64)
        {
            return Ok(());
        }
        let error = CopilotError {
            answer_id: of("reason").into(),
            code: ErrorCode::Internal.as_str().into(),
            message: "the gateway was restarted while it answered".into(),
            retry_after_ms: None,
        };
        self.note_end(&conversation.id, &error.answer_id, Ending::Error, Some(ErrorCode::Internal.as_str()))
            .await;
        // Whoever cannot be told now reads it in the evidence.
        let _told = conversation.tell(CopilotError::EVENT, &error).await;
        Ok(())
    }

    /// The newest entry of a session that is of a request or an answer.
    async fn last_word(&self, session_id: &str) -> Result<Option<Value>, StoreError> {
        let Some(session) = self.evidence.session(session_id).await? else { return Ok(None) };
        let mut end = session.entries;
        for _ in 0..PAGES_MAX {
            let start = end.saturating_sub(PAGE);
            if start == end {
                break;
            }
            let links = self.evidence.read(session_id, start, (end - start) as u32).await?;
            let entries = links.iter().rev().filter_map(|link| serde_json::from_str(&link.entry).ok());
            let is_word = |entry: &Value| entry["kind"] == "request" || entry["kind"] == "answer";
            if let Some(word) = entries.into_iter().find(is_word) {
                return Ok(Some(word));
            }
            end = start;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_go_on_was_cut() {
        let dir = tempfile::tempdir().expect("a folder");
        let open = || Origin::open(Some(dir.path())).expect("a node");
        let (before, now) = (open(), open());
        assert_eq!(before.node, now.node);
        let other = Origin::open(None).expect("a node");
        let cut = |origin: &str, age_ms: u64| now.has_cut(origin, age_ms, 300_000);
        assert!(cut(&before.text(), 0), "its process has ended");
        assert!(!cut(&now.text(), 9_000_000), "it is this one's");
        for text in [other.text(), String::new(), "x".to_owned()] {
            assert!(!cut(&text, 300_000) && cut(&text, 360_001), "{text}");
        }
    }
}
