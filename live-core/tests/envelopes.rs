//! The shared vectors, and what must hold for any input: the two parsers agree, and nothing panics.

mod common;

use base64::Engine as _;
use common::{Random, as_json, input, verdict};
use live_core::envelope::{self, ENVELOPE_LEN_MAX, Envelope, Outgoing, encode, parse, parse_full};
use live_core::scan::scan;
use live_core::staleness::{ChannelState, Link, StalePolicy, compute_staleness};
use serde_json::Value;

/// How many generated inputs; `GENERATED_INPUTS` asks for more.
fn generated() -> usize {
    option_env!("GENERATED_INPUTS").and_then(|n| n.parse().ok()).unwrap_or(30_000)
}

#[test]
fn every_vector_gets_its_verdict() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("vectors/envelope.json")).expect("the vectors are JSON");
    assert!(vectors.len() > 100);
    for vector in vectors {
        let bytes = match vector["input"].as_str() {
            Some(text) => text.as_bytes().to_vec(),
            None => base64::engine::general_purpose::STANDARD
                .decode(vector["inputBase64"].as_str().expect("an input"))
                .expect("base64"),
        };
        assert_eq!(verdict(&bytes), vector["verdict"], "{}", vector["name"]);
    }
}

#[test]
fn every_staleness_vector_gets_its_verdict() {
    let vectors: Vec<Value> =
        serde_json::from_str(include_str!("vectors/staleness.json")).expect("the vectors are JSON");
    for vector in vectors {
        let number = |name: &str| vector[name].as_f64();
        let link = match number("lastFrameMs") {
            Some(last_frame_ms) => {
                Link::Up { last_frame_ms, broker_is_proven: vector["brokerIsProven"] == Value::Bool(true) }
            }
            None => Link::Down,
        };
        let policy = StalePolicy {
            stale_after_ms: number("staleAfterMs"),
            link_silent_after_ms: number("linkSilentAfterMs").expect("a limit"),
        };
        let state = ChannelState { born_ms: number("bornMs"), link };
        let found = compute_staleness(number("nowMs").expect("a time"), &state, &policy);
        assert_eq!(serde_json::json!(found.freshness), vector["verdict"]["freshness"], "{}", vector["name"]);
        assert_eq!(found.age_ms, vector["verdict"]["ageMs"].as_f64(), "{}", vector["name"]);
        assert_eq!(serde_json::json!(found.cause), vector["verdict"]["cause"], "{}", vector["name"]);
    }
}

#[test]
fn the_scanner_and_the_full_parser_agree_on_every_input() {
    let mut random = Random(2026);
    let (mut accepted, mut refused, mut scanned) = (0, 0, 0);
    for round in 0..generated() {
        let bytes = input(&mut random);
        let full = parse_full(&bytes);
        if let Some(quick) = scan(&bytes) {
            scanned += 1;
            assert_eq!(Ok(&quick), full.as_ref(), "round {round}: {}", String::from_utf8_lossy(&bytes));
        }
        assert_eq!(as_json(&parse(&bytes)), as_json(&full), "round {round}");
        match full {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    // A generator that makes nothing good, nothing bad, or nothing for the scanner would prove nothing.
    assert!(
        accepted * 10 > generated() && refused * 10 > generated() && scanned * 20 > generated(),
        "{accepted} accepted, {refused} refused, {scanned} scanned"
    );
}

#[test]
fn what_is_encoded_takes_the_fast_path_and_comes_back() {
    let mut random = Random(7);
    let mut checked = 0;
    for _ in 0..generated() {
        let bytes = input(&mut random);
        let Ok(envelope) = parse(&bytes) else { continue };
        if envelope.error_code.is_some() {
            continue;
        }
        let data: Box<serde_json::value::RawValue> = serde_json::from_str(envelope.data).expect("valid data");
        let mut out = Vec::new();
        let Envelope { event, channel, seq, ts, .. } = &envelope;
        let outgoing = Outgoing { event, channel, seq: *seq, ts: *ts, error_code: None, data: &data };
        encode(&mut out, &outgoing).expect("what was valid can be sent");
        let again = parse(&out).expect("it comes back");
        assert_eq!((&again.event, again.seq, again.ts), (&envelope.event, envelope.seq, envelope.ts));
        // What the gateway writes of a payload is canonical, unless a number is very long; that of a tick is
        // held to it in the unit tests.
        if envelope.event != "price.tick" {
            assert!(scan(&out).is_some(), "{}", String::from_utf8_lossy(&out));
        }
        checked += 1;
    }
    assert!(checked * 10 > generated());
}

#[test]
fn size_is_bounded_at_the_byte() {
    let envelope = |len: usize| {
        let frame =
            r#"{"v":1,"event":"a.b","channel":"p:a","seq":1,"ts":1,"ok":true,"errorCode":null,"data":""}"#;
        frame.replace("\"\"}", &format!("\"{}\"}}", "x".repeat(len - frame.len())))
    };
    assert!(parse(envelope(ENVELOPE_LEN_MAX).as_bytes()).is_ok());
    let too_long = envelope(ENVELOPE_LEN_MAX + 1);
    let reject = parse(too_long.as_bytes()).expect_err("a byte too long");
    assert_eq!((&*reject.field, reject.reason), ("envelope", "is longer than 65536 bytes"));
}

#[test]
fn a_refusal_points_at_its_place() {
    let text = r#"{"v":1,"event":"a.b","channel":"p:a","seq":-1,"ts":1,"ok":true,"errorCode":null,"data":0}"#;
    let reject = parse(text.as_bytes()).expect_err("a negative seq");
    assert_eq!(&text[reject.at..reject.at + 2], "-1");
    assert_eq!(reject.to_string(), "BAD_ENVELOPE: seq is negative (at byte 43)");
}

#[test]
fn fields_are_named_as_they_travel() {
    let mut out = Vec::new();
    let outgoing = Outgoing { event: "a.b", channel: "p:a", seq: 1, ts: 1, error_code: None, data: &0 };
    encode(&mut out, &outgoing).expect("encodes");
    let value: serde_json::Map<String, Value> = serde_json::from_slice(&out).expect("JSON");
    assert!(value.keys().all(|name| envelope::FIELDS.contains(&name.as_str())));
    assert_eq!(value.len(), envelope::FIELDS.len());
}
