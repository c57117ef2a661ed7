//! The examples of RFC 8785 and what they leave out; `tests/canonical.rs` has the vectors that TypeScript shares.

use super::*;
use proptest::prelude::*;

fn refused(json: &str) -> (String, &'static str, usize) {
    let CanonicalError { path, reason, at } = stable_stringify(json.as_bytes()).expect_err(json);
    (path, reason, at)
}

#[test]
fn a_fault_has_its_place() {
    let check = |json: &str, path: &str, reason: &str, at: usize| {
        assert_eq!(refused(json), (path.into(), reason, at), "{json}");
    };
    check("", "", "is not valid JSON", 0);
    check("1 2", "", "is not valid JSON", 2);
    check("NaN", "", "is not valid JSON", 0);
    check("[1, Infinity]", "/1", "is not valid JSON", 4);
    check("{\"a\": [1, {\"b\": tru}]}", "/a/1/b", "is not valid JSON", 16);
    check("{\"a\": {\"x\": [1]}, \"b\": [[], 1e400]}", "/b/1", "is too large a number", 28);
    check("{\"x\": {\"y\": 1}, \"z\": 01}", "/z", "is not valid JSON", 21);
    check(r#"["a", "\ud800"]"#, "/1", "has half of a surrogate pair", 6);
    check(r#"{"a": {"\udc00x": 1}}"#, "/a", "has half of a surrogate pair", 7);
    check(r#"{"a~/": "\ud83d\ud83d"}"#, "/a~0~1", "has half of a surrogate pair", 8);
    check("[1,]", "/1", "is not valid JSON", 3);
    check("{\"a\":1,}", "/a", "is not valid JSON", 7);
    check("\u{feff}{}", "", "is not valid JSON", 0);
}

#[test]
fn a_name_that_is_there_twice_is_refused() {
    let check = |json: &str, path: &str, at: usize| {
        assert_eq!(refused(json), (path.into(), "is there twice", at), "{json}");
    };
    check(r#"{"a":1,"a":1}"#, "/a", 7);
    check(r#"{"b":[{"a":1,"c":2,"\u0061":3}]}"#, "/b/0/a", 19);
    check(r#"[{"x":{"y":1}},{"":1,"z":{},"":2}]"#, "/1/", 28);
    // The same name in another object is another name.
    let fine = r#"{"a":{"a":[{"a":1},{"a":1}]}}"#;
    assert_eq!(stable_stringify(fine.as_bytes()).as_deref(), Ok(fine));
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let nested = |levels: usize| format!("{}0{}", open.repeat(levels), close.repeat(levels));
        assert_eq!(stable_stringify(nested(64).as_bytes()).as_deref(), Ok(&*nested(64)));
        for levels in [65, 128, 10_000, 1_000_000] {
            let (path, reason, at) = refused(&nested(levels));
            assert_eq!((reason, at), ("nests more than 64 levels deep", 64 * open.len()), "{levels}");
            assert_eq!(path.matches('/').count(), 64);
        }
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    for (bytes, at) in [(&b"\"\xff\""[..], 1), (b"\"\xed\xa0\x80\"", 1), (b"[1,\"\xc0\x80\"]", 4)] {
        let error = stable_stringify(bytes).expect_err("no UTF-8");
        assert_eq!((error.reason, error.at), ("is not UTF-8", at));
    }
}

#[test]
fn an_error_reads_as_a_sentence() {
    let error = stable_stringify(b"[1e999]").expect_err("too large");
    assert_eq!(error.to_string(), "/0 is too large a number (at byte 1)");
    let error = stable_stringify(b"").expect_err("nothing");
    assert_eq!(error.to_string(), "the value is not valid JSON (at byte 0)");
}

#[test]
fn a_long_name_is_cut_in_an_error() {
    let json = format!("{{\"{}\":x}}", "é".repeat(10_000));
    assert_eq!(refused(&json).0, format!("/{}", "é".repeat(64)));
}

#[test]
fn parameters_with_integers_that_no_double_holds_are_refused() {
    let check = |json: &str, refused: Option<&str>| {
        let found = canonical_params(json.as_bytes()).map_err(|error| error.path);
        assert_eq!(found.as_ref().err().map(String::as_str), refused, "{json}: {found:?}");
        assert_eq!(params_hash(json.as_bytes()).is_ok(), refused.is_none());
        // For the general form they are the doubles that they are in JavaScript.
        assert!(stable_stringify(json.as_bytes()).is_ok());
    };
    check("9007199254740991", None);
    check("-9007199254740991", None);
    check("9007199254740992", Some(""));
    check("{\"a\":[-9007199254740993]}", Some("/a/0"));
    check("[1,123456789012345678901234567890]", Some("/1"));
    check("[1e300,9007199254740993.0]", None);
}

#[test]
fn a_hash_is_of_the_canonical_bytes_alone() {
    // By `printf '%s' … | sha256sum`.
    assert_eq!(sha256_hex(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    let canonical = r#"{"fast":10,"symbol":"AAPL"}"#;
    let hash = params_hash(br#" { "symbol" : "\u0041APL" , "fast" : 10.0 } "#).expect("canonical");
    assert_eq!(hash, sha256_hex(canonical.as_bytes()));
    assert_ne!(hash, params_hash(br#"{"fast":11,"symbol":"AAPL"}"#).expect("canonical"));
}

/// Texts of JSON values: names that differ in their order by units and by characters among them.
fn json() -> impl Strategy<Value = String> {
    let string = any::<String>().prop_map(|text| serde_json::to_string(&text).expect("encodes"));
    let name = prop_oneof![
        "[a-c\u{e000}-\u{e003}\u{10000}-\u{10003}]{0,3}".prop_map(|text| format!("\"{text}\"")),
        string.clone()
    ];
    let number = any::<u64>()
        .prop_map(f64::from_bits)
        .prop_filter("finite", |number| number.is_finite())
        .prop_map(|number| format!("{number:e}"));
    let leaf =
        prop_oneof![Just(String::from("null")), string, number, any::<i64>().prop_map(|n| n.to_string())];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(|items| format!("[{}]", items.join(" , "))),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name} : {value}")).collect();
                format!("{{ {} }}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn canonical_text_is_its_own_canonical_form(json in json()) {
        if let Ok(once) = stable_stringify(json.as_bytes()) {
            prop_assert_eq!(stable_stringify(once.as_bytes()), Ok(once.clone()));
            // It is the same value, and serde finds nothing wrong with it.
            let (before, after) = (serde_json::from_str(&json), serde_json::from_str(&once));
            let (before, after): (serde_json::Value, serde_json::Value) = (before.expect("JSON"), after.expect("JSON"));
            prop_assert_eq!(without_numbers(before), without_numbers(after));
        } else {
            prop_assert_eq!(refused(&json).1, "is there twice");
        }
    }

    #[test]
    fn nothing_panics(json in ".{0,40}|[\\[\\]{}\",:0-9ae.\\-\\\\u ]{0,40}") {
        if let Err(error) = stable_stringify(json.as_bytes()) {
            prop_assert!(error.at <= json.len());
        }
    }

    #[test]
    fn every_double_comes_back(bits: u64) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let text = stable_stringify(format!("{number:e}").as_bytes()).expect("a number");
        prop_assert_eq!(text.parse::<f64>().expect("a number"), number, "{}", text);
    }
}

/// The value with every number as `null`: serde does not read the last digit of each exactly.
fn without_numbers(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(_) => Value::Null,
        Value::Array(items) => items.into_iter().map(without_numbers).collect(),
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (name, without_numbers(value))).collect()
        }
        other => other,
    }
}
