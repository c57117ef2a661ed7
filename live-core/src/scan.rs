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
    if text.len() > ENVELOPE_LEN_MAX {
        return None;
    }
    let mut from = Cursor::new(text);
    from.literal(b"{\"v\":1,\"event\":\"")?;
    let event = from.plain_string()?;
    from.literal(b",\"channel\":\"")?;
    let channel = from.plain_string()?;
    from.literal(b",\"seq\":")?;
    let seq = from.integer()?;
    from.literal(b",\"ts\":")?;
    let ts = from.integer()?;
    let error_code = scan_outcome(&mut from)?;
    from.literal(b",\"data\":")?;
    let data = scan_data(&mut from, event, error_code.is_some())?;
    from.literal(b"}")?;
    if from.at != text.len() {
        return None;
    }

    if !channel.is_empty() {
        check_channel(channel).ok()?;
    }
    // A tick's name is known to be good, and is what nearly always stands here.
    let is_tick = event == PriceTick::EVENT.as_bytes();
    let seq_is_good = if !is_tick && is_system(event) { seq == 0 } else { seq != 0 || channel.is_empty() };
    if !seq_is_good || !(is_tick || is_event_name(event)) {
        return None;
    }
    let error_code = match error_code {
        Some(code) => Some(ascii(code)?),
        None => None,
    };
    Some(Envelope { event: ascii(event)?, channel: ascii(channel)?, seq, ts, error_code, data })
}

/// `ok` and `errorCode`, which must agree: the outer `None` declines, the inner one is "no error".
fn scan_outcome<'a>(from: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    if from.literal(b",\"ok\":true,\"errorCode\":null").is_some() {
        return Some(None);
    }
    from.literal(b",\"ok\":false,\"errorCode\":\"")?;
    let code = from.plain_string()?;
    is_error_code(code).then_some(Some(code))
}

/// The text of `data`. That of a tick is judged on the way; that of other known events by its own reader.
fn scan_data<'a>(from: &mut Cursor<'a>, event: &[u8], is_error: bool) -> Option<&'a str> {
    let start = from.at;
    if !is_error && event == PriceTick::EVENT.as_bytes() {
        TickSpans::scan(from)?;
        // ASCII by construction, which the check finds out quickly.
        return str::from_utf8(&from.text[start..from.at]).ok();
    }
    from.value(NESTING_MAX - 1)?;
    let data = str::from_utf8(&from.text[start..from.at]).ok()?;
    if !is_error {
        event::check(str::from_utf8(event).ok()?, data).ok()?;
    }
    Some(data)
}

fn ascii(text: &[u8]) -> Option<Cow<'_, str>> {
    str::from_utf8(text).ok().map(Cow::Borrowed)
}
