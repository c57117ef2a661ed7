//! A client's store against a model of a gateway: whatever order publications, losses, merges, cuts, restarts and
//! resumptions come in, what the page sees is what was published, or it is told that it is not.

mod bursts;
mod gateway;
mod page;
mod verdicts;

use std::collections::BTreeMap;

use live_core::error::ErrorCode;
use proptest::prelude::*;

use crate::gateway::{Gateway, Mode};
use crate::page::Page;

#[derive(Clone, Debug)]
enum Step {
    Publish {
        key: i64,
    },
    /// So many envelopes arrive, in one frame.
    Arrive(usize),
    Flush,
    Cut,
    Connect,
    Beat,
    /// What the gateway holds is past its time.
    Expire,
    /// The gateway is started again.
    Restart,
    /// The next position is not resumed from, for this reason.
    Doubt(ErrorCode),
    /// The newest of what has arrived arrives again.
    Repeat(usize),
    /// What is held starts again, without another history.
    Resync,
    /// From now on the items of a snapshot come by key, or by `seq`.
    Sort(bool),
    /// A joined piece of text repeats a part.
    Overlap,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0i64..4).prop_map(|key| Step::Publish { key }),
        6 => (1usize..9).prop_map(Step::Arrive),
        4 => Just(Step::Flush),
        2 => Just(Step::Cut),
        4 => Just(Step::Connect),
        2 => Just(Step::Beat),
        1 => Just(Step::Expire),
        1 => Just(Step::Restart),
        1 => prop_oneof![Just(ErrorCode::CursorInvalid), Just(ErrorCode::ContinuityUnknown)].prop_map(Step::Doubt),
        2 => (1usize..6).prop_map(Step::Repeat),
        1 => Just(Step::Resync),
        1 => any::<bool>().prop_map(Step::Sort),
        1 => Just(Step::Overlap),
    ];
    prop::collection::vec(step, 1..120)
}

fn run(mode: Mode, is_tapped: bool, steps: &[Step]) {
    let (mut gateway, mut page) = (Gateway::new(mode), Page::new(mode, is_tapped));
    for step in steps {
        match *step {
            Step::Publish { key } => gateway.publish(key),
            Step::Arrive(count) => {
                let frame = gateway.frame(count);
                page.take_in(&frame);
            }
            Step::Flush => page.flush(),
            Step::Cut => page.cut(&mut gateway),
            Step::Connect if gateway.wire.is_none() => page.connect(&mut gateway),
            Step::Connect => {}
            Step::Beat => gateway.beat(),
            Step::Expire => gateway.held.clear(),
            Step::Restart => {
                page.cut(&mut gateway);
                gateway = gateway.restarted();
            }
            Step::Doubt(verdict) => gateway.verdict = Some(verdict),
            Step::Repeat(count) if gateway.wire.is_some() => page.take_in(&gateway.repeated(count)),
            Step::Repeat(_) => {}
            Step::Resync => {
                gateway.resync();
                page.begin(&gateway);
            }
            Step::Sort(is_by_key) => gateway.is_by_key = is_by_key,
            Step::Overlap => gateway.overlap(),
        }
        if page.wants_renewal {
            page.connect(&mut gateway);
        }
    }
    // In the end there is a line, and everything on it arrives.
    if gateway.wire.is_none() {
        page.connect(&mut gateway);
    }
    for _ in 0..4 {
        let frame = gateway.frame(1_000);
        page.take_in(&frame);
        page.flush();
        if page.wants_renewal {
            page.connect(&mut gateway);
        }
        gateway.beat();
    }
    check(&gateway, &page);
    if is_tapped && mode.is_contiguous() {
        check_ends(&gateway, &page);
    }
}

fn check(gateway: &Gateway, page: &Page) {
    match gateway.mode {
        Mode::Bars => {
            let seen: BTreeMap<i64, u64> = page
                .store
                .bars(page.id)
                .iter()
                .map(|bar| (bar.numbers.open_time / 86_400_000, bar.numbers.close as u64))
                .collect();
            assert_eq!(seen, gateway.newest, "the newest of each key");
        }
        _ if gateway.seq == 0 => {}
        Mode::State => {
            assert_eq!(page.store.head(page.id).map(|head| head.seq), Some(gateway.seq), "the newest value");
        }
        Mode::Event | Mode::Lossless => {
            if let Some((_, last)) = page.store.position(page.id) {
                assert_eq!(last, gateway.seq, "it stands where the gateway stands");
            }
        }
    }
    // Nothing is heard twice, or out of order.
    let ascends = page.heard.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(ascends, "{:?}", page.heard);
    if !gateway.mode.is_contiguous() {
        return;
    }
    // Whatever lies between two that were heard was heard too, or told to be missing.
    for pair in page.heard.windows(2) {
        let ((epoch, a), (same, b)) = (pair[0], pair[1]);
        if epoch == same {
            for seq in a + 1..b {
                assert!(
                    page.told.contains(&(epoch, seq)),
                    "{epoch}:{seq} is missing untold: {:?}",
                    page.heard
                );
            }
        }
    }
}

/// Of each history the page heard from the oldest that was held when it came, and of the last one up to the newest;
/// or it was told.
fn check_ends(gateway: &Gateway, page: &Page) {
    let is_known = |epoch, seq| page.heard.contains(&(epoch, seq)) || page.told.contains(&(epoch, seq));
    for (&epoch, &oldest) in &page.begun {
        let first = page.heard.iter().find(|(heard, _)| *heard == epoch).map(|(_, seq)| *seq);
        for seq in oldest..first.unwrap_or(oldest) {
            assert!(is_known(epoch, seq), "{epoch}:{seq} is missing at the beginning: {:?}", page.heard);
        }
    }
    // What was gone before the page came is nothing to it; and while it has no value, there is none to say it of.
    if page.store.head(page.id).is_some()
        && page.begun.get(&gateway.epoch).is_some_and(|&oldest| gateway.seq >= oldest)
    {
        assert!(is_known(gateway.epoch, gateway.seq), "the newest is missing: {:?}", page.heard);
    }
}

proptest! {
    #[test]
    fn a_state_channel_ends_with_the_newest_value(is_tapped: bool, steps in steps()) {
        run(Mode::State, is_tapped, &steps);
    }

    #[test]
    fn a_keyed_channel_ends_with_the_newest_of_each_key(is_tapped: bool, steps in steps()) {
        run(Mode::Bars, is_tapped, &steps);
    }

    #[test]
    fn an_event_channel_is_complete_or_tells_what_is_missing(is_tapped: bool, steps in steps()) {
        run(Mode::Event, is_tapped, &steps);
    }

    #[test]
    fn a_lossless_channel_is_complete_or_tells_what_is_missing(is_tapped: bool, steps in steps()) {
        run(Mode::Lossless, is_tapped, &steps);
    }
}
