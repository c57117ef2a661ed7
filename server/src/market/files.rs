//! Files of daily bars: the shipped ones and a folder of one's own.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use live_core::channel::ChannelName;
use live_core::event::SYMBOL_LEN_MAX;

use super::Bar;
use super::lines::{LINE_LEN_MAX, Lines};
use super::problem::{Fault, RowProblem};
use super::row::{self, COLUMNS, FieldFault};

/// Largest file that is read, in bytes: a century of days is a fiftieth of it.
const FILE_LEN_MAX: u64 = 64 * 1024 * 1024;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// Midnight (UTC) of 1800-01-01: a day before it is a slip of the pen.
const EARLIEST_MS: i64 = -5_364_662_400_000;
/// Most bad rows of one file that are told one by one; the rest are counted.
const PROBLEMS_MAX: usize = 1_000;

/// Shipped files; where they are from stands in `data/README.md`.
const SHIPPED: [(&str, &[u8]); 5] = [
    ("AAPL.csv", include_bytes!("../../data/stocks/AAPL.csv")),
    ("FB.csv", include_bytes!("../../data/stocks/FB.csv")),
    ("GOOG.csv", include_bytes!("../../data/stocks/GOOG.csv")),
    ("IBM.csv", include_bytes!("../../data/stocks/IBM.csv")),
    ("MSFT.csv", include_bytes!("../../data/stocks/MSFT.csv")),
];

/// The good rows of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolFile {
    /// The symbol, which is the file's name without `.csv`.
    pub symbol: Arc<str>,
    /// The good rows in ascending order of their days; never empty.
    pub bars: Vec<Bar>,
    /// How many rows were passed over.
    pub skipped_rows: u64,
}

/// What was found, and what was wrong with it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// Files with at least one good row, by symbol.
    pub files: Vec<SymbolFile>,
    /// Every fault with its place, in the order of files and lines.
    pub problems: Vec<RowProblem>,
}

/// Reads the files that the binary carries.
pub fn load_shipped() -> Loaded {
    let mut loaded = Loaded::default();
    for (name, content) in SHIPPED {
        loaded.take(name, content);
    }
    loaded
}

/// Reads every `.csv` file of a folder, in the order of their names. A file that cannot be used is a
/// problem and not an error.
///
/// # Errors
/// When the folder itself cannot be read.
pub fn load_dir(dir: &Path) -> std::io::Result<Loaded> {
    let mut paths = BTreeMap::new();
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_data_file(&name) && !entry.path().is_dir() {
            paths.insert(name, entry.path());
        }
    }
    let mut loaded = Loaded::default();
    for (name, path) in paths {
        loaded.open(&name, &path);
    }
    Ok(loaded)
}

/// Reads one file. What is wrong with it, or that it cannot be read, is a problem and not an error.
pub fn load_file(path: &Path) -> Loaded {
    let mut loaded = Loaded::default();
    loaded.open(&path.file_name().unwrap_or_default().to_string_lossy(), path);
    loaded
}

/// Whether a file of this name is one of data.
pub fn is_data_file(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|ext| ext.eq_ignore_ascii_case("csv"))
}

fn open(path: &Path) -> Result<File, Fault> {
    if std::fs::metadata(path).map_err(|error| unreadable(&error))?.len() > FILE_LEN_MAX {
        return Err(Fault::TooLarge(FILE_LEN_MAX));
    }
    File::open(path).map_err(|error| unreadable(&error))
}

fn unreadable(error: &std::io::Error) -> Fault {
    Fault::Unreadable(error.to_string())
}

impl Loaded {
    fn open(&mut self, name: &str, path: &Path) {
        match open(path) {
            Ok(file) => self.take(name, BufReader::new(file)),
            Err(fault) => self.report(&name.into(), None, (None, fault)),
        }
    }

    /// Reads one file's content and keeps what is good of it.
    fn take(&mut self, name: &str, content: impl BufRead) {
        let file: Arc<str> = name.into();
        let Some(symbol) = symbol_of(name) else {
            return self.report(&file, None, (None, Fault::Name));
        };
        if self.files.iter().any(|known| known.symbol == symbol) {
            return self.report(&file, None, (None, Fault::SecondFile(symbol)));
        }
        let rows = match Rows::read(content) {
            Ok(rows) => rows,
            Err((line, fault)) => return self.report(&file, line, fault),
        };
        let more = rows.skipped - rows.problems.len() as u64;
        for (line, fault) in rows.problems {
            self.report(&file, Some(line), fault);
        }
        if more > 0 {
            self.report(&file, None, (None, Fault::More(more)));
        }
        let bars: Vec<Bar> = rows.days.into_values().collect();
        if bars.is_empty() {
            return self.report(&file, None, (None, Fault::NoGoodRow));
        }
        self.files.push(SymbolFile { symbol, bars, skipped_rows: rows.skipped });
    }

    fn report(&mut self, file: &Arc<str>, line: Option<u64>, (field, fault): FieldFault) {
        self.problems.push(RowProblem { file: Arc::clone(file), line, field, fault });
    }
}

/// The symbol that a file is named by, if it can be part of a channel's name.
fn symbol_of(file_name: &str) -> Option<Arc<str>> {
    let (symbol, _) = file_name.rsplit_once('.')?;
    let channel = ChannelName::parse(&format!("candles:{symbol}.1d"));
    (channel.is_ok() && symbol.len() <= SYMBOL_LEN_MAX).then(|| symbol.into())
}

/// The rows of one file on their way in. Each stands on a line of its own, so that a bad one, a stray quote
/// in it, or a date that is far off takes no other with it. What is kept is bounded: by the days that there
/// are, and by the faults that are told.
#[derive(Default)]
struct Rows {
    /// Good rows by their day, whatever their order in the file.
    days: BTreeMap<i64, Bar>,
    /// The first faults, by line.
    problems: Vec<(u64, FieldFault)>,
    /// How many rows have one.
    skipped: u64,
}

impl Rows {
    /// Reads everything. An error is one of the head line, without which no row means anything, or of the
    /// file itself.
    fn read(content: impl BufRead) -> Result<Self, (Option<u64>, FieldFault)> {
        let broken = |error: std::io::Error| (None, (None, unreadable(&error)));
        let mut lines = Lines::new(content);
        let (line, head) = lines.next().map_err(broken)?.ok_or((Some(1), (None, Fault::NoGoodRow)))?;
        let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
        let columns =
            record(head).and_then(|head| Columns::find(&head)).map_err(|fault| (Some(line), fault))?;
        let latest_ms = jiff::Timestamp::now().as_millisecond() + DAY_MS;
        let mut rows = Self::default();
        while let Some((line, text)) = lines.next().map_err(broken)? {
            let bar = record(text).and_then(|record| row::read(columns.fields(&record)?));
            let kept = bar.and_then(|bar| rows.keep(bar, latest_ms));
            if let Err(fault) = kept {
                rows.skipped += 1;
                if rows.problems.len() < PROBLEMS_MAX {
                    rows.problems.push((line, fault));
                }
            }
        }
        Ok(rows)
    }

    /// Keeps a row if its day can be one and is not there yet: of two of one day the first one stays.
    fn keep(&mut self, bar: Bar, latest_ms: i64) -> Result<(), FieldFault> {
        let fault = match self.days.entry(bar.open_time) {
            _ if bar.open_time > latest_ms => Fault::FutureDate(day_of(&bar)),
            _ if bar.open_time < EARLIEST_MS => Fault::AncientDate(day_of(&bar)),
            Entry::Occupied(_) => Fault::DuplicateDate(day_of(&bar)),
            Entry::Vacant(day) => {
                day.insert(bar);
                return Ok(());
            }
        };
        Err((Some("date"), fault))
    }
}

/// The fields of one line.
fn record(line: &[u8]) -> Result<csv::ByteRecord, FieldFault> {
    if line.len() > LINE_LEN_MAX {
        return Err((None, Fault::LineTooLong(LINE_LEN_MAX)));
    }
    let mut record = csv::ByteRecord::new();
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(line);
    // In memory and flexible, nothing can go wrong; if it did, the row would be one without columns.
    reader.read_byte_record(&mut record).map_err(|error| (None, Fault::Unreadable(error.to_string())))?;
    Ok(record)
}

fn day_of(bar: &Bar) -> String {
    let midnight = jiff::Timestamp::from_millisecond(bar.open_time);
    midnight.map(|at| at.strftime("%Y-%m-%d").to_string()).unwrap_or_default()
}

/// Where the columns stand in a file.
struct Columns {
    indexes: [usize; 6],
    count: usize,
}

impl Columns {
    /// Reads the head line: names in any case and order; columns of other names are passed over.
    fn find(head: &csv::ByteRecord) -> Result<Self, FieldFault> {
        let mut indexes = [0; 6];
        for (index, name) in indexes.iter_mut().zip(COLUMNS) {
            let mut places =
                (0..head.len()).filter(|&at| head[at].trim_ascii().eq_ignore_ascii_case(name.as_bytes()));
            *index = places.next().ok_or((Some(name), Fault::MissingColumn))?;
            if places.next().is_some() {
                return Err((Some(name), Fault::RepeatedColumn));
            }
        }
        Ok(Self { indexes, count: head.len() })
    }

    fn fields<'a>(&self, record: &'a csv::ByteRecord) -> Result<[&'a str; 6], FieldFault> {
        if record.len() != self.count {
            return Err((None, Fault::ColumnCount { found: record.len(), expected: self.count }));
        }
        let mut fields = [""; 6];
        for ((field, &index), name) in fields.iter_mut().zip(&self.indexes).zip(COLUMNS) {
            *field = str::from_utf8(&record[index]).map_err(|_| (Some(name), Fault::NotUtf8))?;
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: &str, content: &[u8]) -> (usize, Vec<String>) {
        let mut loaded = Loaded::default();
        loaded.take(name, content);
        let bars = loaded.files.first().map_or(0, |file| file.bars.len());
        (bars, loaded.problems.iter().map(ToString::to_string).collect())
    }

    const HEAD: &str = "Date,Open,High,Low,Close,Volume\n";

    #[test]
    fn every_row_of_the_shipped_files_is_good() {
        let loaded = load_shipped();
        assert_eq!(loaded.problems, []);
        let found: Vec<_> =
            loaded.files.iter().map(|file| (&*file.symbol, file.bars.len(), file.skipped_rows)).collect();
        assert_eq!(
            found,
            [("AAPL", 3270, 0), ("FB", 196, 0), ("GOOG", 2148, 0), ("IBM", 3270, 0), ("MSFT", 3270, 0)]
        );
        let last =
            loaded.files.iter().map(|file| file.bars.last().map(|bar| bar.open_time)).collect::<Vec<_>>();
        assert_eq!(last, [Some(1_362_096_000_000); 5]);
    }

    #[test]
    fn bad_rows_are_told_with_their_place_and_the_good_ones_stay() {
        let content = [
            "2020-01-01,10,12,9,11,100",
            "2020-01-02,10,12,9,11",
            "2020-01-02,10,12,9,11,100,7",
            "2020-01-02,ten,12,9,11,100",
            "2020-01-02,10,NaN,9,11,100",
            "2020-01-02,10,12,inf,11,100",
            "2020-01-02,10,12,9,0,100",
            "2020-01-02,10,12,9,11,-100",
            "2020-01-02,10,8,9,11,100",
            "2020-01-02,13,12,9,11,100",
            "2020-01-02,10,12,9,12.01,100",
            "2020-13-02,10,12,9,11,100",
            "2020-01-01,10,12,9,11,100",
            "2020-01-04,10,12,9,11,100",
            "2020-01-03,10,12,9,11,100",
            "2920-01-05,10,12,9,11,100",
            "1799-12-31,10,12,9,11,100",
            "\"2020-01-05,10,12,9,11,100",
            "2020-01-06,\"10\",12,9,11,100",
            "1800-01-01,10,12,9,11,100",
        ];
        let (bars, problems) = load("X.csv", format!("{HEAD}{}", content.join("\n")).as_bytes());
        assert_eq!(bars, 5);
        let expected = [
            "X.csv:3: row has 5 columns instead of 6",
            "X.csv:4: row has 7 columns instead of 6",
            "X.csv:5: open \"ten\" is not a number",
            "X.csv:6: high \"NaN\" is not a finite number",
            "X.csv:7: low \"inf\" is not a finite number",
            "X.csv:8: close 0 is not above zero",
            "X.csv:9: volume -100 is negative",
            "X.csv:10: high 8 is below the low 9",
            "X.csv:11: open 13 is outside the range from low 9 to high 12",
            "X.csv:12: close 12.01 is outside the range from low 9 to high 12",
            "X.csv:13: date \"2020-13-02\" is not a date such as 2013-03-01",
            "X.csv:14: date 2020-01-01 is a duplicate",
            "X.csv:17: date 2920-01-05 is in the future",
            "X.csv:18: date 1799-12-31 is before 1800",
            "X.csv:19: row has 1 columns instead of 6",
        ];
        assert_eq!(problems, expected);
    }

    #[test]
    fn a_file_that_begins_with_the_newest_day_plays_whole() {
        let mut loaded = Loaded::default();
        let rows = ["2020-01-03", "2020-01-02", "2020-01-02", "2020-01-01"]
            .map(|day| format!("{day},10,12,9,11,1\n"));
        loaded.take("X.csv", format!("{HEAD}{}", rows.concat()).as_bytes());
        let days: Vec<_> = loaded.files[0].bars.iter().map(|bar| bar.open_time / DAY_MS).collect();
        assert_eq!(days, [18_262, 18_263, 18_264]);
        assert_eq!(loaded.problems[0].to_string(), "X.csv:4: date 2020-01-02 is a duplicate");
    }

    #[test]
    fn a_file_of_carriage_returns_plays_whole() {
        let text = format!("{HEAD}2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,1\n").replace('\n', "\r");
        assert_eq!(load("X.csv", text.as_bytes()), (2, vec![]));
    }

    #[test]
    fn a_file_that_breaks_off_is_told_and_left_out() {
        struct Broken;
        impl std::io::Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("a bad sector"))
            }
        }
        let good = format!("{HEAD}2020-01-01,10,12,9,11,1\n");
        let mut loaded = Loaded::default();
        loaded.take("X.csv", BufReader::new(std::io::Read::chain(good.as_bytes(), Broken)));
        assert_eq!(loaded.files, []);
        assert_eq!(loaded.problems[0].to_string(), "X.csv: cannot be read: a bad sector");
    }

    #[test]
    fn a_line_without_end_is_told_and_passed_over() {
        let content = format!("{HEAD}{}\n2020-01-01,10,12,9,11,1\n", "9".repeat(100_000));
        let (bars, problems) = load("X.csv", content.as_bytes());
        assert_eq!((bars, problems), (1, vec!["X.csv:2: is longer than 65536 bytes".to_owned()]));
    }

    #[test]
    fn marks_line_ends_case_and_order_of_columns_do_not_matter() {
        let text = "\u{feff}volume, CLOSE,low,High,open,Adj Close,date\r\n100,11,9,12,10,1,2020-01-01\r\n\r\n\r\nx,11,9,12,10,1,2020-01-02\r\n";
        let (bars, problems) = load("BRK.B.CSV", text.as_bytes());
        assert_eq!((bars, problems), (1, vec!["BRK.B.CSV:5: volume \"x\" is not a number".to_owned()]));
    }

    #[test]
    fn a_head_line_that_does_not_fit_is_told_once() {
        let told = |content: &str| load("X.csv", content.as_bytes()).1;
        assert_eq!(
            told("Date,Open,High,Low,Close\n2020-01-01,1,1,1,1\n"),
            ["X.csv:1: volume is a missing column"]
        );
        assert_eq!(told("Date;Open;High;Low;Close;Volume\n"), ["X.csv:1: date is a missing column"]);
        assert_eq!(
            told("Date,Open,High,Low,Close,Volume,open\n"),
            ["X.csv:1: open is a column that stands twice in the head line"]
        );
        assert_eq!(told(""), ["X.csv:1: has no good row"]);
        assert_eq!(told(HEAD), ["X.csv: has no good row"]);
    }

    #[test]
    fn bytes_that_are_not_text_are_told() {
        let content = [HEAD.as_bytes(), b"2020-01-01,\xff,12,9,11,100\n\x00\n"].concat();
        let told = load("X.csv", &content).1;
        assert_eq!(
            told,
            [
                "X.csv:2: open is not UTF-8",
                "X.csv:3: row has 1 columns instead of 6",
                "X.csv: has no good row"
            ]
        );
    }

    #[test]
    fn a_flood_of_bad_rows_is_counted() {
        let content = format!("{HEAD}2020-01-01,1,1,1,1,1\n{}", "x\n".repeat(1_500));
        let (bars, problems) = load("X.csv", content.as_bytes());
        assert_eq!((bars, problems.len()), (1, 1_001));
        assert_eq!(problems[1_000], "X.csv: has 500 more bad rows");
        let rows = Rows::read(content.as_bytes()).expect("a good head line");
        assert_eq!((rows.skipped, rows.problems.len()), (1_500, PROBLEMS_MAX), "the rest are not kept");
    }

    #[test]
    fn a_folder_is_read_by_name_and_what_does_not_fit_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let good = format!("{HEAD}2020-01-01,1,1,1,1,1\n");
        for name in
            ["B.csv", "A.csv", "A.CSV", "A B.csv", ".csv", "a..b.csv", "1.2.3.4.5.6.7.8.csv", "notes.txt"]
        {
            std::fs::write(dir.path().join(name), &good).expect("written");
        }
        std::fs::create_dir(dir.path().join("D.csv")).expect("made");
        std::fs::create_dir(dir.path().join("gone")).expect("made");
        let loaded = load_dir(dir.path()).expect("a folder");
        let symbols: Vec<&str> = loaded.files.iter().map(|file| &*file.symbol).collect();
        assert_eq!(symbols, ["A", "B"]);
        let told: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        let name = "is not named by a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots";
        let expected = [
            format!("1.2.3.4.5.6.7.8.csv: {name}"),
            format!("A B.csv: {name}"),
            "A.csv: is a second file of the symbol A".to_owned(),
            format!("a..b.csv: {name}"),
        ];
        assert_eq!(told, expected);
        assert!(load_dir(&dir.path().join("absent")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(dir.path().join("nowhere"), dir.path().join("L.csv")).expect("linked");
        let problems = load_dir(dir.path()).expect("a folder").problems;
        assert_eq!(problems[0].to_string(), "L.csv: cannot be read: No such file or directory (os error 2)");
    }
}
