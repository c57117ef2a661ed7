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

impl RowProblem {
    /// How many rows are passed over for it.
    pub fn rows(&self) -> u64 {
        match self.fault {
            Fault::More(rows) => rows,
            Fault::MissingColumn | Fault::RepeatedColumn | Fault::NoGoodRow => 0,
            _ => u64::from(self.line.is_some()),
        }
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
    /// The file cannot be read to its end.
    #[error("breaks off after line {line}: {reason}")]
    BreaksOff {
        /// The last line that could be read.
        line: u64,
        /// Why it ends there.
        reason: String,
    },
    /// The file is text in another encoding.
    #[error("is UTF-16; save it as UTF-8")]
    Utf16,
    /// The file has changed under the reader's hands.
    #[error("has changed while it was read; it is read again when it stands still")]
    Changed,
    /// Not what its name says.
    #[error("is not {0}")]
    NotThat(&'static str),
    /// A column of a type that holds no such thing.
    #[error("is a column of type {found} instead of {expected}")]
    ColumnType {
        /// The column's type.
        found: String,
        /// What can be read.
        expected: &'static str,
    },
    /// The file's name is not a symbol.
    #[error("is not named by a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots")]
    Name,
    /// Another file has the symbol and the same kind of rows already.
    #[error("is a second file of the symbol {0} with the same kind of rows")]
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
    /// Not a symbol.
    #[error("{0:?} is not a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots")]
    Symbol(String),
    /// All splits of a symbol multiply to what no instrument has.
    #[error("{0} takes the symbol's splits together beyond 10^9 to 1")]
    Splits(String),
    /// Not a time.
    #[error("{0:?} is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z")]
    BadDate(String),
    /// The bar has a row already.
    #[error("{0} is a duplicate")]
    DuplicateDate(String),
    /// The trade has a row already.
    #[error("{0} is a duplicate")]
    DuplicateTrade(u64),
    /// The bar begins where none of its length does.
    #[error("{time} is not where a bar of {interval} begins")]
    OffGrid {
        /// The time.
        time: String,
        /// Length of the file's bars.
        interval: String,
    },
    /// The rows are too far apart for bars.
    #[error(
        "has rows that are mostly {0} s apart, which is no length of a bar; its name can say one: SYMBOL.1h.csv"
    )]
    Distance(i64),
    /// The rows are closer to each other than the name says.
    #[error("is named by the interval {named}, but its rows are mostly {found_s} s apart")]
    OtherInterval {
        /// The interval of the name.
        named: String,
        /// The usual distance of two rows, in seconds.
        found_s: i64,
    },
    /// The name says an interval that there is not.
    #[error("is named by {0:?} where an interval such as 15m or 1d is expected")]
    Interval(String),
    /// The row is of another symbol.
    #[error("{found:?} is another symbol than {expected:?} in the rows before")]
    OtherSymbol {
        /// The row's.
        found: String,
        /// The first row's.
        expected: String,
    },
    /// A text where a whole number should be.
    #[error("{0:?} is not a whole number")]
    NotAWholeNumber(String),
    /// Neither buy nor sell.
    #[error("{0:?} is neither buy nor sell")]
    NotASide(String),
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
