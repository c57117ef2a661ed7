//! More than is held between two flushes, and names without end.

use std::collections::BTreeSet;

use live_core::sequence::Continuity;
use live_core::store::{FULL, NOTICES, NoticeKind, Store};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Item, Mode, written};
use crate::page::Page;

/// More than a tap holds.
const MANY: u64 = 2_500;

fn subscribed(mode: Mode, is_tapped: bool) -> (Gateway, Page) {
    let (mut gateway, mut page) = (Gateway::new(mode), Page::new(mode, is_tapped));
    page.connect(&mut gateway);
    page.take_in(&gateway.frame(1));
    (gateway, page)
}

fn envelopes(gateway: &Gateway, seqs: std::ops::RangeInclusive<u64>) -> Vec<Vec<u8>> {
    seqs.map(|seq| gateway.envelope(Item { seq, key: 0 })).collect()
}

/// Takes in one after the other without a flush, and says what the calls said.
fn take_in_unflushed(page: &mut Page, envelopes: &[Vec<u8>]) -> u32 {
    envelopes.iter().fold(0, |flags, envelope| flags | page.store.ingest_frame(envelope, 0, 1.0))
}

/// `(fromSeq, toSeq, dropped)` of each loss that was told.
fn losses(page: &mut Page) -> Vec<(u64, u64, u64)> {
    let mut losses = Vec::new();
    for notice in page.store.take_notices() {
        page.wants_renewal |= notice.kind == NoticeKind::Overrun;
        if notice.kind == NoticeKind::Dropped {
            let told: Value = serde_json::from_str(&notice.data).expect("JSON");
            assert_eq!(told["side"], "client");
            let [from, to, dropped] = ["fromSeq", "toSeq", "dropped"].map(|name| told[name].as_u64());
            losses.push((from.expect("a seq"), to.expect("a seq"), dropped.expect("a count")));
        }
    }
    losses
}

/// A burst of more than waits between two flushes loses nothing, over any framing.
#[test]
fn a_burst_is_taken_in_by_parts() {
    for (mode, is_tapped) in [
        (Mode::Event, true),
        (Mode::Event, false),
        (Mode::Lossless, true),
        (Mode::Lossless, false),
        (Mode::State, true),
        (Mode::Bars, true),
    ] {
        let envelopes = envelopes(&Gateway::new(mode), 1..=MANY);
        let poll = format!(
            r#"{{"cursor":"1.","envelopes":[{}]}}"#,
            envelopes.iter().map(|e| str::from_utf8(e).expect("UTF-8")).collect::<Vec<_>>().join(",")
        );
        let stream: Vec<u8> = envelopes.iter().flat_map(|e| [b"data: ", &e[..], b"\n\n"].concat()).collect();
        for framing in ["frame", "stream", "poll"] {
            let (_, mut page) = subscribed(mode, is_tapped);
            let mut flags = match framing {
                "frame" => page.store.ingest_frame(&envelopes.join(&b'\n'), 0, 1.0),
                "stream" => page.store.ingest_sse(&stream, 0, 1.0),
                _ => page.store.ingest_poll(poll.as_bytes(), 0, 1.0),
            };
            assert_ne!(flags & FULL, 0, "{mode:?} {framing}");
            while flags & FULL != 0 {
                page.flush();
                flags = page.store.ingest_more(1.0);
            }
            page.flush();
            let counts = page.store.counts(page.id);
            assert_eq!((counts.delivered, counts.dropped, counts.gaps), (MANY, 0, 0), "{mode:?} {framing}");
            assert_eq!(page.store.counters().accepted, MANY + 1, "each is counted once");
            assert!(!is_tapped || page.heard.iter().map(|(_, seq)| *seq).eq(1..=MANY), "{mode:?} {framing}");
        }
    }
}

/// Who does not flush is not waited for: what does not fit is dropped, oldest first, and told exactly.
#[test]
fn a_page_that_never_flushes_is_told_what_it_lost() {
    for (is_tapped, held) in [(false, 128), (true, 1_000)] {
        let (gateway, mut page) = subscribed(Mode::Event, is_tapped);
        let flags = take_in_unflushed(&mut page, &envelopes(&gateway, 1..=MANY));
        assert_ne!(flags & FULL, 0);
        page.flush();
        // The last one waits for a flush; those before it were taken in by force.
        assert_eq!(page.store.ingest_more(3.0) & (FULL | NOTICES), NOTICES);
        page.flush();
        let lost = MANY - 1 - held;
        assert_eq!(losses(&mut page), [(1, lost, lost)]);
        assert_eq!(page.store.counts(page.id).dropped, lost);
        let continuity = page.store.head(page.id).map(|head| head.continuity);
        assert_eq!(continuity, Some(Continuity::Gap { from: 1, to: lost }));
        assert!(!is_tapped || page.heard.iter().map(|(_, seq)| *seq).eq(lost + 1..=MANY));
    }
}

#[test]
fn a_value_is_whole_though_not_every_one_of_it_could_be_kept() {
    for mode in [Mode::State, Mode::Bars] {
        let (gateway, mut page) = subscribed(mode, true);
        take_in_unflushed(&mut page, &envelopes(&gateway, 1..=MANY));
        page.flush();
        page.store.ingest_more(3.0);
        page.flush();
        assert_eq!(losses(&mut page), [(1, MANY - 1_001, MANY - 1_001)]);
        let head = page.store.head(page.id).expect("a value");
        assert_eq!((head.seq, head.continuity), (MANY, Continuity::Proven));
        assert_eq!(page.store.counts(page.id).gaps, 0);
    }
}

/// Where nothing may be lost, more than can be held is had from the gateway again.
#[test]
fn a_lossless_channel_that_is_overrun_goes_on_from_where_it_stands() {
    for (is_tapped, held) in [(false, 128), (true, 1_000)] {
        let (mut gateway, mut page) = subscribed(Mode::Lossless, is_tapped);
        for _ in 0..MANY {
            gateway.publish(0);
        }
        gateway.wire = Some(Default::default());
        take_in_unflushed(&mut page, &envelopes(&gateway, 1..=MANY));
        assert_eq!(losses(&mut page), [], "nothing is asked for while nothing can be held");
        assert!(!page.wants_renewal);
        assert_eq!(page.store.position(page.id).map(|(_, seq)| seq), Some(held), "where the page stands");
        while gateway.seq != page.store.position(page.id).map_or(0, |(_, seq)| seq) {
            page.flush();
            assert_eq!((losses(&mut page), page.wants_renewal), (vec![], true));
            page.connect(&mut gateway);
            let frame = gateway.frame(usize::MAX);
            page.take_in(&frame);
        }
        page.flush();
        assert!(!is_tapped || page.heard.iter().map(|(_, seq)| *seq).eq(1..=MANY));
        let counts = page.store.counts(page.id);
        assert_eq!((counts.delivered, counts.dropped, counts.gaps), (MANY, 0, 0));
    }
}

#[test]
fn a_tap_hears_what_comes_after_it_was_set() {
    let (gateway, mut page) = subscribed(Mode::Event, false);
    let envelopes = envelopes(&gateway, 1..=4);
    take_in_unflushed(&mut page, &envelopes[..2]);
    page.store.tap(page.id, true);
    take_in_unflushed(&mut page, &envelopes[2..3]);
    page.flush();
    assert_eq!(page.heard, [(1, 3)]);
    page.store.tap(page.id, false);
    take_in_unflushed(&mut page, &envelopes[3..]);
    page.flush();
    assert_eq!((page.heard.len(), page.store.head(page.id).map(|head| head.seq)), (1, Some(4)));
    assert_eq!(page.store.counts(page.id).delivered, 4);
}

/// Names that come and go leave nothing behind.
#[test]
fn forgotten_channels_cost_no_memory() {
    let mut store = Store::default();
    store.link_up(0, 0.0);
    let mut numbers = BTreeSet::new();
    for at in 0..10_000 {
        let id = store.open(&format!("feed:name-{at}"), 0).expect("a good name");
        numbers.insert(id);
        assert!(store.head(id).is_none() && store.position(id).is_none());
        let name = format!("feed:name-{at}");
        let ack = json!({"channel": name, "epoch": "epochAAAA", "head": 0, "resumed": false, "mode": "state",
            "maxHz": null, "staleAfterMs": null});
        let envelopes = [
            written("system.ack", &name, 0, None, &ack),
            written("feed.item", &name, 1, None, &json!({"fill": "x".repeat(100)})),
        ];
        store.ingest_frame(&envelopes.join(&b'\n'), 0, 1.0);
        store.take_notices();
        store.flush(2.0);
        assert_eq!(store.head(id).map(|head| head.seq), Some(1));
        store.forget(id);
        store.forget(id);
    }
    assert_eq!(numbers.len(), 1);
}
