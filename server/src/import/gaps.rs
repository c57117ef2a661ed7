//! Where bars are missing.

use jiff::Timestamp;
use live_core::event::Interval;

use super::{Gap, Gaps};

/// Most gaps of a file that are told one by one.
const GAPS_MAX: usize = 3;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Finds the gaps between bars that start at these times, which ascend. Days that are no weekday are not missed where
/// there is none at all.
pub fn find(times: &[i64], interval: Interval) -> Gaps {
    let length_ms = i64::try_from(interval.length_ms()).unwrap_or(i64::MAX);
    let spares_weekends = length_ms == DAY_MS && !times.iter().any(|&time| is_weekend(time));
    let mut count = 0;
    let mut largest: Vec<(i64, i64)> = Vec::new();
    for pair in times.windows(2) {
        let &[after, before] = pair else { continue };
        let is_gap = before - after > length_ms && !(spares_weekends && is_over_weekend(after, before));
        if !is_gap {
            continue;
        }
        count += 1;
        // The first ones stay ahead of equal ones.
        let place = largest.partition_point(|&(from, to)| to - from >= before - after);
        if place < GAPS_MAX {
            largest.insert(place, (after, before));
            largest.truncate(GAPS_MAX);
        }
    }
    Gaps { count, largest: largest.into_iter().filter_map(gap).collect() }
}

fn gap((after, before): (i64, i64)) -> Option<Gap> {
    let time = |ms| Timestamp::from_millisecond(ms).ok();
    Some(Gap { after: time(after)?, before: time(before)?, duration_ms: before - after })
}

/// Whether only days of a weekend are between two days.
fn is_over_weekend(after: i64, before: i64) -> bool {
    before - after <= 3 * DAY_MS && is_weekend(after + DAY_MS) && is_weekend(before - DAY_MS)
}

/// Whether it is a Saturday or a Sunday; the first day of all counts was a Thursday.
fn is_weekend(time: i64) -> bool {
    matches!((time.div_euclid(DAY_MS) + 4).rem_euclid(7), 0 | 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gaps between days of 2024, of which January 1 was a Monday: how many, and the largest in days.
    fn days(days: &[i64]) -> (u64, Vec<i64>) {
        let first = Timestamp::from_second(1_704_067_200).expect("a time").as_millisecond();
        let times: Vec<i64> = days.iter().map(|day| first + (day - 1) * DAY_MS).collect();
        let gaps = find(&times, Interval::parse("1d").expect("an interval"));
        (gaps.count, gaps.largest.iter().map(|gap| gap.duration_ms / DAY_MS).collect())
    }

    #[test]
    fn a_weekend_is_no_gap_where_there_are_none() {
        assert_eq!(days(&[1, 2, 3, 4, 5, 8, 9]), (0, vec![]));
        assert_eq!(days(&[1, 2, 3, 4, 5, 6, 8, 9]), (1, vec![2]), "a Saturday, and no Sunday");
    }

    #[test]
    fn a_weekday_is_missed_beside_a_weekend_and_within_a_week() {
        assert_eq!(days(&[4, 5, 9, 10]), (1, vec![4]), "no Monday");
        assert_eq!(days(&[4, 8]), (1, vec![4]), "no Friday");
        assert_eq!(days(&[2, 4]), (1, vec![2]), "no Wednesday");
        assert_eq!(days(&[2, 5]), (1, vec![3]), "neither Wednesday nor Thursday");
    }

    #[test]
    fn the_three_largest_are_told_and_all_are_counted() {
        assert_eq!(days(&[1, 3, 10, 12, 31, 61, 62]), (5, vec![30, 19, 7]));
        assert_eq!(days(&[]), (0, vec![]));
        assert_eq!(days(&[7]), (0, vec![]));
    }

    #[test]
    fn of_shorter_bars_every_pause_is_a_gap() {
        let minutes: Vec<i64> = [0, 1, 2, 4, 5].map(|minute| minute * 60_000).to_vec();
        let gaps = find(&minutes, Interval::parse("1m").expect("an interval"));
        assert_eq!((gaps.count, gaps.largest[0].duration_ms), (1, 120_000));
    }
}
