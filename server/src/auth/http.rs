//! Routes about tokens.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::system::{Auth as AuthEvent, AuthState, name};
use serde::{Deserialize, Serialize};

use super::Auth;
use super::caller::Caller;
use super::guest::is_guest;
use super::identity::{Identity, Role};
use super::revocations::Revocation;
use crate::error::{AnyBytes, AppError, AppPath, JsonBytes};
use crate::origin::Origins;
use crate::wire;

/// Longest name of a token or a person.
const NAME_LEN_MAX: usize = 128;

/// Lets requests of programs and of pages that may connect pass.
pub async fn guard_origin(State(origins): State<Arc<Origins>>, request: Request, next: Next) -> Response {
    match origins.allow(request.headers(), request.uri()) {
        true => next.run(request).await,
        false => AppError::forbidden("pages of this origin may not connect").into_response(),
    }
}

/// Lets only callers pass who may look on, and to the history of a channel those who may read the channel.
pub async fn guard_reader(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    Query(asked): Query<HashMap<String, String>>,
    request: Request,
    next: Next,
) -> Response {
    let identity = match caller.somebody() {
        Ok(identity) => identity,
        Err(error) => return error.into_response(),
    };
    let channel = asked.get("symbol").zip(asked.get("interval"));
    let channel =
        channel.map(|(symbol, interval)| ChannelName::parse(&format!("candles:{symbol}.{interval}")));
    // What is no name of a channel is told by whoever answers.
    if let Some(Ok(channel)) = channel
        && let Err(code) = auth.access().judge(identity, &channel)
    {
        return AppError::of(code).into_response();
    }
    next.run(request).await
}

/// `POST /api/session`: a token for a guest; a guest's own token gets another one for the same guest.
///
/// # Errors
/// [`ErrorCode::NotFound`] where there are no guests, [`ErrorCode::Forbidden`] to somebody who is not a guest.
pub async fn guest(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    AnyBytes(body): AnyBytes,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Created<'a> {
        token: &'a str,
        expires_at: u64,
        subject: &'a str,
    }
    let Some(guests) = &auth.guests else { return Err(AppError::of(ErrorCode::NotFound)) };
    if !matches!(body.trim_ascii(), b"" | b"{}") {
        return Err(AppError::bad_request("body", "is not {}"));
    }
    if caller.late.is_some() {
        return Err(AppError::of(ErrorCode::AuthExpired));
    }
    if caller.identity.subject.is_some() && !is_guest(&caller.identity) {
        return Err(AppError::forbidden("whoever has a token of another kind is no guest"));
    }
    let issued = guests
        .issue(caller.identity.subject.clone(), wire::now_ms())
        .map_err(|error| AppError::internal(format!("sign a token: {error}")))?;
    let token =
        std::str::from_utf8(issued.token.expose()).map_err(|error| AppError::internal(error.to_string()))?;
    let created = Created { token, expires_at: issued.expires_at, subject: &issued.subject };
    Ok(json(wire::answer("session.created", &created)))
}

/// `POST /api/live/session/{id}/auth`: gives a live connection a new token, without reconnecting.
///
/// # Errors
/// [`ErrorCode::NotFound`], [`ErrorCode::SubjectMismatch`], or what is wrong with the token.
pub async fn refresh(
    State(auth): State<Arc<Auth>>,
    AppPath(session_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    let identity = caller.with_token()?;
    auth.sessions().refresh(&session_id, Arc::clone(identity)).map_err(|fault| AppError::of(fault.code()))?;
    Ok(json(accepted(identity)))
}

/// What somebody is told whose token was accepted.
pub(crate) fn accepted(identity: &Identity) -> Bytes {
    let event = AuthEvent { state: AuthState::Ok, expires_at: identity.expires_at, grace_ms: None };
    wire::system(name::AUTH, "", &event)
}

/// What is taken back: one of the two.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Taken {
    jti: Option<String>,
    subject: Option<String>,
}

/// `POST /api/auth/revoke`: takes back one token by its id, or all of a person that were made until now.
///
/// # Errors
/// [`ErrorCode::Forbidden`] to whoever is not an admin.
pub async fn revoke(
    State(auth): State<Arc<Auth>>,
    caller: Caller,
    JsonBytes(body): JsonBytes,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Revoked {
        connections: usize,
    }
    let admin = caller.with_role(&[Role::Admin])?;
    let taken: Taken =
        serde_json::from_slice(&body).map_err(|error| AppError::bad_request("body", &error.to_string()))?;
    let is_name = |name: &str| !name.is_empty() && name.chars().count() <= NAME_LEN_MAX;
    let revocation = match taken {
        Taken { jti: Some(id), subject: None } if is_name(&id) => Revocation::Token(id),
        Taken { jti: None, subject: Some(subject) } if is_name(&subject) => Revocation::Subject(subject),
        _ => {
            return Err(AppError::bad_request(
                "body",
                "has not exactly one of jti and subject, of 1 to 128 characters",
            ));
        }
    };
    let by = admin.subject.as_deref();
    let connections = auth
        .revoke(&revocation)
        .map_err(|error| AppError::internal(format!("write down what was taken back: {error:#}")))?;
    tracing::info!(?revocation, by, connections, "tokens taken back");
    Ok(json(wire::answer("auth.revoked", &Revoked { connections })))
}

fn json(envelope: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")], envelope)
        .into_response()
}

#[cfg(test)]
mod tests;
