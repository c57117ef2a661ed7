//! The copilot: conversations, and the tools that are called in them or directly.
//!
//! An action that costs something is proposed by one tool and done by another after a person has confirmed it. Every call
//! is measured and written down as evidence of the conversation.

pub mod chat;
pub mod http;
pub mod keeper;
pub mod proposals;
pub mod provider;
pub mod stats;
pub mod tool;
pub mod tools;

use std::time::Duration;

use live_core::error::ErrorCode;
use live_core::system::ErrorDetail;

use crate::database::StoreError;
use crate::error::AppError;

/// When somebody is to try again whom a store has failed.
const STORE_RETRY: Duration = Duration::from_secs(1);

/// What somebody is told whom a store has failed. Why goes to the log.
pub fn store_unavailable(error: &StoreError) -> AppError {
    tracing::warn!(%error, "a store cannot be used");
    AppError::later_for(ErrorCode::StoreUnavailable, STORE_RETRY, store_detail(error))
}

fn store_detail(error: &StoreError) -> ErrorDetail {
    ErrorDetail {
        message: ErrorCode::StoreUnavailable.meaning().into(),
        store: Some(error.store.into()),
        ..ErrorDetail::default()
    }
}
