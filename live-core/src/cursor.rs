//! A client's positions on all of its channels as one opaque text: what SSE puts into `id:`, and what a
//! stream or a poll comes back with.
//!
//! `1.` and then, joined by commas, an optional `~<session id>` and `<channel>@<epoch>:<seq>` for each
//! channel. Only the ends that speak for the gateway look inside; to a client it is one text.

use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use crate::channel::ChannelName;
use crate::sequence::{Position, is_epoch};

/// Longest cursor, in bytes.
pub const CURSOR_LEN_MAX: usize = 64 * 1024;
/// Most channels in a cursor.
pub const CURSOR_ITEMS_MAX: usize = 1_000;
/// Longest session id, in bytes.
pub const SESSION_ID_LEN_MAX: usize = 64;
/// The cursor without any position.
pub const CURSOR_EMPTY: &str = "1.";

/// Room that one position is given, so that a text seldom has to grow.
const ITEM_LEN_USUAL: usize = 32;

/// Why a text is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cursor {}", reason.as_str())]
pub struct CursorError {
    /// What is wrong.
    pub reason: CursorFault,
}

/// What can be wrong with a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CursorFault {
    /// It does not begin with `1.`.
    Version,
    /// More than [`CURSOR_LEN_MAX`] bytes.
    TooLong,
    /// More than [`CURSOR_ITEMS_MAX`] positions.
    TooMany,
    /// A part is neither a session id in front nor `<channel>@<epoch>:<seq>`.
    Item,
    /// A channel stands in it twice.
    Twice,
}

impl CursorFault {
    /// The reason in plain words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Version => "does not begin with '1.'",
            Self::TooLong => "is longer than 65536 bytes",
            Self::TooMany => "has more than 1000 positions",
            Self::Item => "has a part that is not <channel>@<epoch>:<seq>",
            Self::Twice => "has a channel twice",
        }
    }
}

/// What a cursor says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The session that it was given out in, where one goes on from poll to poll.
    pub session: Option<Box<str>>,
    positions: FxHashMap<ChannelName, Position>,
}

impl Cursor {
    /// Reads a cursor.
    ///
    /// # Errors
    /// The first fault from the left; length is judged before anything else.
    pub fn parse(text: &str) -> Result<Self, CursorError> {
        let fault = |reason| Err(CursorError { reason });
        if text.len() > CURSOR_LEN_MAX {
            return fault(CursorFault::TooLong);
        }
        let Some(items) = text.strip_prefix(CURSOR_EMPTY) else { return fault(CursorFault::Version) };
        let mut cursor = Self::default();
        if items.is_empty() {
            return Ok(cursor);
        }
        for (at, item) in items.split(',').enumerate() {
            if at == 0
                && let Some(session) = item.strip_prefix('~')
            {
                if !is_session_id(session) {
                    return fault(CursorFault::Item);
                }
                cursor.session = Some(session.into());
                continue;
            }
            let Some((channel, position)) = read_item(item) else { return fault(CursorFault::Item) };
            if cursor.positions.len() == CURSOR_ITEMS_MAX {
                return fault(CursorFault::TooMany);
            }
            if cursor.positions.insert(channel, position).is_some() {
                return fault(CursorFault::Twice);
            }
        }
        Ok(cursor)
    }

    /// The position on a channel, if the cursor has one.
    pub fn position(&self, channel: &ChannelName) -> Option<&Position> {
        self.positions.get(channel)
    }

    /// How many positions it has.
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// Whether it has no position.
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }
}

/// Whether a text can be a session's id: 1 to 64 letters, digits, `_` and `-`.
pub fn is_session_id(text: &str) -> bool {
    (1..=SESSION_ID_LEN_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn read_item(item: &str) -> Option<(ChannelName, Position)> {
    let (channel, position) = item.split_once('@')?;
    Some((ChannelName::parse(channel).ok()?, Position::parse(position).ok()?))
}

/// A cursor that follows its channels. Its text is kept up to date in place: a step forward on a channel
/// costs the digits of its `seq`.
#[derive(Clone, Debug)]
pub struct CursorWriter {
    text: String,
    places: FxHashMap<ChannelName, Place>,
}

/// Where a channel's position stands in the text.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// Offset of the epoch.
    epoch: u32,
    /// Offset of the first digit.
    digits: u32,
    /// Offset after the last one.
    end: u32,
}

impl Default for CursorWriter {
    fn default() -> Self {
        Self::new(None)
    }
}

impl CursorWriter {
    /// A cursor without positions. A `session` that is no session id is left out.
    pub fn new(session: Option<&str>) -> Self {
        let mut text = String::from(CURSOR_EMPTY);
        if let Some(session) = session.filter(|session| is_session_id(session)) {
            text.push('~');
            text.push_str(session);
        }
        Self { text, places: FxHashMap::default() }
    }

    /// The cursor.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Sets a channel's position. One that would make the cursor longer than it may be, or whose epoch is
    /// none, is left out: whoever comes back gets that channel from its snapshot.
    pub fn set(&mut self, channel: &ChannelName, epoch: &str, seq: u64) {
        let Some(&place) = self.places.get(channel) else { return self.add(channel, epoch, seq) };
        let at = |offset: u32| offset as usize;
        let mut buffer = [0; 20];
        let digits = decimal(seq, &mut buffer);
        let is_same_epoch = self.text.get(at(place.epoch)..at(place.digits) - 1) == Some(epoch);
        if is_same_epoch && at(place.end - place.digits) == digits.len() {
            self.text.replace_range(at(place.digits)..at(place.end), digits);
            return;
        }
        self.remove(channel);
        self.add(channel, epoch, seq);
    }

    /// Forgets a channel.
    pub fn remove(&mut self, channel: &ChannelName) {
        let Some(gone) = self.places.remove(channel) else { return };
        // The item begins with its name and `@`; a comma stands in front or, if it is the first, behind.
        let mut start = gone.epoch as usize - 1 - channel.as_str().len();
        let mut end = gone.end as usize;
        if self.text.as_bytes().get(start - 1) == Some(&b',') {
            start -= 1;
        } else if self.text.as_bytes().get(end) == Some(&b',') {
            end += 1;
        }
        self.text.replace_range(start..end, "");
        let removed = (end - start) as u32;
        for place in self.places.values_mut().filter(|place| place.epoch > gone.epoch) {
            place.epoch -= removed;
            place.digits -= removed;
            place.end -= removed;
        }
    }

    fn add(&mut self, channel: &ChannelName, epoch: &str, seq: u64) {
        let mut buffer = [0; 20];
        let digits = decimal(seq, &mut buffer);
        let len = 1 + channel.as_str().len() + 1 + epoch.len() + 1 + digits.len();
        let is_full = self.places.len() >= CURSOR_ITEMS_MAX || self.text.len() + len > CURSOR_LEN_MAX;
        if is_full || !is_epoch(epoch) {
            return;
        }
        self.text.reserve(ITEM_LEN_USUAL.max(len));
        if self.text.len() > CURSOR_EMPTY.len() {
            self.text.push(',');
        }
        // Writing to a text cannot fail.
        let _ok = write!(self.text, "{channel}@");
        let start = self.text.len() as u32;
        let _ok = write!(self.text, "{epoch}:{digits}");
        let end = self.text.len() as u32;
        let place = Place { epoch: start, digits: end - digits.len() as u32, end };
        self.places.insert(channel.clone(), place);
    }
}

fn decimal(mut number: u64, buffer: &mut [u8; 20]) -> &str {
    let mut at = buffer.len();
    loop {
        at -= 1;
        buffer[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    str::from_utf8(&buffer[at..]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::SAFE_INTEGER_MAX;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn name(text: &str) -> ChannelName {
        ChannelName::parse(text).expect("a good name")
    }

    #[test]
    fn cursors_are_read_strictly() {
        for good in ["1.", "1.~abc", "1.price:A@abcdefgh:0", "1.~s-1,price:A@abcdefgh:0,a:b.c@abcdefgh12:7"] {
            assert!(Cursor::parse(good).is_ok(), "{good}");
        }
        for (bad, reason) in [
            ("", CursorFault::Version),
            ("1", CursorFault::Version),
            ("2.", CursorFault::Version),
            (" 1.", CursorFault::Version),
            ("price:A@abcdefgh:1", CursorFault::Version),
            ("1.,", CursorFault::Item),
            ("1.~", CursorFault::Item),
            ("1.~a b", CursorFault::Item),
            ("1.price:A@abcdefgh:1,~abc", CursorFault::Item),
            ("1.~a,~b", CursorFault::Item),
            ("1.price:A", CursorFault::Item),
            ("1.price@abcdefgh:1", CursorFault::Item),
            ("1.price:A@abc:1", CursorFault::Item),
            ("1.price:A@abcdefgh:01", CursorFault::Item),
            ("1.price:A@abcdefgh:9007199254740992", CursorFault::Item),
            ("1.price:A@abcdefgh:-1", CursorFault::Item),
            ("1.price:A@abcdefgh:1,", CursorFault::Item),
            ("1.price:A@@abcdefgh:1", CursorFault::Item),
            ("1.price:\u{e9}@abcdefgh:1", CursorFault::Item),
            ("1.price:A@abcdefgh:1\n", CursorFault::Item),
            ("1.price:A@abcdefgh:1,price:A@abcdefgh:2", CursorFault::Twice),
        ] {
            assert_eq!(Cursor::parse(bad), Err(CursorError { reason }), "{bad}");
        }
    }

    #[test]
    fn a_cursor_is_bounded_in_length_and_in_positions() {
        let items =
            |count: usize| (0..count).map(|n| format!("a:{n}@abcdefgh:1")).collect::<Vec<_>>().join(",");
        assert_eq!(Cursor::parse(&format!("1.{}", items(1_000))).map(|cursor| cursor.len()), Ok(1_000));
        let many = Cursor::parse(&format!("1.{}", items(1_001)));
        assert_eq!(many, Err(CursorError { reason: CursorFault::TooMany }));
        let long = Cursor::parse(&format!("1.{}", "x".repeat(CURSOR_LEN_MAX)));
        assert_eq!(long, Err(CursorError { reason: CursorFault::TooLong }));
    }

    #[test]
    fn a_writer_never_writes_what_could_not_be_read() {
        let mut writer = CursorWriter::new(Some("no session id"));
        assert_eq!(writer.as_str(), "1.");
        writer.set(&name("price:A"), "", 1);
        assert_eq!(writer.as_str(), "1.");
        for number in 0..1_200 {
            writer.set(&name(&format!("a:{number}.{}", "x".repeat(100))), "abcdefgh", SAFE_INTEGER_MAX);
        }
        assert!(Cursor::parse(writer.as_str()).is_ok_and(|cursor| cursor.len() > 400));
    }

    fn step() -> impl Strategy<Value = (usize, usize, u64, bool)> {
        (0usize..6, 0usize..2, prop_oneof![0u64..120, 0..=SAFE_INTEGER_MAX], prop::bool::weighted(0.15))
    }

    proptest! {
        /// Whatever is set and removed in whatever order: the text says exactly what holds.
        #[test]
        fn what_is_written_is_read_back(
            with_session: bool,
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let channels = ["price:A", "price:AA", "a:b.c.d", "candles:A.1d", "system:status", "copilot:x"].map(name);
            let epochs = ["abcdefgh", "abcdefgh1234"];
            let session = with_session.then_some("s-1_A");
            let mut writer = CursorWriter::new(session);
            let mut model = BTreeMap::new();
            for (channel, epoch, seq, is_removed) in steps {
                let channel = &channels[channel];
                if is_removed {
                    writer.remove(channel);
                    model.remove(channel);
                } else {
                    writer.set(channel, epochs[epoch], seq);
                    model.insert(channel.clone(), Position { epoch: epochs[epoch].into(), seq });
                }
                let read = Cursor::parse(writer.as_str());
                prop_assert!(read.is_ok(), "{}", writer.as_str());
                let read = read.unwrap_or_default();
                prop_assert_eq!(read.session.as_deref(), session);
                prop_assert_eq!(read.positions.into_iter().collect::<BTreeMap<_, _>>(), model.clone());
            }
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(1\\.)?[ -~é,@:~]{0,60}") {
            let _read = Cursor::parse(&text);
        }
    }
}
