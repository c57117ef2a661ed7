//! How old is too old: the one place where fresh, stale and disconnected are decided.
//!
//! Time is an argument, in milliseconds of any clock that never goes back; a wall clock that jumps
//! changes nothing here.

use serde::Serialize;

/// What a reader should make of a channel's value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Freshness {
    /// There has been no value yet.
    #[default]
    Pending,
    /// Within its time limit, on a link that works.
    Fresh,
    /// Past its time limit, or its way here is not proven; the cause is told beside it.
    Stale,
    /// There is no link; the value is the last one seen.
    Disconnected,
}

/// Which part of the way has fallen silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// The feed publishes nothing, on a link that works.
    Source,
    /// Nothing at all arrives on the link, or there is no link.
    Transport,
    /// The gateway says that its own link to the engine is not proven.
    Broker,
}

/// State of the link that a channel's values arrive on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    /// No transport is open.
    Down,
    /// A transport is open.
    Up {
        /// When the last frame of any kind arrived, or the link opened.
        last_frame_ms: f64,
        /// Whether the gateway vouches for its own link to the engine.
        broker_is_proven: bool,
    },
}

/// What is known of a channel when it is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelState {
    /// When the newest value was born, on the clock of `now`; `None` before the first.
    pub born_ms: Option<f64>,
    /// The link it arrives on.
    pub link: Link,
}

/// Limits that a channel is judged by, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StalePolicy {
    /// Age from which a value is stale; `None` where the source's silence says nothing.
    pub stale_after_ms: Option<f64>,
    /// Silence of the whole link from which its values are stale. More than a heartbeat, or every
    /// pause looks like an outage.
    pub link_silent_after_ms: f64,
}

/// A verdict of [`compute_staleness`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Staleness {
    /// The verdict itself.
    pub freshness: Freshness,
    /// Age of the newest value in milliseconds, never negative; `None` before the first.
    pub age_ms: Option<f64>,
    /// What fell silent, for `stale` and `disconnected`.
    pub cause: Option<Cause>,
    /// When the verdict changes by the passing of time alone, if nothing arrives; infinite for never.
    #[serde(skip)]
    pub changes_at_ms: f64,
}

/// Judges a channel: `disconnected` before `stale`, and among the causes of `stale` the one nearest to
/// the reader first (transport, broker, source), since it hides those behind it.
pub fn compute_staleness(now_ms: f64, state: &ChannelState, policy: &StalePolicy) -> Staleness {
    let age_ms = state.born_ms.map(|born| (now_ms - born).max(0.0));
    let verdict = |freshness, cause, changes_at_ms| {
        let freshness = if age_ms.is_none() { Freshness::Pending } else { freshness };
        Staleness { freshness, age_ms, cause, changes_at_ms }
    };
    let Link::Up { last_frame_ms, broker_is_proven } = state.link else {
        return verdict(Freshness::Disconnected, Some(Cause::Transport), f64::INFINITY);
    };
    let silent_at = last_frame_ms + policy.link_silent_after_ms;
    let stale_at = match (state.born_ms, policy.stale_after_ms) {
        (Some(born), Some(limit)) => born + limit,
        _ => f64::INFINITY,
    };
    if now_ms >= silent_at {
        verdict(Freshness::Stale, Some(Cause::Transport), f64::INFINITY)
    } else if !broker_is_proven {
        verdict(Freshness::Stale, Some(Cause::Broker), silent_at)
    } else if now_ms >= stale_at {
        verdict(Freshness::Stale, Some(Cause::Source), silent_at)
    } else {
        verdict(Freshness::Fresh, None, stale_at.min(silent_at))
    }
}

/// Estimates the gateway's wall clock from the server times in its messages.
///
/// A message that took long makes the gateway's clock look late, so over a window the smallest
/// delay, that is the largest difference, is the best estimate (the minimum filter of NTP, RFC 5905, section 10).
/// A clock that was set shows as a jump forward, or as two messages in a row that are late by the same.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClockEstimate {
    /// Differences `server wall clock - local monotonic clock` of the newest samples, oldest first.
    samples: std::collections::VecDeque<f64>,
    /// The largest of them; kept, because every envelope asks for it.
    difference_ms: Option<f64>,
}

impl ClockEstimate {
    /// How many samples are kept.
    const WINDOW: usize = 8;
    /// By how much two late messages in a row may differ and still be a clock that was set back; also the
    /// least that is called so.
    const STEP_MS: f64 = 1_000.0;

    /// Forgets everything: another gateway, or the same one on a new connection, has greeted.
    pub fn restart(&mut self) {
        self.samples.clear();
        self.difference_ms = None;
    }

    /// Takes in one message that carries the gateway's wall clock.
    pub fn sample(&mut self, server_ms: f64, now_ms: f64) {
        let difference = server_ms - now_ms;
        if let (Some(estimate), Some(&last)) = (self.difference_ms, self.samples.back()) {
            let is_late = |sample: f64| estimate - sample > Self::STEP_MS;
            let was_set_back =
                is_late(difference) && is_late(last) && (difference - last).abs() <= Self::STEP_MS;
            if was_set_back {
                self.samples.clear();
                self.samples.push_back(last);
            }
        }
        if self.samples.len() == Self::WINDOW {
            self.samples.pop_front();
        }
        self.samples.push_back(difference);
        self.difference_ms = self.samples.iter().copied().reduce(f64::max);
    }

    /// `server wall clock - local monotonic clock`, in milliseconds; `None` before the first sample.
    pub fn difference_ms(&self) -> Option<f64> {
        self.difference_ms
    }

    /// When, on the local clock, a value with the source time `ts_ms` was born: never after it
    /// arrived, and simply then while the difference is not known.
    pub fn born_ms(&self, ts_ms: f64, arrived_ms: f64) -> f64 {
        self.difference_ms().map_or(arrived_ms, |d| (ts_ms - d).min(arrived_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POLICY: StalePolicy = StalePolicy { stale_after_ms: Some(5_000.0), link_silent_after_ms: 35_000.0 };

    fn up(last_frame_ms: f64, broker_is_proven: bool) -> Link {
        Link::Up { last_frame_ms, broker_is_proven }
    }

    fn check(now: f64, born_ms: Option<f64>, link: Link, expected: (Freshness, Option<Cause>)) {
        let found = compute_staleness(now, &ChannelState { born_ms, link }, &POLICY);
        assert_eq!((found.freshness, found.cause), expected, "at {now}");
    }

    #[test]
    fn the_three_causes_are_told_apart() {
        check(4_999.0, Some(0.0), up(4_000.0, true), (Freshness::Fresh, None));
        check(5_000.0, Some(0.0), up(4_000.0, true), (Freshness::Stale, Some(Cause::Source)));
        check(1_000.0, Some(0.0), up(500.0, false), (Freshness::Stale, Some(Cause::Broker)));
        check(35_000.0, Some(34_000.0), up(0.0, false), (Freshness::Stale, Some(Cause::Transport)));
        check(1_000.0, Some(0.0), Link::Down, (Freshness::Disconnected, Some(Cause::Transport)));
        check(1_000.0, None, up(500.0, true), (Freshness::Pending, None));
    }

    #[test]
    fn a_born_time_in_the_future_is_age_zero() {
        let state = ChannelState { born_ms: Some(10.0), link: up(0.0, true) };
        assert_eq!(compute_staleness(5.0, &state, &POLICY).age_ms, Some(0.0));
    }

    #[test]
    fn the_fastest_message_sets_the_clock_and_a_step_is_followed() {
        let mut clock = ClockEstimate::default();
        assert_eq!(clock.born_ms(1_000_000.0, 50.0), 50.0);
        clock.sample(1_000_000.0, 300.0);
        clock.sample(1_015_000.0, 15_010.0);
        assert_eq!(clock.difference_ms(), Some(999_990.0));
        assert_eq!(clock.born_ms(1_015_000.0, 15_020.0), 15_010.0);
        clock.sample(4_630_000.0, 30_000.0);
        assert_eq!(clock.difference_ms(), Some(4_600_000.0), "set forward by an hour");
        clock.sample(1_000_000.0, 45_000.0);
        assert_eq!(clock.difference_ms(), Some(4_600_000.0), "one late message is no clock that was set");
        clock.sample(1_015_000.0, 60_030.0);
        assert_eq!(clock.difference_ms(), Some(955_000.0), "set back by an hour: two in a row say so");
        clock.restart();
        assert_eq!(clock.difference_ms(), None);
    }

    #[test]
    fn slow_messages_do_not_move_the_clock() {
        let mut clock = ClockEstimate::default();
        for (beat, delay) in [0.0, 700.0, 9_000.0, 40.0, 2_500.0, 5_000.0, 30.0].into_iter().enumerate() {
            let sent = beat as f64 * 15_000.0;
            clock.sample(1_000_000.0 + sent, sent + delay);
            assert_eq!(clock.difference_ms(), Some(1_000_000.0), "beat {beat}");
        }
    }

    proptest! {
        #[test]
        fn nothing_changes_before_the_announced_moment(
            born in prop::option::of(0.0..20_000.0f64),
            last_frame in 0.0..20_000.0f64,
            proven: bool,
            now in 0.0..60_000.0f64,
            later in 0.0..1.0f64,
        ) {
            let state = ChannelState { born_ms: born, link: up(last_frame, proven) };
            let first = compute_staleness(now, &state, &POLICY);
            let until = first.changes_at_ms.min(200_000.0);
            prop_assert!(until > now);
            let between = now + (until - now) * later * 0.999;
            let second = compute_staleness(between, &state, &POLICY);
            prop_assert_eq!((first.freshness, first.cause), (second.freshness, second.cause));
            if first.changes_at_ms.is_finite() && first.freshness != Freshness::Pending {
                let third = compute_staleness(first.changes_at_ms, &state, &POLICY);
                prop_assert_ne!((first.freshness, first.cause), (third.freshness, third.cause));
            }
        }
    }
}
