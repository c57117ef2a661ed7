//! What reading any table has in common: a head line that names columns, rows on their way in, and those of them that
//! cannot be used.

use super::super::problem::Fault;
use super::Limits;
use super::row::FieldFault;
use super::times::shown;

/// Most bad rows of one file that are told one by one; the rest are counted.
const PROBLEMS_MAX: usize = 1_000;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// Midnight (UTC) of 1800-01-01: a time before it is a slip of the pen.
const EARLIEST_MS: i64 = -5_364_662_400_000;

/// The rows of one file on their way in.
pub(super) trait Table: Sized {
    /// Reads the head line: names in any case and order; columns of other names are passed over.
    ///
    /// # Errors
    /// When a column is missing or stands twice.
    fn new(head: &[&str], limits: Limits) -> Result<Self, FieldFault>;

    /// Whether no more rows are read; why, in the words of a report.
    fn full(&self) -> Option<String>;

    /// Takes a row in.
    fn take(&mut self, line: u64, fields: &[&[u8]]);

    /// A row that could not even be taken apart, or is not what it should be.
    fn report(&mut self, line: u64, fault: FieldFault);
}

/// Rows that are passed over.
#[derive(Debug, Default)]
pub(super) struct BadRows {
    /// The first faults, with their lines.
    pub told: Vec<(u64, FieldFault)>,
    /// How many rows have one.
    pub count: u64,
}

impl BadRows {
    /// Notes one.
    pub fn report(&mut self, line: u64, fault: FieldFault) {
        self.count += 1;
        if self.told.len() < PROBLEMS_MAX {
            self.told.push((line, fault));
        }
    }

    /// Puts them in the order of their lines.
    pub fn sort(&mut self) {
        self.told.sort_by_key(|(line, _)| *line);
    }

    /// How many are not told one by one.
    pub fn more(&self) -> u64 {
        self.count - self.told.len() as u64
    }

    /// Whether a table with so many good rows takes no more; why, in the words of a report.
    pub fn full(&self, good: usize, rows_max: usize) -> Option<String> {
        let is_full = good as u64 + self.count >= rows_max as u64;
        is_full.then(|| format!("no more than {rows_max} rows are read"))
    }
}

/// The last moment that a row may be of: a day from now, since somewhere it is tomorrow already.
pub(super) fn latest_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond() + DAY_MS
}

/// Makes sure that a time is one of a market.
pub(super) fn judge_time(field: &'static str, time: i64, latest_ms: i64) -> Result<(), FieldFault> {
    if time > latest_ms {
        return Err((Some(field), Fault::FutureDate(shown(time))));
    }
    if time < EARLIEST_MS {
        return Err((Some(field), Fault::AncientDate(shown(time))));
    }
    Ok(())
}

/// Place of the first of these names that there is; it must be there once.
pub(super) fn column(
    names: &[String],
    field: &'static str,
    wanted: &[&str],
) -> Result<Option<usize>, FieldFault> {
    for wanted in wanted {
        let mut places = names.iter().enumerate().filter(|(_, name)| name == wanted).map(|(at, _)| at);
        if let Some(place) = places.next() {
            return if places.next().is_some() {
                Err((Some(field), Fault::RepeatedColumn))
            } else {
                Ok(Some(place))
            };
        }
    }
    Ok(None)
}
