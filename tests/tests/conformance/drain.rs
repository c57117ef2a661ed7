//! A server that is being stopped tells every client when to come back.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use spark_live_tests::live::{Ended, Refused, Transport, until};
use spark_live_tests::{Gateway, Target, unique};

use spark_live_tests::live::Ask;

#[tokio::test]
async fn everybody_is_told_when_to_come_back_before_the_end() -> Result<()> {
    let mut target = Target::of(Gateway::options()).await?;
    let mut clients = Vec::new();
    for transport in Transport::ALL {
        for _ in 0..3 {
            let ask = Ask::new([unique("feed:")]).token(target.reader()?);
            let mut live = transport.open(target.addr(), &ask).await?;
            until(&mut *live, |envelope| envelope.event == "system.ack").await?;
            clients.push((transport, live));
        }
    }
    // A poller waits for its answer when the stop comes.
    let reading: Vec<_> = clients
        .into_iter()
        .map(|(transport, mut live)| {
            tokio::spawn(async move {
                let seen = until(&mut *live, |envelope| envelope.event == "system.drain").await?;
                let drain = seen.last().context("no drain")?;
                ensure!(drain.channel.is_empty() && drain.seq == 0, "{drain}");
                ensure!(drain.field::<u64>("reconnectAfterMs")? <= 30_000, "{drain}");
                let Err(end) = until(&mut *live, |_| false).await else { anyhow::bail!("it goes on") };
                match transport {
                    Transport::WebSocket => {
                        let ended = end.downcast_ref::<Ended>().copied();
                        ensure!(ended == Some(Ended { code: Some(4200) }), "{end:#}");
                    }
                    Transport::Sse => ensure!(end.downcast_ref::<Ended>().is_some(), "{end:#}"),
                    Transport::Poll => {
                        let is_refused = end.downcast_ref::<Refused>().is_some_and(|refused| {
                            refused.status == 503
                                && refused.envelope.error_code.as_deref() == Some("DRAINING")
                        });
                        ensure!(is_refused || end.downcast_ref::<Ended>().is_some(), "{end:#}");
                    }
                }
                anyhow::Ok(())
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    target.gateway().context("a gateway of its own")?.terminate()?;
    for read in reading {
        read.await??;
    }
    let status = target.gateway_mut().context("a gateway of its own")?.wait(Duration::from_secs(50)).await?;
    ensure!(status.code() == Some(0), "{status}");
    Ok(())
}
