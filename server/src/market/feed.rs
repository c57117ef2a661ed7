//! From the source to the engine.

use std::sync::Arc;

use bytes::Bytes;
use live_core::channel::{ChannelError, ChannelName};
use live_core::event::{CandleBar, PriceTick};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::history::Market;
use super::normalize::Normalizer;
use super::{DAY, Print, Source, SourceEvent};
use crate::broker::{Broker, Message};
use crate::wire;

/// Why channels start over at the end of a replay, in the words that clients are told.
const RESTART_REASON: &str = "the source starts over";

/// Runs a source: its prints become events and closed bars.
pub struct Feed {
    source: Box<dyn Source>,
    normalizer: Normalizer,
    market: Arc<Market>,
    broker: Arc<dyn Broker>,
    channels: Vec<Channels>,
    /// Prints that were refused.
    refused: u64,
}

/// Where one instrument's events go.
struct Channels {
    symbol: Arc<str>,
    price: ChannelName,
    candles: ChannelName,
}

impl Feed {
    /// A feed of a source whose history is in `market`.
    ///
    /// # Errors
    /// When a symbol cannot be part of a channel's name.
    pub fn new(
        source: Box<dyn Source>,
        market: Arc<Market>,
        broker: Arc<dyn Broker>,
    ) -> Result<Self, ChannelError> {
        let instruments = source.instruments();
        let normalizer = Normalizer::new(&instruments);
        let channels = instruments
            .into_iter()
            .map(|instrument| {
                Ok(Channels {
                    price: ChannelName::parse(&format!("price:{}", instrument.symbol))?,
                    candles: ChannelName::parse(&format!("candles:{}.{DAY}", instrument.symbol))?,
                    symbol: instrument.symbol,
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { source, normalizer, market, broker, channels, refused: 0 })
    }

    /// Runs until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut events = Vec::new();
        while let Some(()) = stop.run_until_cancelled(self.source.next(&mut events)).await {
            for event in events.drain(..) {
                match event {
                    SourceEvent::Print(print) => self.publish(&print).await,
                    SourceEvent::Restart { instrument } => self.restart(instrument).await,
                }
            }
        }
    }

    async fn publish(&mut self, print: &Print) {
        let normalized = match self.normalizer.take(print) {
            Ok(normalized) => normalized,
            Err(fault) => {
                self.refused += 1;
                tracing::warn!(source = self.source.name(), refused = self.refused, %fault, "print refused");
                return;
            }
        };
        let channels = &self.channels[print.instrument];
        // History first: whoever sees a bar close on the channel finds it there.
        if let Some(closed) = normalized.closed {
            self.market.push(&channels.symbol, closed);
        }
        let ts = wire::now_ms();
        let key = normalized.bar.open_time;
        self.send(&channels.price, PriceTick::EVENT, 0, ts, &normalized.tick).await;
        self.send(&channels.candles, CandleBar::EVENT, key, ts, &normalized.bar).await;
    }

    async fn restart(&mut self, instrument: usize) {
        let Some(channels) = self.channels.get(instrument) else { return };
        self.normalizer.restart(instrument);
        self.market.restart(&channels.symbol);
        for channel in [&channels.price, &channels.candles] {
            if let Err(error) = self.broker.reset(channel, RESTART_REASON).await {
                tracing::warn!(%channel, %error, "channel not reset");
            }
        }
        tracing::debug!(symbol = &*channels.symbol, "the file has ended and starts over");
    }

    async fn send(
        &self,
        channel: &ChannelName,
        event: &'static str,
        key: i64,
        ts: u64,
        data: &impl Serialize,
    ) {
        let data: Bytes = match serde_json::to_vec(data) {
            Ok(data) => data.into(),
            Err(fault) => return tracing::error!(%channel, event, %fault, "data cannot be written as JSON"),
        };
        let message =
            Message { channel: channel.clone(), event: event.into(), ts, key, data, idempotency: None };
        if let Err(error) = self.broker.publish(message).await {
            tracing::warn!(%channel, %error, "not published");
        }
    }
}
