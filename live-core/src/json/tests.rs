//! `serde_json` judges the reader.

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
    let fault = |text: &str| each_member(text, |_, _, _| Ok(())).map_err(|fault| (fault.reason, fault.at));
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
