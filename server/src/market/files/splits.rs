//! The rows of the file of splits: `Symbol,Date,Ratio`.

use rust_decimal::Decimal;

use super::super::problem::Fault;
use super::super::splits::{Split, SplitFault, Splits};
use super::row::{FieldFault, cut, number};
use super::table::{BadRows, Table, column, judge_time, latest_ms};
use super::times::{self, shown};
use super::{Limits, is_symbol};

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Splits on their way in.
#[derive(Debug)]
pub(super) struct SplitRows {
    /// Places of the symbol, the day and the ratio.
    columns: [usize; 3],
    /// How many columns there are.
    width: usize,
    latest_ms: i64,
    rows_max: usize,
    good: usize,
    /// The good rows.
    pub splits: Splits,
    /// Rows that cannot be used.
    pub bad: BadRows,
}

impl Table for SplitRows {
    fn new(head: &[&str], limits: Limits) -> Result<Self, FieldFault> {
        let names: Vec<String> = head.iter().map(|name| name.trim().to_lowercase()).collect();
        let place =
            |name, wanted: &[&str]| column(&names, name, wanted)?.ok_or((Some(name), Fault::MissingColumn));
        Ok(Self {
            columns: [
                place("symbol", &["symbol", "ticker"])?,
                place("date", &["date"])?,
                place("ratio", &["ratio"])?,
            ],
            width: head.len(),
            latest_ms: latest_ms(),
            rows_max: limits.rows_max,
            good: 0,
            splits: Splits::default(),
            bad: BadRows::default(),
        })
    }

    fn full(&self) -> Option<String> {
        self.bad.full(self.good, self.rows_max)
    }

    fn take(&mut self, line: u64, fields: &[&[u8]]) {
        match self.read(fields) {
            Ok(()) => self.good += 1,
            Err(fault) => self.report(line, fault),
        }
    }

    fn report(&mut self, line: u64, fault: FieldFault) {
        self.bad.report(line, fault);
    }
}

impl SplitRows {
    fn read(&mut self, fields: &[&[u8]]) -> Result<(), FieldFault> {
        if fields.len() != self.width {
            return Err((None, Fault::ColumnCount { found: fields.len(), expected: self.width }));
        }
        let [symbol, date, ratio] = self.columns;
        let text = |at: usize, name| {
            str::from_utf8(fields[at]).map(str::trim).map_err(|_| (Some(name), Fault::NotUtf8))
        };
        let (symbol, date, ratio) = (text(symbol, "symbol")?, text(date, "date")?, text(ratio, "ratio")?);
        if !is_symbol(symbol) {
            return Err((Some("symbol"), Fault::Symbol(cut(symbol))));
        }
        let time = day(date)?;
        judge_time("date", time, self.latest_ms)?;
        let split = Split { time, ratio: read_ratio(ratio)? };
        self.splits.add(symbol, split).map_err(|fault| match fault {
            SplitFault::NotAboveZero => (Some("ratio"), Fault::NotAboveZero(cut(ratio))),
            SplitFault::Duplicate => (Some("date"), Fault::DuplicateDate(shown(time))),
            SplitFault::TooMuch => (Some("ratio"), Fault::Splits(cut(ratio))),
        })
    }
}

/// Midnight of the day that a text names, by the clock of its zone as with bars of days.
fn day(text: &str) -> Result<i64, FieldFault> {
    let moment = times::read(text).ok_or_else(|| (Some("date"), Fault::BadDate(cut(text))))?;
    Ok(moment.wall_ms.div_euclid(DAY_MS).saturating_mul(DAY_MS))
}

fn read_ratio(text: &str) -> Result<Decimal, FieldFault> {
    number(text).map_err(|fault| (Some("ratio"), fault))
}
