//! What was wrong with a file or one of its rows, and where.

use std::fmt;
use std::sync::Arc;

/// A fault with its place, in the form `file:line: field reason`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// Name of the file, without its folder.
    pub file: Arc<str>,
    /// Line in the file, from 1; `None` when the file as a whole is at fault.
    pub line: Option<u64>,
    /// The column at fault, when it is one.
    pub field: Option<&'static str>,
    /// What is wrong.
    pub fault: Fault,
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if let Some(field) = self.field {
            write!(f, "{field} ")?;
        }
        self.fault.fmt(f)
    }
}

/// What can be wrong. Texts of the file are cut to a length that a log line can take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// The file is larger than any that makes sense.
    #[error("is larger than {0} bytes")]
    TooLarge(u64),
    /// The file's name is not a symbol.
    #[error("is not named by a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots")]
    Name,
    /// Another file has the symbol already.
    #[error("is a second file of the symbol {0}")]
    SecondFile(Arc<str>),
    /// The head line lacks a column.
    #[error("is a missing column")]
    MissingColumn,
    /// The head line has a column twice.
    #[error("is a column that stands twice in the head line")]
    RepeatedColumn,
    /// Nothing in the file could be used.
    #[error("has no good row")]
    NoGoodRow,
    /// More faults than are worth telling one by one.
    #[error("has {0} more bad rows")]
    More(u64),
    /// The row is not text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// The row has more or fewer columns than the head line.
    #[error("row has {found} columns instead of {expected}")]
    ColumnCount {
        /// Columns of the row.
        found: usize,
        /// Columns of the head line.
        expected: usize,
    },
    /// A text where a number should be.
    #[error("{0:?} is not a number")]
    NotANumber(String),
    /// NaN or an infinity.
    #[error("{0:?} is not a finite number")]
    NotFinite(String),
    /// Beyond what prices and volumes can be.
    #[error("{0} has too many digits")]
    TooManyDigits(String),
    /// A price of zero or below.
    #[error("{0} is not above zero")]
    NotAboveZero(String),
    /// A volume below zero.
    #[error("{0} is negative")]
    Negative(String),
    /// The high is below the low.
    #[error("{high} is below the low {low}")]
    HighBelowLow {
        /// The high.
        high: String,
        /// The low.
        low: String,
    },
    /// A price outside the day's range.
    #[error("{value} is outside the range from low {low} to high {high}")]
    OutsideRange {
        /// The price.
        value: String,
        /// The low.
        low: String,
        /// The high.
        high: String,
    },
    /// Not a day of the calendar.
    #[error("{0:?} is not a date such as 2013-03-01")]
    BadDate(String),
    /// The day has a row already.
    #[error("{0} is a duplicate")]
    DuplicateDate(String),
    /// The day has not come yet.
    #[error("{0} is in the future")]
    FutureDate(String),
    /// The day is before any market that is kept in daily bars.
    #[error("{0} is before 1800")]
    AncientDate(String),
    /// The line is longer than any row.
    #[error("is longer than {0} bytes")]
    LineTooLong(usize),
}
