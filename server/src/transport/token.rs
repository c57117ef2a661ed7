//! What the end of a token means for a live connection, on any transport.

use std::time::Duration;

use live_core::error::ErrorCode;
use live_core::system::{Auth as AuthEvent, AuthState, ErrorDetail, name};
use tokio::time::timeout;

use super::channels::Refusal;
use crate::auth::Identity;
use crate::auth::http::accepted;
use crate::auth::sessions::{Session, Signal};
use crate::hub::{Connection, Hub, Out};
use crate::wire;

/// How long a client that does not read is waited for before the next thing is looked at: a token that was taken
/// back ends its connection all the same.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);

/// Tells a client how its token stands until that ends the connection. Returns with which code.
pub(super) async fn follow(
    hub: &Hub,
    connection: &Connection,
    session: &mut Session,
    grace: Duration,
) -> ErrorCode {
    let grace_ms = Some(grace.as_millis() as u64);
    loop {
        let (state, expires_at) = match session.next().await {
            Signal::Expiring { expires_at } => (AuthState::Expiring, expires_at),
            Signal::Expired { expires_at } => (AuthState::Expired, expires_at),
            Signal::Over => return ErrorCode::AuthExpired,
            Signal::Revoked => return ErrorCode::AuthRevoked,
            Signal::Refreshed(identity) => {
                // One that came over the connection itself has been answered there.
                if *connection.identity() != *identity {
                    connection.set_identity(identity);
                    tell(connection, accepted(&connection.identity())).await;
                    review(hub, connection).await;
                }
                continue;
            }
        };
        let event = AuthEvent { state, expires_at: Some(expires_at), grace_ms };
        tell(connection, wire::system(name::AUTH, "", &event)).await;
    }
}

/// Ends those subscriptions that the token does not allow any more, and says so on their channels.
pub(super) async fn review(hub: &Hub, connection: &Connection) {
    for (channel, code) in hub.review(connection) {
        tell(connection, Refusal::of(&channel, code, None).envelope).await;
    }
}

async fn tell(connection: &Connection, envelope: bytes::Bytes) {
    // What could not be told in time is not told.
    let _told = timeout(TELL_TIMEOUT, connection.answer(envelope)).await;
}

/// The last that a client is told when its token ends the connection.
pub(super) fn last_words(code: ErrorCode) -> Vec<Out> {
    let mut words = Vec::new();
    if code == ErrorCode::AuthRevoked {
        let event = AuthEvent { state: AuthState::Revoked, expires_at: None, grace_ms: None };
        words.push(Out::Notice(wire::system(name::AUTH, "", &event)));
    }
    let detail = ErrorDetail { message: code.meaning().into(), ..ErrorDetail::default() };
    words.push(Out::Notice(wire::error(code, "", &detail)));
    words
}

/// Whether somebody has not said yet who they are, where that is needed.
pub(super) fn is_nobody(connection: &Connection) -> bool {
    *connection.identity() == Identity::nobody()
}
