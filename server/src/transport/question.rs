//! What a stream or a poll asks for: channels, where to go on from, and how fast.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use live_core::channel::ChannelName;
use live_core::cursor::{CURSOR_EMPTY, Cursor, CursorWriter};
use serde::Deserialize;

use super::channels::{Refusal, resolve};
use crate::error::AppError;
use crate::hub::{Connection, Hub, Request, Since};

/// Most names in one question.
const NAMES_MAX: usize = 1_000;
/// The header with which a browser's own `EventSource` comes back.
pub(super) const LAST_EVENT_ID: &str = "last-event-id";

/// What the question may say.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    /// Names of channels, separated by commas.
    #[serde(default)]
    pub(super) channels: String,
    /// A cursor to go on from.
    #[serde(default)]
    pub(super) cursor: String,
    /// `5` for every channel, or `price:A@5,price:B@2`.
    #[serde(default)]
    pub(super) max_hz: String,
    /// How long a poll may wait, in seconds.
    pub(super) wait: Option<u64>,
}

/// The cursor of a question.
#[derive(Debug)]
pub(super) enum Came {
    /// There was none.
    New,
    /// With this one.
    With(Cursor),
    /// With something that is none.
    Astray,
}

impl Came {
    /// Reads the cursor: the header wins over the parameter, which a browser repeats as it first was.
    pub fn read(headers: &HeaderMap, params: &Params) -> Self {
        let header = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty());
        let text = match header {
            Some(value) => value.to_str().ok(),
            None if params.cursor.is_empty() => return Self::New,
            None => Some(&*params.cursor),
        };
        match text.map(Cursor::parse) {
            Some(Ok(cursor)) => Self::With(cursor),
            Some(Err(_)) | None => Self::Astray,
        }
    }

    /// The session that it goes on with, if it names one.
    pub fn session(&self) -> Option<&str> {
        match self {
            Self::With(cursor) => cursor.session.as_deref(),
            Self::New | Self::Astray => None,
        }
    }

    fn since(&self, channel: &ChannelName) -> Since {
        match self {
            Self::New => Since::Nothing,
            Self::With(cursor) => cursor.position(channel).cloned().map_or(Since::Nothing, Since::At),
            Self::Astray => Since::Invalid,
        }
    }
}

/// Everything that is wanted: each channel, or why it cannot be had.
#[derive(Debug)]
pub(super) struct Question {
    pub wanted: Vec<Result<Request, Refusal>>,
}

impl Question {
    /// Reads the question.
    ///
    /// # Errors
    /// When it is not understood, or none of the channels can be had: the refusal of the first one.
    pub fn read(hub: &Hub, connection: &Connection, params: &Params, came: &Came) -> Result<Self, AppError> {
        if params.channels.is_empty() {
            return Err(AppError::bad_request("channels", "names no channel"));
        }
        let mut seen = BTreeSet::new();
        let names: Vec<&str> = params.channels.split(',').filter(|name| seen.insert(*name)).collect();
        if names.len() > NAMES_MAX {
            return Err(AppError::bad_request("channels", "names more than 1000 channels"));
        }
        let rates = Rates::read(&params.max_hz).ok_or_else(|| {
            AppError::bad_request("maxHz", "is not a number from 0.01 to 1000, or such a list")
        })?;
        let request = |channel: ChannelName| Request {
            id: None,
            max_hz: rates.of(channel.as_str()),
            since: came.since(&channel),
            channel,
        };
        let wanted: Vec<_> =
            names.into_iter().map(|name| resolve(hub, connection, name, None).map(request)).collect();
        if wanted.iter().all(Result::is_err)
            && let Some(Err(refusal)) = wanted.first()
        {
            return Err(AppError::envelope(refusal.code, refusal.envelope.clone()));
        }
        Ok(Self { wanted })
    }

    /// The cursor as it stands before anything is sent: what the client has of the channels that it asks for.
    pub fn cursor(&self, session: Option<&str>) -> CursorWriter {
        let mut cursor = CursorWriter::new(session);
        for request in self.wanted.iter().flatten() {
            if let Since::At(position) = &request.since {
                cursor.set(&request.channel, &position.epoch, position.seq);
            }
        }
        cursor
    }

    /// Asks for one channel after the other; each that cannot be had is told.
    pub async fn subscribe(self, hub: &Hub, connection: &Connection) {
        for wanted in self.wanted {
            let refusal = match wanted {
                Ok(request) => {
                    let channel = request.channel.clone();
                    match hub.subscribe(connection, request).await {
                        Ok(()) => continue,
                        Err(code) => Refusal::of(&channel, code, None),
                    }
                }
                Err(refusal) => refusal,
            };
            connection.answer(refusal.envelope).await;
        }
    }
}

/// What a client comes back with before it has got anything: what it came with, if that is a cursor.
pub(super) fn first_cursor(came: &Came, headers: &HeaderMap, params: &Params) -> Box<str> {
    let text = match came {
        Came::With(_) => {
            headers.get(LAST_EVENT_ID).and_then(|value| value.to_str().ok()).filter(|t| !t.is_empty())
        }
        Came::New | Came::Astray => Some(CURSOR_EMPTY),
    };
    text.unwrap_or(&params.cursor).into()
}

/// Whether a client may ask for that rate, in envelopes a second.
pub(super) fn is_rate(hz: f64) -> bool {
    (0.01..=1_000.0).contains(&hz)
}

/// The bounds of the rate that are asked for.
enum Rates<'a> {
    All(Option<f64>),
    Each(Vec<(&'a str, f64)>),
}

impl<'a> Rates<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let rate = |text: &str| text.parse().ok().filter(|&hz| is_rate(hz));
        if text.is_empty() {
            return Some(Self::All(None));
        }
        if !text.contains('@') {
            return rate(text).map(|hz| Self::All(Some(hz)));
        }
        let each = |item: &'a str| {
            let (name, hz) = item.split_once('@')?;
            Some((name, rate(hz)?))
        };
        text.split(',').take(NAMES_MAX + 1).map(each).collect::<Option<Vec<_>>>().map(Self::Each)
    }

    fn of(&self, channel: &str) -> Option<f64> {
        match self {
            Self::All(hz) => *hz,
            Self::Each(each) => each.iter().find(|(name, _)| *name == channel).map(|(_, hz)| *hz),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_for_all_or_for_each() {
        let of = |text: &str| Rates::read(text).map(|rates| (rates.of("price:A"), rates.of("price:B")));
        assert_eq!(of(""), Some((None, None)));
        assert_eq!(of("2.5"), Some((Some(2.5), Some(2.5))));
        assert_eq!(of("price:A@5,price:C@1"), Some((Some(5.0), None)));
        for bad in [
            "x",
            "0",
            "-1",
            "1001",
            "NaN",
            "inf",
            "price:A@",
            "price:A@x",
            "price:A@1,",
            "5,price:A@1",
            "1e9",
        ] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_header_wins_over_the_parameter() {
        let came = |header: &str, cursor: &str| {
            let mut headers = HeaderMap::new();
            if !header.is_empty() {
                headers.insert(LAST_EVENT_ID, header.parse().expect("a header"));
            }
            let params = Params { cursor: cursor.to_owned(), ..Params::default() };
            let came = Came::read(&headers, &params);
            let first = first_cursor(&came, &headers, &params);
            let channel = ChannelName::parse("price:A").expect("a good name");
            (came.since(&channel), first.into_string())
        };
        let at = |seq| Since::At(live_core::sequence::Position { epoch: "abcdefgh".into(), seq });
        let (one, two) = ("1.price:A@abcdefgh:1", "1.price:A@abcdefgh:2");
        assert_eq!(came("", ""), (Since::Nothing, "1.".to_owned()));
        assert_eq!(came(one, two), (at(1), one.to_owned()));
        assert_eq!(came("", two), (at(2), two.to_owned()));
        assert_eq!(came("1.", ""), (Since::Nothing, "1.".to_owned()));
        assert_eq!(came("7", two), (Since::Invalid, "1.".to_owned()));
        assert_eq!(came("é", two), (Since::Invalid, "1.".to_owned()));
    }
}
