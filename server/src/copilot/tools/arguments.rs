//! The arguments of a call: an object of JSON whose meaning is certain, and nothing that the tool does not know.

use live_core::canonical::{sha256_hex, stable_stringify};
use serde_json::Value;

use super::Trace;
use crate::backtest::fields::{Fault, Fields};

/// Reads arguments; nothing at all stands for none. What they are is written down as their hash.
///
/// # Errors
/// When they are no JSON, or a name stands there twice.
pub(super) fn read(arguments: &[u8], trace: &mut Trace) -> Result<Value, Fault> {
    let text = if arguments.trim_ascii().is_empty() { &b"{}"[..] } else { arguments };
    let (value, text) = certain(text)?;
    trace.params_hash = Some(sha256_hex(text.as_bytes()));
    Ok(value)
}

/// Reads JSON whose meaning is certain: no name stands there twice. Also its canonical text.
///
/// # Errors
/// What is wrong with it as a whole.
pub(in crate::copilot) fn certain(text: &[u8]) -> Result<(Value, String), Fault> {
    let text = stable_stringify(text).map_err(|error| whole(error.reason))?;
    let value = serde_json::from_str(&text).map_err(|_| whole("is not JSON"))?;
    Ok((value, text))
}

/// A text that must be there.
///
/// # Errors
/// When it is missing or something else.
pub(super) fn text(fields: &mut Fields<'_>, name: &str, allowed: &str) -> Result<String, Fault> {
    match fields.must(name, allowed)? {
        Value::String(text) => Ok(text),
        value => Err(Fault::of(fields.at(name), &value, "is not a text", allowed)),
    }
}

/// What is wrong with them as a whole.
fn whole(reason: &'static str) -> Fault {
    Fault { field: String::new(), value: None, reason, allowed: "an object of JSON".into() }
}
