//! What goes wrong at the HTTP edge, and how it is answered: one envelope, with the status of its code.

use std::error::Error;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use hyper::body::Body as _;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde::de::DeserializeOwned;

use crate::confirmation::token::discreet;
use crate::listener::BodyTimeout;
use crate::wire;

/// A refusal or a failure of a request.
#[derive(Clone, Debug)]
pub struct AppError {
    status: StatusCode,
    body: Bytes,
    cause: Option<Cause>,
    retry_after: Option<Duration>,
}

/// Why a request failed, for the log alone.
#[derive(Clone, Debug)]
pub struct Cause(pub String);

impl AppError {
    /// The request is not understood; `field` is what is wrong in it.
    pub fn bad_request(field: &str, reason: &str) -> Self {
        let detail = ErrorDetail {
            field: Some(field.into()),
            reason: Some(wire::cut(reason)),
            ..detail(ErrorCode::BadRequest)
        };
        Self::with_detail(ErrorCode::BadRequest, &detail)
    }

    /// There is nothing at this path.
    pub fn not_found() -> Self {
        Self::of(ErrorCode::NotFound)
    }

    /// The path is there, but not for this method.
    pub fn method_not_allowed() -> Self {
        Self {
            status: StatusCode::METHOD_NOT_ALLOWED,
            ..Self::bad_request("method", "is not allowed at this path")
        }
    }

    /// Whoever asks may not.
    pub fn forbidden(message: &str) -> Self {
        Self::with_detail(
            ErrorCode::Forbidden,
            &ErrorDetail { message: message.into(), ..ErrorDetail::default() },
        )
    }

    /// The body is not of a type that is read here.
    pub fn unsupported_media_type() -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ..Self::bad_request("Content-Type", "is not application/json")
        }
    }

    /// It is not said how long the body is.
    pub fn length_required() -> Self {
        Self {
            status: StatusCode::LENGTH_REQUIRED,
            ..Self::bad_request("Content-Length", "is missing, and so is Transfer-Encoding")
        }
    }

    /// Refused for now; `after` that it may be tried again.
    pub fn later(code: ErrorCode, after: Duration) -> Self {
        Self::later_for(code, after, detail(code))
    }

    /// The same with more to say than what the code means.
    pub fn later_for(code: ErrorCode, after: Duration, detail: ErrorDetail) -> Self {
        let retry_after_ms = Some((after.as_millis() as u64).max(1));
        let mut error = Self::with_detail(code, &ErrorDetail { retry_after_ms, ..detail });
        error.retry_after = Some(after);
        error
    }

    /// A code with nothing more to say than what it means.
    pub fn of(code: ErrorCode) -> Self {
        Self::with_detail(code, &detail(code))
    }

    /// The process is being stopped.
    pub fn draining() -> Self {
        Self::later(ErrorCode::Draining, Duration::from_secs(1))
    }

    /// Something went wrong inside. The cause goes to the log and not to the client.
    pub fn internal(cause: String) -> Self {
        Self { cause: Some(Cause(cause)), ..Self::of(ErrorCode::Internal) }
    }

    /// A code with its details.
    pub fn with_detail(code: ErrorCode, detail: &ErrorDetail) -> Self {
        Self::envelope(code, wire::error(code, "", detail))
    }

    /// A code with an envelope that says the same.
    pub fn envelope(code: ErrorCode, body: Bytes) -> Self {
        let status = code.http_status().and_then(|status| StatusCode::from_u16(status).ok());
        Self {
            status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body,
            cause: None,
            retry_after: None,
        }
    }
}

fn detail(code: ErrorCode) -> ErrorDetail {
    ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
        if let Some(after) = self.retry_after {
            // Whole seconds, never too early.
            let seconds = after.as_millis().div_ceil(1_000).max(1) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(cause) = self.cause {
            response.extensions_mut().insert(cause);
        }
        response
    }
}

/// The parameters of a question; a wrong one is answered like every other mistake.
#[derive(Debug)]
pub struct AppQuery<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for AppQuery<T> {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match Query::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                let detail = ErrorDetail {
                    field: Some("query".into()),
                    reason: Some(
                        discreet(rejection.body_text()).chars().take(200).collect::<String>().into(),
                    ),
                    ..detail(ErrorCode::BadRequest)
                };
                Err(AppError::with_detail(ErrorCode::BadRequest, &detail))
            }
        }
    }
}

/// The part of a path that has a name; one that is no text is answered like every other mistake.
#[derive(Debug)]
pub struct AppPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for AppPath {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, AppError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(part)) => Ok(Self(part)),
            Err(_) => Err(AppError::bad_request("path", "is not UTF-8")),
        }
    }
}

/// The bytes of a JSON body, of which nothing is known but its type and that it is not too long.
#[derive(Debug)]
pub struct JsonBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for JsonBytes {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        let headers = request.headers();
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(is_json) {
            return Err(AppError::unsupported_media_type());
        }
        let is_encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
        if is_encoded {
            let error = AppError::bad_request("Content-Encoding", "is not identity");
            return Err(AppError { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..error });
        }
        let has_length = headers.contains_key(header::CONTENT_LENGTH)
            || headers.contains_key(header::TRANSFER_ENCODING)
            || request.version() == Version::HTTP_2
            || request.body().size_hint().lower() > 0;
        if !has_length {
            return Err(AppError::length_required());
        }
        AnyBytes::from_request(request, state).await.map(|AnyBytes(bytes)| Self(bytes))
    }
}

/// The bytes of a body of any type, within the router's bound.
#[derive(Debug)]
pub struct AnyBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for AnyBytes {
    type Rejection = AppError;

    async fn from_request(request: Request, state: &S) -> Result<Self, AppError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) => Err(broken_body(rejection.status(), &rejection)),
        }
    }
}

/// Whether a media type is JSON: with parameters, of which none changes how it is read.
fn is_json(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn broken_body(status: StatusCode, error: &(dyn Error + 'static)) -> AppError {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        AppError::of(ErrorCode::PayloadTooLarge)
    } else if causes.any(<dyn Error>::is::<BodyTimeout>) {
        AppError::of(ErrorCode::BodyTimeout)
    } else {
        AppError::bad_request("body", "ends too soon, or is not framed as it says")
    }
}
