//! The lines of a file, whatever they end with. None takes more memory than a row may have.

use std::io::{BufRead, Result};

/// Longest line that is kept, in bytes; a row of numbers has a hundredth of it.
pub(super) const LINE_LEN_MAX: usize = 64 * 1024;

/// Reads line by line. Lines end with a line feed, a carriage return or both.
pub(super) struct Lines<R> {
    reader: R,
    text: Vec<u8>,
    number: u64,
    /// The last line ended with a carriage return: a line feed right after it is part of that end.
    after_return: bool,
}

impl<R: BufRead> Lines<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, text: Vec::new(), number: 0, after_return: false }
    }

    /// The next line that is not blank, with its number, from 1. Of one that is longer than
    /// [`LINE_LEN_MAX`] the first byte beyond shows that it is; the rest of it is passed over.
    ///
    /// # Errors
    /// When the file cannot be read further.
    pub fn next(&mut self) -> Result<Option<(u64, &[u8])>> {
        while self.read()? {
            if !self.text.trim_ascii().is_empty() {
                return Ok(Some((self.number, &self.text)));
            }
        }
        Ok(None)
    }

    /// Reads one line; false at the end of the file.
    fn read(&mut self) -> Result<bool> {
        self.text.clear();
        let mut is_begun = false;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(is_begun);
            }
            if std::mem::take(&mut self.after_return) && available[0] == b'\n' {
                self.reader.consume(1);
                continue;
            }
            if !std::mem::replace(&mut is_begun, true) {
                self.number += 1;
            }
            let end = available.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &available[..end.unwrap_or(available.len())];
            let room = (LINE_LEN_MAX + 1).saturating_sub(self.text.len());
            self.text.extend_from_slice(&part[..part.len().min(room)]);
            self.after_return = end.is_some_and(|at| available[at] == b'\r');
            let taken = part.len() + usize::from(end.is_some());
            self.reader.consume(taken);
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn read(text: &str, buffer_len: usize) -> Vec<(u64, String)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer_len, text.as_bytes()));
        let mut found = Vec::new();
        while let Some((number, line)) = lines.next().expect("in memory") {
            found.push((number, String::from_utf8_lossy(line).into_owned()));
        }
        found
    }

    #[test]
    fn every_line_end_counts_once_wherever_the_buffer_is_cut() {
        for buffer_len in 1..10 {
            for (text, expected) in [
                ("a\nb\n", vec![(1, "a"), (2, "b")]),
                ("a\r\nb", vec![(1, "a"), (2, "b")]),
                ("a\rb\r", vec![(1, "a"), (2, "b")]),
                ("\r\n\r\nabc\r\r \n\nd", vec![(3, "abc"), (7, "d")]),
                ("\n", vec![]),
                ("", vec![]),
            ] {
                let expected: Vec<_> = expected.into_iter().map(|(n, line)| (n, line.to_owned())).collect();
                assert_eq!(read(text, buffer_len), expected, "{text:?} {buffer_len}");
            }
        }
    }

    #[test]
    fn a_long_line_is_not_kept_whole() {
        let long = std::io::repeat(b'9').take(50_000_000);
        let mut lines = Lines::new(BufReader::new(long.chain("\nb\n".as_bytes())));
        assert_eq!(lines.next().expect("in memory").map(|(_, line)| line.len()), Some(LINE_LEN_MAX + 1));
        assert_eq!(lines.next().expect("in memory"), Some((2, b"b".as_slice())));
        assert!(lines.text.capacity() < 4 * LINE_LEN_MAX);
    }
}
