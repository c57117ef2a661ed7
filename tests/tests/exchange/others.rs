//! Coinbase and Kraken, by the same link.

use std::sync::Arc;
use std::time::Duration;

use spark_live::market::exchange::{Coinbase, ExchangeEvent, Kraken, RestFault};
use spark_live_tests::exchange::{self as local, Candle, ExchangeServer};

use crate::rig::{Rig, interval, options};

async fn coinbase(symbols: &[&str]) -> Rig {
    let server = ExchangeServer::start(local::Coinbase).await.unwrap();
    let options = options(&server.url(), symbols);
    Rig::open(server, Arc::new(Coinbase), options)
}

async fn kraken(symbols: &[&str]) -> Rig {
    let server = ExchangeServer::start(local::Kraken).await.unwrap();
    let mut options = options(&server.url(), symbols);
    options.bars = vec![interval("1m"), interval("1s")];
    Rig::open(server, Arc::new(Kraken), options)
}

/// What both say: trades as they are, and the best offers.
async fn says(rig: &mut Rig, native: &str) {
    rig.server.trade(native, "84140.83", "0.00004104");
    let expected = (1, rig.server.trade(native, "84140.80", "1.50"));
    let trades = rig.trades(2).await;
    assert_eq!(trades[0], (1, 1, "84140.83".to_owned(), "0.00004104".to_owned()));
    assert_eq!((trades[1].0, trades[1].1), expected);
    rig.server.quote(native, "84140.79", "84140.83");
    let (bid, ask, _) = rig.quote().await;
    assert_eq!([bid, ask].map(|offer| offer.to_string()), ["84140.79", "84140.83"]);
}

/// What both do when trades are missed, and when the link is cut.
async fn recovers(rig: &mut Rig, native: &str) {
    rig.server.number_from(native, 100);
    rig.server.trade(native, "10", "1");
    for _ in 0..1_200 {
        rig.server.unsent_trade(native, "11", "1");
    }
    rig.server.trade(native, "12", "1");
    let missed: Vec<u64> = rig.ids(1_202).await;
    assert_eq!((missed[0], missed[1], missed[1_201]), (100, 101, 1_301));
    rig.server.cut();
    rig.server.unsent_trade(native, "13", "1");
    rig.down().await;
    rig.up().await;
    rig.server.trade(native, "14", "1");
    assert_eq!(rig.ids(2).await, [1_302, 1_303]);
    let stats = rig.stats();
    assert_eq!((stats.trades_lost, stats.frames_malformed, stats.frames_unknown), (0, 0, 0), "{stats:?}");
    assert_eq!(rig.server.seen().breaches, 0);
}

#[tokio::test]
async fn coinbase_is_taken_in() {
    let mut rig = coinbase(&["ETH-USD", "btc-usd"]).await;
    rig.up().await;
    assert_eq!(rig.server.streams(), 6);
    says(&mut rig, "BTC-USD").await;
}

#[tokio::test]
async fn kraken_is_taken_in() {
    let mut rig = kraken(&["ETH-USD", "btc-usd"]).await;
    rig.up().await;
    assert_eq!(rig.server.streams(), 6);
    says(&mut rig, "BTC/USD").await;
    let candle =
        Candle::new(1_696_433_400_000, ["0.09875", "0.0988", "0.09875", "0.09876", "16255.46368"], false);
    rig.server.bar("ETH/USD", "1m", &candle);
    let found = rig.find("a bar", |event| match event {
        ExchangeEvent::Bar { symbol, interval, bar, is_closed } => {
            Some((*symbol, *interval, *bar, *is_closed))
        }
        _ => None,
    });
    let (symbol, length, bar, is_closed) = found.await;
    assert_eq!((symbol, length, bar.open_time, is_closed), (0, interval("1m"), candle.open_time, false));
    assert_eq!([bar.open, bar.high, bar.low, bar.close, bar.volume].map(|n| n.to_string()), candle.values);
}

#[tokio::test]
async fn coinbase_comes_back_and_fetches_what_was_missed() {
    let mut rig = coinbase(&["BTC-USD"]).await;
    rig.up().await;
    recovers(&mut rig, "BTC-USD").await;
}

#[tokio::test]
async fn kraken_comes_back_and_fetches_what_was_missed() {
    let mut rig = kraken(&["BTC-USD"]).await;
    rig.up().await;
    recovers(&mut rig, "BTC/USD").await;
}

#[tokio::test]
async fn coinbase_says_at_once_what_was_traded_last() {
    let mut rig = coinbase(&["BTC-USD"]).await;
    rig.server.unsent_trade("BTC-USD", "10", "1");
    rig.up().await;
    // Said after the subscription, or before it with the first look at the tape: either way the first trade.
    rig.server.trade("BTC-USD", "11", "1");
    assert_eq!(rig.ids(2).await, [1, 2]);
    rig.server.cut();
    rig.server.unsent_trade("BTC-USD", "12", "1");
    rig.server.unsent_trade("BTC-USD", "13", "1");
    rig.down().await;
    rig.up().await;
    // No trade is made, and none is missing.
    assert_eq!(rig.ids(2).await, [3, 4]);
}

#[tokio::test]
async fn coinbase_is_asked_no_more_often_than_it_allows() {
    let rig = coinbase(&["BTC-USD"]).await;
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let handle = rig.handle.clone();
            tokio::spawn(async move { handle.history(0, interval("1m"), 10).await.map(|_| ()) })
        })
        .collect();
    for answer in asked {
        answer.await.unwrap().unwrap();
    }
    assert_eq!((rig.server.seen().breaches, rig.stats().bans), (0, 0));
}

#[tokio::test]
async fn a_heartbeat_of_coinbase_shows_what_the_channel_has_dropped() {
    let mut rig = coinbase(&["BTC-USD"]).await;
    rig.up().await;
    rig.server.trade("BTC-USD", "10", "1");
    assert_eq!(rig.ids(1).await, [1]);
    rig.server.beat("BTC-USD");
    rig.server.unsent_trade("BTC-USD", "11", "1");
    // The first may have overtaken the trade; with the second it is missing.
    rig.server.beat("BTC-USD");
    rig.server.beat("BTC-USD");
    assert_eq!(rig.ids(1).await, [2]);
    assert_eq!((rig.stats().gaps, rig.stats().trades_filled), (1, 1));
}

#[tokio::test]
async fn a_product_that_coinbase_has_not_is_told() {
    let mut rig = coinbase(&["BTC-USD", "NO-SUCH"]).await;
    let reason = "it refuses a subscription: Failed to subscribe: NO-SUCH is not a product";
    assert_eq!(rig.down().await, reason);
    assert!(rig.stats().errors_told >= 1 && rig.stats().connects == 0);
}

#[tokio::test]
async fn a_pair_that_kraken_has_not_takes_no_other_with_it() {
    let mut rig = kraken(&["BTC-USD", "NO-SUCH"]).await;
    rig.up().await;
    assert_eq!((rig.stats().errors_told, rig.server.streams()), (3, 3));
    rig.server.trade("BTC/USD", "10", "1");
    assert_eq!(rig.ids(1).await, [1]);
    let fault = rig.handle.history(1, interval("1m"), 10).await.unwrap_err();
    assert!(
        matches!(&fault, RestFault::Refused { said, .. } if said.contains("Unknown asset pair")),
        "{fault}"
    );
}

#[tokio::test]
async fn both_have_a_past() {
    for (mut rig, native) in
        [(coinbase(&["BTC-USD"]).await, "BTC-USD"), (kraken(&["BTC-USD"]).await, "BTC/USD")]
    {
        rig.up().await;
        for nth in 0..5 {
            let candle = Candle::new(
                1_696_433_400_000 + nth * 60_000,
                ["10.5", "12.5", "9.5", "11.5", "1000.25"],
                true,
            );
            rig.server.past_bar(native, "1m", &candle);
        }
        let fetched = rig.handle.history(0, interval("1m"), 3).await.unwrap().unwrap();
        let opens: Vec<i64> =
            fetched.closed.iter().map(|bar| (bar.open_time - 1_696_433_400_000) / 60_000).collect();
        assert_eq!((opens, fetched.forming, fetched.refused), (vec![2, 3, 4], None, 0));
        let bar = fetched.closed[0];
        let values = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|value| value.to_string());
        assert_eq!(values, ["10.5", "12.5", "9.5", "11.5", "1000.25"]);
        assert_eq!(rig.handle.history(0, interval("1s"), 3).await.unwrap(), None);
        rig.server.set_clock(60_000);
        // The wait for our turn behind others is not the way to the exchange.
        for _ in 0..5 {
            let handle = rig.handle.clone();
            tokio::spawn(async move { handle.history(0, interval("1m"), 3).await });
        }
        tokio::task::yield_now().await;
        let offset = rig.handle.measure_clock().await.unwrap();
        // Half of the whole seconds in which Kraken tells its time, and half of a slow way there.
        assert!((offset - 60_000).abs() < 1_000, "{offset}");
    }
}

#[tokio::test]
async fn a_heartbeat_keeps_a_quiet_link() {
    let mut rig = kraken(&["BTC-USD"]).await;
    rig.up().await;
    rig.server.trade("BTC/USD", "10", "1");
    rig.ids(1).await;
    let before = rig.stats().frames;
    for _ in 0..5 {
        rig.server.beat("BTC/USD");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let stats = rig.until("the heartbeats", |stats| stats.frames >= before + 5).await;
    assert_eq!((stats.disconnects, stats.frames_unknown), (0, 0));
}
