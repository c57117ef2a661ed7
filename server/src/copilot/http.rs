//! `GET /api/copilot/tools` and `POST /api/copilot/tools/{tool}`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use live_core::error::ErrorCode;
use serde::{Deserialize, Serialize};

use super::chat::Chat;
use super::tool::Tool;
use super::tools::{Accepted, Answer, By, Call, Proposed, Told};
use crate::auth::Caller;
use crate::backtest::params::Params;
use crate::crash;
use crate::error::{AppError, AppPath, AppQuery, JsonBytes};
use crate::transport::Lifecycle;
use crate::wire;

/// Under which key a confirmation can be repeated.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What a call's address may say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Question {
    session_id: Option<String>,
}

/// Lists the tools with what they take.
///
/// # Errors
/// [`ErrorCode::Unauthenticated`].
pub async fn list(caller: Caller) -> Result<Response, AppError> {
    #[derive(Serialize)]
    struct Tools<T> {
        tools: T,
    }
    caller.somebody()?;
    let data = Tools { tools: Tool::ALL.map(Tool::listed) };
    Ok(answer(StatusCode::OK, &wire::long_answer("copilot.tools", &data)))
}

/// Calls a tool.
///
/// # Errors
/// [`ErrorCode::ToolUnknown`], and as [`Tools::call`](super::tools::Tools::call).
pub async fn call(
    State(chat): State<Arc<Chat>>,
    State(lifecycle): State<Lifecycle>,
    AppPath(tool): AppPath,
    AppQuery(question): AppQuery<Question>,
    headers: HeaderMap,
    caller: Caller,
    JsonBytes(arguments): JsonBytes,
) -> Result<Response, AppError> {
    let identity = Arc::clone(caller.with_token()?);
    let tool = Tool::from_name(&tool).ok_or_else(|| AppError::of(ErrorCode::ToolUnknown))?;
    let idempotency_key = idempotency_key(&headers)?.map(str::to_owned);
    // Goes on to its end and is written down, also when the caller has gone away.
    let called = lifecycle.tasks.spawn(async move {
        let call = Call {
            tool,
            by: By::Person,
            session_id: question.session_id.as_deref(),
            idempotency_key: idempotency_key.as_deref(),
            arguments: &arguments,
        };
        let tools = chat.tools();
        let answered = tools.call(&identity, call).await?;
        let bars = match &answered {
            Answer::Proposed(proposed) => tools.bars(&proposed.params),
            Answer::Accepted(accepted) => {
                chat.hear_of(&identity, accepted).await;
                0
            }
            Answer::Told(_) => 0,
        };
        Ok::<_, AppError>((answered, bars))
    });
    let (answered, bars) = called.await.map_err(|error| AppError::internal(format!("a tool: {error}")))??;
    let response = match &answered {
        Answer::Proposed(proposed) => self::proposed(proposed, bars),
        Answer::Accepted(accepted) => self::accepted(accepted),
        Answer::Told(Told { event, data }) => answer(StatusCode::OK, &wire::written_answer(event, data)),
    };
    crash::point("answered");
    Ok(response)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, AppError> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(key), None) => Ok(Some(key.to_str().unwrap_or_default())),
        // None that is one.
        (Some(_), Some(_)) => Ok(Some("")),
    }
}

/// The one answer that a token leaves the process in.
fn proposed(proposed: &Proposed, bars: u64) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        confirmation_token: &'a str,
        expires_at: i64,
        params_hash: &'a str,
        preview: Preview<'a>,
        proposal_id: &'a str,
        session_id: &'a str,
    }
    #[derive(Serialize)]
    struct Preview<'a> {
        tool: &'static str,
        summary: String,
        combinations: usize,
        /// How many bars each of them runs over, as far as is known now.
        bars: u64,
        params: &'a Params,
    }
    let Proposed { token, expires_at, params, params_hash, proposal_id, session_id } = proposed;
    let preview = Preview {
        tool: Tool::StartBacktest.name(),
        summary: params.summary(),
        combinations: params.combinations(),
        bars,
        params,
    };
    let expires_at = *expires_at;
    let body = Body {
        confirmation_token: token.expose(),
        expires_at,
        params_hash,
        preview,
        proposal_id,
        session_id,
    };
    answer(StatusCode::OK, &wire::long_answer("backtest.proposed", &body))
}

fn accepted(accepted: &Accepted) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        job_id: &'a str,
        state: &'a str,
        params_hash: &'a str,
        replayed: bool,
        proposal_id: &'a str,
        session_id: &'a str,
    }
    let Accepted { job_id, state, params_hash, is_replayed, proposal_id, session_id } = accepted;
    let body = Body { job_id, state, params_hash, replayed: *is_replayed, proposal_id, session_id };
    let location = [(header::LOCATION, format!("/api/backtest/jobs/{job_id}"))];
    let envelope = wire::answer("backtest.accepted", &body);
    (location, answer(StatusCode::ACCEPTED, &envelope)).into_response()
}

fn answer(status: StatusCode, envelope: &bytes::Bytes) -> Response {
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, envelope.clone()).into_response()
}
