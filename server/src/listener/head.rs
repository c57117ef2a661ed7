//! What of a request's head is refused although the parser would take it, because others read it differently.

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ambiguity {
    /// A line ends without a carriage return.
    BareLineFeed,
    /// Two answers to where the body ends: `Content-Length` and `Transfer-Encoding`.
    TwoLengths,
}

const CONTENT_LENGTH: &[u8] = b"content-length:";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding:";

/// Follows the bytes of a connection as they come, from one request to the next, also where several came at once
/// or while another was being answered. What it takes for the end of a body is what the parser does: whatever
/// else a body could end with, the parser refuses.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    part: Part,
}

#[derive(Clone, Copy, Debug)]
enum Part {
    Head(Head),
    Body {
        left: u64,
    },
    /// The line before a chunk.
    Size {
        line: Line,
        len: u64,
        is_number: bool,
    },
    /// A chunk with the end of its line.
    Chunk {
        left: u64,
    },
    /// What follows the last chunk.
    Trailers(Line),
}

impl Default for Part {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Part {
    fn size() -> Self {
        Self::Size { line: Line::default(), len: 0, is_number: true }
    }

    /// Looks at one byte, outside of bodies, and returns what comes next where this was the end.
    fn look(&mut self, byte: u8) -> Result<Option<Self>, Ambiguity> {
        match self {
            Self::Head(head) => Ok(head.look(byte)?.then(|| head.body())),
            Self::Size { line, len, is_number } => match line.look(byte)? {
                Place::End(_) if *len == 0 => Ok(Some(Self::Trailers(Line::default()))),
                Place::End(_) => Ok(Some(Self::Chunk { left: len.saturating_add(2) })),
                Place::Within(_) => {
                    match (byte as char).to_digit(16) {
                        Some(digit) if *is_number => {
                            *len = len.saturating_mul(16).saturating_add(digit.into());
                        }
                        _ => *is_number = false,
                    }
                    Ok(None)
                }
                Place::Cr => Ok(None),
            },
            Self::Trailers(line) => Ok((line.look(byte)? == Place::End(0)).then(Self::default)),
            Self::Body { .. } | Self::Chunk { .. } => Ok(None),
        }
    }
}

impl Scan {
    /// Looks at what came next.
    ///
    /// # Errors
    /// The first ambiguity, and the place of the byte that makes it one.
    pub fn look(&mut self, bytes: &[u8]) -> Result<(), (usize, Ambiguity)> {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let next = match &mut self.part {
                Part::Body { left } | Part::Chunk { left } => {
                    let passed = (*left).min((bytes.len() - at) as u64);
                    *left -= passed;
                    at += passed as usize;
                    match self.part {
                        Part::Body { left: 0 } => Some(Part::default()),
                        Part::Chunk { left: 0 } => Some(Part::size()),
                        _ => None,
                    }
                }
                part => {
                    let looked = part.look(byte).map_err(|ambiguity| (at, ambiguity));
                    at += 1;
                    looked?
                }
            };
            self.part = next.unwrap_or(self.part);
        }
        Ok(())
    }

    /// Whether a head has begun and is not over.
    pub fn is_within_head(&self) -> bool {
        matches!(&self.part, Part::Head(head) if head.has_begun)
    }
}

/// A line as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// Its bytes, without its end.
    len: usize,
    after_cr: bool,
}

/// Where in a line a byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// After so many others of the line.
    Within(usize),
    Cr,
    /// The end of a line of so many bytes.
    End(usize),
}

impl Line {
    fn look(&mut self, byte: u8) -> Result<Place, Ambiguity> {
        match byte {
            b'\n' if !self.after_cr => Err(Ambiguity::BareLineFeed),
            b'\n' => Ok(Place::End(std::mem::take(self).len)),
            b'\r' => {
                self.after_cr = true;
                Ok(Place::Cr)
            }
            _ => {
                self.after_cr = false;
                self.len += 1;
                Ok(Place::Within(self.len - 1))
            }
        }
    }
}

/// A head as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    line: Line,
    /// Which of the two names the line still may begin with.
    is_length: bool,
    is_encoding: bool,
    has_length: bool,
    has_encoding: bool,
    /// What `Content-Length` says.
    len: u64,
    has_begun: bool,
}

impl Head {
    /// Whether this byte is its last.
    fn look(&mut self, byte: u8) -> Result<bool, Ambiguity> {
        match self.line.look(byte)? {
            // Empty lines before the request are allowed.
            Place::End(len) => Ok(self.has_begun && len == 0),
            Place::Cr => Ok(false),
            Place::Within(at) => self.within_line(byte, at).map(|()| false),
        }
    }

    fn within_line(&mut self, byte: u8, at: usize) -> Result<(), Ambiguity> {
        if at == 0 {
            // The first line has no name.
            (self.is_length, self.is_encoding) = (self.has_begun, self.has_begun);
            self.has_begun = true;
        }
        if self.is_length && byte.is_ascii_digit() && at >= CONTENT_LENGTH.len() {
            self.len = self.len.saturating_mul(10).saturating_add((byte - b'0').into());
        }
        let byte = byte.to_ascii_lowercase();
        self.is_length &= CONTENT_LENGTH.get(at).is_none_or(|wanted| *wanted == byte);
        self.is_encoding &= TRANSFER_ENCODING.get(at).is_none_or(|wanted| *wanted == byte);
        if self.is_length && at + 1 == CONTENT_LENGTH.len() {
            (self.has_length, self.len) = (true, 0);
        }
        self.has_encoding |= self.is_encoding && at + 1 == TRANSFER_ENCODING.len();
        if self.has_length && self.has_encoding { Err(Ambiguity::TwoLengths) } else { Ok(()) }
    }

    /// What follows it.
    fn body(&self) -> Part {
        match (self.has_encoding, self.len) {
            // Of encodings the parser takes this one only.
            (true, _) => Part::size(),
            (false, 0) => Part::default(),
            (false, left) => Part::Body { left },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges all at once and a byte at a time.
    fn check(sent: &str, expected: Result<(), Ambiguity>) {
        let at_once = Scan::default().look(sent.as_bytes());
        let mut scan = Scan::default();
        let piecewise = sent
            .bytes()
            .enumerate()
            .try_for_each(|(at, byte)| scan.look(&[byte]).map_err(|(_, ambiguity)| (at, ambiguity)));
        assert_eq!(at_once, piecewise, "{sent:?}");
        assert_eq!(at_once.map_err(|(_, ambiguity)| ambiguity), expected, "{sent:?}");
    }

    #[test]
    fn only_heads_that_everybody_reads_alike_pass() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(()));
        check("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(()));
        check("POST / HTTP/1.1\r\nContent-Length: 3\r\nX-Transfer-Encoding: a\r\n\r\n", Ok(()));
        check("POST / HTTP/1.1\r\nX: transfer-encoding: a\r\nContent-Length: 3\r\n\r\n", Ok(()));
        check("GET / HTTP/1.1\nHost: a\r\n\r\n", Err(Ambiguity::BareLineFeed));
        check("GET / HTTP/1.1\r\nHost: a\r\n\n", Err(Ambiguity::BareLineFeed));
        for pair in [
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "transfer-encoding:chunked\r\nCONTENT-LENGTH: 3",
            "Content-Length: 3\r\nTransfer-Encoding : x\r\nTransfer-Encoding: identity",
        ] {
            check(&format!("POST / HTTP/1.1\r\n{pair}\r\n\r\n"), Err(Ambiguity::TwoLengths));
        }
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    const BARE: &str = "GET / HTTP/1.1\nHost: a\r\n\r\n";
    const TWO: &str = "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";

    #[test]
    fn every_head_of_a_connection_is_judged_and_no_body() {
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        for before in [
            GET.to_owned(),
            GET.repeat(5),
            format!("\r\n{GET}\r\n"),
            "POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\na\nb\n\n\nGET /\n".to_owned(),
            "POST / HTTP/1.1\r\ncontent-length:0\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n\n\n\n".to_owned(),
            format!("{chunked}0\r\n\r\n"),
            format!("{chunked}5\r\na\nb\n\n\r\n0012;x=\"y\"\r\n{}\r\n0\r\n\r\n", "\n".repeat(18)),
            format!("{chunked}A\r\n{}\r\n0\r\nX: y\r\nContent-Length: 9\r\n\r\n", "\n".repeat(10)),
        ] {
            check(&before, Ok(()));
            check(&format!("{before}{GET}"), Ok(()));
            check(&format!("{before}{BARE}"), Err(Ambiguity::BareLineFeed));
            check(&format!("{before}{TWO}"), Err(Ambiguity::TwoLengths));
        }
        check(&format!("{chunked}1\nx\r\n0\r\n\r\n"), Err(Ambiguity::BareLineFeed));
        check(&format!("{chunked}0\r\nX: y\n\r\n"), Err(Ambiguity::BareLineFeed));
        let immense = "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n";
        check(&format!("{immense}{BARE}"), Ok(()));
    }

    #[test]
    fn a_head_is_within_itself_only() {
        let mut scan = Scan::default();
        let mut after = |bytes: &str| {
            scan.look(bytes.as_bytes()).expect("nothing to refuse");
            scan.is_within_head()
        };
        assert!(!after("") && !after("\r\n") && after("G") && after("ET / HTTP/1.1\r\n"));
        assert!(!after("Content-Length: 2\r\n\r\n") && !after("ab") && after("GET"));
    }
}
