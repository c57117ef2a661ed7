//! Frames that are wrong, and trades that are missing or cannot have been.

use spark_live_tests::exchange::{Ban, Candle};

use crate::rig::{Rig, interval};

#[tokio::test]
async fn missing_trades_are_fetched_and_come_at_their_place() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.number_from("ETHUSDT", 100);
    rig.server.trade("ETHUSDT", "10", "1");
    for price in ["11", "12", "13"] {
        rig.server.unsent_trade("ETHUSDT", price, "1");
    }
    rig.server.trade("ETHUSDT", "14", "1");
    rig.server.trade("ETHUSDT", "15", "1");
    let trades = rig.trades(6).await;
    let expected: Vec<(u64, String)> = (0..6).map(|n| (100 + n, (10 + n).to_string())).collect();
    assert_eq!(trades.into_iter().map(|(_, id, price, _)| (id, price)).collect::<Vec<_>>(), expected);
    let requests = rig.server.seen().requests;
    let asked: Vec<&String> = requests.iter().filter(|request| request.contains("Trades")).collect();
    assert_eq!(asked, ["/api/v3/historicalTrades?symbol=ETHUSDT&fromId=101&limit=3"]);
    // What comes again is dropped.
    rig.server.resend("ETHUSDT", 104);
    rig.server.resend("ETHUSDT", 105);
    rig.server.trade("ETHUSDT", "16", "1");
    assert_eq!(rig.ids(1).await, [106]);
    let stats = rig.stats();
    assert_eq!((stats.gaps, stats.trades_filled, stats.trades_lost, stats.trades_repeated), (1, 3, 0, 2));
}

#[tokio::test]
async fn a_long_gap_takes_several_requests() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.trade("ETHUSDT", "10", "1");
    for _ in 0..2_500 {
        rig.server.unsent_trade("ETHUSDT", "11", "1");
    }
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(2_502).await, (1..=2_502).collect::<Vec<_>>());
    assert_eq!((rig.stats().trades_filled, rig.stats().trades_lost), (2_500, 0));
    assert_eq!(rig.server.seen().requests.iter().filter(|request| request.contains("Trades")).count(), 3);
}

#[tokio::test]
async fn what_was_fetched_before_a_page_failed_stands() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    // The looks at the clock.
    rig.server.until(|seen| seen.requests.len() == 4).await.unwrap();
    rig.server.trade("ETHUSDT", "10", "1");
    for _ in 0..2_500 {
        rig.server.unsent_trade("ETHUSDT", "11", "1");
    }
    rig.server.ban_after(2, Some(Ban { status: 500, retry_after: None }));
    rig.server.trade("ETHUSDT", "12", "1");
    let ids = rig.ids(2_002).await;
    assert_eq!(ids, (1..=2_001).chain([2_502]).collect::<Vec<_>>());
    assert_eq!((rig.stats().trades_filled, rig.stats().trades_lost), (2_000, 500));
}

#[tokio::test]
async fn what_cannot_be_fetched_is_told_as_lost_and_holds_nobody_up() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.trade("ETHUSDT", "10", "1");
    rig.server.ban(Some(Ban { status: 500, retry_after: None }));
    rig.server.unsent_trade("ETHUSDT", "11", "1");
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(2).await, [1, 3]);
    rig.server.ban(None);
    // Too many to fetch: nothing is asked for.
    let before = rig.server.seen().requests.len();
    for _ in 0..5_001 {
        rig.server.unsent_trade("ETHUSDT", "13", "1");
    }
    rig.server.trade("ETHUSDT", "14", "1");
    assert_eq!(rig.ids(1).await, [5_005]);
    assert_eq!(rig.server.seen().requests.len(), before);
    // Numbers that the exchange itself has not: the answer begins behind them.
    rig.server.number_from("ETHUSDT", 5_010);
    rig.server.trade("ETHUSDT", "15", "1");
    assert_eq!(rig.ids(1).await, [5_010]);
    let stats = rig.stats();
    assert_eq!((stats.gaps, stats.trades_lost, stats.trades_filled), (3, 1 + 5_001 + 4, 0));
}

#[tokio::test]
async fn frames_that_are_wrong_are_counted_and_skipped() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    let malformed = [
        "",
        "{",
        "nothing of the kind",
        "[1,2,3]",
        r#"{"stream":"ethusdt@trade","data":{}}"#,
        r#"{"stream":"ethusdt@trade","data":{"s":"ETHUSDT","t":"1","p":"1","q":"1","T":1,"m":true}}"#,
        r#"{"stream":"ethusdt@trade","data":{"s":"ETHUSDT","t":1,"p":"one","q":"1","T":1,"m":true}}"#,
        r#"{"stream":"ethusdt@bookTicker","data":{"s":"ETHUSDT","b":"NaN","a":"1"}}"#,
    ];
    let unknown = [
        "{}",
        r#"{"stream":"ethusdt@depth","data":{"e":"depthUpdate"}}"#,
        r#"{"stream":"xrpusdt@bookTicker","data":{"s":"XRPUSDT","b":"1","a":"2"}}"#,
        r#"{"what":"is this"}"#,
    ];
    for frame in malformed.iter().chain(&unknown) {
        rig.server.say(frame);
    }
    rig.server.say_bytes(&[0, 159, 146, 150]);
    rig.server.trade("ETHUSDT", "10", "1");
    assert_eq!(rig.ids(1).await, [1]);
    let stats = rig.stats();
    // The bytes count as a frame without text.
    assert_eq!(
        (stats.frames_malformed, stats.frames_unknown),
        (malformed.len() as u64 + 1, unknown.len() as u64)
    );
    assert_eq!((stats.connects, stats.disconnects, rig.server.seen().opened), (1, 0, 1));
}

#[tokio::test]
async fn trades_that_cannot_have_been_are_refused_and_not_taken_for_missed() {
    let mut rig = Rig::start_with(&["ETHUSDT"], |options| options.bars = vec![interval("1m")]).await;
    rig.server.trade("ETHUSDT", "10", "1");
    for (price, amount) in [("0", "1"), ("-1", "1"), ("10", "-1"), ("10", "0"), ("1000000000000001", "1")] {
        rig.server.trade("ETHUSDT", price, amount);
    }
    // Refused as well when they are fetched.
    rig.server.unsent_trade("ETHUSDT", "0", "1");
    rig.server.unsent_trade("ETHUSDT", "11", "1");
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(3).await, [1, 8, 9]);
    for (bid, ask) in [("0", "1"), ("-1", "1"), ("2", "1")] {
        rig.server.quote("ETHUSDT", bid, ask);
    }
    rig.server.quote("ETHUSDT", "1", "2");
    assert_eq!(rig.quote().await.0.to_string(), "1");
    for values in [["10", "9", "11", "10", "1"], ["0", "1", "0", "1", "1"], ["10", "12", "9", "11", "-1"]] {
        rig.server.bar("ETHUSDT", "1m", &Candle::new(60_000, values, false));
    }
    let stats = rig.until("the bars", |stats| stats.bars_refused == 3).await;
    assert_eq!((stats.trades_refused, stats.quotes_refused, stats.gaps, stats.trades_lost), (5, 3, 1, 0));
    assert_eq!((stats.trades, stats.quotes, stats.bars), (3, 1, 0));
}

#[tokio::test]
async fn a_refused_subscription_takes_the_link_down_with_the_exchanges_words() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.say(r#"{"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"}"#);
    rig.server.trade("ETHUSDT", "10", "1");
    // An error that names none of our messages does no harm.
    assert_eq!(rig.ids(1).await, [1]);
    rig.server.say(r#"{"error":{"code":2,"msg":"Invalid request: too many parameters"},"id":1}"#);
    assert_eq!(rig.down().await, "it refuses a subscription: Invalid request: too many parameters (2)");
    rig.up().await;
    assert_eq!(rig.stats().errors_told, 2);
}

#[tokio::test]
async fn numbers_that_begin_anew_are_not_repetitions() {
    let mut rig = Rig::start(&["ETHUSDT"]).await;
    rig.server.number_from("ETHUSDT", 5_000);
    rig.server.trade("ETHUSDT", "10", "1");
    assert_eq!(rig.ids(1).await, [5_000]);
    rig.server.number_from("ETHUSDT", 1);
    // A minute later, by the exchange's clock.
    rig.server.set_clock(60_000);
    rig.handle.measure_clock().await.unwrap();
    rig.server.trade("ETHUSDT", "11", "1");
    rig.server.trade("ETHUSDT", "12", "1");
    assert_eq!(rig.ids(2).await, [1, 2]);
    assert_eq!((rig.stats().restarts, rig.stats().trades_repeated, rig.stats().gaps), (1, 0, 0));
}
