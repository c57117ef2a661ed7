//! How far the rows of a file are apart, and where its bars begin.

use std::cmp::Reverse;
use std::collections::HashMap;

use live_core::event::Interval;

use super::super::intervals::{self, floor};
use super::super::problem::Fault;
use super::times::Moment;

const DAY_MS: i64 = 86_400_000;
const WEEK_MS: i64 = 7 * DAY_MS;
/// Rows that are further apart than this are days, or more of them: a change to summer time makes one shorter.
const DAYS_FROM_MS: i64 = 18 * 3_600_000;
/// Lengths that are tried where most rows do not stand on the one that their distance tells, in seconds.
const FINER_S: [i64; 8] = [3_600, 1_800, 900, 300, 60, 30, 5, 1];

/// Where the bars of a file begin. Those of days and weeks begin at midnight of the day as it is written, and at the
/// Monday's: the time of day says in which zone or when somebody's session began, and is dropped. Shorter ones begin at
/// multiples of their length in UTC; a file whose bars are all off by the same, hours that begin at half past, is moved
/// onto them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grid {
    pub interval: Interval,
    /// How far the file's rows are off, in milliseconds; 0 for days and weeks.
    phase_ms: i64,
}

impl Grid {
    /// The grid of an interval, off by what most rows are.
    fn of(interval: Interval, moments: &[Moment]) -> Self {
        let length_ms = interval.length_ms() as i64;
        let phases = moments.iter().map(|at| at.utc_ms.rem_euclid(length_ms));
        let is_of_days = length_ms % DAY_MS == 0;
        let phase_ms = if is_of_days { 0 } else { most_frequent(phases).unwrap_or_default() };
        Self { interval, phase_ms }
    }

    /// The grid of the interval in the file's name. Moments are in ascending order.
    ///
    /// # Errors
    /// When the rows are usually closer to each other, and so are bars of another one.
    pub fn named(interval: Interval, moments: &[Moment]) -> Result<Self, Fault> {
        let grid = Self::of(interval, moments);
        match usual_distance(moments) {
            Some(distance_ms) if distance_ms < interval.length_ms() as i64 && !grid.fits(moments) => {
                Err(Fault::OtherInterval { named: intervals::name(interval), found_s: distance_ms / 1_000 })
            }
            _ => Ok(grid),
        }
    }

    /// The grid that the rows tell: that of their usual distance, which is a divisor of a day, a day or a week; or a
    /// finer one that most of them stand on. One bar alone is one of a day. Moments are in ascending order.
    ///
    /// # Errors
    /// When no length is theirs.
    pub fn told(moments: &[Moment]) -> Result<Self, Fault> {
        let distance_ms = usual_distance(moments).unwrap_or(DAY_MS);
        let none = || Fault::Distance(distance_ms / 1_000);
        let of = |length_ms: i64| interval(length_ms).map(|interval| Self::of(interval, moments));
        if distance_ms == WEEK_MS {
            return of(WEEK_MS).ok_or_else(none);
        }
        if distance_ms >= DAYS_FROM_MS {
            // Days that a weekend, holidays or a gap lie between are days all the same. Months are none.
            return of(DAY_MS).filter(|_| distance_ms < 28 * DAY_MS).ok_or_else(none);
        }
        let usual = (DAY_MS % distance_ms == 0).then_some(distance_ms);
        let finer = FINER_S.into_iter().map(|seconds| seconds * 1_000).filter(|&finer| finer < distance_ms);
        let mut lengths = usual.into_iter().chain(finer).filter_map(of);
        lengths.find(|grid| grid.fits(moments)).ok_or_else(none)
    }

    /// Start of the bar whose row says this moment, in milliseconds since the Unix epoch; `None` where none begins.
    pub fn start(&self, at: Moment) -> Option<i64> {
        if (self.interval.length_ms() as i64) % DAY_MS == 0 {
            return Some(floor(at.wall_ms, self.interval));
        }
        let start = floor(at.utc_ms, self.interval);
        (at.utc_ms - start == self.phase_ms).then_some(start)
    }

    /// Whether two rows of three have a bar of their own.
    fn fits(&self, moments: &[Moment]) -> bool {
        let mut starts: Vec<i64> = moments.iter().filter_map(|&at| self.start(at)).collect();
        starts.sort_unstable();
        starts.dedup();
        3 * starts.len() >= 2 * moments.len()
    }
}

/// The distance that most neighbours have, in milliseconds; of equally frequent ones the smallest.
fn usual_distance(moments: &[Moment]) -> Option<i64> {
    let distances = moments.windows(2).map(|pair| pair[1].wall_ms - pair[0].wall_ms);
    most_frequent(distances.filter(|&distance_ms| distance_ms > 0))
}

fn most_frequent(numbers: impl Iterator<Item = i64>) -> Option<i64> {
    let mut counts: HashMap<i64, usize> = HashMap::new();
    for number in numbers {
        *counts.entry(number).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(number, count)| (count, Reverse(number))).map(|(number, _)| number)
}

fn interval(length_ms: i64) -> Option<Interval> {
    let units = [(WEEK_MS, "w"), (DAY_MS, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")];
    let (unit_ms, letter) = units.into_iter().find(|(unit_ms, _)| length_ms % unit_ms == 0)?;
    Interval::parse(&format!("{}{letter}", length_ms / unit_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday, 2023-01-02.
    const MONDAY_MS: i64 = 1_672_617_600_000;
    /// Minutes of a day.
    const DAY: i64 = 1_440;

    fn moments(minutes: &[i64]) -> Vec<Moment> {
        let moment = |minute: &i64| MONDAY_MS + minute * 60_000;
        minutes.iter().map(moment).map(|ms| Moment { utc_ms: ms, wall_ms: ms }).collect()
    }

    /// The interval that rows tell at these minutes since Monday, and the minutes at which their bars begin.
    fn told(minutes: &[i64]) -> (String, Vec<Option<i64>>) {
        let moments = moments(minutes);
        let grid = Grid::told(&moments).expect("an interval");
        let starts = moments.iter().map(|&at| grid.start(at));
        let minute = |ms: i64| (ms - MONDAY_MS) / 60_000;
        (intervals::name(grid.interval), starts.map(|start| start.map(minute)).collect())
    }

    #[test]
    fn rows_tell_their_interval() {
        for (minutes, interval) in [
            (vec![0], "1d"),
            (vec![0, 1, 2, 3, 10, 11], "1m"),
            (vec![0, 2, 4, 5, 7, 9, 11, 13, 14, 16, 18], "1m"),
            (vec![0, 7, 14, 21, 28, 35], "1m"),
            (vec![0, 90, 180, DAY, DAY + 90], "90m"),
            (vec![0, DAY, 2 * DAY, 3 * DAY, 4 * DAY, 7 * DAY], "1d"),
            (vec![0, DAY + 60, 4 * DAY], "1d"),
            (vec![0, 7 * DAY, 14 * DAY, 28 * DAY], "1w"),
        ] {
            assert_eq!(told(&minutes).0, interval, "{minutes:?}");
        }
        let months = moments(&[0, 31 * DAY, 62 * DAY]);
        assert_eq!(Grid::told(&months), Err(Fault::Distance(31 * 86_400)));
    }

    #[test]
    fn bars_begin_on_the_grid() {
        let starts = |minutes: &[i64]| told(minutes).1;
        assert_eq!(starts(&[30, 90, 150]), [Some(0), Some(60), Some(120)], "hours that begin at half past");
        let expected = [Some(0), Some(60), None, Some(120), Some(180), Some(240)];
        assert_eq!(starts(&[0, 60, 90, 120, 180, 240]), expected);
        assert_eq!(starts(&[300, DAY + 300, 2 * DAY + 240]), [0, DAY, 2 * DAY].map(Some));
        let weeks = [0, DAY, 7 * DAY, 14 * DAY, 21 * DAY].map(|minute| minute + 7 * DAY);
        assert_eq!(
            starts(&weeks[1..]),
            [7, 14, 21, 28].map(|days| Some(days * DAY)),
            "a holiday on a Monday"
        );
        let tokyo = Moment { utc_ms: MONDAY_MS - 9 * 3_600_000, wall_ms: MONDAY_MS };
        assert_eq!(Grid::told(&[tokyo]).map(|grid| grid.start(tokyo)), Ok(Some(MONDAY_MS)));
    }

    #[test]
    fn a_name_is_believed_unless_the_rows_are_closer() {
        let named = |interval: &str, minutes: &[i64]| {
            Grid::named(Interval::parse(interval).expect("an interval"), &moments(minutes))
        };
        for (interval, minutes) in [
            ("1m", vec![0, 5, 10, 60]),
            ("1m", vec![0, DAY]),
            ("7m", vec![0, 7, 14]),
            ("2w", vec![0, 14 * DAY]),
        ] {
            assert!(named(interval, &minutes).is_ok(), "{interval}");
        }
        for (interval, minutes, found_s) in
            [("1h", vec![0, 1, 2, 3], 60), ("1d", vec![0, 240, 480, 720], 14_400)]
        {
            let fault = Fault::OtherInterval { named: interval.to_owned(), found_s };
            assert_eq!(named(interval, &minutes), Err(fault));
        }
    }
}
