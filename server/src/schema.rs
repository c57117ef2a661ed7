//! `GET /api/schema/{name}`: the JSON Schemas of the envelope and of every event that is known by its type.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::error::{AppError, AppPath};

/// Every schema, as it is checked in beside the types that it is made of.
const SCHEMAS: &[(&str, &str)] = &[
    ("backpressure_drop.json", include_str!("../../live-core/schema/backpressure_drop.json")),
    ("candles.bar.json", include_str!("../../live-core/schema/candles.bar.json")),
    ("copilot.confirm.json", include_str!("../../live-core/schema/copilot.confirm.json")),
    ("copilot.confirmed.json", include_str!("../../live-core/schema/copilot.confirmed.json")),
    ("copilot.delta.json", include_str!("../../live-core/schema/copilot.delta.json")),
    ("copilot.done.json", include_str!("../../live-core/schema/copilot.done.json")),
    ("copilot.error.json", include_str!("../../live-core/schema/copilot.error.json")),
    ("copilot.start.json", include_str!("../../live-core/schema/copilot.start.json")),
    ("copilot.stopped.json", include_str!("../../live-core/schema/copilot.stopped.json")),
    ("copilot.tool_call.json", include_str!("../../live-core/schema/copilot.tool_call.json")),
    ("copilot.tool_result.json", include_str!("../../live-core/schema/copilot.tool_result.json")),
    ("envelope.json", include_str!("../../live-core/schema/envelope.json")),
    ("price.tick.json", include_str!("../../live-core/schema/price.tick.json")),
    ("system.ack.json", include_str!("../../live-core/schema/system.ack.json")),
    ("system.auth.json", include_str!("../../live-core/schema/system.auth.json")),
    ("system.drain.json", include_str!("../../live-core/schema/system.drain.json")),
    ("system.error.json", include_str!("../../live-core/schema/system.error.json")),
    ("system.heartbeat.json", include_str!("../../live-core/schema/system.heartbeat.json")),
    ("system.hello.json", include_str!("../../live-core/schema/system.hello.json")),
    ("system.rate.json", include_str!("../../live-core/schema/system.rate.json")),
    ("system.resync.json", include_str!("../../live-core/schema/system.resync.json")),
    ("system.snapshot_end.json", include_str!("../../live-core/schema/system.snapshot_end.json")),
];

/// One schema, by the event's name and `.json`, or `envelope.json`.
///
/// # Errors
/// When there is none of that name.
pub async fn schema(AppPath(name): AppPath) -> Result<Response, AppError> {
    let (_, text) = SCHEMAS.iter().find(|(known, _)| *known == name).ok_or_else(AppError::not_found)?;
    let headers =
        [(header::CONTENT_TYPE, "application/schema+json"), (header::CACHE_CONTROL, "public, max-age=3600")];
    Ok((headers, *text).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_that_is_checked_in_is_served() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../live-core/schema");
        let mut files: Vec<String> = std::fs::read_dir(dir)
            .expect("the folder is there")
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let served: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
        assert_eq!(served, files);
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_not_found() {
        assert!(schema(AppPath("envelope.json".into())).await.is_ok());
        assert!(schema(AppPath("../Cargo.toml".into())).await.is_err());
    }
}
