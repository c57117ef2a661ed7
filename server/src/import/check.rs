//! Reading what a report is made of, one file at a time.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use live_core::event::Interval;

use crate::market::{Content, Fault, Loaded, RowProblem, intervals, is_data_file, load_file};

use super::{FileReport, ImportError, Kind, Report, Total, gaps};

/// Reads a folder of data files, or one file, and says what it holds. Rows are judged as by a gateway that serves
/// them. No more than one file is in memory at a time.
///
/// # Errors
/// When it cannot be read, or holds no data file.
pub fn check(path: &Path) -> Result<Report, ImportError> {
    let files = files(path).map_err(|source| ImportError::Unreadable { path: path.to_owned(), source })?;
    if files.is_empty() {
        return Err(ImportError::Empty { path: path.to_owned() });
    }
    let mut report = Report {
        path: path.display().to_string(),
        files: Vec::new(),
        problems: Vec::new(),
        total: Total::default(),
    };
    let mut symbols = HashSet::new();
    for (name, path) in files {
        let mut loaded = load_file(&path);
        refuse_second(&mut loaded, &name, &mut symbols);
        report.take(describe(&name, &loaded), &loaded.problems);
    }
    Ok(report)
}

/// The data files by name.
fn files(path: &Path) -> io::Result<BTreeMap<String, PathBuf>> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() {
        // In a folder it would be one problem among others; here it is all that was asked for.
        std::fs::File::open(path)?;
        return Ok(named(path).into_iter().collect());
    }
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path)? {
        let path = entry?.path();
        // Reading from what is neither file nor folder may take for ever. A link that leads nowhere is told.
        if std::fs::metadata(&path).map_or(true, |metadata| metadata.is_file()) {
            files.extend(named(&path));
        }
    }
    Ok(files)
}

fn named(path: &Path) -> Option<(String, PathBuf)> {
    let name = path.file_name()?.to_string_lossy();
    is_data_file(&name).then(|| (name.into_owned(), path.to_owned()))
}

/// Of a symbol there is one file of trades and one of each length of bars, the first by name.
fn refuse_second(loaded: &mut Loaded, name: &str, symbols: &mut HashSet<(Arc<str>, Option<Interval>)>) {
    let Some(file) = loaded.files.first() else { return };
    let symbol = Arc::clone(&file.symbol);
    if !symbols.insert((Arc::clone(&symbol), file.content.interval())) {
        let fault = Fault::SecondFile(symbol);
        *loaded = Loaded::default();
        loaded.problems.push(RowProblem { file: name.into(), line: None, field: None, fault });
    }
}

fn describe(name: &str, loaded: &Loaded) -> FileReport {
    let problems = &loaded.problems;
    let is_duplicate =
        |problem: &&RowProblem| matches!(problem.fault, Fault::DuplicateDate(_) | Fault::DuplicateTrade(_));
    let mut report = FileReport {
        file: name.to_owned(),
        symbol: None,
        kind: None,
        interval: None,
        rows: 0,
        bad_rows: problems.iter().map(RowProblem::rows).sum(),
        duplicates: problems.iter().filter(is_duplicate).count() as u64,
        first: None,
        last: None,
        gaps: None,
    };
    if let Some(file) = loaded.files.first() {
        let times: Vec<i64> = match &file.content {
            Content::Bars { bars, .. } => bars.iter().map(|bar| bar.open_time).collect(),
            Content::Trades(trades) => trades.iter().map(|trade| trade.time).collect(),
        };
        let interval = file.content.interval();
        report.symbol = Some(file.symbol.to_string());
        report.kind = Some(if interval.is_some() { Kind::Bars } else { Kind::Trades });
        report.interval = interval.map(intervals::name);
        report.spans(&times);
        report.gaps = interval.map(|interval| gaps::find(&times, interval));
    }
    if let Some(splits) = &loaded.splits {
        let mut times: Vec<i64> = splits.iter().map(|(_, split)| split.time).collect();
        times.sort_unstable();
        report.kind = Some(Kind::Splits);
        report.spans(&times);
    }
    report
}

impl FileReport {
    /// Rows of these times, which ascend.
    fn spans(&mut self, times: &[i64]) {
        let time = |ms: &i64| Timestamp::from_millisecond(*ms).ok();
        self.rows = times.len() as u64;
        self.first = times.first().and_then(time);
        self.last = times.last().and_then(time);
    }
}

impl Report {
    fn take(&mut self, file: FileReport, problems: &[RowProblem]) {
        let total = &mut self.total;
        total.files += 1;
        total.unusable_files += u64::from(file.kind.is_none());
        total.rows += file.rows;
        total.bad_rows += file.bad_rows;
        total.duplicates += file.duplicates;
        total.gaps += file.gaps.as_ref().map_or(0, |gaps| gaps.count);
        self.files.push(file);
        self.problems.extend(problems.iter().map(Into::into));
    }
}
