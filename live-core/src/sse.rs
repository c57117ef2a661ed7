//! Reading an event stream that arrives in pieces cut anywhere.
//!
//! After the WHATWG HTML Standard, "Parsing an event stream" and "Interpreting an event stream". Only
//! `data`, `id` and `retry` matter here; the envelope says the event's name itself.

use crate::envelope::ENVELOPE_LEN_MAX;

/// Longest line that is kept: an envelope with its field name, or an `id` as long as a cursor may be.
const LINE_LEN_MAX: usize = ENVELOPE_LEN_MAX + 64;

/// A parser that keeps what is unfinished between two pieces; its memory is bounded.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    data: Vec<u8>,
    /// The line or the event is longer than allowed and is being skipped.
    too_long: bool,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Something has been read, so that a byte order mark is no longer one.
    started: bool,
    id_buffer: String,
    last_id: String,
    retry_ms: Option<u64>,
}

/// What the parser hands over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The data of one event.
    Data(&'a [u8]),
    /// An event was longer than an envelope may be, and was skipped.
    TooLong,
}

impl Parser {
    /// Takes in the next piece and hands over each event that it completes.
    pub fn feed(&mut self, piece: &[u8], mut event: impl FnMut(Event<'_>)) {
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if self.after_cr {
                self.after_cr = false;
                if first == b'\n' {
                    rest = &rest[1..];
                    continue;
                }
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.keep(rest);
                return;
            };
            self.after_cr = rest[end] == b'\r';
            if self.line.is_empty() && !self.too_long && self.started {
                self.line(&rest[..end], &mut event);
            } else {
                self.keep(&rest[..end]);
                let line = std::mem::take(&mut self.line);
                let start = if self.started { 0 } else { bom_len(&line) };
                self.started = true;
                self.line(&line[start..], &mut event);
                self.line = line;
                self.line.clear();
            }
            rest = &rest[end + 1..];
        }
    }

    /// The `id` of the last complete event; empty before the first.
    pub fn last_id(&self) -> &str {
        &self.last_id
    }

    /// The reconnection time that the stream asked for, in milliseconds.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    fn keep(&mut self, part: &[u8]) {
        if self.line.len() + part.len() > LINE_LEN_MAX {
            self.too_long = true;
            // Enough of it stays to tell that the line was not empty.
            self.line.clear();
            self.line.push(b':');
        } else {
            self.line.extend_from_slice(part);
        }
    }

    fn line(&mut self, line: &[u8], event: &mut impl FnMut(Event<'_>)) {
        if line.is_empty() {
            self.dispatch(event);
            return;
        }
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[..0]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" if self.data.len() + value.len() > LINE_LEN_MAX => self.too_long = true,
            b"data" => {
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            // A cursor is ASCII; an id that is not even UTF-8 is none of ours.
            b"id" if !value.contains(&0) => {
                self.id_buffer = str::from_utf8(value).unwrap_or_default().to_owned();
            }
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                self.retry_ms = str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, event: &mut impl FnMut(Event<'_>)) {
        if self.last_id != self.id_buffer {
            self.last_id.clone_from(&self.id_buffer);
        }
        if self.too_long {
            self.too_long = false;
            event(Event::TooLong);
        } else if let Some((_, data)) = self.data.split_last() {
            event(Event::Data(data));
        }
        self.data.clear();
    }
}

fn bom_len(line: &[u8]) -> usize {
    if line.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn events(stream: &[u8], cuts: &[usize]) -> (Vec<String>, String, Option<u64>) {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        let mut start = 0;
        let mut take = |event: Event<'_>| match event {
            Event::Data(data) => found.push(String::from_utf8_lossy(data).into_owned()),
            Event::TooLong => found.push("too long".into()),
        };
        for &cut in cuts.iter().chain([&stream.len()]) {
            let cut = cut.clamp(start, stream.len());
            parser.feed(&stream[start..cut], &mut take);
            start = cut;
        }
        (found, parser.last_id().to_owned(), parser.retry_ms())
    }

    fn check(stream: &str, expected: &[&str]) {
        assert_eq!(events(stream.as_bytes(), &[]).0, expected, "{stream:?}");
    }

    #[test]
    fn streams_are_read_as_the_standard_says() {
        check("data: a\n\ndata:b\r\n\r\ndata:  c\r\r", &["a", "b", " c"]);
        check("\u{feff}data: a\n\n\u{feff}data: b\n\n", &["a"]);
        check("data: a\ndata\ndata: b\n\n", &["a\n\nb"]);
        check(": comment\n\nevent: x\ndata: a\n\n", &["a"]);
        check("data: unfinished\n", &[]);
        check("data\n\n", &[""]);
        check("Data: a\n\n data: b\n\n", &[]);
    }

    #[test]
    fn ids_and_retry_follow_the_standard() {
        let (_, id, retry) = events(b"retry: 250\nid: a\ndata: x\n\nid: b\0\nretry: 1x\n\nid: later\n", &[]);
        assert_eq!((id.as_str(), retry), ("a", Some(250)));
        assert_eq!(events(b"id: a\n\nid\n\n", &[]).1, "");
    }

    #[test]
    fn an_endless_line_is_skipped_with_bounded_memory() {
        let mut parser = Parser::default();
        let mut found = Vec::new();
        for _ in 0..100 {
            parser.feed(&[b'x'; 10_000], |_| {});
            assert!(parser.line.len() <= LINE_LEN_MAX);
        }
        parser.feed(b"\n\ndata: next\n\n", |event| found.push(format!("{event:?}")));
        assert_eq!(found, ["TooLong".to_owned(), format!("{:?}", Event::Data(b"next"))]);
    }

    proptest! {
        #[test]
        fn where_a_stream_is_cut_does_not_matter(
            stream in "(data: ?[a-c]{0,3}|id: [a-c]|retry: 1|\u{feff}|:|\r\n|\n|\r){0,24}",
            mut cuts in prop::collection::vec(0usize..120, 0..8),
        ) {
            cuts.sort_unstable();
            prop_assert_eq!(events(stream.as_bytes(), &cuts), events(stream.as_bytes(), &[]));
        }
    }
}
