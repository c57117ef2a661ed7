//! The beginning: subscriptions, and what then comes.

use std::sync::Arc;

use spark_live::market::exchange::{Binance, ExchangeEvent, Link, OpenFault};
use spark_live::market::{Quote, Side};
use spark_live_tests::exchange::{self as local, Candle, ExchangeServer};

use crate::rig::{Rig, interval, options};

#[tokio::test]
async fn trades_offers_and_bars_come_as_they_are_said() {
    let mut rig = Rig::start_with(&["ETHUSDT", "btcusdt"], |options| {
        options.bars = vec![interval("1m"), interval("7m")];
    })
    .await;
    assert_eq!(rig.server.streams(), 6);
    rig.server.trade("ETHUSDT", "1873.57000000", "0.14237354");
    rig.server.trade("BTCUSDT", "64060.01", "0.00033000");
    rig.server.trade("ETHUSDT", "1873.58", "1");
    let expected =
        [(0, 1, "1873.57000000", "0.14237354"), (1, 1, "64060.01", "0.00033000"), (0, 2, "1873.58", "1")];
    let expected =
        expected.map(|(place, id, price, amount)| (place, id, price.to_owned(), amount.to_owned()));
    assert_eq!(rig.trades(3).await, expected);
    rig.server.trade("ETHUSDT", "1", "1");
    rig.server.trade("ETHUSDT", "1", "1");
    for side in [Side::Buy, Side::Sell] {
        let found = rig.find("a trade", |event| match event {
            ExchangeEvent::Trade { trade, .. } => Some(trade.side),
            _ => None,
        });
        assert_eq!(found.await, Some(side));
    }
    rig.server.quote("BTCUSDT", "64060.00", "64060.01");
    let (symbol, quote) = rig
        .find("a quote", |event| match event {
            ExchangeEvent::Quote { symbol, quote } => Some((*symbol, *quote)),
            _ => None,
        })
        .await;
    let expected = Quote { bid: "64060.00".parse().unwrap(), ask: "64060.01".parse().unwrap(), ..quote };
    assert_eq!((symbol, quote), (1, expected));
    let candle = Candle::new(1_672_515_780_000, ["10", "12.5", "9", "11", "1000.125"], true);
    rig.server.bar("ETHUSDT", "1m", &candle);
    let found = rig.find("a bar", |event| match event {
        ExchangeEvent::Bar { symbol, interval, bar, is_closed } => {
            Some((*symbol, *interval, *bar, *is_closed))
        }
        _ => None,
    });
    let (symbol, length, bar, is_closed) = found.await;
    assert_eq!((symbol, length, bar.open_time, is_closed), (0, interval("1m"), 1_672_515_780_000, true));
    let values = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(|value| value.to_string());
    assert_eq!(values, candle.values);
    let stats = rig.stats();
    assert_eq!((stats.connects, stats.trades, stats.quotes, stats.bars), (1, 5, 1, 1));
    assert_eq!((stats.frames_malformed, stats.frames_unknown, stats.gaps, stats.errors_told), (0, 0, 0, 0));
}

#[tokio::test]
async fn a_hundred_symbols_are_asked_for_within_the_limits() {
    let names: Vec<String> = (0..100).map(|n| format!("S{n}USDT")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::start_with(&names, |options| options.bars = vec![interval("1m")]).await;
    assert_eq!(rig.server.streams(), 300);
    for name in &names {
        rig.server.trade(name, "1", "1");
    }
    let places: Vec<usize> = rig.trades(100).await.into_iter().map(|(place, ..)| place).collect();
    assert_eq!(places, (0..100).collect::<Vec<_>>());
    let seen = rig.server.seen();
    assert_eq!((seen.opened, seen.subscriptions, seen.breaches), (1, 2, 0));
}

#[tokio::test]
async fn more_streams_than_a_connection_may_have_go_over_several() {
    let names: Vec<String> = (0..600).map(|n| format!("S{n}USDT")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = Rig::start(&names).await;
    let seen = rig.server.seen();
    assert_eq!((rig.server.streams(), seen.opened, seen.breaches), (1_200, 2, 0));
    for place in [0, 511, 512, 599] {
        rig.server.trade(names[place], "1", "1");
        assert_eq!(rig.trades(1).await[0].0, place);
    }
    // One of two connections lost is a link that is down, and up again when both are.
    rig.server.cut();
    rig.down().await;
    rig.up().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_a_quiet_exchange_is_asked_and_not_given_up() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.ping();
    let seen = {
        // The link is driven by its own tasks; nobody needs to take its events for that.
        rig.server.until(|seen| seen.pongs == 1 && seen.pings >= 2).await.unwrap()
    };
    assert_eq!((seen.opened, seen.open, seen.breaches), (1, 1, 0));
    rig.server.trade("ETHUSDT", "1", "1");
    assert_eq!(rig.ids(1).await, [1]);
}

#[tokio::test]
async fn symbols_that_cannot_be_are_refused_before_anything_is_asked() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    let fault = |symbols: &[&str]| Link::open(Arc::new(Binance), options(&server.url(), symbols)).err();
    assert!(matches!(fault(&[]), Some(OpenFault::NoSymbol)));
    assert!(matches!(fault(&["A", "B/C"]), Some(OpenFault::Symbol(name)) if name == "B/C"));
    assert!(matches!(fault(&["ETHUSDT", "ethusdt"]), Some(OpenFault::Twice(name)) if name == "ethusdt"));
    assert_eq!(server.seen(), local::Seen::default());
}
