//! An exchange that has had enough of us.

use std::sync::Arc;
use std::time::Duration;

use spark_live::market::exchange::{Binance, RestFault};
use spark_live_tests::exchange::{self as local, Ban, ExchangeServer};
use tokio::time::sleep;

use crate::rig::{Rig, interval, options};

#[tokio::test]
async fn a_ban_is_kept_to_and_live_trades_go_on() {
    for status in [418, 429] {
        let mut rig = Rig::start(&["ETHUSDT"]).await;
        // The looks at the clock, which every link begins with.
        rig.server.until(|seen| seen.requests.len() == 4).await.unwrap();
        rig.server.trade("ETHUSDT", "10", "1");
        rig.server.ban(Some(Ban { status, retry_after: Some(2) }));
        rig.server.unsent_trade("ETHUSDT", "11", "1");
        rig.server.trade("ETHUSDT", "12", "1");
        assert_eq!(rig.ids(2).await, [1, 3]);
        assert_eq!((rig.stats().bans, rig.stats().trades_lost, rig.server.seen().requests.len()), (1, 1, 5));
        // Whatever is wanted now, the exchange is not asked.
        rig.server.ban(None);
        rig.server.unsent_trade("ETHUSDT", "13", "1");
        rig.server.trade("ETHUSDT", "14", "1");
        assert_eq!(rig.ids(1).await, [5]);
        let history = rig.handle.history(0, interval("1m"), 10).await;
        assert!(matches!(history, Err(RestFault::Banned(_))), "{history:?}");
        assert_eq!(rig.server.seen().requests.len(), 5);
        while let Some(left) = rig.handle.silence() {
            assert!(left <= Duration::from_secs(2));
            sleep(left).await;
        }
        assert!(rig.handle.history(0, interval("1m"), 10).await.is_ok());
        rig.server.unsent_trade("ETHUSDT", "15", "1");
        rig.server.trade("ETHUSDT", "16", "1");
        assert_eq!(rig.ids(2).await, [6, 7]);
        assert_eq!(rig.stats().bans, 1);
    }
}

#[tokio::test]
async fn a_ban_without_a_length_lasts_a_minute() {
    let rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.ban(Some(Ban { status: 403, retry_after: None }));
    assert!(rig.handle.history(0, interval("1m"), 10).await.is_err());
    let left = rig.handle.silence().unwrap();
    assert!(left > Duration::from_secs(30) && left <= Duration::from_secs(60), "{left:?}");
}

#[tokio::test]
async fn a_socket_that_is_turned_away_for_a_while_is_not_tried_meanwhile() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    server.turn_away(Some(Ban { status: 429, retry_after: Some(1) }));
    let options = options(&server.url(), &["ETHUSDT"]);
    let mut rig = Rig::open(server, Arc::new(Binance), options);
    assert_eq!(rig.down().await, "it refuses the connection with status 429");
    rig.server.turn_away(None);
    rig.up().await;
    // Without the second that was asked for there would have been no telling how many.
    assert_eq!((rig.server.seen().turned_away, rig.server.seen().opened), (1, 1));
}

#[tokio::test]
async fn a_ban_stops_the_requests_that_wait_for_their_turn() {
    let names: Vec<String> = (0..100).map(|n| format!("S{n}USDT")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::start(&names).await;
    rig.server.until(|seen| seen.requests.len() == 4).await.unwrap();
    for name in &names {
        rig.server.trade(name, "10", "1");
        rig.server.unsent_trade(name, "11", "1");
    }
    rig.ids(100).await;
    rig.server.ban(Some(Ban { status: 429, retry_after: Some(60) }));
    for name in &names {
        rig.server.trade(name, "12", "1");
    }
    assert_eq!(rig.ids(100).await, [3; 100]);
    assert_eq!(rig.stats().trades_lost, 100);
    // No more than were under way when the first was answered.
    let asked = rig.server.seen().requests.len() - 4;
    assert!((1..=4).contains(&asked), "{asked} requests");
}

#[tokio::test]
async fn an_outage_of_many_symbols_is_made_up_for_a_few_at_a_time() {
    let names: Vec<String> = (0..100).map(|n| format!("S{n}USDT")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::start(&names).await;
    for name in &names {
        rig.server.trade(name, "10", "1");
    }
    rig.ids(100).await;
    rig.server.cut();
    for name in &names {
        rig.server.unsent_trade(name, "11", "1");
    }
    rig.down().await;
    rig.up().await;
    for name in &names {
        rig.server.trade(name, "12", "1");
    }
    let mut trades: Vec<(usize, u64)> =
        rig.trades(200).await.into_iter().map(|(place, id, ..)| (place, id)).collect();
    // Each symbol's in their order, whatever the order of symbols.
    trades.sort_by_key(|(place, _)| *place);
    let expected: Vec<(usize, u64)> = (0..100).flat_map(|place| [(place, 2), (place, 3)]).collect();
    assert_eq!(trades, expected);
    assert_eq!((rig.stats().trades_filled, rig.stats().trades_lost), (100, 0));
}
