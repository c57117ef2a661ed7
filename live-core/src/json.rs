//! Reading JSON without building values: a cursor that steps over what it recognises, and the members of
//! an object as raw text. Nothing here recurses, so depth costs no stack.
//!
//! It is written here rather than taken from `serde_json` because the browser downloads it: the module of
//! the client is half the size without that crate's reader. `serde_json` judges it in the tests.

mod cursor;

use std::borrow::Cow;

pub(crate) use cursor::Cursor;

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
    /// In a box, since nearly every reader returns one and hardly ever does: a word is handed on instead of six.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(field: Option<Cow<'static, str>>, reason: &'static str, at: usize) -> Box<Self> {
        Box::new(Self { field, reason, at })
    }
}

/// What becomes of a member whose name is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    Refuse,
    Ignore,
}

/// Most members that a type may name.
const NAMES_MAX: usize = 10;

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
    ) -> Result<Self, Box<Fault>> {
        debug_assert!(names.len() <= NAMES_MAX, "a type with more members than there is room for");
        let mut values = [None; NAMES_MAX];
        each_member(text, |name, value, at| {
            match names.iter().position(|known| *known == name) {
                Some(index) if values[index].is_none() => values[index] = Some(value),
                Some(index) => {
                    return Err(Fault::new(Some(Cow::Borrowed(names[index])), "is there twice", at));
                }
                None if unknown == Unknown::Ignore => {}
                None => {
                    let field = Some(Cow::Owned(name.chars().take(64).collect()));
                    return Err(Fault::new(field, "is not a field of the protocol", at));
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
    pub(crate) fn fault(&self, index: usize, reason: &'static str) -> Box<Fault> {
        Fault::new(Some(Cow::Borrowed(self.names[index])), reason, self.offset(index))
    }

    /// The raw value, if the member is there.
    pub(crate) fn optional(&self, index: usize) -> Option<&'a str> {
        self.values[index]
    }

    /// The raw value of a member that must be there.
    #[inline(never)]
    pub(crate) fn raw(&self, index: usize) -> Result<&'a str, Box<Fault>> {
        self.values[index].ok_or_else(|| self.fault(index, "is missing"))
    }

    /// A finite number.
    #[inline(never)]
    pub(crate) fn number(&self, index: usize) -> Result<f64, Box<Fault>> {
        read_number(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// A finite number, if the member is there.
    pub(crate) fn optional_number(&self, index: usize) -> Result<Option<f64>, Box<Fault>> {
        self.optional(index).map(|_| self.number(index)).transpose()
    }

    /// An integer from 0 to 2^53 - 1, written without fraction or exponent.
    #[inline(never)]
    pub(crate) fn integer(&self, index: usize) -> Result<u64, Box<Fault>> {
        read_integer(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }

    /// An integer, if the member is there.
    #[inline(never)]
    pub(crate) fn optional_integer(&self, index: usize) -> Result<Option<u64>, Box<Fault>> {
        self.optional(index).map(|_| self.integer(index)).transpose()
    }

    /// A member that must be there but may be `null`.
    pub(crate) fn nullable<T>(
        &self,
        index: usize,
        read: impl FnOnce(&Self) -> Result<T, Box<Fault>>,
    ) -> Result<Option<T>, Box<Fault>> {
        if self.raw(index)? == "null" { Ok(None) } else { read(self).map(Some) }
    }

    /// A string of its own.
    #[inline(never)]
    pub(crate) fn text(&self, index: usize) -> Result<Box<str>, Box<Fault>> {
        self.string(index).map(Into::into)
    }

    /// A string of its own, if the member is there.
    #[inline(never)]
    pub(crate) fn optional_text(&self, index: usize) -> Result<Option<Box<str>>, Box<Fault>> {
        self.optional(index).map(|_| self.text(index)).transpose()
    }

    /// A time in milliseconds since the Unix epoch, also before it, within what a JavaScript `Date` holds.
    #[inline(never)]
    pub(crate) fn time(&self, index: usize) -> Result<i64, Box<Fault>> {
        let raw = self.raw(index)?;
        let (negative, digits) = raw.strip_prefix('-').map_or((false, raw), |rest| (true, rest));
        let size = read_integer(digits).map_err(|reason| self.fault(index, reason))?;
        match i64::try_from(size) {
            Ok(size) if size <= TIME_MAX_MS => Ok(if negative { -size } else { size }),
            _ => Err(self.fault(index, "is outside the range of dates")),
        }
    }

    #[inline(never)]
    pub(crate) fn boolean(&self, index: usize) -> Result<bool, Box<Fault>> {
        match self.raw(index)? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(self.fault(index, "is not true or false")),
        }
    }

    #[inline(never)]
    pub(crate) fn string(&self, index: usize) -> Result<Cow<'a, str>, Box<Fault>> {
        read_string(self.raw(index)?).map_err(|reason| self.fault(index, reason))
    }
}

/// Farthest a JavaScript `Date` reaches from 1970, in milliseconds (ECMA-262, "Time Values and Time Range").
pub(crate) const TIME_MAX_MS: i64 = 8_640_000_000_000_000;

/// Hands over each member of the object that `text` is: its name, the raw text of its value, and where
/// that begins.
pub(crate) fn each_member<'a>(
    text: &'a str,
    mut member: impl FnMut(Cow<'a, str>, &'a str, usize) -> Result<(), Box<Fault>>,
) -> Result<(), Box<Fault>> {
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
        let name = unescape(text.get(name_at..name_end).unwrap_or_default())
            .map_err(|reason| Fault::new(None, reason, name_at))?;
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

#[cfg(test)]
mod tests;
