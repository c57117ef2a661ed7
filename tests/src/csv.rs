//! The data files: those that ship with the server, and small ones made for a test.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rust_decimal::Decimal;
use tempfile::TempDir;

use crate::Envelope;

/// One daily bar. Numbers are decimals, so that equal means equal digit for digit (but for zeros at
/// the end).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bar {
    /// Midnight UTC of the day, milliseconds since the Unix epoch.
    pub open_time: i64,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price.
    pub close: Decimal,
    /// Units traded.
    pub volume: Decimal,
}

impl Bar {
    /// Reads a row `Date,Open,High,Low,Close,Volume`.
    ///
    /// # Errors
    /// Says which cell is wrong.
    pub fn from_row(row: &str) -> Result<Self> {
        let cells: Vec<&str> = row.trim().split(',').collect();
        let [date, open, high, low, close, volume] = cells[..] else {
            anyhow::bail!("not six cells: {row}");
        };
        let number = |text: &str| text.parse::<Decimal>().with_context(|| format!("{text} in {row}"));
        Ok(Self {
            open_time: midnight_ms(date).with_context(|| format!("date in {row}"))?,
            open: number(open)?,
            high: number(high)?,
            low: number(low)?,
            close: number(close)?,
            volume: number(volume)?,
        })
    }

    /// The bar that a `candles.bar` envelope carries.
    ///
    /// # Errors
    /// When a number is missing or is not a plain one.
    pub fn from_envelope(envelope: &Envelope) -> Result<Self> {
        let number = |name: &str| -> Result<Decimal> {
            let text = envelope.digits(name)?.with_context(|| format!("no {name} in {envelope}"))?;
            text.parse().with_context(|| format!("{name} is {text}"))
        };
        Ok(Self {
            open_time: envelope.field("openTime")?,
            open: number("open")?,
            high: number("high")?,
            low: number("low")?,
            close: number("close")?,
            volume: number("volume")?,
        })
    }
}

/// The bars of a file that ships with the server, read straight from the checkout.
///
/// # Errors
/// When the file or one of its rows cannot be read.
pub fn shipped_bars(symbol: &str) -> Result<Vec<Bar>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../server/data/stocks/{symbol}.csv"));
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    text.lines().skip(1).map(Bar::from_row).collect()
}

/// A folder of data files for one test, removed when it is dropped.
#[derive(Debug)]
pub struct DataDir {
    dir: TempDir,
}

impl DataDir {
    /// An empty folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        Ok(Self { dir: tempfile::tempdir().context("a folder for data files")? })
    }

    /// Writes `<symbol>.csv` with the usual head line and these rows.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn csv(self, symbol: &str, rows: &[&str]) -> Result<Self> {
        let text = format!("Date,Open,High,Low,Close,Volume\n{}\n", rows.join("\n"));
        self.file(&format!("{symbol}.csv"), &text)
    }

    /// Writes any file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn file(self, name: &str, text: &str) -> Result<Self> {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        Ok(self)
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.dir.path().to_owned()
    }
}

/// Midnight UTC of `YYYY-MM-DD` in milliseconds since the Unix epoch, by the civil calendar (years
/// counted from March, so that a leap day is the last day of its year).
fn midnight_ms(date: &str) -> Result<i64> {
    let parts: Vec<i64> = date.split('-').map(str::parse).collect::<Result<_, _>>()?;
    let [year, month, day] = parts[..] else {
        anyhow::bail!("not a date: {date}");
    };
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days_since_1970 = era * 146_097 + day_of_era - 719_468;
    Ok(days_since_1970 * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnights_agree_with_known_days() {
        for (date, ms) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400_000),
            ("2000-03-01", 951_868_800_000),
            ("2013-03-01", 1_362_096_000_000),
        ] {
            assert_eq!(midnight_ms(date).unwrap(), ms, "{date}");
        }
    }

    #[test]
    fn every_shipped_row_is_read() {
        assert_eq!(shipped_bars("AAPL").unwrap().len(), 3270);
        assert_eq!(shipped_bars("FB").unwrap().len(), 196);
    }
}
