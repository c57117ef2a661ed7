//! Every route, by who calls it.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;

use crate::app::{AppState, Started};
use crate::error::AppError;
use crate::transport::{polling, sse, websocket};
use crate::{market, middleware, page, wire};

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
        .route("/api/market/candles", get(market::http::candles));
    let operation = Router::new().route("/healthz", get(health));
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

/// The process is alive. Whether it can deliver is another question.
async fn health(State(Started(started)): State<Started>) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Health {
        status: &'static str,
        version: &'static str,
        uptime_ms: u64,
    }
    let uptime_ms = started.elapsed().as_millis() as u64;
    let data = Health { status: "ok", version: env!("CARGO_PKG_VERSION"), uptime_ms };
    ([(header::CONTENT_TYPE, "application/json")], wire::answer("system.health", &data)).into_response()
}

#[cfg(test)]
mod tests;
