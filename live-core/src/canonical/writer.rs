//! One pass over a JSON text that writes its canonical form. Members are written as they come, and put in order
//! where their object ends.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::CanonicalError;
use super::number::write_number;
use crate::json::{Cursor, NESTING_MAX, read_integer, read_number, read_string};

/// What becomes of integers that a double does not hold exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integers {
    AsDoubles,
    Exact,
}

const NOT_JSON: &str = "is not valid JSON";
/// Most characters of a name that an error shows.
const NAME_SHOWN_MAX: usize = 64;

pub(super) struct Writer<'a> {
    from: Cursor<'a>,
    text: &'a str,
    integers: Integers,
    out: String,
    /// The arrays and objects that the reader is inside of, the outermost first.
    open: Vec<Open>,
    /// The members of the open objects so far, those of the outermost first.
    members: Vec<Member<'a>>,
}

/// An array or object that has begun.
#[derive(Clone, Copy)]
struct Open {
    kind: Kind,
    /// How many members there were outside of it: the index of its first one.
    first: usize,
    /// Index of the value that is read now, from 0.
    index: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Array,
    Object,
}

/// A member of an object that is not at its end yet.
struct Member<'a> {
    name: Cow<'a, str>,
    /// Where its name stands in the input.
    at: usize,
    /// Where it begins in the output.
    start: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn new(json: &'a [u8], integers: Integers) -> Result<Self, CanonicalError> {
        let text = str::from_utf8(json)
            .map_err(|e| CanonicalError::new(String::new(), "is not UTF-8", e.valid_up_to()))?;
        Ok(Self {
            from: Cursor::new(json),
            text,
            integers,
            out: String::with_capacity(json.len()),
            open: Vec::new(),
            members: Vec::new(),
        })
    }

    pub(super) fn write(mut self) -> Result<String, CanonicalError> {
        loop {
            let has_begun = self.value()?;
            if !has_begun && self.after_value()? {
                break;
            }
        }
        self.from.white_space();
        if self.from.at < self.text.len() {
            return Err(self.not_json());
        }
        Ok(self.out)
    }

    /// A value; `true` when it is an array or object whose first value comes next.
    fn value(&mut self) -> Result<bool, CanonicalError> {
        self.from.white_space();
        let at = self.from.at;
        match self.from.peek() {
            Some(b'{') => return self.begin(Kind::Object),
            Some(b'[') => return self.begin(Kind::Array),
            Some(b'"') => {
                let text = self.string()?;
                write_string(&mut self.out, &text);
            }
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            _ => {
                self.from.number().ok_or_else(|| self.fault(NOT_JSON, at))?;
                let raw = self.text.get(at..self.from.at).unwrap_or_default();
                let number = self.number(raw).map_err(|reason| self.fault(reason, at))?;
                write_number(&mut self.out, number);
            }
        }
        Ok(false)
    }

    fn number(&self, raw: &str) -> Result<f64, &'static str> {
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        if self.integers == Integers::Exact && digits.bytes().all(|b| b.is_ascii_digit()) {
            read_integer(digits).map_err(|_| "is an integer beyond 2^53 - 1")?;
        }
        read_number(raw)
    }

    fn literal<const N: usize>(&mut self, literal: &'static [u8; N]) -> Result<(), CanonicalError> {
        self.from.literal(literal).ok_or_else(|| self.not_json())?;
        self.out.extend(literal.iter().copied().map(char::from));
        Ok(())
    }

    /// The string that begins here.
    fn string(&mut self) -> Result<Cow<'a, str>, CanonicalError> {
        let at = self.from.at;
        self.from.token(b'"').and_then(|()| self.from.string()).ok_or_else(|| self.not_json())?;
        let text = self.text;
        let raw = text.get(at..self.from.at).unwrap_or_default();
        read_string(raw).map_err(|reason| self.fault(reason, at))
    }

    /// Steps into an array or object; `false` when it is empty and so has ended already.
    fn begin(&mut self, kind: Kind) -> Result<bool, CanonicalError> {
        if self.open.len() == NESTING_MAX {
            return Err(self.fault("nests more than 64 levels deep", self.from.at));
        }
        let [begin, end] = kind.braces();
        self.from.at += 1;
        self.out.push(begin);
        if self.from.token(end as u8).is_some() {
            self.out.push(end);
            return Ok(false);
        }
        self.open.push(Open { kind, first: self.members.len(), index: 0 });
        if kind == Kind::Object {
            self.name()?;
        }
        Ok(true)
    }

    /// A member's name and its colon.
    fn name(&mut self) -> Result<(), CanonicalError> {
        self.from.white_space();
        let at = self.from.at;
        let name = self.string()?;
        let start = self.out.len();
        write_string(&mut self.out, &name);
        self.members.push(Member { name, at, start });
        self.from.token(b':').ok_or_else(|| self.not_json())?;
        self.out.push(':');
        Ok(())
    }

    /// Ends what ends here and steps to the next value; `true` when all has ended.
    fn after_value(&mut self) -> Result<bool, CanonicalError> {
        while let Some(&Open { kind, first, .. }) = self.open.last() {
            let end = kind.braces()[1];
            if self.from.token(end as u8).is_some() {
                self.open.pop();
                if kind == Kind::Object {
                    self.sort(first)?;
                }
                self.out.push(end);
                continue;
            }
            self.from.token(b',').ok_or_else(|| self.not_json())?;
            self.out.push(',');
            if let Some(open) = self.open.last_mut() {
                open.index += 1;
            }
            if kind == Kind::Object {
                self.name()?;
            }
            return Ok(false);
        }
        Ok(true)
    }

    /// Puts the members from that index on, those of the object that ends here, in order and forgets them.
    fn sort(&mut self, first: usize) -> Result<(), CanonicalError> {
        let is_sorted =
            self.members[first..].is_sorted_by(|a, b| compare(&a.name, &b.name) == Ordering::Less);
        if !is_sorted {
            self.rearrange(first)?;
        }
        self.members.truncate(first);
        Ok(())
    }

    fn rearrange(&mut self, first: usize) -> Result<(), CanonicalError> {
        let members = &self.members[first..];
        let begin = members[0].start;
        let written = self.out.split_off(begin);
        // A comma stands between two members.
        let ends = members.iter().skip(1).map(|next| next.start - 1).chain([begin + written.len()]);
        let mut pieces: Vec<_> = members
            .iter()
            .zip(ends)
            .map(|(member, end)| (member, written.get(member.start - begin..end - begin).unwrap_or_default()))
            .collect();
        pieces.sort_by(|(a, _), (b, _)| compare(&a.name, &b.name));
        if let Some([_, (second, _)]) = pieces.array_windows().find(|[(a, _), (b, _)]| a.name == b.name) {
            let mut path = self.path(first);
            push_name(&mut path, &second.name);
            return Err(CanonicalError::new(path, "is there twice", second.at));
        }
        for (at, (_, piece)) in pieces.into_iter().enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            self.out.push_str(piece);
        }
        Ok(())
    }

    #[cold]
    fn not_json(&self) -> CanonicalError {
        self.fault(NOT_JSON, self.from.at.min(self.text.len()))
    }

    #[cold]
    fn fault(&self, reason: &'static str, at: usize) -> CanonicalError {
        CanonicalError::new(self.path(self.members.len()), reason, at)
    }

    /// The place of the value that is read now, of the first `known` members.
    fn path(&self, known: usize) -> String {
        let mut path = String::new();
        // The members of a level end where those of the next one begin.
        let ends = self.open.iter().skip(1).map(|inner| inner.first).chain([known]);
        for (open, end) in self.open.iter().zip(ends) {
            match open.kind {
                Kind::Array => path.push_str(&format!("/{}", open.index)),
                Kind::Object => {
                    if let Some(member) = self.members[open.first..end].last() {
                        push_name(&mut path, &member.name);
                    }
                }
            }
        }
        path
    }
}

impl Kind {
    fn braces(self) -> [char; 2] {
        match self {
            Self::Array => ['[', ']'],
            Self::Object => ['{', '}'],
        }
    }
}

/// The order of two names by their UTF-16 code units, which is not that of their characters: what stands in two
/// units comes before U+E000.
fn compare(a: &str, b: &str) -> Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}

/// Appends a string with no more escapes than JSON asks for.
fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        let short = match byte {
            b'"' | b'\\' => char::from(byte),
            0x08 => 'b',
            b'\t' => 't',
            b'\n' => 'n',
            0x0c => 'f',
            b'\r' => 'r',
            0..=0x1f => 'u',
            _ => continue,
        };
        out.push_str(text.get(written..at).unwrap_or_default());
        out.extend(['\\', short]);
        if short == 'u' {
            out.push_str(&format!("{byte:04x}"));
        }
        written = at + 1;
    }
    out.push_str(text.get(written..).unwrap_or_default());
    out.push('"');
}

/// Appends a member's name to a JSON Pointer.
fn push_name(path: &mut String, name: &str) {
    path.push('/');
    for c in name.chars().take(NAME_SHOWN_MAX) {
        match c {
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            c => path.push(c),
        }
    }
}
