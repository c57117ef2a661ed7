//! A token's life when all goes well, and what time does to it.

use super::super::record::{MARKER_MS, Record};
use super::super::store::{Attempt, JobRecord, Verdict};
use super::super::token::RawToken;
use super::{
    LONG_MS, PARAMS, Rig, attempt, clean_up, consume, create, kept, keys, new_job_id, one, proposal, win,
};

/// Time that a rig whose clock does not stand still may take for a few calls, in milliseconds.
const SLACK_MS: i64 = 3_000;

pub(super) async fn a_token_is_made_once_and_consumed_once(rig: &dyn Rig) {
    let handles = rig.fresh(2).await;
    let (first, second) = (&handles[0], &handles[1]);
    first.ping().await.expect("it answers");
    let (hash, record) = kept(first, LONG_MS).await;
    assert!(!create(second, &hash, &record).await, "there is one already");
    let (_, other) = proposal(second, 2 * LONG_MS).await;
    assert!(!create(first, &hash, &other).await, "and it is left as it is");

    let before = first.now().await.expect("a clock");
    let job_id = new_job_id();
    let Verdict::Consumed(consumed) = consume(second, &hash, &attempt(&job_id)).await else {
        panic!("{}: not consumed", first.name());
    };
    let used_at = consumed.used_at.expect("it was used");
    assert!((before..=before + LONG_MS).contains(&used_at), "by the store's clock");
    assert_eq!(*consumed, Record { used_at: Some(used_at), job_id: Some(job_id.clone()), ..record.clone() });
    for store in &handles {
        let again = consume(store, &hash, &attempt(&new_job_id())).await;
        assert_eq!(again, Verdict::Used { job_id: job_id.clone() });
    }
    assert!(!create(first, &hash, &record).await, "used tokens are not made anew");
    let looked = second.look(&hash).await.expect("looked up").expect("there is one");
    assert_eq!((looked.used_at, looked.job_id, looked.mac), (Some(used_at), Some(job_id), record.mac));
    assert_eq!(first.look(&RawToken::generate().hash()).await.expect("looked up"), None);
}

pub(super) async fn the_job_is_there_after_consumption_and_nowhere_else(rig: &dyn Rig) {
    let handles = rig.fresh(2).await;
    let (hash, record) = kept(&handles[0], LONG_MS).await;
    let job_id = new_job_id();
    assert_eq!(handles[1].job(&job_id).await.expect("looked up"), None);
    let named = Attempt { params_hash: Some(record.params_hash.clone()), ..attempt(&job_id) };
    assert!(matches!(consume(&handles[0], &hash, &named).await, Verdict::Consumed(_)));
    let job = handles[1].job(&job_id).await.expect("looked up").expect("there is one");
    let expected = JobRecord {
        id: job_id,
        token_hash: hash,
        subject: record.subject,
        session_id: record.session_id,
        tool: record.tool,
        params: PARAMS.to_owned(),
        params_hash: record.params_hash,
        idem_hash: None,
        state: "queued".to_owned(),
        created_at: job.created_at,
    };
    assert_eq!(job, expected);
    assert!(job.created_at >= record.created_at);

    let late = attempt(&new_job_id());
    consume(&handles[1], &hash, &late).await;
    assert_eq!(handles[0].job(&late.job_id).await.expect("looked up"), None, "one job a token");
    handles[0].recover().await.expect("nothing to do");
}

pub(super) async fn the_same_idempotency_key_leads_to_the_same_job(rig: &dyn Rig) {
    let store = &one(rig).await;
    let (hash, _) = kept(store, LONG_MS).await;
    let under = |key: char| Attempt { idem_hash: Some(key.to_string().repeat(64)), ..attempt(&new_job_id()) };
    let first = under('a');
    let Verdict::Consumed(consumed) = consume(store, &hash, &first).await else {
        panic!("{}: not consumed", store.name());
    };
    assert_eq!(consumed.idem_hash, first.idem_hash);
    let job_id = first.job_id;
    assert_eq!(consume(store, &hash, &under('a')).await, Verdict::Replayed { job_id: job_id.clone() });
    assert_eq!(consume(store, &hash, &under('b')).await, Verdict::Used { job_id: job_id.clone() });
    assert_eq!(consume(store, &hash, &attempt(&new_job_id())).await, Verdict::Used { job_id });

    let (hash, _) = kept(store, LONG_MS).await;
    let job_id = win(store, &hash).await;
    let verdict = consume(store, &hash, &attempt(&new_job_id())).await;
    assert_eq!(verdict, Verdict::Used { job_id }, "no key is not the same key");

    let (other, _) = kept(store, LONG_MS).await;
    let taken = under('a');
    assert_eq!(
        consume(store, &other, &taken).await,
        Verdict::KeyTaken,
        "it stands for the first token's job"
    );
    assert_eq!(store.job(&taken.job_id).await.expect("looked up"), None);
    assert!(
        matches!(consume(store, &other, &under('e')).await, Verdict::Consumed(_)),
        "nothing was consumed"
    );
}

pub(super) async fn used_beats_expired(rig: &dyn Rig) {
    let store = &one(rig).await;
    let (hash, _) = kept(store, SLACK_MS).await;
    let (unused, _) = kept(store, SLACK_MS).await;
    let (revoked, _) = kept(store, SLACK_MS).await;
    assert!(store.revoke(&revoked).await.expect("taken back"));
    let keyed = Attempt { idem_hash: Some("c".repeat(64)), ..attempt(&new_job_id()) };
    assert!(matches!(consume(store, &hash, &keyed).await, Verdict::Consumed(_)));
    rig.advance(SLACK_MS as u64).await;
    let job_id = keyed.job_id.clone();
    let again = consume(store, &hash, &attempt(&new_job_id())).await;
    assert_eq!(again, Verdict::Used { job_id: job_id.clone() });
    assert_eq!(consume(store, &hash, &keyed).await, Verdict::Replayed { job_id });
    assert_eq!(consume(store, &unused, &attempt(&new_job_id())).await, Verdict::Expired);
    let wrong = Attempt { tool: "other".to_owned(), ..attempt(&new_job_id()) };
    assert_eq!(consume(store, &unused, &wrong).await, Verdict::Expired, "before tool and parameters");
    assert_eq!(consume(store, &revoked, &attempt(&new_job_id())).await, Verdict::Revoked, "before expired");
}

pub(super) async fn a_token_is_valid_strictly_before_its_limit(rig: &dyn Rig) {
    let store = &one(rig).await;
    if rig.is_exact() {
        let (last, _) = kept(store, 1_000).await;
        let (late, _) = kept(store, 1_000).await;
        rig.advance(999).await;
        win(store, &last).await;
        rig.advance(1).await;
        assert_eq!(consume(store, &late, &attempt(&new_job_id())).await, Verdict::Expired);
    }
    let (at_once, _) = kept(store, 0).await;
    let refused = attempt(&new_job_id());
    assert_eq!(consume(store, &at_once, &refused).await, Verdict::Expired);
    assert_eq!(store.job(&refused.job_id).await.expect("looked up"), None);
}

pub(super) async fn what_was_written_is_there_after_a_restart(rig: &dyn Rig) {
    let mut handles = rig.fresh(2).await;
    let store = handles.remove(0);
    let (used, _) = kept(&store, LONG_MS).await;
    let (open, _) = kept(&store, LONG_MS).await;
    let (revoked, _) = kept(&store, LONG_MS).await;
    let (expired, _) = kept(&store, 0).await;
    let job_id = win(&store, &used).await;
    let wrong = Attempt { tool: "other".to_owned(), ..attempt(&new_job_id()) };
    for _ in 0..4 {
        assert!(matches!(consume(&store, &open, &wrong).await, Verdict::Mismatch { .. }));
    }
    assert!(store.revoke(&revoked).await.expect("taken back"));
    let job = store.job(&job_id).await.expect("looked up");
    drop((store, handles));

    let Some(store) = &rig.reopened().await else { return };
    assert!(job.is_some());
    assert_eq!(store.job(&job_id).await.expect("looked up"), job);
    assert_eq!(consume(store, &used, &attempt(&new_job_id())).await, Verdict::Used { job_id });
    assert_eq!(consume(store, &revoked, &attempt(&new_job_id())).await, Verdict::Revoked);
    assert_eq!(consume(store, &expired, &attempt(&new_job_id())).await, Verdict::Expired);
    assert!(matches!(consume(store, &open, &wrong).await, Verdict::Mismatch { .. }), "the fifth");
    assert_eq!(consume(store, &open, &attempt(&new_job_id())).await, Verdict::Revoked);
}

pub(super) async fn markers_are_kept_for_a_day_past_the_limit(rig: &dyn Rig) {
    let store = &one(rig).await;
    let (valid, _) = kept(store, LONG_MS).await;
    // Made a day ago, as it were, so that clocks that cannot be moved need not be.
    let (old, record) = kept(store, SLACK_MS - MARKER_MS).await;
    clean_up(store).await;
    assert_eq!(consume(store, &old, &attempt(&new_job_id())).await, Verdict::Expired, "not yet");
    if rig.is_exact() {
        rig.advance(SLACK_MS as u64 - 1).await;
        clean_up(store).await;
        assert_eq!(consume(store, &old, &attempt(&new_job_id())).await, Verdict::Expired, "the last moment");
    }
    rig.advance(SLACK_MS as u64 + 1).await;
    clean_up(store).await;
    assert_eq!(consume(store, &old, &attempt(&new_job_id())).await, Verdict::Unknown);
    assert!(!keys().is_genuine(&valid, &record), "another one's record");
    win(store, &valid).await;
}

pub(super) async fn one_token_never_starts_two_jobs_whatever_was_forgotten(rig: &dyn Rig) {
    if !rig.is_exact() {
        return;
    }
    let store = &one(rig).await;
    let (hash, record) = kept(store, 1_000).await;
    let job_id = win(store, &hash).await;
    rig.advance(MARKER_MS as u64 + 2_000).await;
    clean_up(store).await;
    assert_eq!(consume(store, &hash, &attempt(&new_job_id())).await, Verdict::Unknown);
    // As if the store had given back a used token.
    let expires_at = record.expires_at + MARKER_MS + LONG_MS;
    let record = Record { expires_at, ..record };
    let record = Record { mac: keys().sign(&hash, &record), ..record };
    assert!(create(store, &hash, &record).await);
    let second = attempt(&new_job_id());
    assert_eq!(consume(store, &hash, &second).await, Verdict::Used { job_id });
    assert_eq!(store.job(&second.job_id).await.expect("looked up"), None);
}
