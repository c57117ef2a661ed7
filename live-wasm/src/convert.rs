//! How values of `live-core` look to JavaScript.

use live_core::channel::ChannelError;
use live_core::envelope::{Envelope, Reject};
use live_core::error::ErrorCode;
use live_core::sequence::Continuity;
use live_core::staleness::{Cause, Freshness};
use live_core::store::{Counters, PageError, write_string};
use wasm_bindgen::prelude::*;

/// An error whose message is JSON `{code, message}`, as the TypeScript client reads it.
fn error(code: ErrorCode, message: &str) -> JsError {
    let mut text = String::from("{\"code\":");
    write_string(&mut text, code.as_str());
    text.push_str(",\"message\":");
    write_string(&mut text, message);
    text.push('}');
    JsError::new(&text)
}

pub(crate) fn open_error(reason: &ChannelError) -> JsError {
    error(ErrorCode::ChannelInvalid, &reason.to_string())
}

pub(crate) fn page_error(reason: &PageError) -> JsError {
    error(ErrorCode::BadEnvelope, &reason.to_string())
}

/// The verdict on one envelope, as JSON.
pub(crate) fn verdict(judged: &Result<Envelope<'_>, Reject>) -> String {
    let mut out = String::from("{\"ok\":");
    let mut member = |name: &str, value: &str| {
        out.push_str(name);
        write_string(&mut out, value);
    };
    match judged {
        Ok(envelope) => {
            member("true,\"event\":", &envelope.event);
            member(",\"channel\":", &envelope.channel);
            match &envelope.error_code {
                Some(code) => member(",\"errorCode\":", code),
                None => out.push_str(",\"errorCode\":null"),
            }
            out.push_str(&format!(",\"seq\":{},\"ts\":{}", envelope.seq, envelope.ts));
        }
        Err(reject) => {
            member("false,\"code\":", reject.code.as_str());
            member(",\"field\":", &reject.field);
            member(",\"reason\":", reject.reason);
        }
    }
    out.push('}');
    out
}

/// The counters as JSON.
pub(crate) fn counters(counters: Counters) -> String {
    let Counters { frames, bytes, accepted, rejected, ignored, merged, dropped, gaps, generation } = counters;
    format!(
        "{{\"frames\":{frames},\"bytes\":{bytes},\"accepted\":{accepted},\"rejected\":{rejected},\
         \"ignored\":{ignored},\"merged\":{merged},\"dropped\":{dropped},\"gaps\":{gaps},\
         \"generation\":{generation}}}"
    )
}

pub(crate) fn freshness(freshness: Freshness) -> f64 {
    match freshness {
        Freshness::Pending => 0.0,
        Freshness::Fresh => 1.0,
        Freshness::Stale => 2.0,
        Freshness::Disconnected => 3.0,
    }
}

pub(crate) fn cause(cause: Option<Cause>) -> f64 {
    match cause {
        None => 0.0,
        Some(Cause::Source) => 1.0,
        Some(Cause::Transport) => 2.0,
        Some(Cause::Broker) => 3.0,
    }
}

/// The kind and, for a gap, its range.
pub(crate) fn continuity(continuity: Continuity) -> [f64; 3] {
    match continuity {
        Continuity::Unknown => [0.0; 3],
        Continuity::Proven => [1.0, 0.0, 0.0],
        Continuity::Gap { from, to } => [2.0, from as f64, to as f64],
    }
}
