use super::*;

fn symbol(name: &str) -> Symbol {
    Symbol { name: name.into(), native: Kraken.native(name) }
}

fn read(frame: &str) -> (Result<(), FrameFault>, Vec<Said>) {
    let mut out = Vec::new();
    let symbols = [symbol("BTC-USD"), symbol("ALGO-USD")];
    (Kraken.read(frame, &Directory::new(&symbols, 0), &mut out), out)
}

fn only(frame: &str) -> Said {
    let (read, mut out) = read(frame);
    assert_eq!((read, out.len()), (Ok(()), 1), "{frame}");
    out.remove(0)
}

const TRADES: &str = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":68580.0,
    "qty":0.14225864,"ord_type":"limit","trade_id":72166031,"timestamp":"2024-07-27T21:16:00.512060Z"},
    {"symbol":"BTC/USD","side":"sell","price":68580.1,"qty":1e-05,"ord_type":"market","trade_id":72166032,
    "timestamp":"2024-07-27T21:16:00.512061Z"}]}"#;
const TICKER: &str = r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"ALGO/USD","bid":0.10025,
    "bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44813783,"last":0.10035,"volume":997038.98383185}]}"#;
const BAR: &str = r#"{"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:01.806315597Z","data":[{
    "symbol":"ALGO/USD","open":0.09875,"high":0.0988,"low":0.09875,"close":0.09876,"trades":13,"volume":16255.46368,
    "vwap":0.09879,"interval_begin":"2023-10-04T15:30:00.000000000Z","interval":5,
    "timestamp":"2023-10-04T15:35:00.000000Z"}]}"#;

#[test]
fn the_frames_of_the_documentation_are_read_digit_for_digit() {
    let number = |text: &str| number(text).expect(text);
    let (found, out) = read(TRADES);
    let trade = |id, side, price, quantity| Trade {
        time: 1_722_114_960_512,
        id: Some(id),
        side: Some(side),
        price: number(price),
        quantity: number(quantity),
    };
    let expected = vec![
        Said::Trade(0, trade(72_166_031, Side::Buy, "68580.0", "0.14225864")),
        Said::Trade(0, trade(72_166_032, Side::Sell, "68580.1", "0.00001")),
    ];
    assert_eq!((found, out), (Ok(()), expected));
    let quote = Quote { time: 0, bid: number("0.10025"), ask: number("0.10036") };
    assert_eq!(only(TICKER), Said::Quote(1, quote, HasTime::No));
    let timed = TICKER.replace("\"bid\"", r#""timestamp":"2024-07-27T21:16:00.512060Z","bid""#);
    assert_eq!(only(&timed), Said::Quote(1, Quote { time: 1_722_114_960_512, ..quote }, HasTime::Yes));
    let [open, high, low, close, volume] =
        ["0.09875", "0.0988", "0.09875", "0.09876", "16255.46368"].map(number);
    let bar = Bar { open_time: 1_696_433_400_000, open, high, low, close, volume };
    let interval = Interval::parse("5m").expect("an interval");
    assert_eq!(only(BAR), Said::Bar(1, interval, bar, false));
}

#[test]
fn answers_and_life_signs_are_told_apart() {
    let ack = r#"{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true,
        "time_in":"2024-07-27T21:15:57.923475Z","time_out":"2024-07-27T21:15:57.923542Z","req_id":1}"#;
    assert_eq!(only(ack), Said::Acknowledged);
    let refused =
        r#"{"error":"Currency pair not supported","method":"subscribe","success":false,"symbol":"X/Y"}"#;
    let reason = "Currency pair not supported X/Y".to_owned();
    assert_eq!(only(refused), Said::Refused { reason, is_fatal: false });
    for alive in [
        r#"{"channel":"heartbeat"}"#,
        r#"{"channel":"status","type":"update","data":[{"system":"online"}]}"#,
        r#"{"method":"pong","req_id":1}"#,
    ] {
        assert_eq!(only(alive), Said::Alive);
    }
}

#[test]
fn a_bad_row_takes_no_other_with_it() {
    for (bad, is_malformed) in [("68580.0", true), ("BTC/USD", false)] {
        let (found, out) = read(&TRADES.replacen(bad, "\"X\"", 1).replacen("\"\"X\"\"", "\"X\"", 1));
        assert_eq!(matches!(found, Err(FrameFault::Malformed(_))), is_malformed, "{found:?}");
        assert!(
            found.is_err() && matches!(out[..], [Said::Trade(0, Trade { id: Some(72_166_032), .. })]),
            "{out:?}"
        );
    }
    for frame in [
        "",
        "{",
        "[]",
        r#"{"channel":7}"#,
        r#"{"channel":"trade","data":[null]}"#,
        r#"{"channel":"ohlc","data":{}}"#,
    ] {
        assert!(matches!(read(frame).0, Err(FrameFault::Malformed(_))), "{frame}");
    }
    for frame in
        ["{}", r#"{"channel":"book","data":[]}"#, &BAR.replace("\"interval\":5", "\"interval\":21600")]
    {
        assert_eq!(read(frame).0, Err(FrameFault::Unknown), "{frame}");
    }
}

#[test]
fn the_answers_of_the_documentation_are_read() {
    let body = br#"{"error":[],"result":{"last":"1688671969993150842","XXBTZUSD":[
        ["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952],
        ["30243.30000","0.00376960",1688669598.2804112,"s","l","",61044953]]}}"#;
    let trades = Kraken.read_trades(body).expect("trades");
    let found: Vec<_> = trades.iter().map(|trade| (trade.id, trade.time, trade.side)).collect();
    let expected = [
        (Some(61_044_952), 1_688_669_597_827, Some(Side::Buy)),
        (Some(61_044_953), 1_688_669_598_280, Some(Side::Sell)),
    ];
    assert_eq!(found, expected);
    let body =
        br#"{"error":[],"result":{"XXBTZUSD":[[1700000000,"37000.0","37500.0","36800.0","37200.0","37100.0",
        "150.5",320]],"last":1700086400}}"#;
    let bars = Kraken.read_bars(body).expect("bars");
    assert_eq!((bars[0].open_time, bars[0].volume.to_string()), (1_700_000_000_000, "150.5".into()));
    let time =
        Kraken.read_time(br#"{"error":[],"result":{"unixtime":1616336594,"rfc1123":"Sun, 21 Mar 21"}}"#);
    assert_eq!(time.ok(), Some(1_616_336_594_000));
    for body in
        [&b""[..], b"{}", b"[]", br#"{"error":[],"result":7}"#, br#"{"error":["EQuery:Unknown asset pair"]}"#]
    {
        assert!(Kraken.read_bars(body).is_err() && Kraken.read_trades(body).is_err());
        assert!(Kraken.read_time(body).is_err());
    }
    for error in ["EAPI:Rate limit exceeded", "EGeneral:Temporary lockout", "EService: Throttled: 1688669597"]
    {
        let body = format!(r#"{{"error":["{error}"]}}"#);
        assert!(matches!(Kraken.read_time(body.as_bytes()), Err(RestFault::Banned(_))), "{error}");
    }
}

#[test]
fn every_channel_is_asked_for_with_every_symbol() {
    let symbols: Vec<Symbol> = (0..150).map(|n| symbol(&format!("S{n}-USD"))).collect();
    let all: Vec<&Symbol> = symbols.iter().collect();
    let bars = ["1m", "1w"].map(|name| Interval::parse(name).expect(name));
    let messages = Kraken.subscribe(&all, &bars);
    let counts: Vec<usize> = messages.iter().map(|message| message.acknowledgements).collect();
    assert_eq!(counts, [100, 100, 100, 100, 50, 50, 50, 50]);
    let last: serde_json::Value = serde_json::from_str(&messages[7].frame).expect("JSON");
    assert_eq!((&last["params"]["interval"], &last["req_id"]), (&10_080.into(), &8.into()));
    assert_eq!(
        (&last["params"]["channel"], &last["params"]["symbol"][49]),
        (&"ohlc".into(), &"S149/USD".into())
    );
    assert!(INTERVALS_MIN.iter().all(|minutes| {
        Interval::parse(&name(*minutes)).is_some_and(|interval| super::minutes(interval) == Some(*minutes))
    }));
    assert!(!Kraken.has_bars(Interval::parse("1s").expect("an interval")));
}

#[test]
fn requests_begin_before_the_last_trade_that_is_known() {
    let missing = Missing { ids: 5..=7, since: 1_688_669_597_827 };
    let expected = "/0/public/Trades?pair=BTCUSD&since=1688669597826000000&count=1000";
    assert_eq!(Kraken.trades_request(&symbol("btc-usd"), &missing), expected);
    let bars = |name| Kraken.bars_request(&symbol("BTC-USD"), Interval::parse(name).expect(name), 9);
    assert_eq!(bars("4h").as_deref(), Some("/0/public/OHLC?pair=BTCUSD&interval=240"));
    assert_eq!(bars("1s"), None);
}
