use std::fs::OpenOptions;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;
use crate::market::Side;
use crate::market::intervals;

mod parquet_files;

const HEAD: &str = "Date,Open,High,Low,Close,Volume\n";
const TRADES: &str = "timestamp,id,side,price,amount\n";

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).expect("in memory");
    packed.finish().expect("in memory")
}

fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(to_bytes).collect()
}

/// Good rows and what is told.
fn load(name: &str, content: &[u8]) -> (usize, Vec<String>) {
    load_within(LIMITS, name, content)
}

fn load_within(limits: Limits, name: &str, content: &[u8]) -> (usize, Vec<String>) {
    let mut loaded = Loaded::default();
    loaded.take(name, |is_gzip| text::read(content, is_gzip, limits));
    (rows(&loaded), told(&loaded))
}

fn rows(loaded: &Loaded) -> usize {
    let rows = |file: &DataFile| match &file.content {
        Content::Bars { bars, .. } => bars.len(),
        Content::Trades(trades) => trades.len(),
    };
    loaded.files.iter().map(rows).sum()
}

fn told(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(ToString::to_string).collect()
}

fn content(name: &str, text: &str) -> Content {
    let mut loaded = Loaded::default();
    loaded.take(name, |is_gzip| text::read(text.as_bytes(), is_gzip, LIMITS));
    assert_eq!(told(&loaded), [""; 0], "{name}");
    loaded.files.remove(0).content
}

#[test]
fn every_row_of_the_shipped_files_is_good() {
    let loaded = load_shipped();
    assert_eq!(loaded.problems, []);
    let of_days = |file: &DataFile| match &file.content {
        Content::Bars { interval, bars } => {
            (intervals::name(*interval), bars.len(), bars.last().map(|bar| bar.open_time))
        }
        Content::Trades(_) => panic!("{} has trades", file.file),
    };
    let found: Vec<_> = loaded.files.iter().map(|file| (&*file.symbol, of_days(file))).collect();
    let newest = Some(1_362_096_000_000);
    let days = |count| ("1d".to_owned(), count, newest);
    let expected = [("AAPL", 3270), ("FB", 196), ("GOOG", 2148), ("IBM", 3270), ("MSFT", 3270)];
    assert_eq!(found, expected.map(|(symbol, count)| (symbol, days(count))));
    assert_eq!(loaded.splits.map(|splits| splits.iter().count()), Some(3));
}

#[test]
fn a_bad_row_of_splits_is_told_and_takes_no_other_with_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let text = "note,RATIO,date,Symbol\r\n\
        x,2,2020-01-02,A\r\n,1.5,20200103, BRK.B \r\n,0.1,2020-01-04T00:00+09:00,A\r\n,3,2020-01-02,A\n,0,2020-01-05,A\n\
        ,-2,2020-01-05,A\n,2:1,2020-01-05,A\n,NaN,2020-01-05,A\n,,2020-01-05,A\n,2,soon,A\n,2,2999-01-01,A\n\
        ,2,2020-01-05,a b\n,2,2020-01-05\n,2000000000,2020-01-05,A\n,1e-40,2020-01-05,A\n";
    std::fs::write(dir.path().join("splits.csv"), text).expect("written");
    std::fs::write(dir.path().join("SPLITS.csv"), format!("{HEAD}2020-01-01,10,12,9,11,100\n"))
        .expect("written");
    let loaded = load_dir(dir.path()).expect("a folder");
    let told = told(&loaded);
    let expected = [
        "splits.csv:5: date 2020-01-02 is a duplicate",
        "splits.csv:6: ratio 0 is not above zero",
        "splits.csv:7: ratio -2 is not above zero",
        "splits.csv:8: ratio \"2:1\" is not a number",
        "splits.csv:9: ratio \"NaN\" is not a finite number",
        "splits.csv:10: ratio \"\" is not a number",
        "splits.csv:11: date \"soon\" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z",
        "splits.csv:12: date 2999-01-01 is in the future",
        "splits.csv:13: symbol \"a b\" is not a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots",
        "splits.csv:14: row has 3 columns instead of 4",
        "splits.csv:15: ratio 2000000000 takes the symbol's splits together beyond 10^9 to 1",
        "splits.csv:16: ratio 1e-40 has too many digits",
    ];
    assert_eq!(told, expected);
    assert_eq!(loaded.problems.iter().map(RowProblem::rows).sum::<u64>(), 12);
    let splits = loaded.splits.expect("good rows");
    let of = |symbol: &str| -> Vec<_> {
        splits.of(symbol).iter().map(|split| (split.time / 86_400_000, split.ratio.to_string())).collect()
    };
    assert_eq!(of("A"), [(18_263, "2".to_owned()), (18_265, "0.1".to_owned())]);
    assert_eq!(of("BRK.B"), [(18_264, "1.5".to_owned())]);
    let symbols: Vec<_> = loaded.files.iter().map(|file| &*file.symbol).collect();
    assert_eq!(symbols, ["SPLITS"], "the name is kept for splits as it is written, in small letters");
}

#[test]
fn a_file_of_splits_that_cannot_be_read_is_told_and_none() {
    let load = |text: &str| {
        let mut loaded = Loaded::default();
        loaded.take_splits(text::read(text.as_bytes(), false, Limits { rows_max: 2, ..LIMITS }));
        (loaded.splits.as_ref().map(|splits| splits.iter().count()), told(&loaded))
    };
    assert_eq!(load("Symbol,Date\n"), (None, vec!["splits.csv:1: ratio is a missing column".to_owned()]));
    assert_eq!(load(""), (None, vec!["splits.csv:1: has no good row".to_owned()]));
    assert_eq!(load("Symbol,Date,Ratio\n"), (Some(0), vec![]), "there are none");
    let row = |day: u8| format!("A,2020-01-0{day},2\n");
    let many = format!("Symbol,Date,Ratio\n{}", (1..5).map(row).collect::<String>());
    let told = "splits.csv: breaks off after line 3: no more than 2 rows are read";
    assert_eq!(load(&many), (Some(2), vec![told.to_owned()]));
}

#[test]
fn bars_of_any_length_are_found_by_their_distances_or_named() {
    let of = |name: &str, times: &[&str]| {
        let row = |time: &&str| format!("{time},10,12,9,11,100\n");
        match content(name, &format!("{HEAD}{}", times.iter().map(row).collect::<String>())) {
            Content::Bars { interval, bars } => {
                (intervals::name(interval), bars.iter().map(|bar| bar.open_time / 1_000).collect::<Vec<_>>())
            }
            Content::Trades(_) => panic!("{name} has trades"),
        }
    };
    let days = of("A.csv", &["2020-01-03", "2020-01-06", "2020-01-07", "2020-01-13"]);
    assert_eq!(days, ("1d".to_owned(), vec![1_578_009_600, 1_578_268_800, 1_578_355_200, 1_578_873_600]));
    let minutes =
        of("A.csv", &["2020-01-03 09:30", "2020-01-03 09:31", "2020-01-03T09:33Z", "2020-01-03 09:34"]);
    assert_eq!((&*minutes.0, minutes.1[2] - minutes.1[0]), ("1m", 180));
    assert_eq!(of("A.csv", &["1578042600", "1578042605", "1578042610"]).0, "5s");
    assert_eq!(of("A.csv", &["1578042000000", "1578045600000"]).0, "1h");
    // A week begins on Monday, whatever day it is stamped with.
    assert_eq!(
        of("A.csv", &["2020-01-03", "2020-01-10"]),
        ("1w".to_owned(), vec![1_577_664_000, 1_578_268_800])
    );
    // A day that is stamped by its exchange's zone, over a change to summer time.
    let zone = of("A.csv", &["2020-03-06T05:00Z", "2020-03-09T04:00Z", "2020-03-10T04:00Z"]);
    assert_eq!(zone, ("1d".to_owned(), vec![1_583_452_800, 1_583_712_000, 1_583_798_400]));
    // A day is the day as it is written, also where it begins before that of UTC.
    let tokyo = of("A.csv", &["2023-02-02 00:00:00+09:00", "2023-02-03 00:00:00+09:00"]);
    assert_eq!(tokyo, ("1d".to_owned(), vec![1_675_296_000, 1_675_382_400]));
    // Hours that begin at half past, and minutes of which most are missing.
    let hours = of("A.csv", &["2020-01-03 14:30", "2020-01-03 15:30", "2020-01-03 16:30"]);
    assert_eq!(hours, ("1h".to_owned(), vec![1_578_060_000, 1_578_063_600, 1_578_067_200]));
    let minutes = ["10:00", "10:02", "10:04", "10:05", "10:07", "10:09"].map(|at| format!("2020-01-03 {at}"));
    assert_eq!(of("A.csv", &minutes.each_ref().map(|at| &**at)).0, "1m");
    assert_eq!(of("A.3d.csv", &["2020-01-03"]).0, "3d");
    assert_eq!(of("BRK.B.1h.CSV", &["2020-01-03T10:00Z"]).0, "1h");
    assert_eq!(of("A.csv", &["2020-01-03"]).0, "1d");
}

#[test]
fn marks_line_ends_case_separators_and_order_of_columns_do_not_matter() {
    let text = "\u{feff}volume, CLOSE,low,High,open,Adj Close,date\r\n100,11,9,12,10,1,2020-01-01\r\n\r\n\r\nx,11,9,12,10,1,2020-01-02\r\n";
    let expected = vec!["BRK.B.CSV:5: volume \"x\" is not a number".to_owned()];
    assert_eq!(load("BRK.B.CSV", text.as_bytes()), (1, expected));
    let row = "2020-01-01,10,12,9,11,1\n2020-01-02,10,12,9,11,1\n";
    for (text, separator) in [(format!("{HEAD}{row}"), ';'), (format!("{HEAD}{row}").to_uppercase(), '\t')] {
        assert_eq!(load("X.csv", text.replace(',', &separator.to_string()).as_bytes()), (2, vec![]));
    }
    assert_eq!(load("X.csv", format!("{HEAD}{row}").replace('\n', "\r").as_bytes()), (2, vec![]));
    assert_eq!(load("X.csv.gz", &gzip(format!("{HEAD}{row}").as_bytes())), (2, vec![]));
    // Packed without saying so.
    assert_eq!(load("X.csv", &gzip(format!("{HEAD}{row}").as_bytes())), (2, vec![]));
    // A day and its time in two columns; a column that names the symbol.
    let text = "Ticker,Date,Time,Open,High,Low,Close,Vol\nX,2020-01-02,09:30,10,12,9,11,1\nX,20200102,9:31,10,12,9,11,1\n";
    assert_eq!(load("X.csv", text.as_bytes()), (2, vec![]));
}

#[test]
fn trades_are_known_by_their_columns() {
    let text = "Symbol,Timestamp,ID,Type,Side,Price,Amount,Cost\n\
        X,1675329600214,8,,SELL,1666.79,0.152,1\nX,1675329600138,7,,buy,1666.8,26.062,1\nX,2023-02-02T09:20:00.214Z,,,,1666.8,1,1\n";
    let Content::Trades(trades) = content("trades-ETHUSDT.csv", text) else { panic!("trades") };
    let shown: Vec<_> = trades.iter().map(|t| (t.time, t.id, t.side, t.price.to_string())).collect();
    let expected = [
        (1_675_329_600_138, Some(7), Some(Side::Buy), "1666.8".to_owned()),
        (1_675_329_600_214, None, None, "1666.8".to_owned()),
        (1_675_329_600_214, Some(8), Some(Side::Sell), "1666.79".to_owned()),
    ];
    assert_eq!(shown, expected);
    // Names in place of numbers, as some exchanges have them.
    let text = format!("{TRADES}1675329600138,a1-b2,buy,1,1\n1675329600139,a1-b2,buy,1,1\n");
    let Content::Trades(trades) = content("X.csv", &text) else { panic!("trades") };
    assert_eq!(trades.iter().map(|trade| trade.id).collect::<Vec<_>>(), [None, None]);
}

/// One row among good ones, and what is told of it.
const BAD_ROWS: [(&str, &str); 25] = [
    ("2020-01-02,10,12,9,11", "row has 5 columns instead of 6"),
    ("2020-01-02,10,12,9,11,100,7", "row has 7 columns instead of 6"),
    ("2020-01-02;10;12;9;11;100", "row has 1 columns instead of 6"),
    ("2020-01-02,ten,12,9,11,100", "open \"ten\" is not a number"),
    ("2020-01-02,,12,9,11,100", "open \"\" is not a number"),
    ("2020-01-02,10,NaN,9,11,100", "high \"NaN\" is not a finite number"),
    ("2020-01-02,10,12,inf,11,100", "low \"inf\" is not a finite number"),
    ("2020-01-02,10,12,9,0,100", "close 0 is not above zero"),
    ("2020-01-02,-10,12,9,11,100", "open -10 is not above zero"),
    ("2020-01-02,10,12,9,11,-100", "volume -100 is negative"),
    ("2020-01-02,10,12,9,11,1e99", "volume 1e99 has too many digits"),
    ("2020-01-02,10,1000000000000001,9,11,100", "high 1000000000000001 has too many digits"),
    ("2020-01-02,10,8,9,11,100", "high 8 is below the low 9"),
    ("2020-01-02,13,12,9,11,100", "open 13 is outside the range from low 9 to high 12"),
    ("2020-01-02,10,12,9,12.01,100", "close 12.01 is outside the range from low 9 to high 12"),
    (
        "2020-13-02,10,12,9,11,100",
        "date \"2020-13-02\" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z",
    ),
    (
        "01/02/2020,10,12,9,11,100",
        "date \"01/02/2020\" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z",
    ),
    ("2020-01-01,10,12,9,11,100", "date 2020-01-01 is a duplicate"),
    ("2020-01-01T15:00Z,10,12,9,11,100", "date 2020-01-01T15:00:00Z is a duplicate"),
    ("2920-01-05,10,12,9,11,100", "date 2920-01-05 is in the future"),
    ("1799-12-31,10,12,9,11,100", "date 1799-12-31 is before 1800"),
    ("\"2020-01-02,10,12,9,11,100", "row has 1 columns instead of 6"),
    ("2020-01-02,1.0.0,12,9,11,100", "open \"1.0.0\" is not a number"),
    ("2020-01-02,1_0,12,9,11,100", "open \"1_0\" is not a number"),
    ("2020-01-02,0x10,12,9,11,100", "open \"0x10\" is not a number"),
];

const BAD_TRADES: [(&str, &str); 10] = [
    ("1675329600200,2,buy,1,2,3", "row has 6 columns instead of 5"),
    (
        "yesterday,2,buy,1,2",
        "timestamp \"yesterday\" is not a time such as 2013-03-01 or 2013-03-01T09:30:00Z",
    ),
    ("1675329600200,2.5,buy,1,2", "id \"2.5\" is not a whole number"),
    ("1675329600200,-2,buy,1,2", "id \"-2\" is not a whole number"),
    ("1675329600200,2,bid,1,2", "side \"bid\" is neither buy nor sell"),
    ("1675329600200,2,buy,0,2", "price 0 is not above zero"),
    ("1675329600200,2,buy,1,0", "amount 0 is not above zero"),
    ("1675329600200,2,buy,1,-2", "amount -2 is negative"),
    ("1675329600200,1,buy,1,2", "id 1 is a duplicate"),
    ("32503680000000,2,buy,1,2", "timestamp 3000-01-01 is in the future"),
];

#[test]
fn a_bad_row_is_told_with_its_place_and_the_good_ones_stay() {
    for (row, fault) in BAD_ROWS {
        let text = format!(
            "{HEAD}2020-01-01,10,12,9,11,100\n{row}\n2020-01-06,\"10\",12,9,11,100\n1800-01-01,1,1,1,1,0\n"
        );
        assert_eq!(load("X.1d.csv", text.as_bytes()), (3, vec![format!("X.1d.csv:3: {fault}")]), "{row}");
    }
    for (row, fault) in BAD_TRADES {
        let text = format!("{TRADES}1675329600100,1,buy,1,2\n{row}\n1675329600300,3,sell,1,2\n");
        assert_eq!(load("X.csv", text.as_bytes()), (2, vec![format!("X.csv:3: {fault}")]), "{row}");
    }
    let other = "symbol,date,open,high,low,close,volume\nX,2020-01-01,1,1,1,1,1\nY,2020-01-02,1,1,1,1,1\nX,2020-01-03,1,1,1,1,1\n";
    let expected = vec!["X.csv:3: symbol \"Y\" is another symbol than \"X\" in the rows before".to_owned()];
    assert_eq!(load("X.csv", other.as_bytes()), (2, expected));
    // A bad row does not say whose the file is.
    let other = other.replace("X,2020-01-01,1", "Z,2020-01-01,one");
    let expected = [
        "X.csv:2: open \"one\" is not a number",
        "X.csv:4: symbol \"X\" is another symbol than \"Y\" in the rows before",
    ];
    assert_eq!(load("X.csv", other.as_bytes()), (1, expected.map(str::to_owned).to_vec()));
    let off =
        format!("{HEAD}2020-01-01 10:00,1,1,1,1,1\n2020-01-01 10:30,1,1,1,1,1\n2020-01-01 12:00,1,1,1,1,1\n");
    let expected = vec!["X.1h.csv:3: date 2020-01-01T10:30:00Z is not where a bar of 1h begins".to_owned()];
    assert_eq!(load("X.1h.csv", off.as_bytes()), (2, expected));
    let bytes = [HEAD.as_bytes(), b"2020-01-01,\xff,12,9,11,100\n\x00\n2020-01-02,1,1,1,1,1\n"].concat();
    let expected = ["X.csv:2: open is not UTF-8", "X.csv:3: row has 1 columns instead of 6"];
    assert_eq!(load("X.csv", &bytes), (1, expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_file_that_cannot_be_used_is_told_once() {
    let good = format!("{HEAD}2020-01-01,1,1,1,1,1\n2020-01-02,1,1,1,1,1\n");
    let name = "is not named by a symbol: letters, digits, '_' and '-' in at most 7 parts joined by dots";
    let months = format!(
        "{HEAD}2020-01-01,1,1,1,1,1\n2020-02-01,1,1,1,1,1\n2020-03-01,1,1,1,1,1\n2020-04-01,1,1,1,1,1\n"
    );
    let distance = "has rows that are mostly 2678400 s apart, which is no length of a bar; its name can say one: SYMBOL.1h.csv";
    for (name, content, expected) in [
        ("X.csv", Vec::new(), "X.csv:1: has no good row"),
        ("X.csv", b"\n \n\r\n".to_vec(), "X.csv:1: has no good row"),
        ("X.csv", HEAD.into(), "X.csv: has no good row"),
        ("X.csv", TRADES.into(), "X.csv: has no good row"),
        ("X.csv", "Date,Open,High,Low,Close\n".into(), "X.csv:1: volume is a missing column"),
        ("X.csv", "Day,Open,High,Low,Close,Volume\n".into(), "X.csv:1: date is a missing column"),
        ("X.csv", "Date|Open|High|Low|Close|Volume\n".into(), "X.csv:1: date is a missing column"),
        ("X.csv", "2020-01-01,1,1,1,1,1\n2020-01-02,1,1,1,1,1\n".into(), "X.csv:1: date is a missing column"),
        ("X.csv", "timestamp,id,side,price\n".into(), "X.csv:1: amount is a missing column"),
        (
            "X.csv",
            "Date,Open,High,Low,Close,Volume,open\n".into(),
            "X.csv:1: open is a column that stands twice in the head line",
        ),
        ("X.csv", utf16(&good, u16::to_le_bytes), "X.csv: is UTF-16; save it as UTF-8"),
        ("X.csv", utf16(&good, u16::to_be_bytes), "X.csv: is UTF-16; save it as UTF-8"),
        ("X.csv.gz", good.clone().into(), "X.csv.gz: is not packed by gzip"),
        ("X.csv", vec![0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A], "X.csv:1: is not UTF-8"),
        ("X.csv", months.into(), &format!("X.csv: {distance}")),
        ("X Y.csv", good.clone().into(), &format!("X Y.csv: {name}")),
        ("a..b.csv", good.clone().into(), &format!("a..b.csv: {name}")),
        (".csv", good.clone().into(), &format!(".csv: {name}")),
        ("1.2.3.4.5.6.7.8.csv", good.clone().into(), &format!("1.2.3.4.5.6.7.8.csv: {name}")),
        (
            "X.1w.csv",
            good.clone().into(),
            "X.1w.csv: is named by the interval 1w, but its rows are mostly 86400 s apart",
        ),
        (
            "X.15min.csv",
            good.clone().into(),
            "X.15min.csv: is named by \"15min\" where an interval such as 15m or 1d is expected",
        ),
    ] {
        assert_eq!(load(name, &content), (0, vec![expected.to_owned()]), "{name}");
    }
}

#[test]
fn a_file_that_breaks_off_keeps_what_came_before() {
    let row = |day: usize| format!("2020-01-{day:02},10,12,9,11,{day}\n");
    let text = format!("{HEAD}{}", (1..29).map(row).collect::<String>());
    let packed = gzip(text.as_bytes());
    // Also where only the sum at the end is missing, and so every row there is.
    for cut in 1..=20 {
        let (rows, told) = load("X.csv.gz", &packed[..packed.len() - cut]);
        assert!((1..=28).contains(&rows) && (cut > 8 || rows == 28), "{rows} without the last {cut} bytes");
        assert!(told.len() == 1, "{told:?}");
        let expected = format!("X.csv.gz: breaks off after line {}: ", rows + 1);
        assert!(told[0].starts_with(&expected), "{told:?} without the last {cut} bytes");
    }

    struct Broken;
    impl std::io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("a bad sector"))
        }
    }
    let mut loaded = Loaded::default();
    let content = BufReader::new(std::io::Read::chain(text.as_bytes(), Broken));
    loaded.take("X.csv", |is_gzip| text::read(content, is_gzip, LIMITS));
    assert_eq!(rows(&loaded), 28);
    assert_eq!(told(&loaded), ["X.csv: breaks off after line 29: a bad sector"]);
}

#[test]
fn a_line_or_a_file_without_end_is_told_and_passed_over() {
    let content = format!("{HEAD}{}\n2020-01-01,10,12,9,11,1\n", "9".repeat(100_000));
    let expected = vec!["X.csv:2: is longer than 65536 bytes".to_owned()];
    assert_eq!(load("X.csv", content.as_bytes()), (1, expected));
    // Two gigabytes of one line, that take no room on the disk.
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("HUGE.csv");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&path)
        .and_then(|file| file.set_len(2 << 30))
        .expect("made");
    assert_eq!(told(&load_file(&path)), ["HUGE.csv: is larger than 268435456 bytes"]);
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one_breaks_off() {
    let packed = gzip(format!("{HEAD}2020-01-01,1,1,1,1,1\n{}", "\n".repeat(1_000_000)).as_bytes());
    assert!(packed.len() < 10_000);
    let limits = Limits { len_max: 20_000, ..LIMITS };
    let expected = "X.csv.gz: breaks off after line 2: it is larger than 20000 bytes when it is unpacked";
    assert_eq!(load_within(limits, "X.csv.gz", &packed), (1, vec![expected.to_owned()]));
    assert_eq!(load("X.csv.gz", &packed), (1, vec![]));
}

#[test]
fn of_a_file_with_too_many_rows_the_first_are_read_whether_good_or_bad() {
    let limits = Limits { rows_max: 3, ..LIMITS };
    let good = |day: usize| format!("2020-01-0{day},1,1,1,1,1\n");
    let rows = |count: usize| (1..=count).map(good).collect::<String>();
    let reason = "no more than 3 rows are read";
    let expected = format!("X.csv: breaks off after line 4: {reason}");
    assert_eq!(load_within(limits, "X.csv", format!("{HEAD}{}", rows(4)).as_bytes()), (3, vec![expected]));
    assert_eq!(load_within(limits, "X.csv", format!("{HEAD}{}\n\n", rows(3)).as_bytes()), (3, vec![]));
    let expected = [
        "X.csv:2: row has 1 columns instead of 6",
        "X.csv:3: row has 2 columns instead of 6",
        &format!("X.csv: breaks off after line 4: {reason}"),
    ];
    let (kept, told) = load_within(limits, "X.csv", format!("{HEAD}x\nx,x\n{}", rows(2)).as_bytes());
    assert_eq!((kept, told), (1, expected.map(str::to_owned).to_vec()));
    let trade = |time: u64| format!("{},{time},buy,1,2\n", 1_675_329_600_000 + time);
    let trades = format!("{TRADES}{}", (1..=4).map(trade).collect::<String>());
    let expected = format!("T.csv: breaks off after line 4: {reason}");
    assert_eq!(load_within(limits, "T.csv", trades.as_bytes()), (3, vec![expected]));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("X.csv");
    let good = format!("{HEAD}2020-01-01,1,1,1,1,1\n2020-01-02,1,1,1,1,1\n");
    std::fs::write(&path, &good).expect("written");
    let mut loaded = Loaded::default();
    loaded.open_while(&path, || std::fs::write(&path, &good[..good.len() - 5]).expect("written"));
    assert_eq!(rows(&loaded), 1);
    let changed = "X.csv: has changed while it was read; it is read again when it stands still";
    assert_eq!(told(&loaded), ["X.csv:3: row has 4 columns instead of 6", changed]);
    loaded = Loaded::default();
    loaded.open_while(&path, || std::fs::remove_file(&path).expect("removed"));
    assert_eq!(told(&loaded)[1], changed);
}

#[test]
fn a_flood_of_bad_rows_is_counted() {
    let content = format!("{HEAD}2020-01-01,1,1,1,1,1\n{}", "x\n".repeat(1_500));
    let (rows, problems) = load("X.csv", content.as_bytes());
    assert_eq!((rows, problems.len()), (1, 1_001));
    assert_eq!(problems[1_000], "X.csv: has 500 more bad rows");
}

#[test]
fn a_folder_is_read_by_name_and_what_does_not_fit_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let good = format!("{HEAD}2020-01-01,1,1,1,1,1\n2020-01-02,1,1,1,1,1\n");
    let minutes = format!("{HEAD}2020-01-01 10:00,1,1,1,1,1\n2020-01-01 10:01,1,1,1,1,1\n");
    for name in ["B.csv", "A.csv", "A.CSV", "._A.csv", "notes.txt"] {
        std::fs::write(dir.path().join(name), &good).expect("written");
    }
    std::fs::write(dir.path().join("A.1m.csv"), &minutes).expect("written");
    std::fs::write(dir.path().join("trades-A.csv"), format!("{TRADES}1675329600100,1,buy,1,2\n"))
        .expect("written");
    std::fs::create_dir(dir.path().join("D.csv")).expect("made");
    let loaded = load_dir(dir.path()).expect("a folder");
    let names: Vec<(&str, &str)> = loaded.files.iter().map(|file| (&*file.file, &*file.symbol)).collect();
    assert_eq!(names, [("A.1m.csv", "A"), ("A.CSV", "A"), ("B.csv", "B"), ("trades-A.csv", "A")]);
    let expected =
        ["A.csv: is a second file of the symbol A with the same kind of rows", "D.csv: is not a file"];
    assert_eq!(told(&loaded), expected);
    assert!(load_dir(&dir.path().join("absent")).is_err());
}

#[cfg(unix)]
#[test]
fn what_cannot_be_opened_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    std::os::unix::fs::symlink(dir.path().join("nowhere"), dir.path().join("L.csv")).expect("linked");
    let loaded = load_dir(dir.path()).expect("a folder");
    assert_eq!(told(&loaded), ["L.csv: cannot be read: No such file or directory (os error 2)"]);
    std::fs::create_dir(dir.path().join("D.csv")).expect("made");
    assert_eq!(told(&load_file(&dir.path().join("D.csv"))), ["D.csv: is not a file"]);
}

proptest! {
    /// Whatever the bytes, nothing panics; and good rows among them are all there, as long as they stand on lines of
    /// their own.
    #[test]
    fn junk_takes_no_good_row_with_it(
        junk in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
        head in any::<bool>(),
    ) {
        let is_line = |line: &Vec<u8>| !line.contains(&b'\n') && !line.contains(&b'\r');
        let junk: Vec<Vec<u8>> = junk.into_iter().filter(is_line).collect();
        let head = if head { HEAD.as_bytes() } else { b"" };
        let mut content = head.to_vec();
        for (nth, line) in junk.iter().enumerate() {
            content.extend_from_slice(line);
            content.extend_from_slice(format!("\n20{nth:02}-01-01,10,12,9,11,100\n").as_bytes());
        }
        let (rows, _) = load("X.1d.csv", &content);
        if !head.is_empty() {
            prop_assert!(rows >= junk.len(), "{rows} of {}", junk.len());
        }
        load("X.csv.gz", &content);
    }

    #[test]
    fn a_packed_file_with_bytes_changed_is_no_trouble(at in 0usize..200, byte in any::<u8>(), len in 0usize..200) {
        let row = |day: u8| format!("2020-01-{day:02},10,12,9,11,{day}\n");
        let mut packed = gzip(format!("{HEAD}{}", (1..29).map(row).collect::<String>()).as_bytes());
        let place = at % packed.len();
        packed[place] = byte;
        packed.truncate(len.max(1));
        load("X.csv.gz", &packed);
    }
}
