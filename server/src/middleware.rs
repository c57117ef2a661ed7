//! What every answer goes through.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;

use crate::auth::caller::decoded;
use crate::confirmation::token::discreet;
use crate::error::{AppError, Cause};
use crate::rate::Rate;
use crate::transport::Lifecycle;

/// What a page of ours may load: nothing from elsewhere, and WebAssembly. The chart sets styles of its own
/// inline. `'self'` covers a WebSocket to the same host.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; \
    style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; object-src 'none'; \
    base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Headers on every answer, whatever it is.
pub(crate) const EVERYWHERE: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

/// Keeps a browser to TLS for a year. It means something only where the proxy in front speaks TLS.
const STRICT_TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Adds the headers that protect pages and data.
pub async fn protect(request: Request, next: Next) -> Response {
    let is_tls = request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let mut response = next.run(request).await;
    harden(response.headers_mut());
    if is_tls {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT);
    }
    response
}

/// The headers of every answer.
pub(crate) fn harden(headers: &mut HeaderMap) {
    for (name, value) in EVERYWHERE {
        headers.insert(name, value);
    }
    // What says nothing of its own about being kept is data of the moment.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// Logs each request, and the cause of a failure, which the client is not told.
pub async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    // Somebody may have put a confirmation token where it does not belong.
    let path = request.uri().path();
    let path = if decoded(path) == path { discreet(path.to_owned()) } else { discreet(decoded(path)) };
    let response = next.run(request).await;
    let (status, duration_ms) = (response.status().as_u16(), began.elapsed().as_millis() as u64);
    match response.extensions().get::<Cause>() {
        Some(Cause(cause)) => tracing::error!(%method, path, status, duration_ms, cause, "request failed"),
        None => tracing::debug!(%method, path, status, duration_ms, "request"),
    }
    response
}

/// Takes on a new live connection, unless the process is being stopped or too many came within a second.
pub async fn admit(
    State(opens): State<Arc<Rate>>,
    State(lifecycle): State<Lifecycle>,
    request: Request,
    next: Next,
) -> Response {
    if lifecycle.draining.is_cancelled() {
        return AppError::draining().into_response();
    }
    match opens.take(1) {
        Ok(()) => next.run(request).await,
        Err(after) => AppError::later(ErrorCode::Overloaded, after).into_response(),
    }
}

/// The answer in place of a handler that panicked; other requests go on.
pub fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    AppError::internal(format!("panic: {}", text.unwrap_or("of unknown cause"))).into_response()
}
