//! Publishing over HTTP: one publication or up to 1,000, all judged before the first is published.

mod item;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use live_core::channel::{ChannelName, Mode, Namespaces};
use live_core::error::ErrorCode;
use live_core::sequence::Position;
use live_core::system::ErrorDetail;
use serde::Serialize;
use serde_json::value::RawValue;

use self::item::{Item, Refused};
use crate::auth::{Caller, Role};
use crate::broker::{Broker, BrokerError, Published};
use crate::directory::{OWNED, OwnerFault, Owners};
use crate::error::{AppError, JsonBytes};
use crate::hub::Directory;
use crate::rate::Rates;
use crate::wire;

/// Largest body, in bytes.
pub const BODY_LEN_MAX: usize = 1024 * 1024;
/// Most publications of one request.
const ITEMS_MAX: usize = 1_000;

/// The event of the answer.
const ACCEPTED: &str = "publish.accepted";

/// Takes publications from outside.
pub struct Publisher {
    broker: Arc<dyn Broker>,
    directory: Arc<dyn Directory>,
    owners: Arc<Owners>,
    namespaces: Namespaces,
    rates: Rates,
}

/// What became of one publication.
#[derive(Serialize)]
struct Accepted {
    channel: ChannelText,
    epoch: Box<str>,
    seq: u64,
    duplicate: bool,
}

/// A channel's name as text.
struct ChannelText(ChannelName);

impl Serialize for ChannelText {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.as_str())
    }
}

impl Publisher {
    /// Publishes to `broker` what `directory` serves; each subject at most `per_second` in a second.
    pub fn new(
        broker: Arc<dyn Broker>,
        directory: Arc<dyn Directory>,
        owners: Arc<Owners>,
        namespaces: Namespaces,
        per_second: u32,
    ) -> Self {
        Self { broker, directory, owners, namespaces, rates: Rates::new(per_second, per_second) }
    }

    /// Publishes what a body says for `subject`, and answers with the place of each, as an envelope.
    ///
    /// # Errors
    /// The first fault, with its place, and then nothing is published. An engine that fails, or an idempotency key
    /// that was used for something else or cannot be remembered, ends a list where it stands: what comes before it is
    /// published, and finds its place again when the same list is sent with its idempotency keys.
    pub async fn publish(&self, subject: &str, body: &[u8]) -> Result<Bytes, AppError> {
        let (items, is_list) = self.read(subject, body)?;
        let count = u32::try_from(items.len()).unwrap_or(u32::MAX);
        self.rates.of(subject).take(count).map_err(|after| AppError::later(ErrorCode::RateLimited, after))?;
        self.open(&items).map_err(|(index, refused)| refusal(refused, is_list.then_some(index)))?;
        let mut results = Vec::with_capacity(items.len());
        for (index, Item { message, .. }) in items.into_iter().enumerate() {
            let channel = message.channel.clone();
            let Published { position, is_duplicate } =
                self.broker.publish(message).await.map_err(|error| {
                    tracing::debug!(%error, index, "not published");
                    not_published(&error, is_list.then_some(index))
                })?;
            let Position { epoch, seq } = position;
            results.push(Accepted { channel: ChannelText(channel), epoch, seq, duplicate: is_duplicate });
        }
        Ok(answer(results, is_list))
    }

    fn read(&self, subject: &str, body: &[u8]) -> Result<(Vec<Item>, bool), AppError> {
        let not_json = |_| AppError::bad_request("body", "is not JSON");
        let whole: &RawValue = serde_json::from_slice(body).map_err(not_json)?;
        let mode = |channel: &ChannelName| self.mode(channel);
        if !whole.get().starts_with('[') {
            let item = item::read(whole, subject, mode).map_err(|refused| refusal(refused, None))?;
            return Ok((vec![item], false));
        }
        let list: Vec<&RawValue> = serde_json::from_str(whole.get()).map_err(not_json)?;
        if list.is_empty() || list.len() > ITEMS_MAX {
            return Err(AppError::bad_request("body", "is not a list of 1 to 1000 publications"));
        }
        let read =
            |(index, raw)| item::read(raw, subject, mode).map_err(|refused| refusal(refused, Some(index)));
        Ok((list.into_iter().enumerate().map(read).collect::<Result<_, _>>()?, true))
    }

    fn mode(&self, channel: &ChannelName) -> Result<Mode, ErrorCode> {
        match channel.namespace() {
            // The gateway's own word.
            "system" => Err(ErrorCode::Forbidden),
            _ => Ok(self.namespaces.policy(channel)?.mode),
        }
    }

    /// Makes sure that every channel is served, and only then opens those of persons for their owners.
    fn open(&self, items: &[Item]) -> Result<(), (usize, Refused)> {
        let unknown = |reason| Refused::new(ErrorCode::ChannelUnknown, "channel", reason);
        let is_owned = |item: &Item| OWNED.contains(&item.message.channel.namespace());
        let unserved = items
            .iter()
            .position(|item| !is_owned(item) && self.directory.find(&item.message.channel).is_none());
        let (places, owned): (Vec<usize>, Vec<_>) = items[..unserved.unwrap_or(items.len())]
            .iter()
            .enumerate()
            .filter(|(_, item)| is_owned(item))
            .map(|(index, item)| (index, (&item.message.channel, item.owner.as_deref())))
            .unzip();
        let opening = self.owners.judge(owned).map_err(|(at, fault)| {
            let refused = match fault {
                OwnerFault::Other => {
                    Refused::new(ErrorCode::Forbidden, "owner", "is not whose the channel is")
                }
                OwnerFault::Nobody => unknown("was not opened: owner is missing"),
            };
            (places[at], refused)
        })?;
        if let Some(index) = unserved {
            return Err((index, unknown("is not served")));
        }
        opening.open();
        Ok(())
    }
}

/// `POST /api/live/publish`: takes publications of callers with the role for it.
///
/// # Errors
/// [`ErrorCode::Unauthenticated`], [`ErrorCode::Forbidden`], and as [`Publisher::publish`].
pub async fn accept(
    State(publisher): State<Arc<Publisher>>,
    caller: Caller,
    JsonBytes(body): JsonBytes,
) -> Result<Response, AppError> {
    let identity = caller.with_role(&[Role::Publisher, Role::Admin])?;
    let subject = identity.subject.as_deref().unwrap_or_default();
    let answer = publisher.publish(subject, &body).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

/// What the engine refuses, with its place.
fn not_published(error: &BrokerError, index: Option<usize>) -> AppError {
    let code = error.code();
    let refused = |field, reason| Refused::new(code, field, reason);
    match *error {
        BrokerError::IdempotencyFull { retry_after } => {
            let refused =
                refused("idempotencyKey", "cannot be remembered: there are too many of the last minutes");
            AppError::later_for(code, retry_after, told(refused, index))
        }
        BrokerError::IdempotencyMismatch(_) => refusal(refused("idempotencyKey", code.meaning()), index),
        BrokerError::Unavailable(_) | BrokerError::Namespace(_) => {
            refusal(refused("", code.meaning()), index)
        }
    }
}

fn refusal(refused: Refused, index: Option<usize>) -> AppError {
    let code = refused.code;
    AppError::with_detail(code, &told(refused, index))
}

/// A refusal with the place of what is wrong: `[3].channel` in a list, `channel` alone.
fn told(Refused { code, field, reason }: Refused, index: Option<usize>) -> ErrorDetail {
    let place = match (index, field.is_empty()) {
        (Some(index), true) => format!("[{index}]"),
        (Some(index), false) => format!("[{index}].{field}"),
        (None, true) => "body".to_owned(),
        (None, false) => field,
    };
    ErrorDetail {
        message: code.meaning().into(),
        field: Some(place.into()),
        reason: Some(reason.into()),
        ..ErrorDetail::default()
    }
}

/// The place of each. The answer to a long list is longer than what travels on a stream may be.
fn answer(mut results: Vec<Accepted>, is_list: bool) -> Bytes {
    #[derive(Serialize)]
    struct List {
        results: Vec<Accepted>,
    }
    match results.pop() {
        Some(only) if !is_list => wire::answer(ACCEPTED, &only),
        last => {
            results.extend(last);
            wire::long_answer(ACCEPTED, &List { results })
        }
    }
}

#[cfg(test)]
mod tests;
