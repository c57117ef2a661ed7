//! What goes wrong at the HTTP edge, and how it is answered: one envelope, with the status of its code.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;
use serde::de::DeserializeOwned;

use crate::wire;

/// A refusal or a failure of a request.
#[derive(Clone, Debug)]
pub struct AppError {
    status: StatusCode,
    body: Bytes,
    cause: Option<Cause>,
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
        Self::with_detail(ErrorCode::NotFound, &detail(ErrorCode::NotFound))
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

    /// The process is being stopped.
    pub fn draining() -> Self {
        Self::with_detail(ErrorCode::Draining, &detail(ErrorCode::Draining))
    }

    /// Something went wrong inside. The cause goes to the log and not to the client.
    pub fn internal(cause: String) -> Self {
        Self {
            cause: Some(Cause(cause)),
            ..Self::with_detail(ErrorCode::Internal, &detail(ErrorCode::Internal))
        }
    }

    /// A code with its details.
    pub fn with_detail(code: ErrorCode, detail: &ErrorDetail) -> Self {
        Self::envelope(code, wire::error(code, "", detail))
    }

    /// A code with an envelope that says the same.
    pub fn envelope(code: ErrorCode, body: Bytes) -> Self {
        let status = code.http_status().and_then(|status| StatusCode::from_u16(status).ok());
        Self { status: status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body, cause: None }
    }
}

fn detail(code: ErrorCode) -> ErrorDetail {
    ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, [(header::CONTENT_TYPE, "application/json")], self.body).into_response();
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
                    reason: Some(rejection.body_text().chars().take(200).collect::<String>().into()),
                    ..detail(ErrorCode::BadRequest)
                };
                Err(AppError::with_detail(ErrorCode::BadRequest, &detail))
            }
        }
    }
}
