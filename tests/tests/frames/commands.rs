//! Commands: JSON that is none, members that are wrong, positions and names that are none.

use spark_live_tests::frame::{message, opcode};

use crate::{Case, Want};

const BAD: Want = Want::Error("BAD_REQUEST");

pub fn cases() -> Vec<Case> {
    [json(), truncated(), ids(), members(), positions(), names()].into_iter().flatten().collect()
}

fn all(want: Want, texts: &[&str]) -> Vec<Case> {
    texts.iter().map(|text| Case::text(*text, text, want)).collect()
}

fn json() -> Vec<Case> {
    let mut cases = all(
        BAD,
        &[
            "",
            " ",
            "null",
            "true",
            "1",
            "-",
            "\"ping\"",
            "[]",
            "[1]",
            "{}",
            "{]",
            "}",
            ",",
            "{,}",
            "'",
            "NaN",
            "Infinity",
            "undefined",
            "{\"id\":1,\"cmd\":\"ping\",}",
            "{\"id\":1 \"cmd\":\"ping\"}",
            "{\"id\":1,\"cmd\":\"ping\"}{\"id\":2,\"cmd\":\"ping\"}",
            "{\"id\":1,\"cmd\":\"ping\"} x",
            "{\"id\":1,\"cmd\":\"ping\"}\n{\"id\":2,\"cmd\":\"ping\"}",
            "\u{feff}{\"id\":1,\"cmd\":\"ping\"}",
            "{id:1,cmd:'ping'}",
            "{\"id\":1,\"cmd\":\"\\ud800\"}",
            "{\"id\":1,\"cmd\":\"\\x\"}",
            "\0",
            "{\"id\":1,\"cmd\":\"pi\nng\"}",
            "{\"id\":01,\"cmd\":\"ping\"}",
            "{\"id\":1e999,\"cmd\":\"ping\"}",
            "{\"id\":+1,\"cmd\":\"ping\"}",
            "{\"id\":.5,\"cmd\":\"ping\"}",
            "{\"id\":1,\"id\":2,\"cmd\":\"ping\"}",
            "{\"id\":1,\"cmd\":\"ping\",\"cmd\":\"ping\"}",
            "{\"id\":1,\"cmd\":\"rate\",\"channel\":\"gauge:a\",\"channel\":\"gauge:b\"}",
            "{\"id\":1,\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"name\":\"gauge:b\"}]}",
            "// ping",
            "{\"id\":1,\"cmd\":\"ping\" /* */}",
            "GET / HTTP/1.1\r\n\r\n",
            "<xml/>",
        ],
    );
    for depth in [64, 128, 1_000, 30_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            if text.len() <= 65_536 {
                cases.push(Case::text(format!("{depth} of {open}"), &text, BAD));
            }
            let within = format!("{{\"id\":1,\"cmd\":\"ping\",\"x\":{text}}}");
            if within.len() <= 65_536 {
                cases.push(Case::text(format!("{depth} of {open} within a command"), &within, BAD));
            }
            let opened = open.repeat(depth.min(65_536 / open.len()));
            cases.push(Case::text(format!("{depth} of {open} opened only"), &opened, BAD));
        }
    }
    cases.push(Case::new("no text at all, as bytes", message(opcode::BINARY, &[0, 159, 146, 150]), BAD));
    cases
}

/// A good command cut after each of its characters is none.
fn truncated() -> Vec<Case> {
    let whole =
        r#"{"id":9,"cmd":"subscribe","channels":[{"name":"gauge:a","since":"abcdefgh:1","maxHz":5}]}"#;
    (1..whole.len()).map(|len| Case::text(format!("cut after {len}"), &whole[..len], BAD)).collect()
}

fn ids() -> Vec<Case> {
    let ids = [
        "null",
        "-1",
        "1.5",
        "\"1\"",
        "true",
        "[]",
        "{}",
        "9007199254740992",
        "18446744073709551615",
        "1e30",
        "1e-3",
    ];
    let wrong =
        ids.map(|id| Case::text(format!("id {id}"), &format!("{{\"id\":{id},\"cmd\":\"ping\"}}"), BAD));
    let fine = ["0", "1", "9007199254740991"]
        .map(|id| Case::text(format!("id {id}"), &format!("{{\"id\":{id},\"cmd\":\"ping\"}}"), Want::Fine));
    let mut cases: Vec<Case> = wrong.into_iter().chain(fine).collect();
    cases.push(Case::text("no id", "{\"cmd\":\"ping\"}", BAD));
    cases.push(Case::text(
        "control characters in an id",
        "{\"id\":\"\\u0000\\u001b[2J\\r\\n\",\"cmd\":\"ping\"}",
        BAD,
    ));
    cases.push(Case::text("a long id", &format!("{{\"id\":{},\"cmd\":\"ping\"}}", "9".repeat(60_000)), BAD));
    cases
}

fn members() -> Vec<Case> {
    let mut cases = Vec::new();
    for cmd in ["", "PING", "Ping", "ping ", "dance", "system.ack", "__proto__", "\\u0000", "auth\\u0000"] {
        cases.push(Case::text(format!("cmd {cmd}"), &format!("{{\"id\":1,\"cmd\":\"{cmd}\"}}"), BAD));
    }
    for cmd in ["1", "null", "[]", "{}", "true", "[\"ping\"]"] {
        cases.push(Case::text(format!("cmd {cmd}"), &format!("{{\"id\":1,\"cmd\":{cmd}}}"), BAD));
    }
    for rest in [
        "\"cmd\":\"ping\",\"extra\":1",
        "\"cmd\":\"ping\",\"channels\":[]",
        "\"cmd\":\"subscribe\"",
        "\"cmd\":\"subscribe\",\"channels\":null",
        "\"cmd\":\"subscribe\",\"channels\":{}",
        "\"cmd\":\"subscribe\",\"channels\":[]",
        "\"cmd\":\"subscribe\",\"channels\":\"gauge:a\"",
        "\"cmd\":\"subscribe\",\"channels\":[\"gauge:a\"]",
        "\"cmd\":\"subscribe\",\"channels\":[null]",
        "\"cmd\":\"subscribe\",\"channels\":[{}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":1}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"x\":1}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"since\":1}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":\"5\"}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":0}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":-5}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":1e9}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":1e-9}]",
        "\"cmd\":\"subscribe\",\"channels\":[{\"name\":\"gauge:a\",\"maxHz\":1e999}]",
        "\"cmd\":\"unsubscribe\"",
        "\"cmd\":\"unsubscribe\",\"channels\":[1]",
        "\"cmd\":\"unsubscribe\",\"channels\":[]",
        "\"cmd\":\"unsubscribe\",\"channels\":[{\"name\":\"gauge:a\"}]",
        "\"cmd\":\"rate\"",
        "\"cmd\":\"rate\",\"maxHz\":5",
        "\"cmd\":\"rate\",\"channel\":1,\"maxHz\":5",
        "\"cmd\":\"rate\",\"channel\":\"gauge:a\",\"maxHz\":0",
        "\"cmd\":\"rate\",\"channel\":\"gauge:a\",\"maxHz\":true",
    ] {
        cases.push(Case::text(rest, &format!("{{\"id\":1,{rest}}}"), BAD));
    }
    let many = vec!["{\"name\":\"gauge:a\"}"; 1_001].join(",");
    cases.push(Case::text(
        "1001 channels",
        &format!("{{\"id\":1,\"cmd\":\"subscribe\",\"channels\":[{many}]}}"),
        BAD,
    ));
    let unsubscribe = r#"{"id":1,"cmd":"unsubscribe","channels":["gauge:never","no name","gauge:never"]}"#;
    cases.push(Case::text("unsubscribing from nothing", unsubscribe, Want::Fine));
    let rate = r#"{"id":1,"cmd":"rate","channel":"gauge:never","maxHz":5}"#;
    cases.push(Case::text("the rate of nothing", rate, Want::Error("CHANNEL_UNKNOWN")));
    cases
}

/// A position that is none refuses nothing: the subscription is there, and the verdict says why it begins anew.
fn positions() -> Vec<Case> {
    let texts = [
        "",
        ":",
        "1",
        "x",
        "abcdefgh",
        "abcdefgh:",
        ":1",
        "abcdefgh:x",
        "abcdefgh:-1",
        "abcdefgh:1.5",
        "abcdefgh:+1",
        "abcdefgh: 1",
        "abcdefgh:1 ",
        "abcdefgh:9007199254740992",
        "abcdefgh:18446744073709551616",
        "abcdefgh:99999999999999999999999",
        "abcdefgh:0x1",
        "abcdefgh:1e3",
        "abcdefgh:1:1",
        "abc:1",
        "abcdefghijklmnop:1",
        "abcdefg\\u0000:1",
        "abcdefgh\\u0007:1",
        "abcdefg\\u0131:1",
        "\\ud83d\\ude00:1",
        "../../etc:1",
        "abcdefgh:\\u0661",
    ];
    let mut cases: Vec<Case> = texts
        .map(|since| {
            let text = format!(
                r#"{{"id":1,"cmd":"subscribe","channels":[{{"name":"gauge:positions","since":"{since}"}}]}}"#
            );
            Case::text(format!("since {since}"), &text, Want::Verdict("CURSOR_INVALID"))
        })
        .into();
    let long = "a".repeat(60_000);
    let text =
        format!(r#"{{"id":1,"cmd":"subscribe","channels":[{{"name":"gauge:a","since":"{long}:1"}}]}}"#);
    cases.push(Case::text("a long position", &text, Want::Verdict("CURSOR_INVALID")));
    let text = r#"{"id":1,"cmd":"subscribe","channels":[{"name":"gauge:a","since":"zzzzzzzz:1"}]}"#;
    cases.push(Case::text("another history", text, Want::Verdict("EPOCH_CHANGED")));
    let text = r#"{"id":1,"cmd":"subscribe","channels":[{"name":"gauge:a","since":null}]}"#;
    cases.push(Case::text("no position", text, Want::Fine));
    cases
}

fn names() -> Vec<Case> {
    let texts = [
        "",
        ":",
        "gauge",
        "gauge:",
        "gauge:..",
        "gauge:a\\u0000b",
        "gauge:\\r\\nid: 1",
        "gauge:\\u001b[2J",
        "\\u0131:a",
    ];
    let names = texts.map(|name| {
        let text = format!(r#"{{"id":1,"cmd":"subscribe","channels":[{{"name":"{name}"}}]}}"#);
        Case::text(format!("name {name}"), &text, Want::Error("CHANNEL_INVALID"))
    });
    names.into()
}
