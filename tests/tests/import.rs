//! `spark-live import`: data files are described and judged, and nothing is started.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use spark_live_tests::{DataDir, binary};

/// What a run has said, and its exit code.
#[derive(Debug)]
struct Run {
    out: String,
    err: String,
    code: Option<i32>,
}

fn import(path: &Path, options: &[&str]) -> Result<Run> {
    let output = Command::new(binary()?).arg("import").arg(path).args(options).output()?;
    let (out, err) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
    Ok(Run { out, err, code: output.status.code() })
}

fn import_json(path: &Path) -> Result<Value> {
    let run = import(path, &["--json"])?;
    ensure!(run.out.matches('\n').count() == 1, "not one line: {run:?}");
    Ok(serde_json::from_str(&run.out)?)
}

fn shipped() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../server/data/stocks"))
}

/// Two good days with a gap between them, and what can be wrong with others.
const MIXED: [&str; 5] = [
    "2020-01-01,10,12,9,11,100",
    "2020-01-02,ten,12,9,11,100",
    "2020-01-09,10,12,9,11,100",
    "2020-01-01,10,12,9,11,100",
    "2020-01-10,10,8,9,11,100",
];

#[test]
fn the_shipped_files_are_described_and_good() {
    let run = import(shipped(), &[]).unwrap();
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    let expected = "\
file        symbol  kind     rows  bad  duplicates  gaps  range
AAPL.csv    AAPL    bars 1d  3270    0           0   118  2000-03-01 to 2013-03-01
FB.csv      FB      bars 1d   196    0           0     9  2012-05-18 to 2013-03-01
GOOG.csv    GOOG    bars 1d  2148    0           0    77  2004-08-19 to 2013-03-01
IBM.csv     IBM     bars 1d  3270    0           0   118  2000-03-01 to 2013-03-01
MSFT.csv    MSFT    bars 1d  3270    0           0   118  2000-03-01 to 2013-03-01
splits.csv          splits      3    0           0        2000-06-21 to 2005-02-28

6 files, 12157 rows, none bad

Largest gaps
  AAPL.csv    2001-09-10 to 2001-09-17  7 d
";
    assert!(run.out.starts_with(expected), "{}", run.out);
    assert!(!run.out.contains("wrong") && !run.out.contains('\u{1b}'), "{}", run.out);
}

#[test]
fn bad_rows_are_told_with_file_line_field_and_reason() {
    let data = DataDir::new().unwrap().csv("MIXED", &MIXED).unwrap();
    let run = import(&data.path(), &[]).unwrap();
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    let expected = "\
file       symbol  kind     rows  bad  duplicates  gaps  range
MIXED.csv  MIXED   bars 1d     2    3           1     1  2020-01-01 to 2020-01-09

1 file, 5 rows, 3 bad

Largest gaps
  MIXED.csv  2020-01-01 to 2020-01-09  8 d

What is wrong
  MIXED.csv:3: open \"ten\" is not a number
  MIXED.csv:5: date 2020-01-01 is a duplicate
  MIXED.csv:6: high 8 is below the low 9
";
    assert_eq!(run.out, expected);
}

#[test]
fn the_report_as_json_has_the_documented_fields() {
    let data = DataDir::new().unwrap().csv("MIXED", &MIXED).unwrap();
    let data = data.file("NONE.csv", "Date,Open\n").unwrap();
    let report = import_json(&data.path()).unwrap();
    let gap =
        json!({"after": "2020-01-01T00:00:00Z", "before": "2020-01-09T00:00:00Z", "durationMs": 691_200_000});
    let mixed = json!({
        "file": "MIXED.csv", "symbol": "MIXED", "kind": "bars", "interval": "1d",
        "rows": 2, "badRows": 3, "duplicates": 1,
        "first": "2020-01-01T00:00:00Z", "last": "2020-01-09T00:00:00Z",
        "gaps": {"count": 1, "largest": [gap]},
    });
    let none = json!({
        "file": "NONE.csv", "symbol": null, "kind": null, "interval": null,
        "rows": 0, "badRows": 0, "duplicates": 0, "first": null, "last": null, "gaps": null,
    });
    let problem = |file: &str, line: u64, field: &str, reason: &str| json!({"file": file, "line": line, "field": field, "reason": reason});
    let expected = json!({
        "path": data.path().to_str(),
        "files": [mixed, none],
        "problems": [
            problem("MIXED.csv", 3, "open", "\"ten\" is not a number"),
            problem("MIXED.csv", 5, "date", "2020-01-01 is a duplicate"),
            problem("MIXED.csv", 6, "high", "8 is below the low 9"),
            problem("NONE.csv", 1, "high", "is a missing column"),
        ],
        "total": {"files": 2, "unusableFiles": 1, "rows": 2, "badRows": 3, "duplicates": 1, "gaps": 1},
    });
    assert_eq!(report, expected);
}

#[test]
fn bars_of_any_length_and_trades_are_described() {
    let minutes = "Time;Open;High;Low;Close;Volume\n2024-01-02 09:30;10;12;9;11;1\n2024-01-02 09:31;10;12;9;11;1\n\
        2024-01-02 15:59;10;12;9;11;1\n";
    let trades = "timestamp,id,side,price,amount\n1675329600138,7,buy,1666.8,26.062\n\
        1675329600138,7,buy,1666.8,26.062\n1675329638195,8,sell,1666.79,0.152\n";
    let data = DataDir::new().unwrap().file("ACME.1m.csv", minutes).unwrap();
    let data = data.file("ETHUSDT.csv", trades).unwrap();
    let run = import(&data.path(), &[]).unwrap();
    let expected = "\
file         symbol   kind     rows  bad  duplicates  gaps  range
ACME.1m.csv  ACME     bars 1m     3    0           0     1  2024-01-02T09:30:00Z to 2024-01-02T15:59:00Z
ETHUSDT.csv  ETHUSDT  trades      2    1           1        2023-02-02T09:20:00.138Z to 2023-02-02T09:20:38.195Z

2 files, 6 rows, 1 bad

Largest gaps
  ACME.1m.csv  2024-01-02T09:31:00Z to 2024-01-02T15:59:00Z  6 h 28 min

What is wrong
  ETHUSDT.csv:3: id 7 is a duplicate
";
    assert_eq!((run.code, run.out.as_str()), (Some(1), expected));
    let files = &import_json(&data.path()).unwrap()["files"];
    assert_eq!((&files[0]["interval"], &files[0]["kind"]), (&json!("1m"), &json!("bars")));
    assert_eq!((&files[1]["kind"], &files[1]["gaps"]), (&json!("trades"), &Value::Null));
}

#[test]
fn one_file_is_described_alone() {
    let report = import_json(&shipped().join("FB.csv")).unwrap();
    assert_eq!(report["files"].as_array().map(Vec::len), Some(1));
    assert_eq!((&report["total"]["rows"], &report["files"][0]["symbol"]), (&json!(196), &json!("FB")));
}

#[test]
fn a_file_that_cannot_be_used_is_told_beside_good_ones() {
    let data = DataDir::new().unwrap().csv("GOOD", &MIXED[..1]).unwrap().csv("EMPTY", &[]).unwrap();
    let data = data.file("A B.csv", "Date,Open,High,Low,Close,Volume\n").unwrap();
    let run = import(&data.path(), &[]).unwrap();
    assert_eq!(run.code, Some(1));
    assert!(run.out.contains("3 files (2 unusable), 1 row, none bad"), "{}", run.out);
    for told in ["  A B.csv: is not named by a symbol", "  EMPTY.csv: has no good row"] {
        assert!(run.out.contains(told), "{told}: {}", run.out);
    }
}

#[test]
fn what_cannot_be_read_or_holds_no_data_is_an_error() {
    let data = DataDir::new().unwrap().file("notes.txt", "not a data file").unwrap();
    let cases = [
        (data.path().join("absent"), "absent"),
        (data.path(), "holds no data file"),
        (data.path().join("notes.txt"), "holds no data file"),
    ];
    for (path, word) in cases {
        for options in [&[][..], &["--json"]] {
            let run = import(&path, options).unwrap();
            assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", path.display());
            assert!(run.err.starts_with("spark-live: ") && run.err.contains(word), "{}", run.err);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_name_cannot_steer_the_terminal() {
    let name = "A\u{1b}[2J.csv";
    let data = DataDir::new().unwrap().file(name, "Date,Open,High,Low,Close,Volume\n").unwrap();
    let run = import(&data.path(), &[]).unwrap();
    assert!(run.out.contains("A\\u{1b}[2J.csv") && !run.out.contains('\u{1b}'), "{}", run.out);
    assert_eq!(import_json(&data.path()).unwrap()["files"][0]["file"], name);
}

#[test]
fn a_reader_that_stops_in_the_middle_changes_nothing() {
    let bad = vec!["not,a,row"; 5_000];
    let data = DataDir::new().unwrap().csv("BAD", &bad).unwrap();
    let mut child = Command::new(binary().unwrap());
    let child = child.arg("import").arg(data.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(1), vec![]));
}
