//! `POST /api/copilot/chat`, `POST /api/copilot/sessions`, `GET /api/copilot/sessions/{id}` and `POST /api/copilot/sessions/{id}/stop`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Serialize;
use tokio::time::timeout;

use super::{Begun, Chat};
use crate::auth::Caller;
use crate::error::{AppError, AppPath, JsonBytes};
use crate::wire;

/// How often a stream says that it is there while the model thinks.
const BEAT: Duration = Duration::from_secs(15);

/// What is told of a session.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Session<'a> {
    session_id: &'a str,
    channel: String,
    state: &'static str,
    answer_id: Option<String>,
}

impl<'a> Session<'a> {
    fn of(session_id: &'a str, answer_id: Option<String>) -> Self {
        let state = if answer_id.is_some() { "answering" } else { "idle" };
        Self { session_id, channel: format!("copilot:{session_id}"), state, answer_id }
    }
}

/// Takes a message, and answers with a stream of what is told on the session's channel until the answer's end; or, to a
/// caller that accepts JSON alone, with the session, whose channel tells it.
///
/// # Errors
/// As [`Chat::ask`], and for callers without a token.
pub async fn ask(
    State(chat): State<Arc<Chat>>,
    headers: HeaderMap,
    caller: Caller,
    JsonBytes(body): JsonBytes,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Accepted<'a> {
        session_id: &'a str,
        answer_id: &'a str,
        channel: String,
    }
    let Begun { session_id, answer_id, events } = chat.ask(caller.with_token()?, &body).await?;
    if wants_json(&headers) {
        let channel = format!("copilot:{session_id}");
        let data = Accepted { session_id: &session_id, answer_id: &answer_id, channel };
        return Ok(json(StatusCode::ACCEPTED, &wire::answer("copilot.accepted", &data)));
    }
    let next = |mut events: tokio::sync::mpsc::Receiver<Bytes>| async {
        let chunk = match timeout(BEAT, events.recv()).await {
            Ok(None) => return None,
            Ok(Some(event)) => event,
            Err(_) => Bytes::from_static(b":\n\n"),
        };
        Some((Ok::<_, Infallible>(chunk), events))
    };
    let fields = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((fields, Body::from_stream(stream::unfold(events, next))).into_response())
}

/// Opens a session in which nothing was said yet.
///
/// # Errors
/// As [`Chat::begin_session`], and for callers without a token.
pub async fn begin(State(chat): State<Arc<Chat>>, caller: Caller) -> Result<Response, AppError> {
    let session_id = chat.begin_session(caller.with_token()?).await?;
    let envelope = wire::answer("copilot.session", &Session::of(&session_id, None));
    let location = [(header::LOCATION, format!("/api/copilot/sessions/{session_id}"))];
    Ok((location, json(StatusCode::CREATED, &envelope)).into_response())
}

/// Says whether a session is being answered. After a restart its channel can be subscribed to again.
///
/// # Errors
/// As [`Chat::look`].
pub async fn look(
    State(chat): State<Arc<Chat>>,
    AppPath(session_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    let answer_id = chat.look(caller.with_token()?, &session_id).await?;
    Ok(json(StatusCode::OK, &wire::answer("copilot.session", &Session::of(&session_id, answer_id))))
}

/// Stops the answer that a session is given. `copilot.stopped` follows on its channel; not where it is answered that
/// nothing stops, since the answer has come to its end, which may yet be told.
///
/// # Errors
/// As [`Chat::stop`].
pub async fn stop(
    State(chat): State<Arc<Chat>>,
    AppPath(session_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Stopping<'a> {
        session_id: &'a str,
        stopping: bool,
        answer_id: Option<String>,
    }
    let answer_id = chat.stop(caller.with_token()?, &session_id).await?;
    let data = Stopping { session_id: &session_id, stopping: answer_id.is_some(), answer_id };
    Ok(json(StatusCode::OK, &wire::answer("copilot.stopping", &data)))
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let mut types = accepted
        .flat_map(|value| value.split(','))
        .map(|part| part.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    let (mut json, mut stream) = (false, false);
    types.by_ref().for_each(|name| match name.as_str() {
        "application/json" => json = true,
        "text/event-stream" => stream = true,
        _ => {}
    });
    json && !stream
}

fn json(status: StatusCode, envelope: &Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, envelope.clone()).into_response()
}
