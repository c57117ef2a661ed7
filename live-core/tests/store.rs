//! The client's store from outside: bytes in, a consistent picture out.

use std::collections::BTreeMap;

use live_core::envelope::{Outgoing, encode};
use live_core::event::{CandleBar, PriceTick};
use live_core::sequence::Continuity;
use live_core::staleness::{Cause, Freshness};
use live_core::store::{ChannelId, DIRTY, NOTICES, NoticeKind, Store, TOO_LONG, URGENT};
use proptest::prelude::*;
use serde_json::json;

fn envelope(event: &str, channel: &str, seq: u64, ts: u64, data: &impl serde::Serialize) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out, &Outgoing { event, channel, seq, ts, error_code: None, data }).expect("a good envelope");
    out
}

fn tick(seq: u64, price: f64) -> Vec<u8> {
    let tick = PriceTick {
        symbol: "A".into(),
        price,
        bid: None,
        ask: None,
        volume: 1.0,
        change: 0.0,
        change_pct: 0.0,
        market_time: 5,
    };
    envelope(PriceTick::EVENT, "price:A", seq, 1_000, &tick)
}

fn bar(seq: u64, open_time: i64, close: f64, closed: bool) -> Vec<u8> {
    let bar = CandleBar {
        symbol: "A".into(),
        interval: "1d".into(),
        open_time,
        open: 1.0,
        high: 100.0,
        low: 0.0,
        close,
        volume: 3.0,
        closed,
    };
    envelope(CandleBar::EVENT, "candles:A.1d", seq, 1_000, &bar)
}

fn ack(channel: &str, epoch: &str, head: u64, mode: &str) -> Vec<u8> {
    let data = json!({"channel": channel, "epoch": epoch, "head": head, "resumed": false, "mode": mode, "maxHz": null, "staleAfterMs": 5_000});
    envelope("system.ack", channel, 0, 1_000, &data)
}

fn opened(channel: &str) -> (Store, ChannelId) {
    let mut store = Store::default();
    store.link_up(0, 0.0);
    let id = store.open(channel, 0).expect("a known channel");
    (store, id)
}

/// A channel whose subscription the gateway has confirmed.
fn subscribed(channel: &str) -> (Store, ChannelId) {
    let (mut store, id) = opened(channel);
    confirm(&mut store, channel, 0);
    (store, id)
}

fn confirm(store: &mut Store, channel: &str, head: u64) {
    let mode = match channel.split_once(':').expect("a name").0 {
        "candles" => "keyed",
        "copilot" => "lossless",
        "system" => "event",
        _ => "state",
    };
    store.ingest_frame(&ack(channel, "epochAAAA", head, mode), 0, 0.0);
    store.take_notices();
}

fn price(store: &Store, id: ChannelId) -> Option<f64> {
    store.tick(id).map(|tick| tick.price)
}

#[test]
fn a_value_shows_at_the_flush_and_not_before() {
    let (mut store, id) = subscribed("price:A");
    assert_eq!(store.ingest_frame(&tick(1, 10.0), 0, 1.0), DIRTY);
    assert_eq!(price(&store, id), None);
    assert_eq!(store.flush(2.0), 1);
    assert_eq!(store.changed(), [id]);
    assert_eq!(price(&store, id), Some(10.0));
    store.ingest_frame(&tick(2, 11.0), 0, 3.0);
    assert_eq!(price(&store, id), Some(10.0), "a read between two flushes gives the same answer");
    store.flush(4.0);
    assert_eq!((price(&store, id), store.flush(5.0), store.counters().generation), (Some(11.0), 0, 2));
}

#[test]
fn a_bad_envelope_is_reported_and_the_rest_of_the_frame_arrives() {
    let (mut store, id) = subscribed("price:A");
    let frame = [tick(1, 10.0), b"{\"v\":1}".to_vec(), tick(2, 12.0)].join(&b'\n');
    assert_eq!(store.ingest_frame(&frame, 0, 1.0), DIRTY | NOTICES);
    store.flush(2.0);
    assert_eq!(price(&store, id), Some(12.0));
    let notices = store.take_notices();
    assert_eq!(notices[0].kind, NoticeKind::Rejected);
    assert_eq!(&*notices[0].data, r#"{"field":"event","reason":"is missing","at":7}"#);
    assert_eq!((store.counters().rejected, store.counters().merged), (1, 1));
}

#[test]
fn what_nobody_holds_is_not_kept() {
    let (mut store, id) = subscribed("price:A");
    store.forget(id);
    assert_eq!(store.ingest_frame(&tick(1, 10.0), 0, 1.0), 0);
    assert_eq!(store.counters().ignored, 1);
    let id = store.open("price:A", 0).expect("a known channel");
    confirm(&mut store, "price:A", 0);
    store.ingest_frame(&tick(1, 11.0), 0, 2.0);
    store.flush(3.0);
    assert_eq!(price(&store, id), Some(11.0));
}

#[test]
fn a_number_given_again_shows_nothing_of_the_channel_before() {
    let (mut store, old) = opened("price:A");
    store.ingest_frame(&ack("price:A", "epochAAAA", 5, "state"), 0, 0.0);
    store.ingest_frame(&tick(5, 10.0), 0, 0.0);
    store.flush(1.0);
    // Both what the last flush showed and what the next one would are to go.
    store.ingest_frame(&tick(6, 11.0), 0, 1.0);
    store.forget(old);
    store.forget(old);
    assert_eq!((store.name(old), store.mode(old), store.changed()), (None, None, &[][..]));
    assert_eq!((store.tick(old), store.head(old), store.position(old)), (None, None, None));
    let new = store.open("candles:A.1d", 0).expect("a known channel");
    let other = store.open("price:B", 0).expect("a known channel");
    assert_eq!((new, other != new), (old, true), "the number is given again, and once");
    assert_eq!((store.flush(2.0), store.changed()), (0, &[][..]), "nothing of it has changed");
    assert_eq!((store.head(new), store.data(new), store.position(new)), (None, None, None));
    assert_eq!((store.freshness(new), store.age_ms(new, 2.0)), (Freshness::Pending, None));
    confirm(&mut store, "candles:A.1d", 0);
    store.ingest_frame(&[tick(7, 12.0), bar(1, 30, 3.0, false)].join(&b'\n'), 0, 3.0);
    store.ingest_frame(&bar(2, 30, 4.0, false), 0, 3.0);
    assert_eq!((store.flush(4.0), store.changed()), (1, &[new][..]), "and once when it has");
    assert_eq!((store.tick(new), store.bars(new).len(), store.counters().ignored), (None, 1, 1));
}

#[test]
fn the_last_price_stays_when_the_link_goes_and_its_age_grows() {
    let (mut store, id) = subscribed("price:A");
    store.ingest_frame(&tick(1, 10.0), 0, 1_000.0);
    store.flush(1_000.0);
    assert_eq!(store.freshness(id), Freshness::Fresh);
    store.link_down(0);
    assert_eq!(store.flush(3_000.0), 1);
    let head = store.head(id).expect("a value");
    assert_eq!((head.freshness, head.cause), (Freshness::Disconnected, Some(Cause::Transport)));
    assert_eq!((head.continuity, price(&store, id)), (Continuity::Unknown, Some(10.0)));
    assert_eq!((store.age_ms(id, 3_000.0), store.age_ms(id, 9_000.0)), (Some(2_000.0), Some(8_000.0)));
    store.link_up(0, 10_000.0);
    store.ingest_frame(&ack("price:A", "epochAAAA", 1, "state"), 0, 10_000.0);
    store.ingest_frame(&tick(1, 10.0), 0, 10_001.0);
    store.flush(10_002.0);
    let head = store.head(id).expect("a value");
    assert_eq!((head.freshness, head.continuity), (Freshness::Fresh, Continuity::Proven));
}

#[test]
fn a_restarted_gateway_begins_its_count_anew() {
    let (mut store, id) = opened("price:A");
    store.ingest_frame(&ack("price:A", "epochAAAA", 0, "state"), 0, 0.0);
    store.ingest_frame(&tick(900, 10.0), 0, 1.0);
    store.flush(1.0);
    store.ingest_frame(&ack("price:A", "epochBBBB", 0, "state"), 0, 2.0);
    store.ingest_frame(&tick(1, 11.0), 0, 3.0);
    store.flush(4.0);
    assert_eq!(price(&store, id), Some(11.0));
}

#[test]
fn freshness_flips_at_the_announced_moment() {
    let (mut store, id) = subscribed("price:A");
    store.ingest_frame(&tick(1, 10.0), 0, 1_000.0);
    store.flush(1_000.0);
    let at = store.next_change_ms();
    assert_eq!(at, 6_000.0);
    assert_eq!(store.flush(at - 1.0), 0);
    assert_eq!((store.flush(at), store.freshness(id)), (1, Freshness::Stale));
    assert_eq!(store.head(id).and_then(|head| head.cause), Some(Cause::Source));
}

#[test]
fn an_old_value_in_a_snapshot_is_not_called_fresh() {
    let (mut store, id) = subscribed("price:A");
    let hello = json!({"sessionId": "s", "serverTime": 61_000, "heartbeatMs": 15_000});
    store.ingest_frame(&envelope("system.hello", "", 0, 61_000, &hello), 0, 100.0);
    // Its source time is a minute before the gateway's clock.
    store.ingest_frame(&tick(1, 10.0), 0, 100.0);
    store.flush(100.0);
    assert_eq!((store.freshness(id), store.age_ms(id, 100.0)), (Freshness::Stale, Some(60_000.0)));
    assert_eq!(store.server_time_ms(200.0), Some(61_100.0));
}

#[test]
fn a_heartbeat_finds_the_lost_last_message() {
    let (mut store, id) = opened("price:A");
    store.ingest_frame(&ack("price:A", "epochAAAA", 0, "state"), 0, 0.0);
    store.ingest_frame(&tick(1, 10.0), 0, 1.0);
    store.flush(1.0);
    store.take_notices();
    let beat = |head: u64| {
        envelope("system.heartbeat", "", 0, 1, &json!({"serverTime": 1, "heads": {"price:A": head}}))
    };
    assert_eq!(store.ingest_frame(&beat(1), 0, 2.0), 0);
    store.ingest_frame(&beat(3), 0, 3.0);
    store.flush(4.0);
    assert_eq!(store.head(id).map(|head| head.continuity), Some(Continuity::Gap { from: 2, to: 3 }));
    let notices = store.take_notices();
    assert_eq!((notices[0].kind, &*notices[0].data), (NoticeKind::Behind, r#"{"last":1,"head":3}"#));
}

/// What a line still brings of a channel that was let go of and is held again.
#[test]
fn nothing_is_taken_in_before_the_channels_own_acknowledgement() {
    for (channel, event, seqs) in [
        ("copilot:s", "copilot.said", [1, 2, 3].as_slice()),
        ("system:status", "status.changed", &[1, 2, 3]),
        ("price:A", "price.told", &[3]),
        ("candles:A.1d", "candles.told", &[3]),
    ] {
        let (mut store, id) = opened(channel);
        store.tap(id, true);
        let said = |seq| envelope(event, channel, seq, 1_000, &json!({"n": seq}));
        assert_eq!(store.ingest_frame(&said(2), 0, 1.0), 0);
        // That went on from where the channel stood before.
        let resumed = String::from_utf8(ack(channel, "epochAAAA", 3, "state")).expect("UTF-8");
        let resumed = resumed.replace("\"resumed\":false", "\"resumed\":true");
        store.ingest_frame(resumed.as_bytes(), 0, 1.0);
        store.ingest_frame(&said(3), 0, 1.0);
        store.flush(1.0);
        assert_eq!((store.position(id), store.head(id)), (None, None), "{channel}");
        assert_eq!(store.take_events(id), None, "{channel}");
        confirm(&mut store, channel, 3);
        for &seq in seqs {
            store.ingest_frame(&said(seq), 0, 2.0);
        }
        store.flush(2.0);
        let told = store.take_events(id).expect("something was told");
        let told =
            seqs.iter().map(|seq| told.matches(&format!("\"seq\":{seq},")).count()).collect::<Vec<_>>();
        assert_eq!(told, vec![1; seqs.len()], "{channel}");
        assert_eq!((store.counters().ignored, store.counters().gaps), (2, 0), "{channel}");
    }
}

#[test]
fn an_event_channel_tells_its_gaps() {
    let (mut store, id) = opened("system:status");
    confirm(&mut store, "system:status", 3);
    let event = |seq| envelope("status.changed", "system:status", seq, 1, &json!({"n": seq}));
    for seq in [4, 5, 9] {
        store.ingest_frame(&event(seq), 0, 1.0);
    }
    store.flush(2.0);
    let head = store.head(id).expect("a value");
    assert_eq!((head.seq, head.continuity), (9, Continuity::Gap { from: 6, to: 8 }));
    assert_eq!(store.data(id), Some(("status.changed", r#"{"n":9}"#)));
}

#[test]
fn a_drop_at_the_gateway_is_a_gap_with_its_range() {
    let (mut store, id) = subscribed("price:A");
    store.ingest_frame(&tick(1, 10.0), 0, 1.0);
    let lost = json!({"dropped": 3, "fromSeq": 2, "toSeq": 4, "capacity": 128, "side": "gateway"});
    store.ingest_frame(&envelope("backpressure_drop", "price:A", 0, 1, &lost), 0, 1.0);
    store.flush(1.0);
    assert_eq!(store.head(id).map(|head| head.continuity), Some(Continuity::Gap { from: 2, to: 4 }));
    assert_eq!(store.counters().dropped, 3);
}

#[test]
fn history_and_live_bars_join_without_a_seam() {
    let (mut store, id) = subscribed("candles:A.1d");
    store.ingest_frame(&bar(7, 30, 3.0, true), 0, 1.0);
    store.ingest_frame(&bar(8, 40, 4.0, false), 0, 1.0);
    store.flush(1.0);
    let page = br#"{"symbol":"A","interval":"1d","rows":[[10,1,9,0,1,5],[20,1,9,0,2,5],[30,1,9,0,2.5,5]]}"#;
    assert_eq!(store.history_page(id, page), Ok(3));
    assert!(!store.has_history(id));
    store.flush(2.0);
    let closes: Vec<_> =
        store.bars(id).iter().map(|bar| (bar.numbers.open_time, bar.numbers.close)).collect();
    assert_eq!(closes, [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)]);
    assert!(store.has_history(id));
}

#[test]
fn a_replay_that_starts_over_leaves_no_bar_of_before() {
    let (mut store, id) = opened("candles:A.1d");
    store.ingest_frame(&ack("candles:A.1d", "epochAAAA", 2, "keyed"), 0, 0.0);
    store.ingest_frame(&[bar(1, 30, 3.0, true), bar(2, 40, 4.0, true)].join(&b'\n'), 0, 1.0);
    store.flush(1.0);
    let resync = json!({"epoch": "epochBBBB", "reason": "the replay starts over"});
    store.ingest_frame(&envelope("system.resync", "candles:A.1d", 0, 1, &resync), 0, 2.0);
    store.ingest_frame(&bar(1, 30, 1.0, false), 0, 3.0);
    store.flush(4.0);
    let closes: Vec<_> =
        store.bars(id).iter().map(|bar| (bar.numbers.open_time, bar.numbers.close)).collect();
    assert_eq!(closes, [(30, 1.0)]);
    assert!(store.take_notices().iter().any(|notice| notice.kind == NoticeKind::Resync));
}

#[test]
fn an_event_of_the_stream_that_is_too_long_is_skipped() {
    let (mut store, id) = subscribed("price:A");
    let mut stream = b"data: ".to_vec();
    stream.extend(std::iter::repeat_n(b'x', 100_000));
    stream.extend(b"\n\n");
    assert_eq!(store.ingest_sse(&stream, 0, 1.0), TOO_LONG);
    let next = [b"id: 7\ndata: ", &tick(1, 10.0)[..], b"\n\n"].concat();
    store.ingest_sse(&next, 0, 2.0);
    store.flush(3.0);
    assert_eq!(price(&store, id), Some(10.0));
    assert_eq!(store.stream(0).map(live_core::sse::Parser::last_id), Some("7"));
}

#[test]
fn an_event_of_the_stream_is_one_envelope_however_many_lines_it_has() {
    let (mut store, id) = subscribed("price:A");
    let text = String::from_utf8(tick(1, 10.0)).expect("UTF-8");
    let (head, rest) = text.split_once(",\"data\"").expect("a field");
    store.ingest_sse(format!("data: {head}\ndata: ,\"data\"{rest}\n\n").as_bytes(), 0, 1.0);
    store.flush(1.0);
    assert_eq!(price(&store, id), Some(10.0));
    let second = String::from_utf8(tick(2, 11.0)).expect("UTF-8");
    store.ingest_sse(format!("data: {second}\ndata: {second}\n\n").as_bytes(), 0, 2.0);
    store.flush(2.0);
    assert_eq!((price(&store, id), store.counters().rejected), (Some(10.0), 1), "two in one are none");
}

#[test]
fn refusals_that_nobody_reads_do_not_pile_up() {
    let (mut store, _) = opened("price:A");
    for _ in 0..10_000 {
        store.ingest_frame(b"nonsense", 0, 1.0);
    }
    assert_eq!(store.counters().rejected, 10_000);
    assert!(store.take_notices().len() <= 16);
}

#[test]
fn an_error_in_place_of_a_value_leaves_the_last_one() {
    let (mut store, id) = opened("price:A");
    store.ingest_frame(&ack("price:A", "epochAAAA", 0, "state"), 0, 0.0);
    store.ingest_frame(&tick(1, 10.0), 0, 1.0);
    store.take_notices();
    let mut failed = Vec::new();
    let data = json!({"message": "the feed is closed"});
    let error_code = Some(live_core::error::ErrorCode::Internal);
    let outgoing =
        Outgoing { event: PriceTick::EVENT, channel: "price:A", seq: 2, ts: 1, error_code, data: &data };
    encode(&mut failed, &outgoing).expect("a good envelope");
    store.ingest_frame(&failed, 0, 2.0);
    store.flush(3.0);
    assert_eq!(price(&store, id), Some(10.0));
    let notices = store.take_notices();
    assert_eq!((notices[0].kind, notices[0].code.as_deref()), (NoticeKind::Failed, Some("INTERNAL")));
    assert_eq!(&*notices[0].data, r#"{"message":"the feed is closed","seq":2}"#);
    let beat = json!({"serverTime": 1, "heads": {"price:A": 2}});
    store.ingest_frame(&envelope("system.heartbeat", "", 0, 1, &beat), 0, 4.0);
    assert_eq!(store.take_notices(), []);
}

#[test]
fn a_gateway_whose_clock_is_behind_the_last_ones_is_not_called_stale() {
    let (mut store, id) = subscribed("price:A");
    let hello = |server_time: u64| {
        let data = json!({"sessionId": "s", "serverTime": server_time, "heartbeatMs": 15_000});
        envelope("system.hello", "", 0, server_time, &data)
    };
    store.ingest_frame(&hello(100_000), 0, 0.0);
    store.link_down(0);
    store.link_up(0, 1_000.0);
    // Eight seconds behind: its values carry 93,000 at what the first gateway would call 101,000.
    store.ingest_frame(&hello(93_000), 0, 1_000.0);
    let text = String::from_utf8(tick(1, 10.0)).expect("UTF-8").replace("\"ts\":1000", "\"ts\":93000");
    store.ingest_frame(text.as_bytes(), 0, 1_000.0);
    store.flush(1_000.0);
    assert_eq!((store.freshness(id), store.age_ms(id, 1_000.0)), (Freshness::Fresh, Some(0.0)));
}

#[test]
fn a_link_number_out_of_range_is_the_last_one() {
    let (mut store, id) = opened("price:A");
    store.ingest_frame(&ack("price:A", "epochAAAA", 0, "state"), 99, 0.0);
    store.ingest_sse(b"data: x\n\n", 99, 0.0);
    store.flush(1.0);
    assert_eq!(store.freshness(id), Freshness::Pending);
}

#[test]
fn continuity_moves_with_the_flush() {
    let (mut store, id) = subscribed("system:status");
    for seq in [1, 5] {
        store.ingest_frame(&envelope("status.changed", "system:status", seq, 1, &json!(1)), 0, 1.0);
        if seq == 1 {
            store.flush(1.0);
        }
    }
    assert_eq!(store.head(id).map(|head| head.continuity), Some(Continuity::Proven));
    store.flush(2.0);
    assert_eq!(store.head(id).map(|head| head.continuity), Some(Continuity::Gap { from: 2, to: 4 }));
}

/// One step of a feed as a client may see it.
#[derive(Clone, Debug)]
enum Step {
    Tick { channel: usize, price: f64 },
    Bar { open_time: i64, close: f64 },
    Garbage(Vec<u8>),
    Repeat,
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..3, 0.0..500.0f64).prop_map(|(channel, price)| Step::Tick { channel, price }),
        3 => (0i64..12, 0.0..100.0f64).prop_map(|(open_time, close)| Step::Bar { open_time, close }),
        1 => prop::collection::vec(any::<u8>().prop_filter("no separator", |b| *b != b'\n' && *b != b'\r'), 0..40).prop_map(Step::Garbage),
        1 => Just(Step::Repeat),
        2 => Just(Step::Flush),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// However a feed is framed, cut, repeated and disturbed, the picture equals that of a simple model:
    /// the newest tick of each channel and the newest bar of each open time.
    #[test]
    fn the_picture_equals_the_models(steps in steps(), over_sse: bool, cut in 1usize..97, group in 1usize..9) {
        let mut store = Store::default();
        store.link_up(0, 0.0);
        let names = ["price:A", "price:B", "price:C.D"];
        let ids = names.map(|name| store.open(name, 0).expect("known"));
        let candles = store.open("candles:A.1d", 0).expect("known");
        for name in [&names[..], &["candles:A.1d"]].concat() { confirm(&mut store, name, 0); }
        let (mut seqs, mut prices, mut bars, mut bar_seq) = ([0u64; 3], [None; 3], BTreeMap::new(), 0);
        let mut last: Option<Vec<u8>> = None;
        let mut waiting: Vec<Vec<u8>> = Vec::new();
        let send = |store: &mut Store, waiting: &mut Vec<Vec<u8>>| {
            if over_sse {
                let stream: Vec<u8> = waiting.drain(..).flat_map(|e| [b"data: ", &e[..], b"\n\n"].concat()).collect();
                for piece in stream.chunks(cut) { store.ingest_sse(piece, 0, 1.0); }
            } else {
                for frame in waiting.chunks(group) { store.ingest_frame(&frame.join(&b'\n'), 0, 1.0); }
                waiting.clear();
            }
        };
        for step in steps {
            match step {
                Step::Tick { channel, price } => {
                    seqs[channel] += 1;
                    prices[channel] = Some(price);
                    let text = String::from_utf8(tick(seqs[channel], price)).expect("UTF-8");
                    last = Some(text.replace("price:A", names[channel]).into_bytes());
                    waiting.extend(last.clone());
                }
                Step::Bar { open_time, close } => {
                    bar_seq += 1;
                    bars.insert(open_time, close);
                    waiting.push(bar(bar_seq, open_time, close, false));
                }
                Step::Garbage(bytes) => waiting.push(bytes),
                Step::Repeat => waiting.extend(last.clone()),
                Step::Flush => {
                    send(&mut store, &mut waiting);
                    store.flush(2.0);
                    for (at, &id) in ids.iter().enumerate() {
                        prop_assert_eq!(price(&store, id), prices[at]);
                    }
                }
            }
        }
        send(&mut store, &mut waiting);
        store.flush(3.0);
        for (at, &id) in ids.iter().enumerate() {
            prop_assert_eq!(price(&store, id), prices[at]);
            prop_assert_eq!(store.head(id).map_or(0, |head| head.seq), seqs[at]);
        }
        let shown: BTreeMap<_, _> = store.bars(candles).iter().map(|bar| (bar.numbers.open_time, bar.numbers.close)).collect();
        prop_assert_eq!(shown, bars);
    }
}

#[test]
fn the_last_word_of_a_piece_of_work_is_shown_at_once() {
    for (channel, event, expected) in [
        ("copilot:s", "copilot.delta", DIRTY),
        ("copilot:s", "copilot.done", DIRTY | URGENT),
        ("copilot:s", "copilot.confirmed", DIRTY | URGENT),
        ("job:j", "job.progress", DIRTY),
        ("job:j", "job.failed", DIRTY | URGENT),
        ("system:status", "status.error", DIRTY),
    ] {
        let (mut store, _) = subscribed(channel);
        let flags = store.ingest_frame(
            &envelope(event, channel, 1, 1_000, &json!({"text": "", "answerId": "a", "reason": "stop", "proposalId": "p", "paramsHash": "h", "jobId": "j"})),
            0,
            1.0,
        );
        assert_eq!(flags, expected, "{event}");
    }
}

#[test]
fn who_stood_at_the_start_of_a_history_is_told_that_its_beginning_is_gone() {
    let (mut store, id) = opened("system:status");
    store.ingest_frame(&ack("system:status", "abcdefgh", 0, "event"), 0, 1.0);
    store.link_down(0);
    store.link_up(0, 2.0);
    store.ingest_frame(&ack("system:status", "abcdefgh", 5, "event"), 0, 3.0);
    store.ingest_frame(&envelope("status.changed", "system:status", 6, 1_000, &json!({})), 0, 3.0);
    store.flush(4.0);
    let continuity = store.head(id).map(|head| head.continuity);
    assert_eq!(continuity, Some(Continuity::Gap { from: 1, to: 5 }));
}
