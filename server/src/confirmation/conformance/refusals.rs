//! Attempts that must not consume a token.

use live_core::canonical::sha256_hex;

use super::super::record::{MISMATCHES_MAX, MacKeys, Record};
use super::super::store::{Attempt, Mismatch, Verdict};
use super::super::token::RawToken;
use super::{
    BOB, Handle, LONG_MS, Rig, attempt, consume, create, kept, keys, new_job_id, one, proposal, win,
};

const STRANGER: Verdict = Verdict::Mismatch { of: Mismatch::Subject };

pub(super) async fn a_stranger_learns_of_a_mismatch_and_nothing_more(rig: &dyn Rig) {
    let store = &one(rig).await;
    let (open, _) = kept(store, LONG_MS).await;
    let (used, _) = kept(store, LONG_MS).await;
    let (expired, _) = kept(store, 0).await;
    let (revoked, _) = kept(store, LONG_MS).await;
    let keyed = Attempt { idem_hash: Some("d".repeat(64)), ..attempt(&new_job_id()) };
    assert!(matches!(consume(store, &used, &keyed).await, Verdict::Consumed(_)));
    assert!(store.revoke(&revoked).await.expect("taken back"));
    for hash in [&open, &used, &expired, &revoked] {
        let by_bob = Attempt { subject: BOB.to_owned(), job_id: new_job_id(), ..keyed.clone() };
        assert_eq!(consume(store, hash, &by_bob).await, STRANGER);
        let all_wrong = Attempt { tool: "x".to_owned(), params_hash: Some("x".to_owned()), ..by_bob };
        assert_eq!(consume(store, hash, &all_wrong).await, STRANGER);
        no_job(store, &all_wrong).await;
    }
    // More often than a subject may be wrong; but these were not its own attempts.
    for _ in 0..=MISMATCHES_MAX {
        let by_bob = Attempt { subject: BOB.to_owned(), ..attempt(&new_job_id()) };
        assert_eq!(consume(store, &open, &by_bob).await, STRANGER);
    }
    win(store, &open).await;
}

pub(super) async fn wrong_attempts_consume_nothing_and_five_take_the_token_back(rig: &dyn Rig) {
    let store = &one(rig).await;
    let other_tool = |it: Attempt| Attempt { tool: "cancelBacktest".to_owned(), ..it };
    let other_params = |it: Attempt| Attempt { params_hash: Some(sha256_hex(b"{}")), ..it };
    let (tool, params) = (Mismatch::Tool, Mismatch::Params);

    let (hash, _) = kept(store, LONG_MS).await;
    for n in 0..MISMATCHES_MAX - 1 {
        let it = attempt(&new_job_id());
        let (wrong, of) = match n % 3 {
            0 => (other_tool(it), tool),
            1 => (other_params(it), params),
            _ => (other_tool(other_params(it)), tool),
        };
        assert_eq!(consume(store, &hash, &wrong).await, Verdict::Mismatch { of });
        no_job(store, &wrong).await;
    }
    let job_id = win(store, &hash).await;
    let wrong = other_tool(attempt(&new_job_id()));
    for _ in 0..MISMATCHES_MAX {
        let verdict = consume(store, &hash, &wrong).await;
        assert_eq!(verdict, Verdict::Used { job_id: job_id.clone() }, "used beats other parameters");
    }

    let (hash, _) = kept(store, LONG_MS).await;
    for _ in 0..MISMATCHES_MAX {
        let wrong = other_params(attempt(&new_job_id()));
        assert_eq!(consume(store, &hash, &wrong).await, Verdict::Mismatch { of: params });
    }
    for late in [attempt(&new_job_id()), other_tool(attempt(&new_job_id()))] {
        assert_eq!(consume(store, &hash, &late).await, Verdict::Revoked);
        no_job(store, &late).await;
    }
    assert!(!store.revoke(&hash).await.expect("asked"), "it was taken back before");
}

pub(super) async fn a_token_that_was_taken_back_is_not_consumed(rig: &dyn Rig) {
    let handles = rig.fresh(2).await;
    let (hash, record) = kept(&handles[0], LONG_MS).await;
    assert!(handles[1].revoke(&hash).await.expect("asked"));
    assert!(!handles[0].revoke(&hash).await.expect("asked"), "once");
    let late = attempt(&new_job_id());
    assert_eq!(consume(&handles[0], &hash, &late).await, Verdict::Revoked);
    no_job(&handles[1], &late).await;
    assert!(!create(&handles[0], &hash, &record).await, "it is not made anew");

    let (used, _) = kept(&handles[0], LONG_MS).await;
    let job_id = win(&handles[0], &used).await;
    assert!(!handles[1].revoke(&used).await.expect("asked"), "what was used stays used");
    assert_eq!(consume(&handles[1], &used, &attempt(&new_job_id())).await, Verdict::Used { job_id });
    assert!(!handles[0].revoke(&RawToken::generate().hash()).await.expect("asked"), "there is none");
}

pub(super) async fn records_that_were_not_signed_here_are_refused(rig: &dyn Rig) {
    let store = &one(rig).await;
    let (_, record) = proposal(store, LONG_MS).await;
    let hash = || RawToken::generate().hash();
    let foreign = MacKeys::new(vec![("now".to_owned(), vec![9; 32])]);
    let signed = |changed: fn(&mut Record)| {
        let mut it = record.clone();
        let hash = hash();
        it.mac = keys().sign(&hash, &it);
        changed(&mut it);
        (hash, it)
    };
    let stranger_signed = {
        let hash = hash();
        (hash, Record { mac: foreign.sign(&hash, &record), ..record.clone() })
    };
    for (hash, planted) in [
        (hash(), record.clone()),
        stranger_signed,
        signed(|it| it.mac.clear()),
        signed(|it| it.expires_at += 1),
        signed(|it| it.tool = "other".to_owned()),
        signed(|it| it.subject = BOB.to_owned()),
        signed(|it| it.params_hash = sha256_hex(b"{}")),
        signed(|it| it.params = "{}".to_owned()),
    ] {
        assert!(create(store, &hash, &planted).await);
        let by_its_subject = Attempt {
            subject: planted.subject.clone(),
            tool: planted.tool.clone(),
            idem_hash: Some("e".repeat(64)),
            ..attempt(&new_job_id())
        };
        for _ in 0..2 {
            let verdict = consume(store, &hash, &by_its_subject).await;
            assert_eq!(verdict, Verdict::Tampered, "{}: {planted:?}", store.name());
        }
        no_job(store, &by_its_subject).await;
    }
    let (hash, old) = signed(|_| ());
    let before = MacKeys::new(vec![("before".to_owned(), vec![8; 32])]);
    assert!(create(store, &hash, &Record { mac: before.sign(&hash, &old), ..old }).await);
    win(store, &hash).await;
}

pub(super) async fn nobody_has_made_this_token(rig: &dyn Rig) {
    let store = &one(rig).await;
    kept(store, LONG_MS).await;
    let wild = attempt(&new_job_id());
    assert_eq!(consume(store, &RawToken::generate().hash(), &wild).await, Verdict::Unknown);
    no_job(store, &wild).await;
}

async fn no_job(store: &Handle, attempt: &Attempt) {
    assert_eq!(store.job(&attempt.job_id).await.expect("looked up"), None, "{}: {attempt:?}", store.name());
}
