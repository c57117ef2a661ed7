//! Reading JSON without building values: a cursor that steps over what it recognises, and the members of
//! an object as raw text. Nothing here recurses, so depth costs no stack.
//!
//! It is written here rather than taken from `serde_json` because the browser downloads it: the module of
//! the client is half the size without that crate's reader. `serde_json` judges it in the tests.

use std::borrow::Cow;

use crate::decimal;
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

/// Most members that a type may name.
const NAMES_MAX: usize = 9;

/// The raw members of an object, in the order of the names asked for.
///
/// Its functions are the slow path of many types: kept out of line, the module is 2 KB smaller.
pub(crate) struct Members<'a> {
    names: &'static [&'static str],
    values: [Option<&'a str>; NAMES_MAX],
    text: &'a str,
}

impl<'a> Members<'a> {
    /// Reads `text` as one object. A repeated member is always refused.
    #[inline(never)]
    pub(crate) fn read(
        text: &'a str,
        names: &'static [&'static str],
        unknown: Unknown,
    ) -> Result<Self, Fault> {
        debug_assert!(names.len() <= NAMES_MAX, "a type with more members than there is room for");
        let mut values = [None; NAMES_MAX];
        each_member(text, |name, value, at| {
            match names.iter().position(|known| *known == name) {
                Some(index) if values[index].is_none() => values[index] = Some(value),
                Some(index) => return Err(Fault::new(names[index], "is there twice", at)),
                None if unknown == Unknown::Ignore => {}
                None => {
                    let field = Some(Cow::Owned(name.chars().take(64).collect()));
                    return Err(Fault { field, reason: "is not a field of the protocol", at });
                }
            }
            Ok(())
        })?;
        Ok(Self { names, values, text })
    }

    /// Offset of a member's value in the text.
    pub(crate) fn offset(&self, index: usize) -> usize {
        self.values[index]
            .map_or(self.text.len(), |value| value.as_ptr() as usize - self.text.as_ptr() as usize)
    }

    /// A fault of the member with that index.
    #[inline(never)]
    pub(crate) fn fault(&self, index: usize, reason: &'static str) -> Fault {
        Fault::new(self.names[index], reason, self.offset(index))
    }

    /// The raw value, if the member is there.
    pub(crate) fn optional(&self, index: usize) -> Option<&'a str> {
        self.values[index]
    }

    /// The raw value of a member that must be there.
    #[inline(never)]
    pub(crate) fn raw(&self, index: usize) -> Result<&'a str, Fault> {
        self.values[index].ok_or_else(|| self.fault(index, "is missing"))
    }

    /// A finite number.
    #[inline(never)]
    pub(crate) fn number(&self, index: usize) -> Result<f64, Fault> {
        read_number(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// A finite number, if the member is there.
    pub(crate) fn optional_number(&self, index: usize) -> Result<Option<f64>, Fault> {
        self.optional(index).map(|_| self.number(index)).transpose()
    }

    /// An integer from 0 to 2^53 - 1, written without fraction or exponent.
    #[inline(never)]
    pub(crate) fn integer(&self, index: usize) -> Result<u64, Fault> {
        read_integer(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// An integer, if the member is there.
    #[inline(never)]
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
    #[inline(never)]
    pub(crate) fn text(&self, index: usize) -> Result<Box<str>, Fault> {
        self.string(index).map(Into::into)
    }

    /// A string of its own, if the member is there.
    #[inline(never)]
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<Box<str>>, Fault> {
        self.optional(index).map(|_| self.text(index)).transpose()
    }

    /// A time in milliseconds since the Unix epoch, also before it, within what a JavaScript `Date` holds.
    #[inline(never)]
    pub(crate) fn time(&self, index: usize) -> Result<i64, Fault> {
        let raw = self.raw(index)?;
        let (negative, digits) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let size = read_integer(digits).map_err(|reason| self.fault(index, reason))?;
        match i64::try_from(size) {
            Ok(size) if size <= TIME_MAX_MS => Ok(if negative { -size } else { size }),
            _ => Err(self.fault(index, "is outside the range of dates")),
        }
    }

    #[inline(never)]
    pub(crate) fn boolean(&self, index: usize) -> Result<bool, Fault> {
        match self.raw(index)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.fault(index, "is not true or false")),
        }
    }

    #[inline(never)]
    pub(crate) fn string(&self, index: usize) -> Result<Cow<'a, str>, Fault> {
        read_string(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }
}

/// Farthest a JavaScript `Date` reaches from 1970, in milliseconds (ECMA-262, "Time Values and Time Range").
pub(crate) const TIME_MAX_MS: i64 = 8_640_000_000_000_000;

/// Hands over each member of the object that `text` is: its name, the raw text of its value, and where
/// that begins.
pub(crate) fn each_member<'a>(
    text: &'a str,
    mut member: impl FnMut(Cow<'a, str>, &'a str, usize) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut from = Cursor::new(text.as_bytes());
    if from.token(b'{').is_none() {
        return Err(from.object_fault());
    }
    let mut is_first = true;
    while from.token(b'}').is_none() {
        let between = if is_first { Some(()) } else { from.token(b',') };
        let name_at = between.and_then(|()| from.token(b'"')).map(|()| from.at);
        let name_end = name_at.and_then(|_| from.string()).map(|()| from.at - 1);
        let value_at = name_end.and_then(|_| from.token(b':')).map(|()| {
            from.white_space();
            from.at
        });
        let ends = value_at.and_then(|_| from.value(NESTING_MAX - 1)).map(|()| from.at);
        let (Some(name_at), Some(name_end), Some(value_at), Some(end)) = (name_at, name_end, value_at, ends)
        else {
            return Err(from.object_fault());
        };
        let name = unescape(text.get(name_at..name_end).unwrap_or_default()).map_err(|reason| Fault {
            field: None,
            reason,
            at: name_at,
        })?;
        member(name, text.get(value_at..end).unwrap_or_default(), value_at)?;
        is_first = false;
    }
    from.white_space();
    if from.at == text.len() { Ok(()) } else { Err(from.object_fault()) }
}

pub(crate) fn read_string(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    let Some(inner) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return Err("is not a string");
    };
    unescape(inner)
}

/// The text that the inside of a JSON string stands for. The escapes have been seen to be well formed.
fn unescape(inner: &str) -> Result<Cow<'_, str>, &'static str> {
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else { return Ok(Cow::Borrowed(inner)) };
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    let mut next = Some(first);
    while let Some(at) = next {
        text.push_str(rest.get(..at).unwrap_or_default());
        let escaped = rest.as_bytes().get(at + 1).copied().unwrap_or_default();
        let mut len = 2;
        text.push(match escaped {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (scalar, units) = unicode_escape(rest.get(at..).unwrap_or_default())
                    .ok_or("has half of a surrogate pair")?;
                len = units * 6;
                scalar
            }
            other => char::from(other),
        });
        rest = rest.get(at + len..).unwrap_or_default();
        next = memchr::memchr(b'\\', rest.as_bytes());
    }
    text.push_str(rest);
    Ok(Cow::Owned(text))
}

/// The character at the head of the text, written as one or two `\u` escapes, and how many they were.
fn unicode_escape(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let high = unit(0)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high).map(|scalar| (scalar, 1));
    }
    let low = unit(6).filter(|low| (0xdc00..0xe000).contains(low))?;
    char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)).map(|scalar| (scalar, 2))
}

/// Reads a JSON number exactly (correctly rounded), refusing what is no finite number.
pub(crate) fn read_number(raw: &str) -> Result<f64, &'static str> {
    if !raw.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return Err("is not a number");
    }
    let number = decimal::parse(raw);
    if number.is_finite() { Ok(number) } else { Err("is too large a number") }
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
    fn object_fault(&self) -> Fault {
        let is_other_value = self.at == 0 && Cursor::new(self.text).value(NESTING_MAX).is_some();
        let reason = match (self.is_too_deep, is_other_value) {
            (true, _) => "nests more than 64 levels deep",
            (_, true) => "is not an object",
            _ => "is not valid JSON",
        };
        Fault { field: None, reason, at: self.at.min(self.text.len()) }
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
    fn number(&mut self) -> Option<usize> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::value::RawValue;

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
            r#"{"a":[1,2,{"b":null}],"c":"x\u00e9\n"}"#,
            "-0.5e+10",
            "[ 1 , 2 ]",
            "true",
            r#""""#,
            "1e999",
        ] {
            assert!(skips_all(good), "{good}");
        }
        for bad in [
            "",
            "{",
            "[1,]",
            r#"{"a"}"#,
            r#"{"a":1,}"#,
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            r#""\x""#,
            r#""\u12g4""#,
            "\"\n\"",
            "nul",
            "[1 2]",
            r#"{"a":1 "b":2}"#,
            "]",
        ] {
            assert!(!skips_all(bad), "{bad}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        for (levels, good) in [(64, true), (65, false), (10_000, false)] {
            assert_eq!(skips_all(&format!("{}{}", "[".repeat(levels), "]".repeat(levels))), good, "{levels}");
        }
        let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(64), "]".repeat(64));
        let fault = each_member(&deep, |_, _, _| Ok(())).expect_err("too deep");
        assert_eq!(fault.reason, "nests more than 64 levels deep");
    }

    #[test]
    fn faults_of_an_object_have_their_place() {
        let fault =
            |text: &str| each_member(text, |_, _, _| Ok(())).map_err(|fault| (fault.reason, fault.at));
        assert_eq!(fault("[]"), Err(("is not an object", 0)));
        assert_eq!(fault(r#"{"a":1"#), Err(("is not valid JSON", 6)));
        assert_eq!(fault(r#"{"a":1} x"#), Err(("is not valid JSON", 8)));
        assert_eq!(fault(r#"{"\ud800":1}"#), Err(("has half of a surrogate pair", 2)));
        assert_eq!(fault(" { } "), Ok(()));
    }

    /// Texts that are nearly JSON.
    fn nearly_json() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"a\"",
            "\"b\":",
            "1",
            "-0",
            "1e9",
            "0.5",
            "true",
            "false",
            "null",
            " ",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud800\"",
            "\"é\"",
            "\"",
            "\\",
            "\n",
            "\t",
            "e",
            "x",
            "{\"k\":[1,{}]}",
        ]);
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn serde_takes_the_same_values(text in nearly_json()) {
            let by_serde = serde_json::from_str::<&RawValue>(&text).is_ok();
            let mut cursor = Cursor::new(text.as_bytes());
            let mine = cursor.value(NESTING_MAX).is_some() && { cursor.white_space(); cursor.at == text.len() };
            prop_assert_eq!(mine, by_serde, "{}", text);
        }

        #[test]
        fn serde_finds_the_same_members(text in nearly_json().prop_map(|inside| format!("{{{inside}}}"))) {
            let mut mine = Vec::new();
            let read = each_member(&text, |name, value, _| { mine.push((name.into_owned(), value.to_owned())); Ok(()) });
            let by_serde = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text);
            if let (Ok(()), Ok(map)) = (&read, &by_serde) {
                prop_assert!(mine.iter().all(|(name, _)| map.contains_key(name)));
                prop_assert!(map.keys().all(|name| mine.iter().any(|(mine, _)| mine == name)));
            }
            // serde's map also reads the values, and so refuses half of a surrogate pair in one.
            prop_assert!(read.is_ok() || by_serde.is_err(), "{}", text);
        }

        #[test]
        fn serde_reads_the_same_string(text in any::<String>(), escapes in "(\\\\[nrtbf\"\\\\/]|\\\\u[0-9a-fD][0-9a-f]{3}|x){0,8}") {
            for raw in [serde_json::to_string(&text).expect("encodes"), format!("\"{escapes}\"")] {
                let by_serde = serde_json::from_str::<String>(&raw);
                prop_assert_eq!(read_string(&raw).ok().map(Cow::into_owned), by_serde.ok(), "{}", raw);
            }
        }

        #[test]
        fn serde_reads_the_same_number(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = serde_json::to_string(&number).expect("encodes");
            prop_assert_eq!(read_number(&text).map(f64::to_bits), Ok(number.to_bits()));
        }
    }
}
