//! JSON Schemas of the envelope and of every event that is known by its type, out of the same Rust types as the
//! parsers: written to `schema/`, and judged by the vectors that judge the parsers.
//!
//! `UPDATE_TYPES=1 cargo test -p live-core schemas && npx biome format --write live-core/schema` brings the files
//! up to date.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use crate::channel::{CHANNEL_LEN_MAX, CHANNEL_SEGMENTS_MAX};
use crate::copilot::{
    CopilotConfirm, CopilotConfirmed, CopilotDone, CopilotError, CopilotStart, CopilotStopped,
    CopilotToolCall, CopilotToolResult,
};
use crate::envelope::{EVENT_LEN_MAX, FIELDS, VERSION};
use crate::event::{CandleBar, CopilotDelta, PriceTick};
use crate::system::{
    Ack, Auth, BackpressureDrop, CommandAck, Drain, ErrorDetail, Heartbeat, Hello, Rate, Resync, SnapshotEnd,
    name,
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const SEQ_MAX: u64 = (1 << 53) - 1;

/// The schema of some data. Members that are not known are ignored by every reader, so they are allowed.
fn of<T: JsonSchema>() -> Value {
    schema_for!(T).to_value()
}

/// The schemas of the data, by event.
fn events() -> BTreeMap<&'static str, Value> {
    BTreeMap::from([
        (PriceTick::EVENT, of::<PriceTick>()),
        (CandleBar::EVENT, of::<CandleBar>()),
        (CopilotDelta::EVENT, of::<CopilotDelta>()),
        (CopilotStart::EVENT, of::<CopilotStart>()),
        (CopilotToolCall::EVENT, of::<CopilotToolCall>()),
        (CopilotToolResult::EVENT, of::<CopilotToolResult>()),
        (CopilotConfirm::EVENT, of::<CopilotConfirm>()),
        (CopilotConfirmed::EVENT, of::<CopilotConfirmed>()),
        (CopilotDone::EVENT, of::<CopilotDone>()),
        (CopilotError::EVENT, of::<CopilotError>()),
        (CopilotStopped::EVENT, of::<CopilotStopped>()),
        (name::HELLO, of::<Hello>()),
        (name::ACK, ack()),
        (name::HEARTBEAT, of::<Heartbeat>()),
        (name::SNAPSHOT_END, of::<SnapshotEnd>()),
        (name::RESYNC, of::<Resync>()),
        (name::RATE, of::<Rate>()),
        (name::AUTH, of::<Auth>()),
        (name::DRAIN, of::<Drain>()),
        (name::ERROR, of::<ErrorDetail>()),
        (name::BACKPRESSURE_DROP, of::<BackpressureDrop>()),
    ])
}

/// That of a subscription or that of another command.
fn ack() -> Value {
    let (mut of_channel, mut of_command) = (of::<Ack>(), of::<CommandAck>());
    let definitions = of_channel["$defs"].take();
    for part in [&mut of_channel, &mut of_command] {
        let part = part.as_object_mut().expect("a schema of a struct is an object");
        part.remove("$schema");
        part.remove("$defs");
    }
    json!({"$schema": DIALECT, "title": "Ack", "$defs": definitions, "anyOf": [of_channel, of_command]})
}

fn envelope() -> Value {
    let word = "[A-Za-z][A-Za-z0-9_]*";
    let part = "[A-Za-z0-9_-]+";
    let last = CHANNEL_SEGMENTS_MAX - 1;
    let count = json!({"type": "integer", "minimum": 0, "maximum": SEQ_MAX});
    let is_system = json!({"pattern": r"^(system\.|backpressure_drop$)"});
    let zero = json!({"properties": {"seq": {"const": 0}}});
    let mut rules = vec![
        json!({
            "if": {"properties": {"ok": {"const": true}}},
            "then": {"properties": {"errorCode": {"type": "null"}}},
            "else": {"properties": {"errorCode": {"type": "string"}}},
        }),
        json!({"if": {"properties": {"event": is_system}}, "then": zero}),
    ];
    let mut definitions = serde_json::Map::new();
    for (event, mut schema) in events() {
        let id = format!("{event}.json");
        schema["$id"] = id.clone().into();
        definitions.insert(event.to_owned(), schema);
        rules.push(json!({
            "if": {"properties": {"event": {"const": event}, "ok": {"const": true}}},
            "then": {"properties": {"data": {"$ref": id}}},
        }));
    }
    json!({
        "$schema": DIALECT,
        "$id": "envelope.json",
        "title": "Envelope",
        "description": "What travels, on every transport: exactly these eight fields.",
        "type": "object",
        "required": FIELDS,
        "additionalProperties": false,
        "properties": {
            "v": {"type": "integer", "const": VERSION},
            "event": {"type": "string", "maxLength": EVENT_LEN_MAX, "pattern": format!(r"^{word}(\.{word})*$")},
            "channel": {
                "type": "string",
                "maxLength": CHANNEL_LEN_MAX,
                "pattern": format!(r"^({part}:{part}(\.{part}){{0,{last}}})?$"),
            },
            "seq": count,
            "ts": count,
            "ok": {"type": "boolean"},
            "errorCode": {"type": ["string", "null"], "maxLength": 64, "pattern": "^[A-Z][A-Z0-9_]*$"},
            "data": true,
        },
        "allOf": rules,
        "$defs": definitions,
    })
}

/// All of them, by the name of their file.
fn all() -> BTreeMap<String, Value> {
    let events = events().into_iter().map(|(event, schema)| (format!("{event}.json"), schema));
    events.chain([("envelope.json".to_owned(), envelope())]).collect()
}

#[test]
fn the_schemas_are_up_to_date() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema");
    for (file, schema) in all() {
        let text = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_TYPES").is_some() {
            std::fs::create_dir_all(&dir).expect("the folder can be made");
            std::fs::write(dir.join(&file), &text).expect("the file can be written");
        }
        let checked_in = std::fs::read_to_string(dir.join(&file)).expect("the schema is checked in");
        let checked_in: Value = serde_json::from_str(&checked_in).expect("JSON");
        assert_eq!(checked_in, schema, "{file}: this module's documentation says how to update it");
    }
}

/// What a schema cannot say, or says more generously: a reader that goes by it alone takes a few envelopes more,
/// never fewer.
#[test]
fn the_schema_takes_every_good_vector_and_refuses_bad_ones() {
    let validator = jsonschema::draft202012::new(&envelope()).expect("a sound schema");
    let vectors = include_str!("../tests/vectors/envelope.json");
    let vectors: Vec<Value> = serde_json::from_str(vectors).expect("JSON");
    let (mut taken, mut refused, mut generous) = (0, 0, Vec::new());
    for vector in &vectors {
        let Some(input) = vector["input"].as_str() else { continue };
        let Ok(instance) = serde_json::from_str::<Value>(input) else { continue };
        let is_good = vector["verdict"]["ok"] == true;
        match (is_good, validator.is_valid(&instance)) {
            (true, true) => taken += 1,
            (true, false) => {
                let errors: Vec<_> =
                    validator.iter_errors(&instance).map(|error| error.to_string()).collect();
                panic!("{}: {errors:?}", vector["name"]);
            }
            (false, false) => refused += 1,
            (false, true) => generous.push(vector["name"].as_str().unwrap_or_default()),
        }
    }
    assert!(taken > 0 && refused > generous.len(), "{taken} taken, {refused} refused, not: {generous:?}");
}
