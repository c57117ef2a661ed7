//! Chunks on their way from the task that makes them to the response that they are the body of: one at a time.
//!
//! What the runtime's channels keep for one that holds a single chunk is most of what an idle stream would need.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Makes both ends.
pub(super) fn handover() -> (Giver, Taker) {
    let shared = Arc::<Mutex<Slot>>::default();
    (Giver(Arc::clone(&shared)), Taker(shared))
}

#[derive(Default)]
struct Slot {
    chunk: Option<Bytes>,
    /// One of the ends is gone.
    is_closed: bool,
    giver: Option<Waker>,
    taker: Option<Waker>,
}

fn lock(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the end, and wakes whoever waits for it.
fn close(slot: &Mutex<Slot>) {
    let mut slot = lock(slot);
    slot.is_closed = true;
    let waiting = [slot.giver.take(), slot.taker.take()];
    drop(slot);
    waiting.into_iter().flatten().for_each(Waker::wake);
}

/// The end that makes chunks. It is for one task: who waits last is woken.
pub(super) struct Giver(Arc<Mutex<Slot>>);

impl Giver {
    /// Hands a chunk over, once the one before has been taken. `false` when nobody will take it.
    ///
    /// # Cancel safety
    /// The chunk is either handed over or not.
    pub async fn give(&self, chunk: Bytes) -> bool {
        let mut chunk = Some(chunk);
        std::future::poll_fn(|context| {
            let mut slot = lock(&self.0);
            if slot.is_closed {
                return Poll::Ready(false);
            }
            if slot.chunk.is_some() {
                slot.giver = Some(context.waker().clone());
                return Poll::Pending;
            }
            slot.chunk = chunk.take();
            let taker = slot.taker.take();
            drop(slot);
            taker.into_iter().for_each(Waker::wake);
            Poll::Ready(true)
        })
        .await
    }

    /// Waits until nobody takes chunks any more.
    pub async fn closed(&self) {
        std::future::poll_fn(|context| {
            let mut slot = lock(&self.0);
            if slot.is_closed {
                return Poll::Ready(());
            }
            slot.giver = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Giver {
    fn drop(&mut self) {
        close(&self.0);
    }
}

/// The end that takes them.
pub(super) struct Taker(Arc<Mutex<Slot>>);

impl Taker {
    /// The next chunk; `None` after the last one.
    pub fn poll_take(&self, context: &Context<'_>) -> Poll<Option<Bytes>> {
        let mut slot = lock(&self.0);
        if let Some(chunk) = slot.chunk.take() {
            let giver = slot.giver.take();
            drop(slot);
            giver.into_iter().for_each(Waker::wake);
            return Poll::Ready(Some(chunk));
        }
        if slot.is_closed {
            return Poll::Ready(None);
        }
        slot.taker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        close(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    async fn take(taker: &Taker) -> Option<Bytes> {
        poll_fn(|context| taker.poll_take(context)).await
    }

    #[tokio::test]
    async fn chunks_arrive_in_order_one_at_a_time_up_to_the_last() {
        let (giver, taker) = handover();
        let giving = tokio::spawn(async move {
            for at in 0..1_000_u32 {
                assert!(giver.give(at.to_string().into()).await);
            }
        });
        for at in 0..1_000_u32 {
            assert_eq!(take(&taker).await, Some(at.to_string().into()));
            if at % 97 == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(take(&taker).await, None);
        giving.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_taker_that_goes_ends_whatever_waits() {
        let (giver, taker) = handover();
        assert!(giver.give("a".into()).await);
        let waiting = async { tokio::join!(giver.give("b".into()), giver.closed()).0 };
        let (given, ()) = tokio::join!(waiting, async {
            tokio::task::yield_now().await;
            drop(taker);
        });
        assert!(!given && !giver.give("c".into()).await);
    }
}
