//! A report as text for people.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{FileReport, Gap, Kind, Report};

/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;
/// Units of a length of time, from the longest.
const UNITS: [(i64, &str); 4] = [(DAY_MS, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];

/// How a column is aligned.
#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

const COLUMNS: [(&str, Side); 8] = [
    ("file", Side::Left),
    ("symbol", Side::Left),
    ("kind", Side::Left),
    ("rows", Side::Right),
    ("bad", Side::Right),
    ("duplicates", Side::Right),
    ("gaps", Side::Right),
    ("range", Side::Left),
];

/// The whole report: a table of the files, the total, the largest gaps, and what is wrong. Plain text without
/// colours; characters of names that would move a terminal's cursor are escaped.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    let rows: Vec<[String; 8]> = report.files.iter().map(cells).collect();
    table(&mut text, &rows);
    let total = &report.total;
    let bad = if total.bad_rows == 0 { "none bad".to_owned() } else { format!("{} bad", total.bad_rows) };
    let files = count(total.files, "file");
    let unusable = match total.unusable_files {
        0 => String::new(),
        some => format!(" ({some} unusable)"),
    };
    line(&mut text, &format!("\n{files}{unusable}, {}, {bad}", count(total.rows + total.bad_rows, "row")));
    let width = report.files.iter().map(|file| plain(&file.file).chars().count()).max().unwrap_or_default();
    section(&mut text, "Largest gaps", report.files.iter().flat_map(|file| gap_lines(file, width)));
    section(&mut text, "What is wrong", report.problems.iter().map(|problem| plain(&problem.to_string())));
    text
}

fn cells(file: &FileReport) -> [String; 8] {
    let shown = |time: &Option<Timestamp>| time.map(|time| moment(time, is_of_days(file)));
    let kind = match (file.kind, &file.interval) {
        (None, _) => String::new(),
        (Some(kind), None) => kind.name().to_owned(),
        (Some(kind), Some(interval)) => format!("{} {interval}", kind.name()),
    };
    let range = match (shown(&file.first), shown(&file.last)) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => String::new(),
    };
    [
        plain(&file.file),
        file.symbol.as_deref().map(plain).unwrap_or_default(),
        kind,
        file.rows.to_string(),
        file.bad_rows.to_string(),
        file.duplicates.to_string(),
        file.gaps.as_ref().map(|gaps| gaps.count.to_string()).unwrap_or_default(),
        range,
    ]
}

fn table(text: &mut String, rows: &[[String; 8]]) {
    let head = COLUMNS.map(|(name, _)| name.to_owned());
    let all = || std::iter::once(&head).chain(rows);
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|column| all().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    for row in all() {
        let mut shown = String::new();
        for ((cell, &width), (_, side)) in row.iter().zip(&widths).zip(COLUMNS) {
            // Writing into a text cannot fail.
            let _ = match side {
                Side::Left => write!(shown, "{cell:<width$}  "),
                Side::Right => write!(shown, "{cell:>width$}  "),
            };
        }
        line(text, shown.trim_end());
    }
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        line(text, &format!("\n{title}"));
    }
    for told in lines {
        line(text, &format!("  {told}"));
    }
}

fn gap_lines(file: &FileReport, width: usize) -> Vec<String> {
    let name = plain(&file.file);
    let shown = |time| moment(time, is_of_days(file));
    let gaps = file.gaps.iter().flat_map(|gaps| &gaps.largest);
    gaps.map(|&Gap { after, before, duration_ms }| {
        format!("{name:<width$}  {} to {}  {}", shown(after), shown(before), length(duration_ms))
    })
    .collect()
}

fn line(text: &mut String, told: &str) {
    text.push_str(told);
    text.push('\n');
}

/// Whether a file's times are days without a time of day.
fn is_of_days(file: &FileReport) -> bool {
    let is_of_days = |interval: &str| interval.ends_with(['d', 'w']);
    file.kind == Some(Kind::Splits) || file.interval.as_deref().is_some_and(is_of_days)
}

fn moment(time: Timestamp, is_day: bool) -> String {
    let is_midnight = time.as_millisecond().rem_euclid(DAY_MS) == 0;
    if is_day && is_midnight { time.strftime("%Y-%m-%d").to_string() } else { time.to_string() }
}

/// A length of time in its two largest units.
fn length(duration_ms: i64) -> String {
    let mut rest = duration_ms;
    let mut parts = Vec::new();
    for (unit_ms, name) in UNITS {
        if rest >= unit_ms {
            parts.push(format!("{} {name}", rest / unit_ms));
        }
        rest %= unit_ms;
    }
    parts.truncate(2);
    if parts.is_empty() { format!("{duration_ms} ms") } else { parts.join(" ") }
}

fn count(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn plain(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_their_two_largest_units() {
        let lengths = [0, 999, 1_000, 61_500, 3_600_000, 3 * DAY_MS + 7_260_000].map(length);
        assert_eq!(lengths, ["0 ms", "999 ms", "1 s", "1 min 1 s", "1 h", "3 d 2 h"]);
    }

    #[test]
    fn what_would_move_a_cursor_is_escaped() {
        assert_eq!(plain("a\u{1b}[2Jb\nÄ"), "a\\u{1b}[2Jb\\nÄ");
    }
}
