//! Every route, by who calls it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

use crate::app::AppState;
use crate::error::AppError;
use crate::transport::{polling, sse, websocket};
use crate::{market, middleware, page, ready, schema};

/// Largest body of a request, in bytes.
const BODY_LEN_MAX: usize = 64 * 1024;

/// The whole interface.
pub fn router(state: AppState) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(state.origins.others().to_vec())
        .allow_methods([Method::GET])
        .allow_headers([header::HeaderName::from_static("last-event-id")]);
    let live = Router::new()
        .route("/api/live/sse", get(sse::open))
        .route("/api/live/ws", get(websocket::open))
        .route("/api/live/poll", get(polling::open))
        .layer(from_fn_with_state(state.clone(), middleware::admit));
    let data = Router::new()
        .route("/api/market/symbols", get(market::http::symbols))
        .route("/api/market/candles", get(market::http::candles))
        .route("/api/schema/{name}", get(schema::schema));
    let operation = Router::new().route("/healthz", get(ready::health)).route("/readyz", get(ready::ready));
    Router::new()
        .merge(live)
        .merge(data)
        .layer(cors)
        .merge(operation)
        .fallback(page::fallback)
        .method_not_allowed_fallback(async || AppError::method_not_allowed())
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn(middleware::log))
        .layer(from_fn(middleware::protect))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .with_state(state)
}

#[cfg(test)]
mod tests;
