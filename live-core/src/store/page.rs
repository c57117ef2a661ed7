//! The answer to a poll: `{"cursor":"...","envelopes":[...]}`.

use crate::json::{Cursor, NESTING_MAX, read_string};

/// What an answer holds: where the channels stand after it, and its envelopes as text.
#[derive(Debug, PartialEq)]
pub(super) struct Page<'a> {
    pub cursor: Box<str>,
    pub envelopes: Vec<&'a [u8]>,
}

/// Why a text is no answer to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageFault {
    /// The member at fault.
    pub field: &'static str,
    pub reason: &'static str,
    /// Offset in the text.
    pub at: usize,
}

/// Reads an answer. Its envelopes are found, not judged; members that are not known are stepped over.
pub(super) fn read(text: &[u8]) -> Result<Page<'_>, PageFault> {
    let mut from = Cursor::new(text);
    let (mut cursor, mut envelopes) = (None, None);
    let fault = |field, reason, from: &Cursor<'_>| PageFault { field, reason, at: from.at };
    let shape = |from: &Cursor<'_>| fault("", "is not a JSON object", from);
    from.token(b'{').ok_or_else(|| shape(&from))?;
    if from.token(b'}').is_none() {
        loop {
            let name = raw_value(&mut from, 1).ok_or_else(|| shape(&from))?;
            from.token(b':').ok_or_else(|| shape(&from))?;
            match name {
                b"\"cursor\"" => {
                    let raw = raw_value(&mut from, 1).ok_or_else(|| shape(&from))?;
                    let value = str::from_utf8(raw).map_err(|_| "is not UTF-8").and_then(read_string);
                    cursor = Some(value.map_err(|reason| fault("cursor", reason, &from))?.into());
                }
                b"\"envelopes\"" => {
                    let list = list(&mut from).ok_or_else(|| fault("envelopes", "is not a list", &from))?;
                    envelopes = Some(list);
                }
                _ if name.first() == Some(&b'"') => {
                    raw_value(&mut from, NESTING_MAX).ok_or_else(|| shape(&from))?;
                }
                _ => return Err(shape(&from)),
            }
            if from.token(b',').is_none() {
                from.token(b'}').ok_or_else(|| shape(&from))?;
                break;
            }
        }
    }
    from.white_space();
    if from.at != text.len() {
        return Err(shape(&from));
    }
    let missing = |field| fault(field, "is missing", &from);
    Ok(Page {
        cursor: cursor.ok_or_else(|| missing("cursor"))?,
        envelopes: envelopes.ok_or_else(|| missing("envelopes"))?,
    })
}

fn list<'a>(from: &mut Cursor<'a>) -> Option<Vec<&'a [u8]>> {
    let mut items = Vec::new();
    from.token(b'[')?;
    if from.token(b']').is_some() {
        return Some(items);
    }
    loop {
        items.push(raw_value(from, NESTING_MAX)?);
        if from.token(b',').is_none() {
            return from.token(b']').map(|()| items);
        }
    }
}

fn raw_value<'a>(from: &mut Cursor<'a>, levels: usize) -> Option<&'a [u8]> {
    from.white_space();
    let start = from.at;
    from.value(levels)?;
    from.text.get(start..from.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: Result<(&str, &[&str]), (&str, &str)>) {
        let found = read(text.as_bytes());
        let found = found.map_err(|fault| (fault.field, fault.reason)).map(|page| {
            let envelopes = page.envelopes.iter().map(|e| str::from_utf8(e).expect("a text")).collect();
            (page.cursor, envelopes)
        });
        let expected: Result<(Box<str>, Vec<&str>), _> =
            expected.map(|(cursor, envelopes)| (cursor.into(), envelopes.to_vec()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn an_answer_is_taken_apart() {
        check(r#"{"cursor":"1.","envelopes":[]}"#, Ok(("1.", &[])));
        check(
            r#" { "envelopes" : [ {"a":[1]} , 2 ] , "x": {"y":[]}, "cursor" : "\u0031" } "#,
            Ok(("1", &[r#"{"a":[1]}"#, "2"])),
        );
    }

    #[test]
    fn what_is_none_is_told() {
        let shape = Err(("", "is not a JSON object"));
        for text in [
            "",
            "[]",
            "{",
            "{]",
            r#"{"cursor"}"#,
            r#"{"cursor":"1.","envelopes":[]}x"#,
            r#"{"a":1,}"#,
            "{1:2}",
        ] {
            check(text, shape);
        }
        check("{}", Err(("cursor", "is missing")));
        check(r#"{"cursor":"1."}"#, Err(("envelopes", "is missing")));
        check(r#"{"cursor":7,"envelopes":[]}"#, Err(("cursor", "is not a string")));
        for list in ["{}", "[1", "[1,]", "7", "[,]"] {
            check(&format!(r#"{{"cursor":"1.","envelopes":{list}}}"#), Err(("envelopes", "is not a list")));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[{}\\[\\],:\"a1 \\\\cursorenvelopes]{0,40}") {
            let _page = read(text.as_bytes());
        }

        #[test]
        fn what_was_written_is_read(cursor in "\\PC{0,20}", values in prop::collection::vec(any::<f64>(), 0..9)) {
            let text = serde_json::json!({"cursor": cursor, "envelopes": values}).to_string();
            let page = read(text.as_bytes()).expect("an answer");
            prop_assert_eq!(&*page.cursor, cursor);
            prop_assert_eq!(page.envelopes.len(), values.len());
        }
    }
}
