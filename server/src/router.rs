//! Every route, by who calls it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, header};
use axum::middleware::{from_fn, from_fn_with_state, map_response};
use axum::routing::{get, post};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tower_http::cors::CorsLayer;

use crate::app::AppState;
use crate::error::AppError;
use crate::transport::{polling, sse, websocket};
use crate::{auth, backtest, copilot, evidence, market, metrics, middleware, page, publish, ready, schema};

/// Largest body of a request, in bytes.
const BODY_LEN_MAX: usize = 64 * 1024;

/// Smallest answer that is compressed, in bytes: one that fits into a packet gains nothing.
const COMPRESSED_LEN_MIN: u16 = 1_024;

/// How hard answers are compressed. Of a page of 1,000 bars zlib-rs leaves 55 % at level 1, 39 % here for twice the time,
/// and 37 % at level 3 for four times.
const COMPRESSION_LEVEL: i32 = 2;

/// The whole interface.
pub fn router(state: AppState) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(state.origins.others().to_vec())
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_NONE_MATCH,
            header::IF_RANGE,
            header::RANGE,
            header::HeaderName::from_static("last-event-id"),
            header::HeaderName::from_static("idempotency-key"),
            header::HeaderName::from_static("prefer"),
        ])
        .expose_headers([
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            header::CONTENT_DISPOSITION,
            header::CONTENT_RANGE,
            header::ACCEPT_RANGES,
            header::HeaderName::from_static("repr-digest"),
        ]);
    // Only where it is asked for, and only data: never an answer with a token, whose length would tell of it, nor
    // a stream, which would wait within.
    let compression = CompressionLayer::new()
        .quality(CompressionLevel::Precise(COMPRESSION_LEVEL))
        .compress_when(SizeAbove::new(COMPRESSED_LEN_MIN - 1));
    let live = Router::new()
        .route("/api/live/sse", get(sse::open))
        .route("/api/live/ws", get(websocket::open))
        .layer(from_fn_with_state(state.clone(), middleware::admit))
        // Says for itself whether it is a new one.
        .route("/api/live/poll", get(polling::open).layer(compression.clone()))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin));
    let data = Router::new()
        .route("/api/market/symbols", get(market::http::symbols))
        .route("/api/market/candles", get(market::http::candles))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_reader))
        .route("/api/schema/{name}", get(schema::schema))
        .layer(compression.clone());
    let publishers = Router::new()
        .route("/api/live/publish", post(publish::accept))
        .layer(DefaultBodyLimit::max(publish::BODY_LEN_MAX))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin));
    let people = Router::new()
        .route("/api/session", post(auth::http::guest))
        .route("/api/live/session/{id}/auth", post(auth::http::refresh))
        .route("/api/auth/revoke", post(auth::http::revoke))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin));
    // What is answered here may hold a token: it is not compressed.
    let copilot = Router::new()
        .route("/api/copilot/tools", get(copilot::http::list))
        .route("/api/copilot/tools/{tool}", post(copilot::http::call))
        .route("/api/copilot/chat", post(copilot::chat::http::ask))
        .route("/api/copilot/sessions", post(copilot::chat::http::begin))
        .route("/api/copilot/sessions/{id}", get(copilot::chat::http::look))
        .route("/api/copilot/sessions/{id}/stop", post(copilot::chat::http::stop))
        .route("/api/copilot/evidence/{session_id}", get(evidence::http::download))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin));
    let jobs = Router::new()
        .route("/api/backtest/jobs", get(backtest::http::list))
        .route("/api/backtest/jobs/{id}", get(backtest::http::get).delete(backtest::http::cancel))
        .route("/api/backtest/jobs/{id}/result/download", get(backtest::results::http::link))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin));
    let rows = Router::new()
        .route("/api/backtest/jobs/{id}/result", get(backtest::results::http::page))
        .layer(from_fn_with_state(state.clone(), auth::http::guard_origin))
        .layer(compression.clone())
        .layer(map_response(async |response| backtest::results::http::weaken(response)));
    // Whoever has a link.
    let files = Router::new().route("/api/backtest/blobs/{id}", get(backtest::blobs::http::download));
    let operation = Router::new()
        .route("/healthz", get(ready::health))
        .route("/readyz", get(ready::ready))
        .route("/api/public/metrics", get(metrics::page));
    let not_allowed = async || AppError::method_not_allowed();
    Router::new()
        .merge(live)
        .merge(data)
        .merge(people)
        .merge(publishers)
        .merge(copilot)
        .merge(jobs)
        .merge(rows)
        .merge(files)
        // Before the layer: else a browser's question whether it may ask would not come that far.
        .method_not_allowed_fallback(not_allowed)
        .layer(cors)
        .merge(operation)
        .fallback(page::fallback)
        .method_not_allowed_fallback(not_allowed)
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn(middleware::log))
        .layer(from_fn(middleware::protect))
        .layer(DefaultBodyLimit::max(BODY_LEN_MAX))
        .with_state(state)
}

#[cfg(test)]
mod tests;
