//! Files of market data: the shipped ones and a folder of one's own.
//!
//! A file is named by its symbol, and its bars' length where that is not to be found from its rows: `AAPL.csv`,
//! `AAPL.1m.csv`. It is text (`.csv`, also packed: `.csv.gz`) or Parquet (`.parquet`), and holds bars or trades, which
//! its columns say. A row that cannot be used is told with its place and takes no other with it.
//!
//! One name is kept for a file of another kind: `splits.csv` lists the splits of all symbols.

mod lines;
mod parquet;
mod row;
mod rows;
mod spacing;
mod splits;
mod table;
mod text;
mod times;

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use live_core::channel::ChannelName;
use live_core::event::{Interval, SYMBOL_LEN_MAX};

use self::row::FieldFault;
use self::rows::Rows;
use self::splits::SplitRows;
use self::table::BadRows;
use super::problem::{Fault, RowProblem};
use super::splits::Splits;
use super::{Bar, Trade};

/// How much of one file is read.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Largest file, in bytes, also when it is unpacked.
    len_max: u64,
    /// Most rows, good or bad. Packed rows can be many more than their bytes.
    rows_max: usize,
}

/// Room for minutes of ten years.
const LIMITS: Limits = Limits { len_max: 256 * 1024 * 1024, rows_max: 6_000_000 };
/// The file of splits.
const SPLITS_FILE: &str = "splits.csv";
/// Of splits there are few; each is held against the others of its symbol.
const SPLITS_LIMITS: Limits = Limits { len_max: 16 * 1024 * 1024, rows_max: 100_000 };
/// What a file of trades may have in front of its symbol.
const TRADES_PREFIX: &str = "trades-";

/// Shipped files; where they are from stands in `data/README.md`.
const SHIPPED: [(&str, &[u8]); 6] = [
    ("AAPL.csv", include_bytes!("../../data/stocks/AAPL.csv")),
    ("FB.csv", include_bytes!("../../data/stocks/FB.csv")),
    ("GOOG.csv", include_bytes!("../../data/stocks/GOOG.csv")),
    ("IBM.csv", include_bytes!("../../data/stocks/IBM.csv")),
    ("MSFT.csv", include_bytes!("../../data/stocks/MSFT.csv")),
    (SPLITS_FILE, include_bytes!("../../data/stocks/splits.csv")),
];

/// The good rows of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct DataFile {
    /// Its name, without its folder.
    pub file: Arc<str>,
    /// The symbol that it is named by.
    pub symbol: Arc<str>,
    /// Its rows.
    pub content: Content,
    /// How many rows were passed over.
    pub skipped_rows: u64,
}

/// What rows are, in ascending order; never empty.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Bars of one length.
    Bars {
        /// The length.
        interval: Interval,
        /// The bars.
        bars: Vec<Bar>,
    },
    /// Trades.
    Trades(Vec<Trade>),
}

impl Content {
    /// Length of the bars; `None` of trades.
    pub fn interval(&self) -> Option<Interval> {
        match self {
            Self::Bars { interval, .. } => Some(*interval),
            Self::Trades(_) => None,
        }
    }
}

/// What was found, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Files with at least one good row, by name.
    pub files: Vec<DataFile>,
    /// The good rows of the file of splits; `None` where there is none that can be used.
    pub splits: Option<Splits>,
    /// Every fault with its place, in the order of files and lines.
    pub problems: Vec<RowProblem>,
}

/// Reads the files that the binary carries.
pub fn load_shipped() -> Loaded {
    let mut loaded = Loaded::default();
    for (name, content) in SHIPPED {
        match name {
            SPLITS_FILE => loaded.take_splits(text::read(content, false, SPLITS_LIMITS)),
            _ => loaded.take(name, |is_gzip| text::read(content, is_gzip, LIMITS)),
        }
    }
    loaded
}

/// Reads every data file of a folder, in the order of their names. A file that cannot be used is a problem and not an
/// error.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn load_dir(dir: &Path) -> std::io::Result<Loaded> {
    let mut paths = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_data_file(&name) {
            paths.insert(name, path);
        }
    }
    let mut loaded = Loaded::default();
    for path in paths.into_values() {
        loaded.open(&path);
    }
    Ok(loaded)
}

/// Reads one file. What is wrong with it, or that it cannot be read, is a problem and not an error.
pub fn load_file(path: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    loaded.open(path);
    loaded
}

/// Whether a file of this name is one of data: by its ending, unless it is hidden by a dot in front.
pub fn is_data_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with('.') && [".csv", ".csv.gz", ".parquet"].iter().any(|ending| name.ends_with(ending))
}

impl Loaded {
    fn open(&mut self, path: &Path) {
        self.open_while(path, || {});
    }

    /// The same while something else happens after it was opened.
    fn open_while(&mut self, path: &Path, happens: impl FnOnce()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (file, before) = match open(path) {
            Ok(opened) => opened,
            Err(fault) => return self.report(&name.into(), None, (None, fault)),
        };
        happens();
        if name == SPLITS_FILE {
            self.take_splits(text::read(BufReader::new(file), false, SPLITS_LIMITS));
        } else if name.to_ascii_lowercase().ends_with(".parquet") {
            self.take(&name, |_| parquet::read(file, LIMITS));
        } else {
            self.take(&name, |is_gzip| text::read(BufReader::new(file), is_gzip, LIMITS));
        }
        let after = std::fs::metadata(path).ok();
        if after.is_none_or(|after| stamp(&after) != stamp(&before)) {
            self.report(&name.into(), None, (None, Fault::Changed));
        }
    }

    /// Reads one file's content and keeps what is good of it.
    fn take(
        &mut self,
        name: &str,
        read: impl FnOnce(bool) -> Result<(Rows, Option<Fault>), (Option<u64>, FieldFault)>,
    ) {
        let file: Arc<str> = name.into();
        let (symbol, named) = match symbol_of(name) {
            Ok(named) => named,
            Err(fault) => return self.report(&file, None, (None, fault)),
        };
        let (mut rows, broken) = match read(name.to_ascii_lowercase().ends_with(".gz")) {
            Ok(read) => read,
            Err((line, fault)) => return self.report(&file, line, fault),
        };
        let content = rows.finish(named);
        let skipped_rows = rows.bad.count;
        self.report_rows(&file, rows.bad, broken);
        let content = match content {
            Ok(Some(content)) => content,
            Ok(None) => return self.report(&file, None, (None, Fault::NoGoodRow)),
            Err(fault) => return self.report(&file, None, (None, fault)),
        };
        let is_same =
            |known: &DataFile| known.symbol == symbol && known.content.interval() == content.interval();
        if self.files.iter().any(is_same) {
            return self.report(&file, None, (None, Fault::SecondFile(symbol)));
        }
        self.files.push(DataFile { file, symbol, content, skipped_rows });
    }

    /// Keeps the good rows of the file of splits. One without any row is as good as none.
    fn take_splits(&mut self, read: Result<(SplitRows, Option<Fault>), (Option<u64>, FieldFault)>) {
        let file: Arc<str> = SPLITS_FILE.into();
        let (rows, broken) = match read {
            Ok(read) => read,
            Err((line, fault)) => return self.report(&file, line, fault),
        };
        self.report_rows(&file, rows.bad, broken);
        self.splits = Some(rows.splits);
    }

    /// Tells the bad rows of a file, and where it breaks off.
    fn report_rows(&mut self, file: &Arc<str>, bad: BadRows, broken: Option<Fault>) {
        let more = bad.more();
        for (line, fault) in bad.told {
            self.report(file, Some(line), fault);
        }
        if more > 0 {
            self.report(file, None, (None, Fault::More(more)));
        }
        if let Some(broken) = broken {
            self.report(file, None, (None, broken));
        }
    }

    fn report(&mut self, file: &Arc<str>, line: Option<u64>, (field, fault): FieldFault) {
        self.problems.push(RowProblem { file: Arc::clone(file), line, field, fault });
    }
}

impl Limits {
    /// Why a file that is small enough cannot be unpacked.
    fn unpacked(self) -> String {
        format!("it is larger than {} bytes when it is unpacked", self.len_max)
    }
}

fn open(path: &Path) -> Result<(File, Metadata), Fault> {
    let metadata = std::fs::metadata(path).map_err(|error| text::unreadable(&error))?;
    if metadata.len() > LIMITS.len_max {
        return Err(Fault::TooLarge(LIMITS.len_max));
    }
    if !metadata.is_file() {
        return Err(Fault::NotThat("a file"));
    }
    File::open(path).map(|file| (file, metadata)).map_err(|error| text::unreadable(&error))
}

/// What tells one state of a file from another.
fn stamp(metadata: &Metadata) -> (u64, Option<std::time::SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

/// The symbol that a file is named by, if it can be part of a channel's name, and the interval.
fn symbol_of(file_name: &str) -> Result<(Arc<str>, Option<Interval>), Fault> {
    let lower = file_name.to_ascii_lowercase();
    let ending = [".csv.gz", ".csv", ".parquet"].into_iter().find(|ending| lower.ends_with(ending));
    let stem = &file_name[..file_name.len() - ending.map_or(0, str::len)];
    let (symbol, interval) = match stem.rsplit_once('.') {
        Some((symbol, last)) if looks_like_interval(last) => {
            let interval = Interval::parse(last).ok_or_else(|| Fault::Interval(row::cut(last)))?;
            (symbol, Some(interval))
        }
        _ => (stem, None),
    };
    let symbol = match symbol.split_at_checked(TRADES_PREFIX.len()) {
        Some((prefix, symbol)) if prefix.eq_ignore_ascii_case(TRADES_PREFIX) => symbol,
        _ => symbol,
    };
    if is_symbol(symbol) { Ok((symbol.into(), interval)) } else { Err(Fault::Name) }
}

/// Whether a text can be part of a channel's name, as a symbol is.
fn is_symbol(text: &str) -> bool {
    text.len() <= SYMBOL_LEN_MAX && ChannelName::parse(&format!("candles:{text}.1d")).is_ok()
}

/// Digits and then letters: what somebody writes who means an interval.
fn looks_like_interval(text: &str) -> bool {
    let letters = text.trim_start_matches(|c: char| c.is_ascii_digit());
    letters.len() < text.len() && !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests;
