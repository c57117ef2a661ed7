//! What a client makes of the gateway's word on its position, and on the way behind the gateway.

use live_core::error::ErrorCode;
use live_core::sequence::Continuity;
use live_core::staleness::{Cause, Freshness};
use live_core::store::{ChannelId, DIRTY, Notice, NoticeKind, Store, UNREADABLE};
use serde_json::{Value, json};

use crate::gateway::written;

fn opened(channel: &str) -> (Store, ChannelId) {
    let mut store = Store::default();
    store.link_up(0, 0.0);
    let id = store.open(channel, 0).expect("a good name");
    (store, id)
}

/// An acknowledgement: under which epoch and mode, how far the gateway is, and why it does not resume. `Ok`: it does.
fn ack(channel: &str, epoch: &str, mode: &str, head: u64, verdict: Result<(), Option<ErrorCode>>) -> Vec<u8> {
    let data = json!({"channel": channel, "epoch": epoch, "head": head, "resumed": verdict.is_ok(),
        "mode": mode, "maxHz": null, "staleAfterMs": 5_000});
    written("system.ack", channel, 0, verdict.err().flatten(), &data)
}

fn item(channel: &str, seq: u64) -> Vec<u8> {
    written("feed.item", channel, seq, None, &json!({"seq": seq}))
}

fn snapshot_end(channel: &str) -> Vec<u8> {
    let data = json!({"epoch": "epochAAAA", "head": 0, "count": 0});
    written("system.snapshot_end", channel, 0, None, &data)
}

fn take_in(store: &mut Store, envelopes: &[Vec<u8>]) -> Vec<Notice> {
    store.ingest_frame(&envelopes.join(&b'\n'), 0, 1.0);
    store.flush(1.0);
    store.take_notices()
}

fn continuity(store: &Store, id: ChannelId) -> Option<Continuity> {
    store.head(id).map(|head| head.continuity)
}

/// A channel of that mode that has come as far as 5, and whose line has gone.
fn away(channel: &str, mode: &str) -> (Store, ChannelId) {
    let (mut store, id) = opened(channel);
    let mut envelopes = vec![ack(channel, "epochAAAA", mode, 0, Err(None))];
    if mode == "keyed" {
        envelopes.push(snapshot_end(channel));
    }
    envelopes.extend((1..=5).map(|seq| item(channel, seq)));
    take_in(&mut store, &envelopes);
    assert_eq!(
        (store.position(id), continuity(&store, id)),
        (Some(("epochAAAA", 5)), Some(Continuity::Proven))
    );
    store.link_down(0);
    store.flush(2.0);
    assert_eq!(
        (store.position(id), continuity(&store, id)),
        (Some(("epochAAAA", 5)), Some(Continuity::Unknown))
    );
    store.link_up(0, 2.0);
    (store, id)
}

#[test]
fn a_verdict_is_an_acknowledgement_with_its_reason() {
    for code in [
        ErrorCode::CursorExpired,
        ErrorCode::CursorInvalid,
        ErrorCode::ContinuityUnknown,
        ErrorCode::EpochChanged,
    ] {
        let (mut store, id) = away("feed:a", "event");
        let notices = take_in(&mut store, &[ack("feed:a", "epochAAAA", "event", 9, Err(Some(code)))]);
        let [notice] = &notices[..] else { panic!("{notices:?}") };
        assert_eq!((notice.kind, notice.code.as_deref()), (NoticeKind::Ack, Some(code.as_str())));
        assert_eq!(serde_json::from_str::<Value>(&notice.data).expect("JSON")["resumed"], false);
        assert_eq!(continuity(&store, id), Some(Continuity::Unknown), "until something follows");
        assert_eq!(store.position(id), Some(("epochAAAA", 5)), "cut now, it is asked again from here");
    }
}

#[test]
fn a_resumed_channel_is_proven() {
    let (mut store, id) = away("feed:a", "event");
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "event", 7, Ok(())), item("feed:a", 6)]);
    assert_eq!((continuity(&store, id), store.counters().gaps), (Some(Continuity::Proven), 0));
    assert_eq!(store.position(id), Some(("epochAAAA", 6)));
}

/// A heartbeat shows that 6 and 7 were lost; 8 has left before the channel is taken anew.
#[test]
fn what_was_on_its_way_comes_again_after_what_was_lost() {
    for mode in ["event", "lossless", "keyed"] {
        let (mut store, id) = away("feed:a", mode);
        store.tap(id, true);
        let beat =
            written("system.heartbeat", "", 0, None, &json!({"serverTime": 1, "heads": {"feed:a": 7}}));
        let notices = take_in(&mut store, &[ack("feed:a", "epochAAAA", mode, 5, Ok(())), beat.clone(), beat]);
        assert_eq!(notices.last().map(|notice| notice.kind), Some(NoticeKind::Behind), "{mode}");
        assert_eq!((notices.len(), store.counters().gaps), (2, 1), "{mode}: it is asked for once");
        assert_eq!(continuity(&store, id), Some(Continuity::Gap { from: 6, to: 7 }));
        let mut frame = vec![item("feed:a", 8), ack("feed:a", "epochAAAA", mode, 8, Ok(()))];
        frame.extend((6..=9).map(|seq| item("feed:a", seq)));
        take_in(&mut store, &frame);
        let told: Vec<Value> = serde_json::from_str(&store.take_events(id).expect("four")).expect("JSON");
        let seqs: Vec<_> = told.iter().map(|envelope| envelope["seq"].as_u64()).collect();
        assert_eq!(seqs, [Some(6), Some(7), Some(8), Some(9)], "{mode}");
        assert_eq!(continuity(&store, id), Some(Continuity::Proven), "{mode}");
    }
}

/// Somebody who wants every one comes to a channel that was held for its newest value only.
#[test]
fn who_comes_later_and_wants_every_one_is_told_all_that_is_held() {
    for mode in ["event", "lossless"] {
        let (mut store, id) = opened("feed:a");
        let start = ack("feed:a", "epochAAAA", mode, 0, Err(None));
        take_in(&mut store, &[start, item("feed:a", 1), item("feed:a", 2)]);
        store.tap(id, true);
        assert_eq!((store.start_over(id), store.start_over(id), store.position(id)), (true, false, None));
        // A poll that is under way is answered as if nothing were.
        take_in(&mut store, &[ack("feed:a", "epochAAAA", mode, 2, Ok(())), item("feed:a", 3)]);
        assert_eq!((store.take_events(id), store.head(id).map(|head| head.seq)), (None, Some(2)), "{mode}");
        let mut again = vec![ack("feed:a", "epochAAAA", mode, 3, Err(None))];
        again.extend((1..=3).map(|seq| item("feed:a", seq)));
        take_in(&mut store, &again);
        let told: Vec<Value> = serde_json::from_str(&store.take_events(id).expect("three")).expect("JSON");
        assert_eq!(told.len(), 3, "{mode}");
        assert_eq!((store.position(id), store.counters().gaps), (Some(("epochAAAA", 3)), 0));
    }
    // Of a value the newest is the whole truth, and of what has not begun nothing was missed.
    let (mut store, id) = away("feed:a", "state");
    assert!(!store.start_over(id));
    let (mut store, id) = opened("feed:a");
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "event", 0, Err(None))]);
    assert!(!store.start_over(id) && store.position(id) == Some(("epochAAAA", 0)));
}

#[test]
fn what_is_held_no_more_is_a_gap_with_its_exact_range() {
    for mode in ["event", "lossless"] {
        let (mut store, id) = away("feed:a", mode);
        let code = ErrorCode::CursorExpired;
        let mut envelopes = vec![ack("feed:a", "epochAAAA", mode, 40, Err(Some(code)))];
        envelopes.extend((31..=40).map(|seq| item("feed:a", seq)));
        take_in(&mut store, &envelopes);
        assert_eq!(continuity(&store, id), Some(Continuity::Gap { from: 6, to: 30 }), "{mode}");
        assert_eq!((store.counters().gaps, store.counts(id).gaps), (1, 1));
        assert_eq!(store.position(id), Some(("epochAAAA", 40)));
    }
}

#[test]
fn another_history_counts_as_a_gap_and_is_proven_from_its_beginning() {
    let (mut store, id) = away("feed:a", "event");
    store.tap(id, true);
    let code = ErrorCode::EpochChanged;
    let frame =
        [ack("feed:a", "epochBBBB", "event", 2, Err(Some(code))), item("feed:a", 1), item("feed:a", 2)];
    let notices = take_in(&mut store, &frame);
    assert_eq!((notices.len(), notices[0].code.as_deref()), (1, Some("EPOCH_CHANGED")));
    assert_eq!((continuity(&store, id), store.counters().gaps), (Some(Continuity::Proven), 1));
    assert_eq!((store.position(id), store.counts(id).gaps), (Some(("epochBBBB", 2)), 1));
    let told: Value = serde_json::from_str(&store.take_events(id).expect("two")).expect("JSON");
    assert_eq!((&told[0]["seq"], &told[1]["seq"]), (&json!(1), &json!(2)));
    // Of a value the newest is the whole truth: nothing of it is missing.
    let (mut store, id) = away("feed:a", "state");
    let frame = [ack("feed:a", "epochBBBB", "state", 1, Err(Some(code))), item("feed:a", 1)];
    take_in(&mut store, &frame);
    assert_eq!((continuity(&store, id), store.counters().gaps), (Some(Continuity::Proven), 0));
}

#[test]
fn a_gateway_that_is_behind_under_the_same_epoch_has_another_history() {
    for (mode, gaps) in [("event", 1), ("lossless", 1), ("state", 0), ("keyed", 0)] {
        let (mut store, id) = away("feed:a", mode);
        let code = ErrorCode::CursorInvalid;
        let mut frame = vec![ack("feed:a", "epochAAAA", mode, 2, Err(Some(code)))];
        frame.extend([item("feed:a", 1), item("feed:a", 2), item("feed:a", 3)]);
        take_in(&mut store, &frame);
        assert_eq!(store.head(id).map(|head| head.seq), Some(3), "{mode}: nothing new is called old");
        assert_eq!(store.counters().gaps, gaps, "{mode}");
    }
}

#[test]
fn no_item_of_a_snapshot_is_a_position() {
    let (mut store, id) = opened("feed:a");
    let end = snapshot_end("feed:a");
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "keyed", 9, Err(None)), item("feed:a", 9)]);
    assert_eq!(store.position(id), None, "an older item may follow");
    take_in(&mut store, &[end.clone(), item("feed:a", 10)]);
    assert_eq!(store.position(id), Some(("epochAAAA", 10)));
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "keyed", 12, Ok(())), item("feed:a", 12)]);
    assert_eq!(store.position(id), Some(("epochAAAA", 10)));
    take_in(&mut store, &[end]);
    assert_eq!(store.position(id), Some(("epochAAAA", 12)));
    store.forget(id);
    assert_eq!(store.position(id), None);
}

#[test]
fn a_gateway_that_does_not_vouch_for_its_engine_makes_values_stale() {
    let (mut store, id) = opened("feed:a");
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "state", 0, Err(None)), item("feed:a", 1)]);
    let beat = |broker_ok: Option<bool>| {
        let mut data = json!({"serverTime": 1, "heads": {}});
        if let Some(ok) = broker_ok {
            data["brokerOk"] = ok.into();
        }
        written("system.heartbeat", "", 0, None, &data)
    };
    let mut judged = |frame: Vec<u8>, flags: u32| {
        assert_eq!(store.ingest_frame(&frame, 0, 2.0), flags);
        store.flush(2.0);
        store.head(id).map(|head| (head.freshness, head.cause))
    };
    let (fresh, stale) = ((Freshness::Fresh, None), (Freshness::Stale, Some(Cause::Broker)));
    assert_eq!(judged(beat(None), 0), Some(fresh));
    assert_eq!(judged(beat(Some(false)), DIRTY), Some(stale));
    assert_eq!(judged(beat(Some(false)), 0), Some(stale));
    assert_eq!(judged(beat(None), DIRTY), Some(fresh), "absent: it does");
    assert_eq!(judged(beat(Some(false)), DIRTY), Some(stale));
    assert_eq!(judged(beat(Some(true)), DIRTY), Some(fresh));
    // A new line is vouched for until its gateway says otherwise.
    judged(beat(Some(false)), DIRTY);
    store.link_up(0, 3.0);
    store.flush(3.0);
    assert_eq!(store.freshness(id), Freshness::Fresh);
    let bad =
        String::from_utf8(beat(Some(true))).expect("UTF-8").replace("\"brokerOk\":true", "\"brokerOk\":1");
    store.ingest_frame(bad.as_bytes(), 0, 4.0);
    let notices = store.take_notices();
    assert!(notices.iter().any(|notice| notice.data.contains("data.brokerOk")), "{notices:?}");
}

#[test]
fn a_page_may_only_tighten_what_the_gateway_says() {
    let (mut store, id) = opened("feed:a");
    take_in(&mut store, &[ack("feed:a", "epochAAAA", "state", 0, Err(None)), item("feed:a", 1)]);
    assert_eq!((store.freshness(id), store.next_change_ms()), (Freshness::Fresh, 5_001.0));
    for (wanted, expected) in [(9_000.0, 5_001.0), (2_000.0, 2_001.0), (f64::NAN, 5_001.0)] {
        store.tighten(id, wanted);
        store.flush(2.0);
        assert_eq!(store.next_change_ms(), expected, "{wanted}");
    }
    store.tighten(id, 1_000.0);
    assert_eq!((store.flush(1_001.0), store.freshness(id)), (1, Freshness::Stale));
}

#[test]
fn an_answer_to_a_poll_says_where_the_channels_stand() {
    let (mut store, id) = opened("feed:a");
    let poll = |cursor: &str, envelopes: &[Vec<u8>]| {
        let envelopes: Vec<_> = envelopes.iter().map(|e| str::from_utf8(e).expect("UTF-8")).collect();
        format!(r#"{{"cursor":"{cursor}","envelopes":[{}]}}"#, envelopes.join(", "))
    };
    assert_eq!(store.poll_cursor(2), None);
    let first = poll("1.a", &[ack("feed:a", "epochAAAA", "state", 0, Err(None)), item("feed:a", 1)]);
    store.ingest_poll(first.as_bytes(), 2, 1.0);
    store.flush(1.0);
    assert_eq!((store.poll_cursor(2), store.poll_cursor(0)), (Some("1.a"), None));
    assert_eq!(store.head(id).map(|head| head.seq), Some(1));
    store.take_notices();
    // A bad one among good ones is refused alone; a bad answer moves nothing.
    let second = poll("1.b", &[b"{}".to_vec(), item("feed:a", 2)]);
    store.ingest_poll(second.as_bytes(), 2, 2.0);
    let flags = store.ingest_poll(br#"{"cursor":3,"envelopes":[]}"#, 2, 3.0);
    assert_eq!(flags & UNREADABLE, UNREADABLE);
    store.flush(3.0);
    let fields: Vec<Value> = store
        .take_notices()
        .iter()
        .map(|notice| serde_json::from_str::<Value>(&notice.data).expect("JSON")["field"].take())
        .collect();
    assert_eq!(fields, ["v", "cursor"]);
    assert_eq!((store.poll_cursor(2), store.head(id).map(|head| head.seq)), (Some("1.b"), Some(2)));
}
