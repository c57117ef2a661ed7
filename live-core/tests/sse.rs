//! The stream parser on the plan of the web platform tests' `eventsource/format-*`: each stream is read whole, byte
//! by byte, and cut in two at every place, with the same result.

use live_core::sse::{Event, Parser};

/// What a stream yields: the data of its events, the last id, and the reconnection time.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    data: Vec<String>,
    id: String,
    retry_ms: Option<u64>,
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let mut parser = Parser::default();
    let mut data = Vec::new();
    for piece in pieces {
        parser.feed(piece, |event| {
            data.push(match event {
                Event::Data(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Event::TooLong => "too long".to_owned(),
            });
        });
    }
    Read { data, id: parser.last_id().to_owned(), retry_ms: parser.retry_ms() }
}

fn check(name: &str, stream: &[u8], data: &[&str], id: &str, retry_ms: Option<u64>) {
    let wanted =
        Read { data: data.iter().map(|text| (*text).to_owned()).collect(), id: id.to_owned(), retry_ms };
    assert_eq!(read([stream]), wanted, "{name}, whole");
    assert_eq!(read(stream.chunks(1)), wanted, "{name}, byte by byte");
    for cut in 0..=stream.len() {
        let (first, second) = stream.split_at(cut);
        assert_eq!(read([first, second]), wanted, "{name}, cut at {cut}");
    }
}

/// A stream, the data of its events, and what else it leaves behind.
type Case<'a> = (&'a str, &'a [u8], &'a [&'a str], &'a str, Option<u64>);

fn check_all(cases: &[Case<'_>]) {
    for (name, stream, data, id, retry_ms) in cases {
        check(name, stream, data, id, *retry_ms);
    }
}

#[test]
fn lines_end_in_any_of_the_three_ways() {
    check_all(&[
        ("format-newlines", b"data:test\r\ndata\ndata:test\r\n\r\n", &["test\n\ntest"], "", None),
        ("line feeds", b"data:a\n\ndata:b\n\n", &["a", "b"], "", None),
        ("carriage returns", b"data:a\r\rdata:b\r\r", &["a", "b"], "", None),
        ("both", b"data:a\r\n\r\ndata:b\r\n\r\n", &["a", "b"], "", None),
        ("mixed", b"data:a\r\n\rdata:b\n\r\ndata:c\r\r\n", &["a", "b", "c"], "", None),
        ("a feed after a return is one end", b"data:a\r\ndata:b\r\n\r\n", &["a\nb"], "", None),
        ("a form feed is no end", b"data:a\x0cb\n\n", &["a\x0cb"], "", None),
        ("a vertical tab is no end", b"data:a\x0bb\n\n", &["a\x0bb"], "", None),
        ("the next line of Latin-1 is no end", "data:a\u{85}b\n\n".as_bytes(), &["a\u{85}b"], "", None),
        ("the line separator is no end", "data:a\u{2028}b\n\n".as_bytes(), &["a\u{2028}b"], "", None),
    ]);
}

#[test]
fn a_byte_order_mark_is_passed_over_once_and_only_at_the_start() {
    check_all(&[
        ("format-bom", b"\xef\xbb\xbfdata:1\n\n\xef\xbb\xbfdata:2\n\ndata:3\n\n", &["1", "3"], "", None),
        ("format-bom-2", b"\xef\xbb\xbf\xef\xbb\xbfdata:1\n\ndata:2\n\ndata:3\n\n", &["2", "3"], "", None),
        ("a mark alone", b"\xef\xbb\xbf", &[], "", None),
        ("a mark before an empty line", b"\xef\xbb\xbf\ndata:1\n\n", &["1"], "", None),
        ("half a mark is a field", b"\xef\xbbdata:1\n\ndata:2\n\n", &["2"], "", None),
        ("a mark within data stays", b"data:\xef\xbb\xbfx\n\n", &["\u{feff}x"], "", None),
    ]);
}

#[test]
fn comments_and_unknown_fields_are_passed_over() {
    let mut long = b"data:1\r:\0\n:\r\ndata:2\n:".to_vec();
    long.extend(vec![b'x'; 2 * 1024]);
    long.extend(b"\rdata:3\n:data:fail\r:");
    long.extend(vec![b'x'; 2 * 1024]);
    long.extend(b"\ndata:4\n\n");
    assert_eq!(read([&long[..]]).data, ["1\n2\n3\n4"], "format-comments");
    check_all(&[
        ("a comment alone is no event", b":hello\n\n", &[], "", None),
        ("an empty comment", b":\n\n:\n\ndata:1\n\n", &["1"], "", None),
        ("format-field-unknown", b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n", &["test\n\ntest"], "", None),
        ("format-field-parsing", b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\ndata:3\rdata:\r\n data:32\ndata:4\n\n", &["\0\n 2\n1\n3\n\n4"], "", None),
        ("names are case sensitive", b"DATA:1\nData:2\nID:3\ndata:4\n\n", &["4"], "", None),
        ("an event's name is passed over", b"event:x\ndata:1\n\n", &["1"], "", None),
        ("an empty name of an event", b"event: \ndata:data\n\n", &["data"], "", None),
    ]);
}

#[test]
fn data_is_joined_by_newlines_and_empty_events_are_none() {
    check_all(&[
        ("format-field-data", b"data:\n\ndata\ndata\n\ndata:test\n\n", &["", "\n", "test"], "", None),
        ("one line", b"data: x\n\n", &["x"], "", None),
        ("two lines", b"data: x\ndata: y\n\n", &["x\ny"], "", None),
        ("a name without a colon", b"data\n\n", &[""], "", None),
        ("one space is passed over", b"data:x\n\ndata: x\n\ndata:  x\n\n", &["x", "x", " x"], "", None),
        (
            "a tab is not (format-leading-space)",
            b"data:\ttest\rdata: \ndata:test\n\n",
            &["\ttest\n\ntest"],
            "",
            None,
        ),
        ("a colon in the value", b"data: a:b:c\n\n", &["a:b:c"], "", None),
        ("empty lines alone", b"\n\n\n\r\r\r\n\r\n", &[], "", None),
        (
            "format-data-before-final-empty-line",
            b"retry:1000\ndata:test1\n\nid:test\ndata:test2",
            &["test1"],
            "",
            Some(1_000),
        ),
        ("an unfinished line", b"data:1\n\ndata:2", &["1"], "", None),
        ("an unfinished event", b"data:1\n\ndata:2\n", &["1"], "", None),
        ("a zero byte in data (format-null-character)", b"data:\0\n\n", &["\0"], "", None),
        ("format-utf-8", "data:ok…\n\n".as_bytes(), &["ok…"], "", None),
    ]);
}

#[test]
fn ids_last_until_the_next_and_count_from_the_end_of_their_event() {
    check_all(&[
        ("format-field-id", b"id:1\ndata:1\n\ndata:2\n\n", &["1", "2"], "1", None),
        ("format-field-id-2: emptied", b"id:1\ndata:1\n\nid:\ndata:2\n\n", &["1", "2"], "", None),
        ("without a colon", b"id:1\ndata:1\n\nid\ndata:2\n\n", &["1", "2"], "", None),
        ("format-field-id-3: no event needed", b"id: 7\n\n", &[], "7", None),
        ("format-field-id-null: zero byte", b"id:1\n\nid:2\0x\ndata:1\n\n", &["1"], "1", None),
        ("a zero byte alone", b"id:1\n\nid:\0\ndata:1\n\n", &["1"], "1", None),
        ("of an unfinished event", b"id:1\ndata:1\n\nid:2\ndata:2\n", &["1"], "1", None),
        ("the last of several", b"id:1\nid:2\ndata:1\n\n", &["1"], "2", None),
        ("one space is passed over", b"id: a b \ndata:1\n\n", &["1"], "a b ", None),
        ("a cursor", b"id: 1.~s,feed:a@abcdefgh:12\ndata:1\n\n", &["1"], "1.~s,feed:a@abcdefgh:12", None),
    ]);
}

#[test]
fn the_reconnection_time_is_digits_only() {
    check_all(&[
        ("format-field-retry", b"retry:3000\ndata:x\n\n", &["x"], "", Some(3_000)),
        ("format-field-retry-bogus", b"retry:3000\nretry:1000x\ndata:x\n\n", &["x"], "", Some(3_000)),
        ("format-field-retry-empty", b"retry\nretry:\ndata:test\n\n", &["test"], "", None),
        ("leading zeros", b"retry:03000\n\n", &[], "", Some(3_000)),
        ("a sign", b"retry:-3000\n\nretry:+3000\n\n", &[], "", None),
        ("a fraction", b"retry:1.5\n\nretry:1e3\n\n", &[], "", None),
        ("two spaces", b"retry:  3000\n\n", &[], "", None),
        ("other digits", "retry:\u{663}\n\n".as_bytes(), &[], "", None),
        ("at once, without an event", b"retry:5\n", &[], "", Some(5)),
    ]);
}

#[test]
fn what_is_too_long_is_skipped_and_the_stream_goes_on() {
    for field in ["data:", "id:", ":", "x", "event:"] {
        let long = "a".repeat(200_000);
        let stream = format!("data:1\n\n{field}{long}\ndata:2\n\ndata:3\n\n");
        for pieces in [1, 7, 1_000, stream.len()] {
            let read = read(stream.as_bytes().chunks(stream.len().div_ceil(pieces)));
            assert_eq!(read.data.first().map(String::as_str), Some("1"), "{field} in {pieces}");
            assert_eq!(read.data.last().map(String::as_str), Some("3"), "{field} in {pieces}");
            assert!(read.data.iter().all(|data| data.len() < 10), "{field} in {pieces}");
        }
    }
}
