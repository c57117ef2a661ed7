//! The staleness rule on its own, for a page that has its own clock.

use live_core::staleness::{ChannelState, Link, StalePolicy, compute_staleness as judge};
use wasm_bindgen::prelude::*;

use crate::convert;

/// The verdict of `compute_staleness` as `[freshness, ageMs, cause]`: freshness 0 pending, 1 fresh, 2 stale,
/// 3 disconnected; the age NaN before the first value; cause 0 none, 1 source, 2 transport, 3 broker.
///
/// All times are milliseconds of one clock that never goes back. `born_ms` is NaN before the first value,
/// `last_frame_ms` NaN when there is no link, `stale_after_ms` NaN where silence says nothing.
#[wasm_bindgen(js_name = computeStaleness)]
pub fn compute_staleness(
    now_ms: f64,
    born_ms: f64,
    last_frame_ms: f64,
    broker_is_proven: bool,
    stale_after_ms: f64,
    link_silent_after_ms: f64,
) -> Vec<f64> {
    let number = |n: f64| (!n.is_nan()).then_some(n);
    let link = match number(last_frame_ms) {
        Some(last_frame_ms) => Link::Up { last_frame_ms, broker_is_proven },
        None => Link::Down,
    };
    let state = ChannelState { born_ms: number(born_ms), link };
    let policy = StalePolicy { stale_after_ms: number(stale_after_ms), link_silent_after_ms };
    let verdict = judge(now_ms, &state, &policy);
    let age_ms = verdict.age_ms.unwrap_or(f64::NAN);
    vec![convert::freshness(verdict.freshness), age_ms, convert::cause(verdict.cause)]
}
