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

/// Looks through the bytes of one head as they come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadScan {
    /// Bytes of the line so far, without its end.
    line_len: usize,
    /// Which of the two names the line still may begin with.
    is_length: bool,
    is_encoding: bool,
    has_length: bool,
    has_encoding: bool,
    after_cr: bool,
    has_begun: bool,
    is_over: bool,
}

impl HeadScan {
    /// Looks at what came next; bytes after the head are passed over.
    ///
    /// # Errors
    /// The first ambiguity.
    pub fn look(&mut self, bytes: &[u8]) -> Result<(), Ambiguity> {
        for &byte in bytes {
            if self.is_over {
                return Ok(());
            }
            match byte {
                b'\n' if !self.after_cr => return Err(Ambiguity::BareLineFeed),
                b'\n' => self.end_line(),
                b'\r' => self.after_cr = true,
                byte => self.within_line(byte)?,
            }
        }
        Ok(())
    }

    fn end_line(&mut self) {
        // Empty lines before the request are allowed.
        self.is_over = self.has_begun && self.line_len == 0;
        self.line_len = 0;
        self.after_cr = false;
    }

    fn within_line(&mut self, byte: u8) -> Result<(), Ambiguity> {
        let at = self.line_len;
        if at == 0 {
            (self.is_length, self.is_encoding) = (self.has_begun, self.has_begun);
        }
        let byte = byte.to_ascii_lowercase();
        self.is_length &= CONTENT_LENGTH.get(at).is_none_or(|wanted| *wanted == byte);
        self.is_encoding &= TRANSFER_ENCODING.get(at).is_none_or(|wanted| *wanted == byte);
        self.line_len += 1;
        self.has_length |= self.is_length && self.line_len == CONTENT_LENGTH.len();
        self.has_encoding |= self.is_encoding && self.line_len == TRANSFER_ENCODING.len();
        self.has_begun = true;
        self.after_cr = false;
        if self.has_length && self.has_encoding { Err(Ambiguity::TwoLengths) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &str, expected: Result<(), Ambiguity>) {
        assert_eq!(HeadScan::default().look(head.as_bytes()), expected, "{head:?}");
        let mut scan = HeadScan::default();
        let piecewise = head.bytes().try_for_each(|byte| scan.look(&[byte]));
        assert_eq!(piecewise, expected, "a byte at a time: {head:?}");
    }

    #[test]
    fn only_heads_that_everybody_reads_alike_pass() {
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(()));
        check("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nbody\nwith a line", Ok(()));
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
}
