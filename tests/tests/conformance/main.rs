//! The protocol from outside: the same cases over WebSocket, event stream and long polling.
//!
//! Nothing is used but what is documented, so that the suite can judge any server: `SPARK_TARGET_URL` and
//! `SPARK_TARGET_SECRET` point it at one that has the settings of `tests/src/target/settings.toml`. Cases that need
//! settings of their own, or a server that they may stop, start a gateway all the same.

mod auth;
mod beats;
mod cursors;
mod drain;
mod errors;
mod greeting;
mod joint;
mod modes;
mod verdicts;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use spark_live_tests::live::{Ask, Live, Standing, Transport, until};
use spark_live_tests::{Envelope, Publisher, Target, unique};

/// A channel of one case and who publishes on it: the n-th publication says `{"n": n}` and has that number.
struct Source {
    publisher: Publisher,
    channel: String,
    event: &'static str,
    count: u64,
}

impl Source {
    /// A new channel of the namespace.
    async fn new(target: &Target, namespace: &str) -> Result<Self> {
        let publisher = target.publisher().await?;
        Ok(Self { publisher, channel: unique(&format!("{namespace}:")), event: "test.item", count: 0 })
    }

    /// Publishes the next `count`, at most 1,000 at once.
    async fn publish(&mut self, count: u64) -> Result<()> {
        self.publish_with(count, |n| json!({ "n": n })).await
    }

    /// The same with other data.
    async fn publish_with(&mut self, count: u64, data: impl Fn(u64) -> Value) -> Result<()> {
        let item = |n| {
            let mut item = json!({"channel": self.channel, "event": self.event, "data": data(n)});
            if self.channel.starts_with("table:") {
                item["key"] = format!("k{}", n % 3).into();
            }
            item
        };
        let items: Vec<Value> = (self.count + 1..=self.count + count).map(item).collect();
        for (published, n) in self.publisher.publish_all(&items).await?.iter().zip(self.count + 1..) {
            ensure!(
                published.seq == n && published.channel == self.channel && !published.duplicate,
                "{published:?}"
            );
        }
        self.count += count;
        Ok(())
    }

    /// What asks for the channel.
    fn ask(&self, target: &Target) -> Result<Ask> {
        Ok(Ask::new([self.channel.clone()]).token(target.reader()?))
    }
}

/// Numbers of the channel's own envelopes among these; each must say the number that it has.
fn numbers(envelopes: &[Envelope]) -> Result<Vec<u64>> {
    let data = envelopes.iter().filter(|envelope| envelope.is_data());
    data.map(|envelope| {
        let n: u64 = envelope.field("n")?;
        ensure!(n == envelope.seq, "{envelope}");
        Ok(n)
    })
    .collect()
}

/// Reads up to and with the channel's acknowledgement, which is returned.
async fn acknowledged(live: &mut dyn Live) -> Result<Envelope> {
    let seen = until(live, |envelope| envelope.event == "system.ack" && !envelope.channel.is_empty()).await?;
    ensure!(seen.iter().all(|envelope| !envelope.is_data()), "data before the acknowledgement: {seen:?}");
    seen.into_iter().next_back().context("no acknowledgement")
}

/// Reads up to and with the publication of that number.
async fn until_number(live: &mut dyn Live, seq: u64) -> Result<Vec<Envelope>> {
    until(live, |envelope| envelope.is_data() && envelope.seq >= seq).await
}

/// Opens a subscription, reads up to that number, makes sure that the cursor is of there, and cuts the line.
async fn stood(target: &Target, transport: Transport, ask: &Ask, seq: u64) -> Result<Standing> {
    let mut live = transport.open(target.addr(), ask).await?;
    until_number(&mut *live, seq).await?;
    // A stream gives its cursor with the last event of a flush; a heartbeat is past all of them.
    if transport == Transport::Sse {
        until(&mut *live, |envelope| envelope.event == "system.heartbeat").await?;
    }
    while transport == Transport::Poll && live.has_more() {
        live.next().await?;
    }
    Ok(live.standing().clone())
}

/// Runs a case over each transport.
macro_rules! over_each_transport {
    ($target:expr, $case:path) => {
        for transport in Transport::ALL {
            $case($target, transport).await.with_context(|| format!("over {transport:?}"))?;
        }
    };
}
use over_each_transport;
