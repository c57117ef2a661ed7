//! The one order in which attempts are judged, for stores that look at a record while nobody else can change it.

use super::record::{MISMATCHES_MAX, MacKeys, Record};
use super::store::{Attempt, JobRecord, Mismatch, Verdict};
use super::token::TokenHash;

/// What a store has to do about an attempt.
#[derive(Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Consume the token with [`Record::consumed`] and write down its job.
    Consume,
    /// Count a wrong attempt with [`Record::mismatched`] and tell of it.
    Count(Mismatch),
    /// Tell this; nothing changes.
    Tell(Verdict),
}

/// Judges an attempt at `now`, in milliseconds since the Unix epoch by the store's clock.
pub fn judge(
    record: Option<&Record>,
    keys: &MacKeys,
    hash: &TokenHash,
    attempt: &Attempt,
    now: i64,
) -> Judgement {
    let Some(record) = record else { return Judgement::Tell(Verdict::Unknown) };
    if !keys.is_genuine(hash, record) {
        return Judgement::Tell(Verdict::Tampered);
    }
    if record.subject != attempt.subject {
        return Judgement::Tell(Verdict::Mismatch { of: Mismatch::Subject });
    }
    if record.revoked_at.is_some() {
        return Judgement::Tell(Verdict::Revoked);
    }
    if record.used_at.is_some() {
        return Judgement::Tell(after_use(record, attempt));
    }
    if now >= record.expires_at {
        return Judgement::Tell(Verdict::Expired);
    }
    if record.tool != attempt.tool {
        return Judgement::Count(Mismatch::Tool);
    }
    if attempt.params_hash.as_ref().is_some_and(|params_hash| *params_hash != record.params_hash) {
        return Judgement::Count(Mismatch::Params);
    }
    Judgement::Consume
}

fn after_use(record: &Record, attempt: &Attempt) -> Verdict {
    // Consumption and the job's id are written together.
    let Some(job_id) = record.job_id.clone() else { return Verdict::Tampered };
    if attempt.idem_hash.is_some() && attempt.idem_hash == record.idem_hash {
        Verdict::Replayed { job_id }
    } else {
        Verdict::Used { job_id }
    }
}

impl Record {
    /// The record once an attempt has consumed it at `now`.
    #[must_use]
    pub fn consumed(&self, attempt: &Attempt, now: i64) -> Self {
        Self {
            used_at: Some(now),
            job_id: Some(attempt.job_id.clone()),
            idem_hash: attempt.idem_hash.clone(),
            ..self.clone()
        }
    }

    /// The record after a wrong attempt at `now`; the last one that is allowed takes the token back.
    #[must_use]
    pub fn mismatched(&self, now: i64) -> Self {
        let mismatches = self.mismatches.saturating_add(1);
        let revoked_at = self.revoked_at.or((mismatches >= MISMATCHES_MAX).then_some(now));
        Self { mismatches, revoked_at, ..self.clone() }
    }
}

impl JobRecord {
    /// The job of a token that has just been consumed.
    pub fn queued(token_hash: TokenHash, consumed: &Record) -> Self {
        Self {
            id: consumed.job_id.clone().unwrap_or_default(),
            token_hash,
            subject: consumed.subject.clone(),
            session_id: consumed.session_id.clone(),
            tool: consumed.tool.clone(),
            params: consumed.params.clone(),
            params_hash: consumed.params_hash.clone(),
            idem_hash: consumed.idem_hash.clone(),
            state: "queued".to_owned(),
            created_at: consumed.used_at.unwrap_or_default(),
        }
    }
}
