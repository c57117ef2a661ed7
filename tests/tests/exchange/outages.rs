//! Links that end, in every way.

use std::sync::Arc;
use std::time::Duration;

use spark_live::market::exchange::{Binance, Urls};
use spark_live_tests::exchange::{self as local, Ban, ExchangeServer};
use spark_live_tests::{Mode, Proxy};

use crate::rig::{Rig, options};

#[tokio::test]
async fn a_link_that_is_cut_comes_back_and_what_was_missed_is_fetched() {
    let mut rig = Rig::start(&["ETHUSDT", "BTCUSDT"]).await;
    for symbol in ["ETHUSDT", "BTCUSDT"] {
        rig.server.trade(symbol, "10", "1");
    }
    assert_eq!(rig.ids(2).await, [1, 1]);
    rig.server.cut();
    rig.server.unsent_trade("ETHUSDT", "11", "1");
    rig.server.unsent_trade("ETHUSDT", "12", "1");
    assert!(rig.down().await.starts_with("the connection ended"));
    rig.up().await;
    // Nobody knows yet that anything was missed: the next trade shows it.
    rig.server.trade("ETHUSDT", "13", "1");
    rig.server.trade("BTCUSDT", "14", "1");
    let mut trades = rig.trades(4).await;
    trades.sort();
    let prices: Vec<(usize, u64, &str)> =
        trades.iter().map(|(place, id, price, _)| (*place, *id, price.as_str())).collect();
    assert_eq!(prices, [(0, 2, "11"), (0, 3, "12"), (0, 4, "13"), (1, 2, "14")]);
    let stats = rig.stats();
    assert_eq!((stats.connects, stats.disconnects, stats.silences), (2, 1, 0));
    assert_eq!((stats.gaps, stats.trades_filled, stats.trades_lost, stats.trades), (1, 2, 0, 6));
}

#[tokio::test]
async fn a_half_open_link_is_noticed_by_its_silence() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    let proxy = Proxy::start(server.addr(), None).await.unwrap();
    let mut options = options(&server.url(), &["ETHUSDT"]);
    options.urls = Some(Urls::parse(&format!("http://{}", proxy.addr())).unwrap());
    options.timing.connect = Duration::from_secs(1);
    let mut rig = Rig::open(server, Arc::new(Binance), options);
    rig.up().await;
    rig.server.trade("ETHUSDT", "10", "1");
    assert_eq!(rig.ids(1).await, [1]);
    proxy.set(Mode::Stall);
    rig.server.unsent_trade("ETHUSDT", "11", "1");
    assert_eq!(rig.down().await, "nothing is heard");
    assert_eq!(rig.stats().silences, 1);
    // Lines are taken and lead nowhere: these attempts fail as well, and are told of once.
    rig.until("an attempt fails", |stats| stats.connect_failures >= 1).await;
    proxy.cut();
    proxy.set(Mode::Pass);
    rig.up().await;
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(2).await, [2, 3]);
    assert_eq!(rig.stats().trades_lost, 0);
}

#[tokio::test]
async fn an_exchange_that_is_away_at_the_start_is_told_once_and_found_later() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    server.turn_away(Some(Ban { status: 503, retry_after: None }));
    let options = options(&server.url(), &["ETHUSDT"]);
    let mut rig = Rig::open(server, Arc::new(Binance), options);
    assert_eq!(rig.down().await, "it refuses the connection with status 503");
    rig.server.until(|seen| seen.turned_away >= 3).await.unwrap();
    rig.server.turn_away(None);
    rig.up().await;
    let stats = rig.stats();
    assert!(stats.connect_failures >= 3 && stats.connects == 1 && stats.disconnects == 0, "{stats:?}");
}

#[tokio::test]
async fn the_end_after_24_hours_is_a_link_that_comes_back() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.trade("ETHUSDT", "10", "1");
    rig.ids(1).await;
    rig.server.close(1001, "24 hours are over");
    assert_eq!(rig.down().await, "the connection ended: 1001 24 hours are over");
    rig.server.unsent_trade("ETHUSDT", "11", "1");
    rig.up().await;
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(2).await, [2, 3]);
}

#[tokio::test]
async fn a_connection_is_renewed_before_its_end_and_nobody_notices() {
    let mut rig =
        Rig::start_with(&["ETHUSDT"], |options| options.timing.lifetime = Some(Duration::from_millis(600)))
            .await;
    let mut id = 0;
    while rig.stats().renewals < 3 {
        rig.server.trade("ETHUSDT", "10", "1");
        id += 1;
        // Fails when the link is told to be down in between.
        assert_eq!(rig.ids(1).await, [id]);
    }
    let stats = rig.stats();
    assert_eq!((stats.disconnects, stats.connect_failures, stats.trades_lost), (0, 0, 0), "{stats:?}");
    rig.server.until(|seen| seen.opened >= 4 && seen.open <= 3).await.unwrap();
}

#[tokio::test]
async fn a_goodbye_is_answered_by_another_connection_at_once() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.trade("ETHUSDT", "10", "1");
    rig.ids(1).await;
    rig.server.say(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#);
    rig.until("another connection", |stats| stats.renewals == 1).await;
    rig.server.until(|seen| seen.opened == 2 && seen.open == 1).await.unwrap();
    rig.server.trade("ETHUSDT", "11", "1");
    assert_eq!(rig.ids(1).await, [2]);
    assert_eq!((rig.stats().disconnects, rig.stats().frames_unknown), (0, 0));
}

#[tokio::test]
async fn a_renewal_that_fails_leaves_the_link_as_it_is() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.turn_away(Some(Ban { status: 503, retry_after: None }));
    rig.server.say(r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1}}"#);
    rig.server.until(|seen| seen.turned_away >= 2).await.unwrap();
    rig.server.trade("ETHUSDT", "10", "1");
    assert_eq!(rig.ids(1).await, [1]);
    rig.server.turn_away(None);
    rig.until("another connection", |stats| stats.renewals == 1).await;
    assert_eq!(rig.stats().disconnects, 0);
}
