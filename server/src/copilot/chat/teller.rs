//! Tells what happens in a conversation: on its channel, and to the request that has asked.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::copilot::CopilotConfirm;
use live_core::cursor::CursorWriter;
use live_core::error::ErrorCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use crate::broker::{Aside, Broker, BrokerError, Message};
use crate::wire::{self, now_ms};

/// About what the engine keeps of an event beside its data, in bytes.
const EVENT_LEN: usize = 512;

/// Tells what happens in one conversation.
pub(super) struct Teller {
    broker: Arc<dyn Broker>,
    channel: ChannelName,
    subject: Box<str>,
    watcher: Option<Watcher>,
    cursor: CursorWriter,
}

/// The stream of a request. It ends when nobody reads it, or not fast enough.
#[derive(Clone, Debug)]
pub(super) struct Watcher(Arc<Mutex<Option<mpsc::Sender<Bytes>>>>);

impl Watcher {
    /// What is handed to it comes out there.
    pub fn new(stream: mpsc::Sender<Bytes>) -> Self {
        Self(Arc::new(Mutex::new(Some(stream))))
    }

    /// Ends the stream behind what it has.
    pub fn close(&self) {
        *self.stream() = None;
    }

    fn hand(&self, event: Bytes) {
        let mut stream = self.stream();
        if stream.as_ref().is_some_and(|stream| stream.try_send(event).is_err()) {
            *stream = None;
        }
    }

    fn stream(&self) -> MutexGuard<'_, Option<mpsc::Sender<Bytes>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Teller {
    /// Of a conversation, by its channel and its person.
    pub fn new(broker: Arc<dyn Broker>, channel: ChannelName, subject: Box<str>) -> Self {
        Self { broker, channel, subject, watcher: None, cursor: CursorWriter::new(None) }
    }

    /// Tells it to a request too from now on, or to none any more.
    pub fn watch(&mut self, watcher: Option<Watcher>) {
        self.watcher = watcher;
    }

    /// Tells something. About how many bytes the engine keeps of it.
    ///
    /// # Errors
    /// When it breaks a rule of the protocol, or the engine cannot be used.
    pub async fn tell(&mut self, event: &'static str, data: &impl Serialize) -> Result<usize, ErrorCode> {
        let data = encode(data)?;
        self.publish(event, data, None).await
    }

    /// Tells of a proposal. Its token goes to the person's own streams and sockets alone, and is kept nowhere.
    ///
    /// # Errors
    /// As [`Teller::tell`].
    pub async fn confirm(&mut self, confirm: CopilotConfirm) -> Result<usize, ErrorCode> {
        let aside = Aside { subject: self.subject.clone(), data: encode(&confirm)? };
        let data = encode(&CopilotConfirm { confirmation_token: None, ..confirm })?;
        self.publish(CopilotConfirm::EVENT, data, Some(aside)).await
    }

    async fn publish(
        &mut self,
        event: &'static str,
        data: Bytes,
        aside: Option<Aside>,
    ) -> Result<usize, ErrorCode> {
        let ts = now_ms();
        let own = aside.as_ref().map_or(&data, |aside| &aside.data).clone();
        let own: &RawValue = serde_json::from_slice(&own).map_err(|_| ErrorCode::Internal)?;
        // What no stream could carry is given no place: it would be missing there for ever.
        wire::check(event, self.channel.as_str(), &own).map_err(|fault| {
            tracing::error!(event, %fault, "what happens in a conversation breaks the protocol");
            ErrorCode::Internal
        })?;
        let len = 2 * data.len() + EVENT_LEN;
        let message = Message {
            channel: self.channel.clone(),
            event: event.into(),
            ts,
            key: 0,
            data,
            idempotency: None,
        };
        let published = match aside {
            Some(aside) => self.broker.publish_aside(message, aside).await,
            None => self.broker.publish(message).await,
        };
        let position = published.map_err(|error: BrokerError| {
            tracing::warn!(%error, event, "a conversation's channel says nothing");
            error.code()
        })?;
        let position = position.position;
        self.cursor.set(&self.channel, &position.epoch, position.seq);
        if let Some(watcher) = &self.watcher {
            let envelope = wire::encode(event, self.channel.as_str(), position.seq, ts, None, &own);
            let framed = [b"id: ", self.cursor.as_str().as_bytes(), b"\ndata: ", &envelope, b"\n\n"].concat();
            watcher.hand(framed.into());
        }
        Ok(len)
    }
}

fn encode(data: &impl Serialize) -> Result<Bytes, ErrorCode> {
    serde_json::to_vec(data).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "what happens in a conversation cannot be told");
        ErrorCode::Internal
    })
}
