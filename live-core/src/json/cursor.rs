//! The reader of JSON text that everything on the wire is parsed with.

use super::{Fault, NESTING_MAX};
use crate::sequence::SAFE_INTEGER_MAX;

/// A reader of JSON text that steps over what it recognises and otherwise says `None`.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) at: usize,
    is_too_deep: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, is_too_deep: false }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Exactly these bytes. The length is known when this is compiled, so that the comparison is made of
    /// whole words rather than of a call.
    #[inline(always)]
    pub(crate) fn literal<const N: usize>(&mut self, literal: &[u8; N]) -> Option<()> {
        let found = self.text.get(self.at..)?.first_chunk::<N>()?;
        let (words, rest) = found.as_chunks::<8>();
        let (expected_words, expected_rest) = literal.as_chunks::<8>();
        for (word, expected) in words.iter().zip(expected_words) {
            if u64::from_le_bytes(*word) != u64::from_le_bytes(*expected) {
                return None;
            }
        }
        for (byte, expected) in rest.iter().zip(expected_rest) {
            if byte != expected {
                return None;
            }
        }
        self.at += N;
        Some(())
    }

    /// The bytes up to a closing quote, which is stepped over; neither escapes nor control characters,
    /// ASCII only.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..)?;
        let end = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f | 0x80..))?;
        let (string, quote) = rest.split_at_checked(end)?;
        if quote.first() != Some(&b'"') {
            return None;
        }
        self.at += end + 1;
        Some(string)
    }

    /// An integer from 0 to 2^53 - 1 without leading zeros.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<u64> {
        let digits = self.digits()?;
        if digits.len() > 16 || (digits.len() > 1 && digits[0] == b'0') {
            return None;
        }
        let number = digits.iter().fold(0u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        (number <= SAFE_INTEGER_MAX).then_some(number)
    }

    /// A number whose size makes it finite by its length alone.
    #[inline]
    pub(crate) fn short_number(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let exponent_digits = self.number()?;
        // 24 characters with an exponent of at most two digits stay far below 1.8e308.
        (self.at - start <= 24 && exponent_digits <= 2).then(|| &self.text[start..self.at])
    }

    /// Why no object could be read from here.
    pub(super) fn object_fault(&self) -> Box<Fault> {
        let is_other_value = self.at == 0 && Cursor::new(self.text).value(NESTING_MAX).is_some();
        let reason = match (self.is_too_deep, is_other_value) {
            (true, _) => "nests more than 64 levels deep",
            (_, true) => "is not an object",
            _ => "is not valid JSON",
        };
        Fault::new(None, reason, self.at.min(self.text.len()))
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..)?;
        let len = rest.iter().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).filter(|digits| !digits.is_empty())
    }

    /// A JSON number; returns how many digits its exponent has.
    #[inline]
    pub(crate) fn number(&mut self) -> Option<usize> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if whole.len() > 1 && whole[0] == b'0' {
            return None;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            return self.digits().map(<[u8]>::len);
        }
        Some(0)
    }

    pub(crate) fn string(&mut self) -> Option<()> {
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => {
                    let escaped = self.peek()?;
                    self.at += 1;
                    match escaped {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let hex = self.text.get(self.at..self.at + 4)?;
                            if !hex.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    pub(crate) fn white_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    /// White space, then exactly this byte.
    pub(crate) fn token(&mut self, token: u8) -> Option<()> {
        self.white_space();
        (self.peek()? == token).then(|| self.at += 1)
    }

    /// Any value of at most `levels` levels of nesting (at most 64). UTF-8 is not judged here.
    pub(crate) fn value(&mut self, levels: usize) -> Option<()> {
        let mut depth = 0;
        // Bit i says whether level i is an object.
        let mut objects = 0u64;
        loop {
            self.white_space();
            let byte = self.peek()?;
            let opened = match byte {
                b'{' | b'[' => {
                    if depth == levels.min(64) {
                        self.is_too_deep = true;
                        return None;
                    }
                    self.at += 1;
                    let is_object = byte == b'{';
                    objects = objects & !(1 << depth) | u64::from(is_object) << depth;
                    depth += 1;
                    self.white_space();
                    if self.peek()? == if is_object { b'}' } else { b']' } {
                        self.at += 1;
                        depth -= 1;
                        false
                    } else {
                        if is_object {
                            self.member_name()?;
                        }
                        true
                    }
                }
                b'"' => {
                    self.at += 1;
                    self.string()?;
                    false
                }
                b't' => self.literal(b"true").map(|()| false)?,
                b'f' => self.literal(b"false").map(|()| false)?,
                b'n' => self.literal(b"null").map(|()| false)?,
                _ => self.number().map(|_| false)?,
            };
            if !opened && self.after_value(&mut depth, objects)? {
                return Some(());
            }
        }
    }

    /// After a value: closes what ends here, steps to the next value. `true` when all is closed.
    fn after_value(&mut self, depth: &mut usize, objects: u64) -> Option<bool> {
        while *depth > 0 {
            let is_object = objects >> (*depth - 1) & 1 == 1;
            self.white_space();
            match (self.peek()?, is_object) {
                (b',', _) => {
                    self.at += 1;
                    if is_object {
                        self.white_space();
                        self.member_name()?;
                    }
                    return Some(false);
                }
                (b'}', true) | (b']', false) => {
                    self.at += 1;
                    *depth -= 1;
                }
                _ => return None,
            }
        }
        Some(true)
    }

    fn member_name(&mut self) -> Option<()> {
        self.literal(b"\"")?;
        self.string()?;
        self.white_space();
        self.literal(b":")
    }
}
