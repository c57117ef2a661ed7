//! Lengths of bars: their names, where they begin, and which of them can be made of which.

use live_core::event::Interval;

/// The lengths that every source of trades has, from the shortest.
pub const STANDARD: [&str; 8] = ["1s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"];

const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
/// Weeks begin on Mondays; 1970-01-05 was the first of this count of time.
const MONDAY_MS: i64 = 4 * DAY_MS;
/// Units of names, from the longest, in milliseconds.
const UNITS: [(i64, char); 5] =
    [(WEEK_MS, 'w'), (DAY_MS, 'd'), (3_600_000, 'h'), (60_000, 'm'), (1_000, 's')];

/// An interval by its name in this program.
pub(super) fn interval(name: &str) -> Interval {
    Interval::parse(name).expect("the names in this program are good")
}

/// Name of an interval, in its longest unit.
pub fn name(interval: Interval) -> String {
    let length = interval.length_ms() as i64;
    let fits = |&&(unit, _): &&(i64, char)| length % unit == 0;
    let (unit, letter) = UNITS.iter().find(fits).unwrap_or(&UNITS[4]);
    format!("{}{letter}", length / unit)
}

/// Start of the bar that a moment belongs to, both in milliseconds since the Unix epoch. Bars are aligned to UTC;
/// those of weeks begin on Mondays.
pub fn floor(time: i64, interval: Interval) -> i64 {
    let length = interval.length_ms() as i64;
    let origin = if length % WEEK_MS == 0 { MONDAY_MS } else { 0 };
    time.saturating_sub(origin).div_euclid(length).saturating_mul(length).saturating_add(origin)
}

/// The intervals of what is given in bars of `base`: itself, and the standard ones that whole bars of it make up.
pub fn served(base: Interval) -> Vec<Interval> {
    let made_up = |longer: &Interval| {
        longer.length_ms() > base.length_ms() && longer.length_ms().is_multiple_of(base.length_ms())
    };
    std::iter::once(base).chain(STANDARD.map(interval).into_iter().filter(made_up)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_has_one_name() {
        for text in ["1s", "30s", "1m", "90m", "4h", "1d", "3d", "1w", "52w", "999s"] {
            assert_eq!(name(interval(text)), text);
        }
        assert_eq!(name(interval("60s")), "1m");
        assert_eq!(name(interval("7d")), "1w");
    }

    #[test]
    fn bars_begin_at_multiples_and_weeks_on_mondays() {
        for (time, length, start) in [
            (1_675_329_600_123, "1s", 1_675_329_600_000),
            (1_675_329_659_999, "1m", 1_675_329_600_000),
            (-1, "1h", -3_600_000),
            // 1970-01-01 was a Thursday, its week began on 1969-12-29.
            (0, "1w", -3 * DAY_MS),
            (MONDAY_MS - 1, "1w", -3 * DAY_MS),
            (MONDAY_MS, "1w", MONDAY_MS),
        ] {
            assert_eq!(floor(time, interval(length)), start, "{time} {length}");
        }
        assert!(floor(i64::MIN, interval("1w")) <= floor(i64::MAX, interval("1w")));
    }

    #[test]
    fn longer_bars_are_made_of_whole_ones() {
        let names = |base: &str| served(interval(base)).into_iter().map(name).collect::<Vec<_>>();
        assert_eq!(names("1s"), STANDARD);
        assert_eq!(names("1d"), ["1d", "1w"]);
        assert_eq!(names("1w"), ["1w"]);
        assert_eq!(names("30m"), ["30m", "1h", "4h", "1d", "1w"]);
        assert_eq!(names("7m"), ["7m", "1w"]);
        assert_eq!(names("11m"), ["11m"]);
    }
}
