use super::*;

fn symbol(name: &str) -> Symbol {
    Symbol { name: name.into(), native: Binance.native(name) }
}

fn read(frame: &str) -> Result<Vec<Said>, FrameFault> {
    let mut out = Vec::new();
    Binance.read(frame, &Directory::new(&[symbol("ETHUSDT"), symbol("BNBBTC")], 0), &mut out).map(|()| out)
}

// The frames of the published documentation, in the envelope of a combined stream.
const TRADE: &str = r#"{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,
    "p":"0.001","q":"100","T":1672515782130,"m":true,"M":true}}"#;
const QUOTE: &str = r#"{"stream":"bnbbtc@bookTicker","data":{"u":400900217,"s":"BNBBTC","b":"25.35190000",
    "B":"31.21000000","a":"25.36520000","A":"40.66000000"}}"#;
const BAR: &str = r#"{"stream":"bnbbtc@kline_1m","data":{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{
    "t":1672515780000,"T":1672515839999,"s":"BNBBTC","i":"1m","f":100,"L":200,"o":"0.0010","c":"0.0020",
    "h":"0.0025","l":"0.0015","v":"1000","n":100,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}}"#;

#[test]
fn the_frames_of_the_documentation_are_read() {
    let number = |text: &str| number(text).expect(text);
    let trade = Trade {
        time: 1_672_515_782_130,
        id: Some(12_345),
        side: Some(Side::Sell),
        price: number("0.001"),
        quantity: number("100"),
    };
    assert_eq!(read(TRADE), Ok(vec![Said::Trade(1, trade)]));
    let quote = Quote { time: 0, bid: number("25.35190000"), ask: number("25.36520000") };
    assert_eq!(read(QUOTE), Ok(vec![Said::Quote(1, quote, HasTime::No)]));
    let [open, high, low, close, volume] = ["0.0010", "0.0025", "0.0015", "0.0020", "1000"].map(number);
    let bar = Bar { open_time: 1_672_515_780_000, open, high, low, close, volume };
    let minute = Interval::parse("1m").expect("an interval");
    assert_eq!(read(BAR), Ok(vec![Said::Bar(1, minute, bar, false)]));
}

#[test]
fn answers_and_goodbyes_are_told_apart() {
    assert_eq!(read(r#"{"result":null,"id":1}"#), Ok(vec![Said::Acknowledged]));
    let goodbye = r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#;
    assert_eq!(read(goodbye), Ok(vec![Said::Goodbye]));
    let refused = |reason: &str, is_fatal| Ok(vec![Said::Refused { reason: reason.into(), is_fatal }]);
    assert_eq!(read(r#"{"code":0,"msg":"Unknown property","id":7}"#), refused("Unknown property (0)", true));
    assert_eq!(read(r#"{"code":3,"msg":"Invalid JSON"}"#), refused("Invalid JSON (3)", false));
    assert_eq!(
        read(r#"{"error":{"code":2,"msg":"Invalid request"},"id":1}"#),
        refused("Invalid request (2)", true)
    );
}

#[test]
fn what_is_not_the_protocol_is_malformed_and_what_was_not_asked_for_is_unknown() {
    for frame in [
        "{}",
        r#"{"stream":"bnbbtc@depth","data":{}}"#,
        r#"{"stream":"x","data":{}}"#,
        r#"{"result":null,"id":null}"#,
        &TRADE.replace("\"BNBBTC\"", "\"OTHER\""),
        &BAR.replace("\"1m\"", "\"1M\""),
    ] {
        assert_eq!(read(frame), Err(FrameFault::Unknown), "{frame}");
    }
    for frame in [
        "",
        "null",
        "[]",
        "{",
        "\u{0}",
        r#"{"stream":7,"data":{}}"#,
        r#"{"stream":"bnbbtc@trade","data":{}}"#,
        r#"{"stream":"bnbbtc@trade","data":null}"#,
        r#"{"stream":"bnbbtc@trade","data":[1]}"#,
        &TRADE.replace("\"0.001\"", "\"one\""),
        &TRADE.replace("\"0.001\"", "0.001"),
        &TRADE.replace("12345", "-1"),
        &QUOTE.replace("\"25.35190000\"", "\"NaN\""),
        &BAR.replace("\"x\":false", "\"x\":0"),
        &"[".repeat(100_000),
    ] {
        assert!(matches!(read(frame), Err(FrameFault::Malformed(_) | FrameFault::Unknown)), "{}", cut(frame));
    }
    assert!(matches!(read("{"), Err(FrameFault::Malformed(_))));
    assert!(matches!(read(&TRADE.replace("\"0.001\"", "\"one\"")), Err(FrameFault::Malformed(_))));
}

#[test]
fn streams_are_asked_for_in_batches() {
    let symbols: Vec<Symbol> = (0..150).map(|n| symbol(&format!("S{n}USDT"))).collect();
    let all: Vec<&Symbol> = symbols.iter().collect();
    let minute = Interval::parse("1m").expect("an interval");
    let messages = Binance.subscribe(&all, &[minute]);
    let counts: Vec<usize> = messages.iter().map(|message| message.frame.matches('@').count()).collect();
    assert_eq!(counts, [200, 200, 50]);
    let first: serde_json::Value = serde_json::from_str(&messages[0].frame).expect("JSON");
    assert_eq!(first["params"][2], "s0usdt@kline_1m");
    assert_eq!((&first["method"], &first["id"]), (&"SUBSCRIBE".into(), &1.into()));
    assert_eq!(Binance.streams_per_symbol(&[minute]) * 150, 450);
}

#[test]
fn the_answers_of_the_documentation_are_read() {
    let body = br#"[[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",
        1499644799999,"2434.19055334",308,"1756.87402397","28.46694368","0"]]"#;
    let bars = Binance.read_bars(body).expect("bars");
    assert_eq!(
        (bars.len(), bars[0].open_time, bars[0].low.to_string()),
        (1, 1_499_040_000_000, "0.01575800".into())
    );
    let body = br#"[{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012",
        "time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}]"#;
    let trades = Binance.read_trades(body).expect("trades");
    assert_eq!((trades[0].id, trades[0].price.to_string()), (Some(28_457), "4.00000100".into()));
    assert_eq!(Binance.read_time(br#"{"serverTime":1499827319559}"#).ok(), Some(1_499_827_319_559));
    for body in [&b""[..], b"{}", b"[[1]]", b"[{}]", br#"[[1,"a","b","c","d","e",1,"f",1,"g","h","0"]]"#] {
        assert!(Binance.read_bars(body).is_err());
        assert!(Binance.read_trades(body).is_err() && Binance.read_time(body).is_err());
    }
}

#[test]
fn requests_ask_for_no_more_than_is_needed() {
    let missing = |first, last| Missing { ids: first..=last, since: 0 };
    let path = |missing| Binance.trades_request(&symbol("ethusdt"), &missing);
    assert_eq!(path(missing(5, 7)), "/api/v3/historicalTrades?symbol=ETHUSDT&fromId=5&limit=3");
    assert_eq!(path(missing(0, u64::MAX)), "/api/v3/historicalTrades?symbol=ETHUSDT&fromId=0&limit=1000");
    let bars = |interval: &str, count| {
        Interval::parse(interval)
            .and_then(|interval| Binance.bars_request(&symbol("ETHUSDT"), interval, count))
    };
    let expected = "/api/v3/klines?symbol=ETHUSDT&interval=4h&limit=501";
    assert_eq!(bars("4h", 500).as_deref(), Some(expected));
    assert_eq!(bars("7m", 500), None);
}
