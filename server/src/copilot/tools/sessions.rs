//! Whose a conversation is.

use std::sync::PoisonError;
use std::time::Duration;

use live_core::canonical::sha256_hex;
use live_core::error::ErrorCode;

use tokio::time::Instant;

use super::{Refusal, Tools};
use crate::confirmation::token::PREFIX;
use crate::copilot::stats::Intruded;
use crate::evidence::chain::Body;
use crate::evidence::ledger::Count;
use crate::wire::now_ms;

/// Longest idempotency key and longest id of a session.
const ID_LEN_MAX: usize = 64;
/// Sessions that are known to have been opened; beyond it they are asked for again.
const SESSIONS_MAX: usize = 10_000;
/// How often it is written down at most of one session that somebody else has asked for it: nobody fills its evidence.
const ALERT_EVERY: Duration = Duration::from_secs(60);

impl Tools {
    /// The session that a call belongs to, which is opened here if it is new.
    pub(in crate::copilot) async fn session(
        &self,
        subject: &str,
        wanted: Option<&str>,
    ) -> Result<String, Refusal> {
        let id = match wanted {
            // Nobody takes the one that another person's calls belong to.
            Some(id) if is_own(id) && !id.starts_with(&own_sessions(subject)) => {
                return Err(unknown_session());
            }
            Some(id) if is_id(id) => id.to_owned(),
            Some(_) => {
                let reason = "is not 1 to 64 letters, digits, '_' and '-'";
                return Err(Refusal::at(ErrorCode::BadRequest, "sessionId", reason));
            }
            None => own_session(subject),
        };
        let known = self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let owner = match known {
            Some(owner) => owner,
            None => {
                let session = self.ledger.open(&id, subject).await?;
                let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
                if sessions.len() >= SESSIONS_MAX {
                    sessions.clear();
                }
                sessions.insert(id.clone(), session.subject.clone());
                session.subject
            }
        };
        // Nobody learns that it is somebody else's.
        if owner == subject {
            return Ok(id);
        }
        self.intruded(&id);
        Err(unknown_session())
    }

    /// Somebody has asked for another's session: it is counted, and its person reads it in its evidence, once in a while.
    /// Nobody waits for that, so that the time of the answer does not tell that the session is there.
    pub(in crate::copilot) fn intruded(&self, session_id: &str) {
        const CODE: &str = "SESSION_FOREIGN";
        let intruded = Intruded(&self.stats);
        let now = Instant::now();
        {
            let mut known = self.intrusions.lock().unwrap_or_else(PoisonError::into_inner);
            if known.get(session_id).is_some_and(|last| now < *last + ALERT_EVERY) {
                intruded.count();
                return;
            }
            if known.len() >= SESSIONS_MAX {
                known.clear();
            }
            known.insert(session_id.to_owned(), now);
        }
        tracing::warn!(session = session_id, "somebody asks for a session of somebody else");
        let body =
            Body { at: now_ms(), kind: "alert".into(), error_codes: vec![CODE.into()], ..Body::default() };
        self.ledger.note_later(session_id, body, &[&intruded]);
    }
}

/// Whether a text can be an idempotency key, or the id of a session. A token is neither: an id is told, logged and kept.
pub fn is_id(text: &str) -> bool {
    (1..=ID_LEN_MAX).contains(&text.len())
        && !text.contains(PREFIX)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Whether a session is that of what somebody calls without naming one.
pub fn is_own(id: &str) -> bool {
    id.starts_with(OWN)
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
fn unknown_session() -> Refusal {
    Refusal::at(ErrorCode::NotFound, "sessionId", "is not known")
}
