//! A clock that is not ours.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use spark_live::market::exchange::Binance;
use spark_live_tests::exchange::{self as local, ExchangeServer};

use crate::rig::{Rig, options};

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

#[tokio::test]
async fn a_clock_that_is_3_s_off_is_known_and_offers_have_the_exchanges_time() {
    for ahead in [3_000, -3_000] {
        let server = ExchangeServer::start(local::Binance).await.unwrap();
        server.set_clock(ahead);
        let options = options(&server.url(), &["ETHUSDT"]);
        let mut rig = Rig::open(server, Arc::new(Binance), options);
        rig.up().await;
        // Half of the quickest of four answers is what it may be wrong by, and these come from here.
        let stats = rig.until("the clock", |stats| (stats.clock_offset_ms - ahead).abs() < 250).await;
        assert_eq!(stats.requests_failed, 0);
        rig.server.quote("ETHUSDT", "1", "2");
        let (_, _, time) = rig.quote().await;
        assert!((time - now_ms() - ahead).abs() < 1_000, "{time}");
        // A trade has its own time, as the exchange says it.
        rig.server.trade("ETHUSDT", "1", "1");
        assert_eq!(rig.ids(1).await, [1]);
    }
}

#[tokio::test]
async fn a_clock_that_cannot_be_read_is_asked_for_again() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    server.ban(Some(local::Ban { status: 500, retry_after: None }));
    server.set_clock(60_000);
    let options = options(&server.url(), &["ETHUSDT"]);
    let mut rig = Rig::open(server, Arc::new(Binance), options);
    rig.up().await;
    rig.server.until(|seen| !seen.requests.is_empty()).await.unwrap();
    rig.server.ban(None);
    let stats = rig.until("the clock", |stats| stats.clock_offset_ms != 0).await;
    assert!((stats.clock_offset_ms - 60_000).abs() < 1_000 && stats.requests_failed >= 1, "{stats:?}");
}
