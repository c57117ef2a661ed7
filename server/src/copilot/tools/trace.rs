//! What a call leaves behind: counted and written down as evidence.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use live_core::error::ErrorCode;

use super::{Refusal, Tools};
use crate::confirmation::token::TokenHash;
use crate::copilot::stats::{Cut, Executed, Failed, Issued, Judged, Outcome, Truncated};
use crate::copilot::tool::Tool;
use crate::database::StoreError;
use crate::evidence::chain::Body;
use crate::evidence::ledger::Count;
use crate::wire::now_ms;

/// What a call leaves behind.
#[derive(Default)]
pub(super) struct Trace {
    /// The conversation.
    pub session_id: String,
    /// SHA-256 of the parameters in canonical JSON.
    pub params_hash: Option<String>,
    /// What the token is kept as.
    pub token_hash: Option<TokenHash>,
    /// The job.
    pub job_id: Option<String>,
    /// Why, where the code does not tell.
    pub reason: Option<String>,
    /// Codes beside that of the refusal.
    pub more_codes: Vec<&'static str>,
    /// A token was made.
    pub is_issued: bool,
    /// What became of an attempt to confirm.
    pub outcome: Option<Outcome>,
    /// SHA-256 of the result that was summed up.
    pub result_hash: Option<String>,
    /// What a summary has left out.
    pub truncated: Vec<Cut>,
}

impl Tools {
    /// Writes the call down and counts what came of it.
    pub(super) async fn note(&self, tool: Tool, trace: Trace, refusal: Option<&Refusal>, time: Duration) {
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
            result_hash: trace.result_hash,
            ..Body::default()
        };
        let (issued, executed) = (Issued(&self.stats), Executed(&self.stats, tool, time));
        let judged = trace.outcome.map(|outcome| Judged(&self.stats, outcome));
        let failed = trace.outcome.and_then(Failed::of);
        let mut counts: Vec<&dyn Count> = vec![&executed];
        counts.extend(trace.is_issued.then_some(&issued as &dyn Count));
        counts.extend(judged.as_ref().map(|judged| judged as &dyn Count));
        counts.extend(failed.as_ref().map(|failed| failed as &dyn Count));
        let truncated: Vec<_> = trace.truncated.iter().map(|cut| Truncated(&self.stats, *cut)).collect();
        counts.extend(truncated.iter().map(|cut| cut as &dyn Count));
        match refusal.is_some_and(|refusal| refusal.code == ErrorCode::StoreUnavailable) {
            // The store of the evidence may be the one: nobody waits for it twice.
            true => self.ledger.note_later(&trace.session_id, body, &counts),
            false => self.ledger.note(&trace.session_id, body, &counts).await,
        }
    }

    /// Writes down that a model's call was refused which no tool has seen, and why.
    pub(in crate::copilot) async fn note_refusal(
        &self,
        session_id: &str,
        tool: Option<Tool>,
        code: ErrorCode,
        reason: String,
    ) {
        let body = Body {
            at: now_ms(),
            kind: "tool_call".into(),
            tool: tool.map(|tool| tool.name().into()),
            error_codes: vec![code.as_str().into()],
            reason: Some(reason),
            ..Body::default()
        };
        self.ledger.note(session_id, body, &[]).await;
    }

    /// What a store has failed with, counted.
    pub(super) fn failed(&self, error: StoreError) -> Refusal {
        self.stats.store_errors.fetch_add(1, Ordering::Relaxed);
        error.into()
    }

    /// The same of a confirmation, of which nobody knows.
    pub(super) fn undecided(&self, error: StoreError, trace: &mut Trace) -> Refusal {
        trace.outcome = Some(Outcome::Store);
        self.failed(error)
    }
}
