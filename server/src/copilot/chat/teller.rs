//! Tells what happens in a conversation: on its channel, and to the request that has asked.

use std::sync::Arc;

use bytes::Bytes;
use live_core::channel::ChannelName;
use live_core::copilot::CopilotConfirm;
use live_core::cursor::CursorWriter;
use live_core::error::ErrorCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;

use super::Conversation;
use crate::broker::{Aside, Broker, BrokerError, Message};
use crate::wire::{self, now_ms};

/// Tells what happens in one conversation.
pub(super) struct Teller {
    broker: Arc<dyn Broker>,
    channel: ChannelName,
    subject: Box<str>,
    /// The stream of the request; gone when nobody reads it, or not fast enough.
    watcher: Option<mpsc::Sender<Bytes>>,
    cursor: CursorWriter,
}

impl Teller {
    /// Of a conversation, also to a request.
    pub fn new(
        broker: &Arc<dyn Broker>,
        conversation: &Conversation,
        watcher: Option<mpsc::Sender<Bytes>>,
    ) -> Self {
        let (channel, subject) = (conversation.channel.clone(), conversation.subject.clone());
        Self { broker: Arc::clone(broker), channel, subject, watcher, cursor: CursorWriter::new(None) }
    }

    /// Tells something.
    ///
    /// # Errors
    /// When the engine cannot be used.
    pub async fn tell(&mut self, event: &'static str, data: &impl Serialize) -> Result<(), ErrorCode> {
        let data = encode(data)?;
        self.publish(event, data, None).await
    }

    /// Tells of a proposal. Its token goes to the person's own streams and sockets alone, and is kept nowhere.
    ///
    /// # Errors
    /// As [`Teller::tell`].
    pub async fn confirm(&mut self, confirm: CopilotConfirm) -> Result<(), ErrorCode> {
        let aside = Aside { subject: self.subject.clone(), data: encode(&confirm)? };
        let data = encode(&CopilotConfirm { confirmation_token: None, ..confirm })?;
        self.publish(CopilotConfirm::EVENT, data, Some(aside)).await
    }

    async fn publish(
        &mut self,
        event: &'static str,
        data: Bytes,
        aside: Option<Aside>,
    ) -> Result<(), ErrorCode> {
        let ts = now_ms();
        let own = aside.as_ref().map_or(&data, |aside| &aside.data).clone();
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
            let raw: &RawValue = serde_json::from_slice(&own).map_err(|_| ErrorCode::Internal)?;
            let envelope = wire::encode(event, self.channel.as_str(), position.seq, ts, None, &raw);
            let framed = [b"id: ", self.cursor.as_str().as_bytes(), b"\ndata: ", &envelope, b"\n\n"].concat();
            if watcher.try_send(framed.into()).is_err() {
                self.watcher = None;
            }
        }
        Ok(())
    }
}

fn encode(data: &impl Serialize) -> Result<Bytes, ErrorCode> {
    serde_json::to_vec(data).map(Bytes::from).map_err(|error| {
        tracing::error!(%error, "what happens in a conversation cannot be told");
        ErrorCode::Internal
    })
}
