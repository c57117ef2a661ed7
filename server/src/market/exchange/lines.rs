//! The connections beside the current one: the one that is to replace it, and the one that it has replaced.

use std::future::{Future, pending};
use std::pin::Pin;

use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::connection::{Connection, Frame, Lost};

/// A connection that is being opened.
pub(super) type Dialled = Pin<Box<dyn Future<Output = Result<Box<Connection>, Lost>> + Send>>;

/// What happens to them.
pub(super) enum Turn {
    /// It is time to open another connection.
    Renew,
    /// It is open, or not.
    Dialled(Result<Box<Connection>, Lost>),
    /// It says something.
    Successor(Frame),
    /// The old one says something.
    Retired(Frame),
    /// The old one has had its time.
    Retire,
}

/// At most three connections: while one is opened, and while what is on its way over the old one is taken in.
pub(super) struct Lines {
    pub(super) dialling: Option<Dialled>,
    pub(super) successor: Option<Box<Connection>>,
    pub(super) retired: Option<Box<Connection>>,
    pub(super) retire_at: Instant,
    pub(super) renew_at: Instant,
    pub(super) renewals: Backoff,
}

impl Lines {
    /// None yet.
    pub(super) fn new(renewals: Backoff, renew_at: Instant) -> Self {
        let (dialling, successor, retired) = (None, None, None);
        Self { dialling, successor, retired, retire_at: renew_at, renew_at, renewals }
    }

    /// Waits for what happens next.
    ///
    /// # Cancel safety
    /// Nothing is lost: whatever has happened is told by this or by a later call.
    pub(super) async fn next(&mut self) -> Turn {
        let is_alone = self.dialling.is_none() && self.successor.is_none();
        let dialling = &mut self.dialling;
        tokio::select! {
            dialled = async {
                match dialling {
                    Some(dialled) => dialled.await,
                    None => pending().await,
                }
            } => {
                self.dialling = None;
                Turn::Dialled(dialled)
            }
            frame = next_of(&mut self.successor) => Turn::Successor(frame),
            frame = next_of(&mut self.retired) => Turn::Retired(frame),
            () = sleep_until(self.retire_at), if self.retired.is_some() => Turn::Retire,
            () = sleep_until(self.renew_at), if is_alone => Turn::Renew,
        }
    }
}

async fn next_of(connection: &mut Option<Box<Connection>>) -> Frame {
    match connection {
        Some(connection) => connection.next().await,
        None => pending().await,
    }
}
