//! Symbols and candles: what the gateway serves is what stands in the files, digit for digit, and history
//! and live bars join without a seam.

#![allow(clippy::unwrap_used, reason = "also in helpers, where a panic is the verdict of the test")]

use std::collections::BTreeMap;

use serde::Deserialize;
use spark_live_tests::{Bar, CandlePage, CandleQuery, DataDir, Gateway, Head, Line, shipped_bars};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Symbols {
    source: String,
    symbols: Vec<Symbol>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Symbol {
    symbol: String,
    intervals: Vec<String>,
    bars: usize,
    first_time: i64,
    last_time: i64,
    skipped_rows: u64,
    last_close: f64,
}

/// All pages of a symbol, from the newest to the oldest.
async fn all_pages(gateway: &Gateway, symbol: &str, limit: usize) -> Vec<CandlePage> {
    let mut pages = Vec::new();
    let mut query = CandleQuery::daily(symbol).limit(limit);
    loop {
        let page = gateway.candles(&query).await.unwrap();
        let next = page.next_cursor.clone();
        pages.push(page);
        match next {
            Some(cursor) => query = query.cursor(cursor),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn the_shipped_symbols_are_listed_with_their_history() {
    let gateway = Gateway::start().await.unwrap();
    let answer = gateway.get("/api/market/symbols").await.unwrap();
    assert_eq!(answer.status, 200);
    let envelope = answer.envelope().unwrap();
    assert_eq!((envelope.event.as_str(), envelope.channel.as_str()), ("market.symbols", ""));
    let listed: Symbols = envelope.data_as().unwrap();
    assert_eq!(listed.source, "replay");
    let names: Vec<&str> = listed.symbols.iter().map(|symbol| symbol.symbol.as_str()).collect();
    assert_eq!(names, ["AAPL", "FB", "GOOG", "IBM", "MSFT"]);
    for symbol in &listed.symbols {
        let bars = shipped_bars(&symbol.symbol).unwrap();
        assert_eq!(symbol.intervals, ["1d", "1w"], "{symbol:?}");
        assert_eq!(symbol.skipped_rows, 0, "{symbol:?}");
        assert_eq!(symbol.first_time, bars[0].open_time, "{symbol:?}");
        assert!(symbol.first_time <= symbol.last_time && symbol.last_close > 0.0, "{symbol:?}");
        assert!(symbol.bars > 0 && symbol.bars <= bars.len(), "{symbol:?}");
    }
}

#[tokio::test]
async fn a_list_of_symbols_that_is_known_is_not_sent_again() {
    async fn ask(gateway: &Gateway, fields: &str) -> (Head, String) {
        let mut line = Line::connect(gateway.addr().parse().unwrap()).await.unwrap();
        // Up to the end of the connection, so that a body would be seen where there should be none.
        let path = "/api/market/symbols";
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
        line.send(request.as_bytes()).await.unwrap();
        let (head, body) = line.answer().await.unwrap();
        (head, String::from_utf8(body).unwrap())
    }
    let rows = ["2020-01-01,1,1,1,1,1", "2020-01-02,2,2,2,2,2", "2020-01-03,3,3,3,3,3"];
    let data = DataDir::new().unwrap().csv("FIRST", &rows).unwrap();
    // A bar lasts a hundred seconds: the list stays as it is.
    let gateway = Gateway::options().data_dir(&data.path()).speed(0.01).start().await.unwrap();
    let (head, body) = ask(&gateway, "").await;
    let etag = head.header("etag").to_owned();
    assert!(head.status == 200 && body.contains("FIRST") && etag.starts_with("W/\""), "{head:?}");
    assert_eq!(head.header("cache-control"), "private, no-cache");
    let strong = etag.trim_start_matches("W/");
    for known in [&etag, strong, "*", &format!("\"another\", {etag}")] {
        for accepts in ["identity", "gzip"] {
            let fields = format!("If-None-Match: {known}\r\nAccept-Encoding: {accepts}\r\n");
            let (head, body) = ask(&gateway, &fields).await;
            assert_eq!((head.status, &*body), (304, ""), "{known}");
            assert_eq!((head.header("etag"), head.header("cache-control")), (&*etag, "private, no-cache"));
        }
    }
    for unknown in ["\"another\"", strong.trim_matches('"'), ""] {
        let (head, body) = ask(&gateway, &format!("If-None-Match: {unknown}\r\n")).await;
        assert!(head.status == 200 && head.header("etag") == etag && body.contains("FIRST"), "{unknown}");
    }
    let _data = data.csv("SECOND", &rows).unwrap();
    gateway.stderr_line(|line| line.contains("symbol joined")).await.unwrap();
    let (head, body) = ask(&gateway, &format!("If-None-Match: {etag}\r\n")).await;
    assert!(head.status == 200 && head.header("etag") != etag && body.contains("SECOND"), "{head:?} {body}");
}

#[tokio::test]
async fn the_pages_together_are_the_closed_bars_of_the_file() {
    // A bar lasts ten seconds: none closes while the pages are read.
    let gateway = Gateway::options().speed(0.1).start().await.unwrap();
    for (symbol, limit) in [("AAPL", 500), ("FB", 7), ("GOOG", 5000)] {
        let file = shipped_bars(symbol).unwrap();
        let pages = all_pages(&gateway, symbol, limit).await;
        for page in &pages {
            assert_eq!((page.symbol.as_str(), page.interval.as_str()), (symbol, "1d"));
            assert_eq!(page.columns, ["openTime", "open", "high", "low", "close", "volume"]);
            assert_eq!(page.total, file.len() as u64 / 2);
            assert!(page.rows.len() <= limit);
        }
        let full = &pages[..pages.len() - 1];
        assert!(full.iter().all(|page| page.rows.len() == limit), "only the oldest page may be short");
        let mut bars: Vec<Bar> = Vec::new();
        for page in pages.iter().rev() {
            bars.extend(page.bars().unwrap());
        }
        assert_eq!(bars, file[..file.len() / 2], "{symbol}");
    }
}

#[tokio::test]
async fn a_wrong_question_is_answered_with_what_was_wrong_in_it() {
    let gateway = Gateway::start().await.unwrap();
    let good = CandleQuery::daily("AAPL");
    let without_symbol = CandleQuery { symbol: None, ..good.clone() };
    let unknown_symbol = CandleQuery::daily("NOPE");
    let unknown_interval = CandleQuery { interval: Some("7m".to_owned()), ..good.clone() };
    let mut cases = vec![
        (without_symbol, "PARAMS_INVALID", Some("symbol")),
        (unknown_symbol, "PARAMS_INVALID", Some("symbol")),
        (unknown_interval, "PARAMS_INVALID", Some("interval")),
    ];
    for limit in ["0", "-1", "5001", "many", "1.5", "", "18446744073709551616"] {
        cases.push((good.clone().limit(limit), "PARAMS_INVALID", Some("limit")));
    }
    for cursor in ["x", "AAAA", "%00", "0", "99999999999999999999"] {
        cases.push((good.clone().cursor(cursor), "CURSOR_INVALID", None));
    }
    for (query, code, field) in cases {
        let answer = gateway.candles_answer(&query).await.unwrap();
        let envelope = answer.envelope().unwrap();
        assert_eq!(envelope.error_code.as_deref(), Some(code), "{query:?}: {envelope}");
        assert!(matches!(answer.status, 400 | 422), "{query:?}: {}", answer.status);
        if let Some(field) = field {
            assert_eq!(envelope.field::<String>("field").unwrap(), field, "{query:?}: {envelope}");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_one_symbol_is_not_taken_for_another() {
    let gateway = Gateway::start().await.unwrap();
    let page = gateway.candles(&CandleQuery::daily("AAPL").limit(10)).await.unwrap();
    let foreign = CandleQuery::daily("IBM").cursor(page.next_cursor.unwrap());
    let envelope = gateway.candles_answer(&foreign).await.unwrap().envelope().unwrap();
    assert_eq!(envelope.error_code.as_deref(), Some("CURSOR_INVALID"), "{envelope}");
}

#[tokio::test]
async fn history_and_live_bars_join_without_a_missing_or_double_bar() {
    let gateway = Gateway::options().speed(20.0).start().await.unwrap();
    let file = shipped_bars("IBM").unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["candles:IBM.1d"]).await.unwrap();
    let mut closed: BTreeMap<i64, Bar> = BTreeMap::new();
    // As a chart does it: live first, then history under it.
    while closed.is_empty() {
        take_closed(&mut closed, &socket.next().await.unwrap());
    }
    let history = gateway.candles(&CandleQuery::daily("IBM").limit(200)).await.unwrap().bars().unwrap();
    while closed.len() < 60 {
        take_closed(&mut closed, &socket.next().await.unwrap());
    }
    let last_of_history = history.last().unwrap().open_time;
    assert!(closed.keys().next().unwrap() <= &last_of_history, "history ends before the live bars begin");
    for bar in &history {
        let live = closed.insert(bar.open_time, bar.clone());
        assert!(live.is_none_or(|live| live == *bar), "history and live disagree on {bar:?}");
    }
    let joined: Vec<Bar> = closed.into_values().collect();
    let from = file.iter().position(|bar| bar.open_time == joined[0].open_time).unwrap();
    assert_eq!(joined, file[from..from + joined.len()]);
}

fn take_closed(closed: &mut BTreeMap<i64, Bar>, envelope: &spark_live_tests::Envelope) {
    if envelope.event == "candles.bar" && envelope.field::<bool>("closed").unwrap() {
        let bar = Bar::from_envelope(envelope).unwrap();
        closed.insert(bar.open_time, bar);
    }
}

#[tokio::test]
async fn the_prints_of_a_day_add_up_to_its_row() {
    let gateway = Gateway::options().speed(4.0).start().await.unwrap();
    let file = shipped_bars("AAPL").unwrap();
    let mut socket = gateway.websocket().await.unwrap();
    socket.subscribe(&["price:AAPL"]).await.unwrap();
    let mut days: BTreeMap<i64, Vec<spark_live_tests::Envelope>> = BTreeMap::new();
    while days.len() < 5 {
        let tick = socket.find(|envelope| envelope.event == "price.tick").await.unwrap();
        days.entry(tick.field("marketTime").unwrap()).or_default().push(tick);
    }
    // The first day may have begun before us and the last is not over.
    for (day, ticks) in days.iter().skip(1).take(3) {
        let index = file.iter().position(|bar| bar.open_time == *day).unwrap();
        let (bar, previous) = (&file[index], &file[index - 1]);
        assert_eq!(ticks.len(), 4, "{ticks:?}");
        let prices: Vec<rust_decimal::Decimal> =
            ticks.iter().map(|tick| tick.digits("price").unwrap().unwrap().parse().unwrap()).collect();
        let rising = bar.close >= bar.open;
        let [second, third] = if rising { [bar.low, bar.high] } else { [bar.high, bar.low] };
        assert_eq!(prices, [bar.open, second, third, bar.close]);
        let closing = &ticks[3];
        assert_eq!(closing.digits("volume").unwrap().unwrap().parse(), Ok(bar.volume));
        assert_eq!(closing.digits("change").unwrap().unwrap().parse(), Ok(bar.close - previous.close));
        let percent = ((bar.close - previous.close) / previous.close * rust_decimal::Decimal::ONE_HUNDRED)
            .round_dp_with_strategy(4, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        let told: rust_decimal::Decimal = closing.digits("changePct").unwrap().unwrap().parse().unwrap();
        assert!((told - percent).abs() <= rust_decimal::Decimal::new(1, 4), "{told} for {percent}");
    }
}
