//! The gateway on an exchange: what its clients see of each thing that happens there.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use spark_live_tests::exchange::{self as local, Ban, Candle, ExchangeServer};
use spark_live_tests::{CandleQuery, Envelope, Gateway, PATIENCE, WebSocket};
use tokio::time::timeout;

const MINUTE: i64 = 60_000;

/// A gateway whose source is an exchange on this machine.
async fn gateway(server: &ExchangeServer, source: &str, symbols: &str) -> Gateway {
    let options = Gateway::options().env("SPARK_SOURCE", source).env("SPARK_SYMBOLS", symbols);
    options.env("SPARK_EXCHANGE_URL", server.url()).start().await.unwrap()
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// Sets the exchange's clock to 20 s past a full minute, so that none ends for real while the test runs. Comes back
/// with the start of that minute.
fn set_clock(server: &ExchangeServer) -> i64 {
    let now = unix_ms();
    let minute = (now / MINUTE - 2) * MINUTE;
    server.set_clock(minute + 20_000 - now);
    minute
}

/// Waits until the gateway hears the exchange and knows its clock.
async fn ready(server: &ExchangeServer, gateway: &Gateway) {
    server.until(|seen| seen.subscriptions > 0).await.unwrap();
    while metrics(gateway).await["spark_exchange_clock_offset_seconds"] == 0.0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn candle(open_time: i64, close: &str, is_closed: bool) -> Candle {
    Candle::new(open_time, ["10", "20", "5", close, "3"], is_closed)
}

/// The next envelope that is what is waited for. Heartbeats alone would keep a socket busy for ever.
async fn found(socket: &mut WebSocket, is_it: impl Fn(&Envelope) -> bool) -> Envelope {
    timeout(PATIENCE, socket.find(is_it)).await.expect("it came in time").unwrap()
}

async fn bar(socket: &mut WebSocket, open_time: i64, is_closed: bool) -> Envelope {
    let is_it = |envelope: &Envelope| {
        envelope.event == "candles.bar"
            && envelope.field::<i64>("openTime").unwrap() == open_time
            && envelope.field::<bool>("closed").unwrap() == is_closed
    };
    found(socket, is_it).await
}

async fn tick(socket: &mut WebSocket, price: f64) -> Envelope {
    let is_it = |envelope: &Envelope| {
        envelope.event == "price.tick" && envelope.field::<f64>("price").unwrap() == price
    };
    found(socket, is_it).await
}

/// What the gateway says of its source from now on.
async fn source_says(socket: &mut WebSocket, word: &str) {
    let is_it = |envelope: &Envelope| {
        envelope.event == "status.changed" && envelope.field::<String>("source").unwrap() == word
    };
    found(socket, is_it).await;
}

/// All metrics by name and labels.
async fn metrics(gateway: &Gateway) -> BTreeMap<String, f64> {
    let answer = gateway.get("/api/public/metrics").await.unwrap();
    assert_eq!(answer.status, 200);
    let text = answer.body;
    let sample =
        |line: &str| line.rsplit_once(' ').map(|(name, value)| (name.to_owned(), value.parse().unwrap()));
    text.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

async fn open_times(gateway: &Gateway, symbol: &str, interval: &str) -> Vec<i64> {
    let query = CandleQuery { interval: Some(interval.to_owned()), ..CandleQuery::daily(symbol) };
    gateway.candles(&query).await.unwrap().bars().unwrap().iter().map(|bar| bar.open_time).collect()
}

#[tokio::test]
async fn history_and_live_bars_of_an_exchange_join() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    let forming = set_clock(&server);
    for back in [3, 2, 1] {
        server.past_bar("ETHUSDT", "1m", &candle(forming - back * MINUTE, "11", true));
    }
    let gateway = gateway(&server, "binance", "ETHUSDT,BTCUSDT").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETHUSDT", "candles:ETHUSDT.1m"]).await.unwrap();
    ready(&server, &gateway).await;
    server.bar("ETHUSDT", "1m", &candle(forming, "12", false));
    bar(&mut socket, forming, false).await;
    server.trade("ETHUSDT", "12.5", "2");
    server.quote("ETHUSDT", "12.4", "12.6");
    tick(&mut socket, 12.5).await;
    let quoted =
        socket.find(|envelope| envelope.event == "price.tick" && envelope.data.get().contains("bid"));
    assert_eq!(quoted.await.unwrap().field::<f64>("ask").unwrap(), 12.6);

    // The forming one is no history; what closes is, after the older ones.
    let before = open_times(&gateway, "ETHUSDT", "1m").await;
    assert_eq!(before, [3, 2, 1].map(|back| forming - back * MINUTE));
    server.bar("ETHUSDT", "1m", &candle(forming, "13", true));
    bar(&mut socket, forming, true).await;
    assert_eq!(open_times(&gateway, "ETHUSDT", "1m").await.last(), Some(&forming));
    assert_eq!(open_times(&gateway, "ETHUSDT", "1m").await.len(), 4);

    let metrics = metrics(&gateway).await;
    assert_eq!(metrics["spark_market_source_up"], 1.0);
    assert_eq!(metrics["spark_market_symbols"], 2.0);
    assert_eq!(metrics[r#"spark_exchange_trades_total{outcome="passed"}"#], 1.0);
    assert_eq!(metrics[r#"spark_exchange_bars_total{outcome="passed"}"#], 2.0);
}

#[tokio::test]
async fn a_bar_whose_end_is_not_said_closes_when_the_next_one_begins() {
    let server = ExchangeServer::start(local::Kraken).await.unwrap();
    let first = set_clock(&server) - 3 * MINUTE;
    server.past_bar("ETH/USD", "1m", &candle(first - MINUTE, "11", true));
    let gateway = gateway(&server, "kraken", "ETH-USD").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["candles:ETH-USD.1m"]).await.unwrap();
    ready(&server, &gateway).await;
    while server.streams() < 9 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(open_times(&gateway, "ETH-USD", "1m").await, [first - MINUTE]);
    for (open_time, close) in
        [(first, "12"), (first, "13"), (first + MINUTE, "14"), (first + 2 * MINUTE, "15")]
    {
        server.bar("ETH/USD", "1m", &candle(open_time, close, false));
    }
    for (open_time, close) in [(first, 13.0), (first + MINUTE, 14.0)] {
        assert_eq!(bar(&mut socket, open_time, true).await.field::<f64>("close").unwrap(), close);
    }
    bar(&mut socket, first + 2 * MINUTE, false).await;
    assert_eq!(open_times(&gateway, "ETH-USD", "1m").await, [-1, 0, 1].map(|nth| first + nth * MINUTE));
}

#[tokio::test]
async fn an_outage_is_told_and_the_bars_that_were_missed_come_after_it() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    let first = set_clock(&server) - 3 * MINUTE;
    server.past_bar("ETHUSDT", "1m", &candle(first - MINUTE, "11", true));
    let gateway = gateway(&server, "binance", "ETHUSDT").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETHUSDT", "candles:ETHUSDT.1m", "system:status"]).await.unwrap();
    ready(&server, &gateway).await;
    server.bar("ETHUSDT", "1m", &candle(first, "12", false));
    bar(&mut socket, first, false).await;
    server.trade("ETHUSDT", "12", "1");
    tick(&mut socket, 12.0).await;

    server.turn_away(Some(Ban { status: 503, retry_after: None }));
    server.cut();
    source_says(&mut socket, "disconnected").await;
    assert_eq!(metrics(&gateway).await["spark_market_source_up"], 0.0);
    let ready = gateway.get("/readyz").await.unwrap();
    assert_eq!(ready.status, 200, "a source without a feed does not stop the gateway");
    assert!(ready.body.contains(r#""source":{"ok":false}"#), "{}", ready.body);

    // Meanwhile: three bars close, and two trades are made.
    for nth in 0..3 {
        server.past_bar("ETHUSDT", "1m", &candle(first + nth * MINUTE, "14", true));
    }
    server.trade("ETHUSDT", "13", "1");
    server.trade("ETHUSDT", "14", "1");
    server.turn_away(None);
    source_says(&mut socket, "binance").await;
    server.bar("ETHUSDT", "1m", &candle(first + 3 * MINUTE, "15", false));
    server.trade("ETHUSDT", "15", "1");
    let mut closed = Vec::new();
    let mut prices = Vec::new();
    while closed.len() < 3 || prices.last() != Some(&15.0) {
        let envelope = socket.next().await.unwrap();
        match &*envelope.event {
            "candles.bar" if envelope.field("closed").unwrap() => {
                closed.push(envelope.field::<i64>("openTime").unwrap());
            }
            "price.tick" => prices.push(envelope.field::<f64>("price").unwrap()),
            _ => {}
        }
    }
    assert_eq!(closed, [first, first + MINUTE, first + 2 * MINUTE]);
    // What was missed came before what followed, though a price that is replaced at once may never leave the gateway.
    assert!(prices.is_sorted(), "{prices:?}");
    let history = open_times(&gateway, "ETHUSDT", "1m").await;
    assert_eq!(history, (-1..3).map(|nth| first + nth * MINUTE).collect::<Vec<_>>());
    let metrics = metrics(&gateway).await;
    assert_eq!(metrics[r#"spark_exchange_trades_total{outcome="filled"}"#], 2.0);
    assert_eq!(metrics[r#"spark_exchange_trades_total{outcome="lost"}"#], 0.0);
    assert_eq!(metrics[r#"spark_exchange_connections_total{outcome="lost"}"#], 1.0);
}

#[tokio::test]
async fn what_cannot_be_right_is_counted_and_seen_by_nobody() {
    let server = ExchangeServer::start(local::Binance).await.unwrap();
    let gateway = gateway(&server, "binance", "ETHUSDT").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETHUSDT"]).await.unwrap();
    server.until(|seen| seen.subscriptions > 0).await.unwrap();
    server.trade("ETHUSDT", "12", "1");
    tick(&mut socket, 12.0).await;
    server.say("{not JSON");
    server.say(r#"{"stream":"ethusdt@depth","data":{}}"#);
    server.say_bytes(&[0xFF; 100]);
    server.trade("ETHUSDT", "0", "1");
    server.trade("ETHUSDT", "13", "-1");
    server.trade("ETHUSDT", "14", "1");
    let seen = socket
        .find(|envelope| envelope.event == "price.tick" && envelope.field::<f64>("price").unwrap() != 12.0);
    assert_eq!(seen.await.unwrap().field::<f64>("price").unwrap(), 14.0);
    let metrics = metrics(&gateway).await;
    assert_eq!(metrics[r#"spark_exchange_trades_total{outcome="refused"}"#], 2.0);
    assert_eq!(metrics[r#"spark_exchange_frames_total{kind="malformed"}"#], 2.0);
    assert_eq!(metrics[r#"spark_exchange_frames_total{kind="unknown"}"#], 1.0);
    assert_eq!(metrics["spark_market_source_up"], 1.0);
}

#[tokio::test]
async fn a_clock_that_is_ahead_makes_nothing_look_new_or_old() {
    for ahead_ms in [3_000, -3_000] {
        let server = ExchangeServer::start(local::Binance).await.unwrap();
        server.set_clock(ahead_ms);
        let gateway = gateway(&server, "binance", "ETHUSDT").await;
        let mut socket = gateway.websocket().await.unwrap();
        socket.subscribe(&["price:ETHUSDT"]).await.unwrap();
        ready(&server, &gateway).await;
        let before = unix_ms();
        server.trade("ETHUSDT", "12", "1");
        let ts = tick(&mut socket, 12.0).await.ts as i64;
        // The clocks differ by what they do, give or take the way to the exchange and back.
        assert!((before - 600..=unix_ms() + 300).contains(&ts), "{ahead_ms}: {}", ts - before);
        let offset = metrics(&gateway).await["spark_exchange_clock_offset_seconds"];
        assert!((offset - ahead_ms as f64 / 1_000.0).abs() < 0.3, "{offset}");
    }
}

#[tokio::test]
async fn an_exchange_without_bars_of_its_own_has_them_made_of_its_trades() {
    let server = ExchangeServer::start(local::Coinbase).await.unwrap();
    let day = set_clock(&server).div_euclid(86_400_000) * 86_400_000;
    server.past_bar("ETH-USD", "1d", &candle(day - 86_400_000, "8", true));
    server.past_bar("ETH-USD", "1d", &Candle::new(day, ["10", "20", "5", "11", "100"], false));
    let gateway = gateway(&server, "coinbase", "ETH-USD").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETH-USD", "candles:ETH-USD.1d", "candles:ETH-USD.1s"]).await.unwrap();
    server.until(|seen| seen.subscriptions > 0).await.unwrap();
    // What the exchange knows of the day is asked for first.
    server.until(|seen| seen.requests.iter().any(|path| path.contains("granularity=86400"))).await.unwrap();
    let mut live = None;
    for nth in 0..100 {
        server.trade("ETH-USD", &format!("{}", 30 + nth), "1");
        let next = timeout(Duration::from_millis(500), async {
            // Until it is known how the day began, its bar is made of what has been heard.
            let is_day = |envelope: &Envelope| {
                envelope.event == "candles.bar"
                    && envelope.field::<String>("interval").unwrap() == "1d"
                    && envelope.field::<f64>("open").unwrap() == 10.0
                    && envelope.field::<f64>("high").unwrap() >= 30.0
            };
            socket.find(is_day).await.unwrap()
        });
        if let Ok(envelope) = next.await {
            live = Some(envelope);
            break;
        }
    }
    let live = live.expect("a bar of the day");
    assert_eq!(live.field::<i64>("openTime").unwrap(), day);
    // It opened and had its low before anybody listened here, and has its high and its close from the trades.
    assert_eq!((live.field::<f64>("open").unwrap(), live.field::<f64>("low").unwrap()), (10.0, 5.0));
    assert!(live.field::<f64>("high").unwrap() >= 30.0 && live.field::<f64>("volume").unwrap() >= 101.0);
    // Compared with the close of the day before.
    let is_compared = |envelope: &Envelope| {
        envelope.event == "price.tick"
            && envelope.field::<f64>("price").unwrap() - envelope.field::<f64>("change").unwrap() == 8.0
    };
    found(&mut socket, is_compared).await;
    let mut asked = server.seen().requests;
    asked.retain(|path| path.contains("granularity"));
    // Hours are made of the minutes, and the week of the days.
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(open_times(&gateway, "ETH-USD", "1d").await, [day - 86_400_000]);
}

#[tokio::test]
async fn trades_that_were_missed_are_in_the_bars_that_are_made_of_trades() {
    let server = ExchangeServer::start(local::Coinbase).await.unwrap();
    let minute = set_clock(&server);
    let gateway = gateway(&server, "coinbase", "ETH-USD").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETH-USD", "candles:ETH-USD.1m", "system:status"]).await.unwrap();
    ready(&server, &gateway).await;
    server.trade("ETH-USD", "30", "1");
    bar(&mut socket, minute, false).await;

    server.turn_away(Some(Ban { status: 503, retry_after: None }));
    server.cut();
    source_says(&mut socket, "disconnected").await;
    server.unsent_trade("ETH-USD", "90", "2");
    let missed = server.unsent_trade("ETH-USD", "40", "4");
    // Until their second is over, and what waits for late trades has not waited for them.
    while server.now_ms() < missed.time + 3_000 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.turn_away(None);
    let is_whole = |envelope: &Envelope| {
        envelope.event == "candles.bar" && envelope.field::<f64>("volume").unwrap() == 7.0
    };
    let whole = found(&mut socket, is_whole).await;
    let [high, low, close] = ["high", "low", "close"].map(|name| whole.field::<f64>(name).unwrap());
    assert_eq!((high, low, close), (90.0, 30.0, 40.0));
    tick(&mut socket, 40.0).await;
    assert_eq!(metrics(&gateway).await[r#"spark_market_refused_total{reason="late"}"#], 0.0);
}

#[tokio::test]
async fn each_bar_that_began_before_is_replaced_by_the_exchanges_own_as_soon_as_it_has_closed() {
    let server = ExchangeServer::start(local::Coinbase).await.unwrap();
    let minute = set_clock(&server);
    let day = minute.div_euclid(24 * 60 * MINUTE) * 24 * 60 * MINUTE;
    server.past_bar("ETH-USD", "1d", &candle(day, "11", false));
    // Its minute ends while the test looks, and no longer bar does.
    server.set_clock(minute + 50_000 - unix_ms());
    let gateway = gateway(&server, "coinbase", "ETH-USD").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["candles:ETH-USD.1m"]).await.unwrap();
    ready(&server, &gateway).await;
    server.trade("ETH-USD", "30", "1");
    let forming = found(&mut socket, |envelope| envelope.event == "candles.bar").await;
    let open_time = forming.field::<i64>("openTime").unwrap();
    server.past_bar("ETH-USD", "1m", &Candle::new(open_time, ["10", "40", "5", "30", "999"], true));
    let is_its_own = |envelope: &Envelope| {
        envelope.event == "candles.bar" && envelope.field::<f64>("volume").unwrap() == 999.0
    };
    let own = found(&mut socket, is_its_own).await;
    assert!(own.field::<bool>("closed").unwrap());
    assert_eq!(own.field::<i64>("openTime").unwrap(), open_time);
}

#[tokio::test]
async fn prices_do_not_wait_for_what_the_exchange_knows_of_the_time_before() {
    let server = ExchangeServer::start(local::Coinbase).await.unwrap();
    let day = set_clock(&server).div_euclid(86_400_000) * 86_400_000;
    server.past_bar("ETH-USD", "1d", &candle(day - 86_400_000, "8", true));
    server.past_bar("ETH-USD", "1d", &Candle::new(day, ["10", "20", "5", "11", "100"], false));
    server.ban(Some(Ban { status: 503, retry_after: None }));
    let gateway = gateway(&server, "coinbase", "ETH-USD").await;
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:ETH-USD", "candles:ETH-USD.1d"]).await.unwrap();
    server.until(|seen| seen.subscriptions > 0).await.unwrap();
    while server.streams() < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.trade("ETH-USD", "12", "1");
    timeout(Duration::from_secs(5), tick(&mut socket, 12.0)).await.expect("at once");
    // It answers late, and the bar of the day has what was before, with the trade or without: its volume is not both.
    server.ban(None);
    let is_whole = |envelope: &Envelope| {
        envelope.event == "candles.bar" && envelope.field::<f64>("open").unwrap() == 10.0
    };
    let whole = found(&mut socket, is_whole).await;
    let [high, low, volume] = ["high", "low", "volume"].map(|name| whole.field::<f64>(name).unwrap());
    assert_eq!((high, low, volume), (20.0, 5.0, 100.0));
    let is_compared = |envelope: &Envelope| {
        envelope.event == "price.tick" && envelope.field::<f64>("change").unwrap() == 4.0
    };
    found(&mut socket, is_compared).await;
}
