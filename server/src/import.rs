//! `spark-live import`: what a folder of data files, or one file, holds and what is wrong with it, without starting
//! anything.

mod check;
mod gaps;
mod table;

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::Serialize;

use crate::market::RowProblem;

pub use self::check::check;

pub use self::table::text;

/// What was found. As JSON its fields are in camelCase, and times are of the form `2013-03-01T00:00:00Z`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The folder or file that was looked at.
    pub path: String,
    /// Every data file, by name.
    pub files: Vec<FileReport>,
    /// What is wrong, in the order of files and lines; of one file at most the first 1,000 rows.
    pub problems: Vec<Problem>,
    /// All files together.
    pub total: Total,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileReport {
    /// Its name.
    pub file: String,
    /// The symbol, where the file could be used and is of one.
    pub symbol: Option<String>,
    /// What its rows are, where the file could be used.
    pub kind: Option<Kind>,
    /// Length of its bars such as `1d`.
    pub interval: Option<String>,
    /// Good rows.
    pub rows: u64,
    /// Rows that are passed over.
    pub bad_rows: u64,
    /// Those of the bad rows whose time an earlier one has already, among those that are told one by one.
    pub duplicates: u64,
    /// Time of the first good row.
    pub first: Option<Timestamp>,
    /// Time of the last good row.
    pub last: Option<Timestamp>,
    /// Where bars are missing. Weekends are no gap where a file of days has none. `None` of trades and splits, which
    /// come when they come, and of files that cannot be used.
    pub gaps: Option<Gaps>,
}

/// What the rows of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Bars of one interval.
    Bars,
    /// Single trades.
    Trades,
    /// Splits of all symbols.
    Splits,
}

impl Kind {
    /// Its name, as in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Trades => "trades",
            Self::Splits => "splits",
        }
    }
}

/// The gaps of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gaps {
    /// How many there are.
    pub count: u64,
    /// The largest ones, the largest first.
    pub largest: Vec<Gap>,
}

/// A time without bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// Start of the bar before it.
    pub after: Timestamp,
    /// Start of the bar behind it.
    pub before: Timestamp,
    /// From the one to the other, in milliseconds.
    pub duration_ms: i64,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// Name of the file.
    pub file: String,
    /// Line in it, from 1; `None` when the file as a whole is at fault.
    pub line: Option<u64>,
    /// The column at fault, when it is one.
    pub field: Option<&'static str>,
    /// What is wrong, for people.
    pub reason: String,
    /// All of it in one line, `file:line: field reason`.
    #[serde(skip)]
    told: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.told)
    }
}

impl From<&RowProblem> for Problem {
    fn from(problem: &RowProblem) -> Self {
        Self {
            file: problem.file.to_string(),
            line: problem.line,
            field: problem.field,
            reason: problem.fault.to_string(),
            told: problem.to_string(),
        }
    }
}

/// Sums over all files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    /// Data files.
    pub files: u64,
    /// Those of them that cannot be used at all.
    pub unusable_files: u64,
    /// Good rows.
    pub rows: u64,
    /// Rows that are passed over.
    pub bad_rows: u64,
    /// Those of the bad rows whose time an earlier one has already, among those that are told one by one.
    pub duplicates: u64,
    /// Times without bars.
    pub gaps: u64,
}

/// Why there is nothing to report.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The folder or file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no data file.
    #[error("{} holds no data file", path.display())]
    Empty {
        /// Where there is none.
        path: PathBuf,
    },
}

impl Report {
    /// Whether every file and every row of them is good. Gaps are no fault: nobody knows whether there was a holiday.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// The report as one line of JSON.
    pub fn json(&self) -> String {
        let text = serde_json::to_string(self);
        // Texts and numbers alone: there is nothing that could not be written.
        text.unwrap_or_default() + "\n"
    }
}
