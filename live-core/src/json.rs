//! Reading JSON without building values: a walker over an object's members for the full path, and a
//! skipper for the fast path. Neither recurses, so depth costs no stack.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::sequence::SAFE_INTEGER_MAX;

/// Most levels of nesting in an envelope; its own braces are the first.
pub const NESTING_MAX: usize = 64;

/// Why an object or one of its members was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the member; `None` when the fault is the object's own.
    pub field: Option<Cow<'static, str>>,
    /// The reason, in plain words.
    pub reason: &'static str,
    /// Byte offset in what was read.
    pub at: usize,
}

impl Fault {
    pub(crate) fn new(field: &'static str, reason: &'static str, at: usize) -> Self {
        Self { field: Some(Cow::Borrowed(field)), reason, at }
    }
}

/// What becomes of a member whose name is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refuse,
    Ignore,
}

/// The raw members of an object, in the order of the names asked for.
pub(crate) struct Members<'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<&'a str>; N],
    text: &'a [u8],
}

impl<'a, const N: usize> Members<'a, N> {
    /// Reads `text` as one object. A repeated member is always refused.
    pub(crate) fn read(
        text: &'a [u8],
        names: &'static [&'static str; N],
        unknown: Unknown,
    ) -> Result<Self, Fault> {
        let mut values = [None; N];
        for (name, value) in entries(text)? {
            let at = value.as_ptr() as usize - text.as_ptr() as usize;
            match names.iter().position(|known| *known == name) {
                Some(index) if values[index].is_none() => values[index] = Some(value),
                Some(index) => return Err(Fault::new(names[index], "is there twice", at)),
                None if unknown == Unknown::Ignore => {}
                None => {
                    let field = Some(Cow::Owned(name.chars().take(64).collect()));
                    return Err(Fault { field, reason: "is not a field of the protocol", at });
                }
            }
        }
        Ok(Self { names, values, text })
    }

    /// Offset of a member's value in the text.
    pub(crate) fn offset(&self, index: usize) -> usize {
        self.values[index]
            .map_or(self.text.len(), |value| value.as_ptr() as usize - self.text.as_ptr() as usize)
    }

    /// A fault of the member with that index.
    pub(crate) fn fault(&self, index: usize, reason: &'static str) -> Fault {
        Fault::new(self.names[index], reason, self.offset(index))
    }

    /// The raw value, if the member is there.
    pub(crate) fn optional(&self, index: usize) -> Option<&'a str> {
        self.values[index]
    }

    /// The raw value of a member that must be there.
    pub(crate) fn raw(&self, index: usize) -> Result<&'a str, Fault> {
        self.values[index].ok_or_else(|| self.fault(index, "is missing"))
    }

    /// A finite number.
    pub(crate) fn number(&self, index: usize) -> Result<f64, Fault> {
        read_number(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// A finite number, if the member is there.
    pub(crate) fn optional_number(&self, index: usize) -> Result<Option<f64>, Fault> {
        self.optional(index).map(|_| self.number(index)).transpose()
    }

    /// An integer from 0 to 2^53 - 1, written without fraction or exponent.
    pub(crate) fn integer(&self, index: usize) -> Result<u64, Fault> {
        read_integer(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// An integer, if the member is there.
    pub(crate) fn optional_integer(&self, index: usize) -> Result<Option<u64>, Fault> {
        self.optional(index).map(|_| self.integer(index)).transpose()
    }

    /// A member that must be there but may be `null`.
    pub(crate) fn nullable<T>(
        &self,
        index: usize,
        read: impl FnOnce(&Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if self.raw(index)? == "null" { Ok(None) } else { read(self).map(Some) }
    }

    /// A string of its own.
    pub(crate) fn text(&self, index: usize) -> Result<Box<str>, Fault> {
        self.string(index).map(Into::into)
    }

    /// A string of its own, if the member is there.
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<Box<str>>, Fault> {
        self.optional(index).map(|_| self.text(index)).transpose()
    }

    /// A time in milliseconds since the Unix epoch, also before it, within what a JavaScript `Date` holds.
    pub(crate) fn time(&self, index: usize) -> Result<i64, Fault> {
        let raw = self.raw(index)?;
        let (negative, digits) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let size = read_integer(digits).map_err(|reason| self.fault(index, reason))?;
        match i64::try_from(size) {
            Ok(size) if size <= TIME_MAX_MS => Ok(if negative { -size } else { size }),
            _ => Err(self.fault(index, "is outside the range of dates")),
        }
    }

    pub(crate) fn boolean(&self, index: usize) -> Result<bool, Fault> {
        match self.raw(index)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.fault(index, "is not true or false")),
        }
    }

    pub(crate) fn string(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        read_string(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }
}

/// Farthest a JavaScript `Date` reaches from 1970, in milliseconds (ECMA-262, "Time Values and Time Range").
pub(crate) const TIME_MAX_MS: i64 = 8_640_000_000_000_000;

/// The members of the object that `text` is, in their order, with the raw text of each value.
pub(crate) fn entries(text: &[u8]) -> Result<Vec<(Cow<'_, str>, &str)>, Fault> {
    struct EntriesVisitor;
    impl<'a> Visitor<'a> for EntriesVisitor {
        type Value = Vec<(Cow<'a, str>, &'a str)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<M: MapAccess<'a>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut entries = Vec::with_capacity(9);
            while let Some(Name(name)) = map.next_key()? {
                entries.push((name, map.next_value::<&RawValue>()?.get()));
            }
            Ok(entries)
        }
    }

    let mut reader = serde_json::Deserializer::from_slice(text);
    let read = reader.deserialize_map(EntriesVisitor).and_then(|entries| reader.end().map(|()| entries));
    read.map_err(|error| {
        let reason = if error.is_data() { "is not an object" } else { "is not valid JSON" };
        // Envelopes stand on one line, so the column is the offset.
        Fault { field: None, reason, at: error.column().saturating_sub(1).min(text.len()) }
    })
}

/// A member's name: borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'a> serde::Deserialize<'a> for Name<'a> {
    fn deserialize<D: serde::Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'a> Visitor<'a> for NameVisitor {
            type Value = Name<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, v: &'a str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Name<'a>, E> {
                Ok(Name(Cow::Owned(v.to_owned())))
            }
        }
        from.deserialize_str(NameVisitor)
    }
}

pub(crate) fn read_string(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err("is not a string");
    };
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    let mut reader = serde_json::Deserializer::from_str(raw);
    match <Name<'_> as serde::Deserialize<'_>>::deserialize(&mut reader) {
        Ok(Name(text)) => Ok(Cow::Owned(text.into_owned())),
        Err(_) => Err("has half of a surrogate pair"),
    }
}

/// Reads a JSON number exactly (correctly rounded), refusing what is no finite number.
pub(crate) fn read_number(raw: &str) -> Result<f64, &'static str> {
    if !raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err("is not a number");
    }
    match raw.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("is too large a number"),
    }
}

pub(crate) fn read_integer(raw: &str) -> Result<u64, &'static str> {
    if !raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err("is not a number");
    }
    if !raw.bytes().all(|b| b.is_ascii_digit()) {
        return Err(if raw.starts_with('-') { "is negative" } else { "is not a whole number" });
    }
    match raw.parse::<u64>() {
        Ok(number) if number <= SAFE_INTEGER_MAX => Ok(number),
        _ => Err("is above 2^53 - 1"),
    }
}

/// Whether valid JSON nests at most `levels` deep.
pub(crate) fn nests_within(text: &[u8], levels: usize) -> bool {
    let mut depth = 0usize;
    let mut in_string = false;
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'\\' if in_string => {
                bytes.next();
            }
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > levels {
                    return false;
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}

/// A reader of JSON text that steps over what it recognises and otherwise says `None`.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Exactly these bytes.
    #[inline]
    pub(crate) fn literal(&mut self, literal: &[u8]) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(literal).then(|| self.at += literal.len())
    }

    /// The bytes up to a closing quote, which is stepped over; neither escapes nor control characters,
    /// ASCII only.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..)?;
        let mut len = 0;
        loop {
            match *rest.get(len)? {
                b'"' => break,
                b'\\' | 0..=0x1f | 0x80.. => return None,
                _ => len += 1,
            }
        }
        self.at += len + 1;
        Some(&rest[..len])
    }

    /// An integer from 0 to 2^53 - 1 without leading zeros.
    #[inline]
    pub(crate) fn integer(&mut self) -> Option<u64> {
        let start = self.at;
        let mut number = 0u64;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            number = number * 10 + u64::from(digit - b'0');
            self.at += 1;
            if self.at - start > 16 {
                return None;
            }
        }
        let len = self.at - start;
        let is_canonical = len == 1 || (len > 1 && self.text[start] != b'0');
        (is_canonical && number <= SAFE_INTEGER_MAX).then_some(number)
    }

    /// A number whose size makes it finite by its length alone.
    #[inline]
    pub(crate) fn short_number(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        self.number()?;
        // 24 characters with an exponent of at most two digits stay far below 1.8e308.
        (self.at - start <= 24).then(|| &self.text[start..self.at])
    }

    fn digits(&mut self) -> Option<usize> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        (self.at > start).then(|| self.at - start)
    }

    /// A JSON number; an exponent of more than two digits is declined.
    fn number(&mut self) -> Option<()> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let leading = self.peek()?;
        if self.digits()? > 1 && leading == b'0' {
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
            if self.digits()? > 2 {
                return None;
            }
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
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
                _ => self.number().map(|()| false)?,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn skips_all(text: &str) -> bool {
        let mut cursor = Cursor::new(text.as_bytes());
        cursor.value(NESTING_MAX).is_some() && cursor.at == text.len()
    }

    #[test]
    fn values_are_skipped_whole() {
        for good in [
            "{}",
            "[]",
            "[[],{}]",
            "{\"a\":[1,2,{\"b\":null}],\"c\":\"x\\u00e9\\n\"}",
            "-0.5e+10",
            "[ 1 , 2 ]",
            "true",
            "\"\"",
        ] {
            assert!(skips_all(good), "{good}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "nul",
            "[1 2]",
            "{\"a\":1 \"b\":2}",
            "]",
        ] {
            assert!(!skips_all(bad), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded_on_both_paths() {
        for (levels, good) in [(64, true), (65, false), (10_000, false)] {
            let text = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
            assert_eq!(skips_all(&text), good, "{levels}");
            assert_eq!(nests_within(text.as_bytes(), NESTING_MAX), good, "{levels}");
        }
    }

    proptest! {
        #[test]
        fn what_the_cursor_takes_serde_takes(text in "[\\[\\]{},:\"a\\\\u0-9.eE+\\- tfn]{0,24}") {
            if skips_all(&text) {
                prop_assert!(serde_json::from_str::<&RawValue>(&text).is_ok(), "{}", text);
            }
        }
    }
}
