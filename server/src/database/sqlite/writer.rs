//! The thread that owns the file.

use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::StoreError;
use super::{Failure, failed, file};

/// Calls of one transaction.
const GROUP_MAX: usize = 64;

/// Something to do in a transaction of several.
pub(super) trait Call: Send {
    /// Until when it makes sense to begin it; `None` when nobody waits for it any more.
    fn until(&self) -> Option<Instant>;

    /// Does it. What has failed by itself is undone by itself; any other failure undoes the whole transaction.
    fn run(&mut self, connection: &Connection) -> Result<(), Failure>;

    /// Answers, now that it is known what became of the transaction.
    fn finish(self: Box<Self>, outcome: Result<(), StoreError>);
}

/// A call, and who waits for its answer.
pub(super) struct Pending<T, W> {
    work: Option<W>,
    answer: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    until: Instant,
}

impl<T, W> Pending<T, W> {
    pub(super) fn new(work: W, reply: oneshot::Sender<Result<T, StoreError>>, until: Instant) -> Self {
        Self { work: Some(work), answer: None, reply, until }
    }
}

impl<T, W> Call for Pending<T, W>
where
    T: Send,
    W: FnOnce(&Connection) -> Result<T, Failure> + Send,
{
    fn until(&self) -> Option<Instant> {
        (!self.reply.is_closed()).then_some(self.until)
    }

    fn run(&mut self, connection: &Connection) -> Result<(), Failure> {
        let Some(work) = self.work.take() else { return Ok(()) };
        let answer = work(connection)?;
        self.answer = Some(Ok(answer));
        Ok(())
    }

    fn finish(self: Box<Self>, outcome: Result<(), StoreError>) {
        let answer = match outcome {
            Ok(()) => self.answer.unwrap_or_else(|| Err(failed(&"not begun"))),
            Err(error) => Err(error),
        };
        // Who waited may have gone.
        let _ = self.reply.send(answer);
    }
}

/// What the thread has.
pub(super) struct Writer {
    /// `None` is this process's memory, which is lost with the connection.
    path: Option<PathBuf>,
    file: Option<(Connection, file::Identity)>,
}

impl Writer {
    pub(super) fn open(path: Option<&Path>) -> Result<Self, StoreError> {
        let mut writer = Self { path: path.map(Path::to_owned), file: None };
        writer.reopen()?;
        Ok(writer)
    }

    /// Works until nobody can call any more.
    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Call>>) {
        while let Some(calls) = group(waiting) {
            self.transact(calls);
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        self.file = None;
        self.file = Some(match &self.path {
            Some(path) => (file::open(path)?, file::identity(path)),
            None => (file::in_memory()?, None),
        });
        Ok(())
    }

    /// Opens the file anew after a failure, and when it is not the one any more that has its name.
    fn ensure_open(&mut self) -> Result<(), StoreError> {
        match &self.file {
            Some((_, held)) if *held == self.path.as_deref().and_then(file::identity) => Ok(()),
            Some(_) => {
                tracing::error!(path = ?self.path, "the database file was removed or replaced");
                self.reopen()
            }
            None => self.reopen(),
        }
    }

    /// Does the calls in one transaction and answers them.
    fn transact(&mut self, calls: Vec<Box<dyn Call>>) {
        let now = Instant::now();
        let (mut calls, late): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|call| call.until().is_some_and(|until| now < until));
        for call in late {
            call.finish(Err(failed(&"busy")));
        }
        let Some(until) = calls.iter().filter_map(|call| call.until()).min() else { return };
        match self.commit(&mut calls, until.saturating_duration_since(now)) {
            Ok(outcomes) => {
                for (call, outcome) in calls.into_iter().zip(outcomes) {
                    call.finish(outcome);
                }
            }
            Err(error) => {
                for call in calls {
                    call.finish(Err(error.clone()));
                }
            }
        }
    }

    /// Either all is committed but for the calls that have failed by themselves, or nothing.
    fn commit(
        &mut self,
        calls: &mut [Box<dyn Call>],
        busy_max: Duration,
    ) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        self.ensure_open()?;
        let Some((connection, _)) = &mut self.file else { return Err(failed(&"not open")) };
        let outcomes = connection.busy_timeout(busy_max).and_then(|()| {
            let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut outcomes = Vec::with_capacity(calls.len());
            for call in calls {
                let part = transaction.savepoint()?;
                outcomes.push(match call.run(&part) {
                    Ok(()) => part.commit().map(Ok)?,
                    // Undone when it is dropped.
                    Err(Failure::Own(error)) => Err(error),
                    Err(Failure::All(error)) => return Err(error),
                });
            }
            transaction.commit().map(|()| outcomes)
        });
        outcomes.map_err(|error| {
            if !file::is_busy(&error) && self.path.is_some() {
                // It is opened anew for the next one.
                self.file = None;
            }
            failed(&error)
        })
    }
}

/// The next calls: those that wait, but at least one. `None` when there will not be any.
fn group<T>(waiting: &Receiver<T>) -> Option<Vec<T>> {
    let first = waiting.recv().ok()?;
    Some(std::iter::once(first).chain(waiting.try_iter().take(GROUP_MAX - 1)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_taken_in_groups() {
        let (calls, waiting) = std::sync::mpsc::channel();
        (0..100).for_each(|n| calls.send(n).expect("sent"));
        assert_eq!(group(&waiting), Some((0..64).collect()));
        assert_eq!(group(&waiting), Some((64..100).collect()));
        drop(calls);
        assert_eq!(group(&waiting), None);
    }
}
