//! `GET /healthz` and `GET /readyz`: whether the process is alive, and whether it can deliver.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;
use serde::Serialize;

use crate::app::Started;
use crate::copilot::keeper::{StoreCheck, StoreHealth};
use crate::error::AppError;
use crate::status::{Checks, Status};
use crate::transport::Lifecycle;
use crate::wire;

/// The process is alive. Whether it can deliver is another question.
pub async fn health(State(Started(started)): State<Started>) -> Response {
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

/// The gateway delivers: what was published a moment ago has come back.
///
/// # Errors
/// [`ErrorCode::Draining`] from the moment of the signal on, [`ErrorCode::BrokerUnavailable`] when the engine's
/// delivery is not proven.
pub async fn ready(
    State(status): State<Arc<Status>>,
    State(stores): State<Arc<StoreHealth>>,
    State(lifecycle): State<Lifecycle>,
) -> Result<Response, AppError> {
    #[derive(Serialize)]
    struct Ready {
        checks: All,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct All {
        #[serde(flatten)]
        live: Checks,
        token_store: StoreCheck,
    }
    if lifecycle.stopping.is_cancelled() {
        return Err(AppError::draining());
    }
    let live = status.checks();
    if !live.broker.ok {
        return Err(AppError::of(ErrorCode::BrokerUnavailable));
    }
    // Prices are delivered without it: a store that all nodes share must not take all of them out of service.
    let checks = All { live, token_store: stores.check() };
    let answer = wire::answer("system.ready", &Ready { checks });
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}
