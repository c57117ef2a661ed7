//! Why a call came to nothing.

use std::time::Duration;

use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use crate::backtest::fields::Fault;
use crate::copilot::{STORE_RETRY, store_detail};
use crate::database::StoreError;
use crate::error::AppError;

/// Why a call came to nothing.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The code.
    pub code: ErrorCode,
    /// What there is to say of it.
    pub detail: Box<ErrorDetail>,
    /// When it may be tried again.
    pub retry_after: Option<Duration>,
}

impl From<Refusal> for AppError {
    fn from(Refusal { code, detail, retry_after }: Refusal) -> Self {
        match retry_after {
            Some(after) => Self::later_for(code, after, *detail),
            None => Self::with_detail(code, &detail),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::warn!(%error, "a store cannot be used");
        let (code, detail) = (ErrorCode::StoreUnavailable, Box::new(store_detail(&error)));
        Self { code, detail, retry_after: Some(STORE_RETRY) }
    }
}

impl From<Fault> for Refusal {
    fn from(Fault { field, value, reason, allowed }: Fault) -> Self {
        let code = ErrorCode::ParamsInvalid;
        let field = if field.is_empty() { "body".to_owned() } else { field };
        let detail = ErrorDetail {
            message: format!("{field} {reason}").into(),
            field: Some(field.into()),
            reason: Some(reason.into()),
            value: value.map(Into::into),
            allowed: Some(allowed.into()),
            ..ErrorDetail::default()
        };
        Self { code, detail: Box::new(detail), retry_after: None }
    }
}
impl Refusal {
    /// A code with nothing more to say than what it means.
    pub fn of(code: ErrorCode) -> Self {
        let detail = ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() };
        Self { code, detail: Box::new(detail), retry_after: None }
    }

    /// A code, in words of its own.
    pub fn told(code: ErrorCode, message: &'static str) -> Self {
        let detail = ErrorDetail { message: message.into(), ..ErrorDetail::default() };
        Self { code, detail: Box::new(detail), retry_after: None }
    }

    /// A code, with what is wrong and why.
    pub fn at(code: ErrorCode, field: &str, reason: &str) -> Self {
        let (field, reason) = (Some(field.into()), Some(reason.into()));
        let detail = ErrorDetail { message: code.meaning().into(), field, reason, ..ErrorDetail::default() };
        Self { code, detail: Box::new(detail), retry_after: None }
    }
}
