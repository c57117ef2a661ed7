//! What the store keeps, counted at the allocator.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use live_core::store::Store;

/// The system's allocator, and how many bytes are out.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is handed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Most channels of a turn that are held at the same time.
const HELD: usize = 20;

/// Holds fresh channels of every kind, takes in 10 KB for each, and forgets them again, half of them before a
/// flush has shown anything. Returns the highest number that was given.
fn turn(store: &mut Store, turn: usize) -> u32 {
    let names: Vec<String> = (0..HELD)
        .map(|at| match at % 3 {
            0 => format!("price:T{turn}.N{at}"),
            1 => format!("candles:T{turn}.N{at}.1d"),
            _ => format!("copilot:T{turn}.N{at}"),
        })
        .collect();
    let ids: Vec<_> = names.iter().map(|name| store.open(name, 0).expect("a channel")).collect();
    let filler = "x".repeat(10_000);
    for (at, name) in names.iter().enumerate() {
        store.tap(ids[at], true);
        let mode = ["state", "keyed", "lossless"][at % 3];
        let ack = format!(
            r#"{{"v":1,"event":"system.ack","channel":"{name}","seq":0,"ts":1,"ok":true,"errorCode":null,"data":{{"channel":"{name}","epoch":"epochAAAA","head":0,"resumed":false,"mode":"{mode}","maxHz":null,"staleAfterMs":null}}}}"#
        );
        store.ingest_frame(ack.as_bytes(), 0, 1.0);
        let text = format!(
            r#"{{"v":1,"event":"user.made","channel":"{name}","seq":1,"ts":1,"ok":true,"errorCode":null,"data":"{filler}"}}"#
        );
        store.ingest_frame(text.as_bytes(), 0, 1.0);
    }
    assert_eq!(store.counters().ignored + store.counters().rejected, 0);
    store.take_notices();
    for (at, id) in ids.iter().enumerate() {
        if at == HELD / 2 {
            assert_eq!(store.flush(2.0), HELD / 2);
        }
        store.forget(*id);
    }
    ids.iter().map(|id| id.0).max().unwrap_or_default()
}

#[test]
fn channels_that_were_forgotten_keep_no_memory() {
    let mut store = Store::default();
    store.link_up(0, 0.0);
    for at in 0..10 {
        turn(&mut store, at);
    }
    let before = BYTES.load(Ordering::Relaxed);
    let highest = (10..500).map(|at| turn(&mut store, at)).max();
    let after = BYTES.load(Ordering::Relaxed);
    assert_eq!(highest, Some(HELD as u32 - 1), "no more numbers than channels at the same time");
    // One envelope's text alone is 10 KB; 9,800 channels came and went.
    assert!(after < before + 10_000, "{before} bytes before, {after} after");
}
