//! The fast path: takes the canonical form of an envelope in one pass, and declines all else.
//!
//! It never refuses. What it takes, the full parser takes with the same result; a property test and the
//! shared vectors hold the two together.

use std::borrow::Cow;

use crate::channel::check_channel;
use crate::envelope::{ENVELOPE_LEN_MAX, Envelope, is_error_code, is_event_name, is_system};
use crate::event::{self, PriceTick, TickSpans};
use crate::json::{Cursor, NESTING_MAX};

/// Reads one envelope in canonical form; `None` means that the full parser has to decide.
pub fn scan(text: &[u8]) -> Option<Envelope<'_>> {
    let (envelope, end) = scan_first(text, &mut |_| false)?;
    (end == text.len()).then_some(envelope)
}

/// The envelope that a frame begins with, and where it ends: there, or before a newline. For a reader that
/// knows channels: `is_known` is asked once about the name, and a name that it says yes to is not judged again.
pub(crate) fn scan_first<'a>(
    text: &'a [u8],
    is_known: &mut dyn FnMut(&'a str) -> bool,
) -> Option<(Envelope<'a>, usize)> {
    let mut from = Cursor::new(text);
    // What nearly always stands here is compared in one go.
    let is_tick = from.literal(b"{\"v\":1,\"event\":\"price.tick\",\"channel\":\"").is_some();
    let event = if is_tick { PriceTick::EVENT } else { scan_event(&mut from)? };
    let channel = str::from_utf8(from.plain_string()?).ok()?;
    from.literal(b",\"seq\":")?;
    let seq = from.integer()?;
    from.literal(b",\"ts\":")?;
    let ts = from.integer()?;
    let error_code = scan_outcome(&mut from)?;
    from.literal(b",\"data\":")?;
    let data = scan_data(&mut from, event, error_code.is_some())?;
    from.literal(b"}")?;
    if from.at > ENVELOPE_LEN_MAX || !matches!(from.peek(), None | Some(b'\n')) {
        return None;
    }
    if !is_known(channel) && !channel.is_empty() {
        check_channel(channel.as_bytes()).ok()?;
    }
    let seq_is_good =
        if !is_tick && is_system(event.as_bytes()) { seq == 0 } else { seq != 0 || channel.is_empty() };
    let envelope = Envelope {
        event: Cow::Borrowed(event),
        channel: Cow::Borrowed(channel),
        seq,
        ts,
        error_code: error_code.map(Cow::Borrowed),
        data,
    };
    seq_is_good.then_some((envelope, from.at))
}

fn scan_event<'a>(from: &mut Cursor<'a>) -> Option<&'a str> {
    from.literal(b"{\"v\":1,\"event\":\"")?;
    let event = from.plain_string()?;
    from.literal(b",\"channel\":\"")?;
    if is_event_name(event) { str::from_utf8(event).ok() } else { None }
}

/// `ok` and `errorCode`, which must agree: the outer `None` declines, the inner one is "no error".
fn scan_outcome<'a>(from: &mut Cursor<'a>) -> Option<Option<&'a str>> {
    if from.literal(b",\"ok\":true,\"errorCode\":null").is_some() {
        return Some(None);
    }
    from.literal(b",\"ok\":false,\"errorCode\":\"")?;
    let code = from.plain_string()?;
    if is_error_code(code) { str::from_utf8(code).ok().map(Some) } else { None }
}

/// The text of `data`. That of a tick is judged on the way; that of other known events by its own reader.
fn scan_data<'a>(from: &mut Cursor<'a>, event: &str, is_error: bool) -> Option<&'a str> {
    let start = from.at;
    if !is_error && event == PriceTick::EVENT {
        TickSpans::scan(from)?;
        // ASCII by construction, which the check finds out quickly.
        return str::from_utf8(&from.text[start..from.at]).ok();
    }
    from.value(NESTING_MAX - 1)?;
    let data = str::from_utf8(&from.text[start..from.at]).ok()?;
    if !is_error {
        event::check(event, data).ok()?;
    }
    Some(data)
}
