//! `GET /api/copilot/evidence/{sessionId}`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;

use super::bundle::bundle;
use super::seal::Sealer;
use super::store::EvidenceStore;
use crate::auth::{Caller, Role};
use crate::copilot::store_unavailable;
use crate::copilot::tools::is_id;
use crate::error::{AppError, AppPath};

/// What the route needs.
#[derive(Clone)]
pub struct Evidence {
    /// Where it is kept.
    pub store: Arc<dyn EvidenceStore>,
    /// What signs it.
    pub sealer: Arc<Sealer>,
}

/// Answers with a session's bundle as a file, to its owner and to admins.
///
/// # Errors
/// [`ErrorCode::Unauthenticated`]; [`ErrorCode::NotFound`], also for somebody else's session.
pub async fn download(
    State(Evidence { store, sealer }): State<Evidence>,
    AppPath(session_id): AppPath,
    caller: Caller,
) -> Result<Response, AppError> {
    let identity = caller.with_token()?;
    if !is_id(&session_id) {
        return Err(AppError::of(ErrorCode::NotFound));
    }
    let session = store.session(&session_id).await.map_err(|error| store_unavailable(&error))?;
    let is_theirs =
        |subject: &str| identity.subject.as_deref() == Some(subject) || identity.roles.has(Role::Admin);
    let Some(session) = session.filter(|session| is_theirs(&session.subject)) else {
        return Err(AppError::of(ErrorCode::NotFound));
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        // Ids have no character that would have to be escaped.
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"evidence-{}.json\"", session.id)),
    ];
    Ok((headers, Body::from_stream(bundle(store, sealer, session))).into_response())
}
