//! Coinbase Exchange: the channels `matches`, `ticker` and `heartbeat`.
//!
//! After "Exchange WebSocket Channels" and the REST reference of its published documentation. It streams no bars.
//! Trades may be dropped from `matches`, says the documentation; the heartbeat of a product says which is the newest.

use std::borrow::Cow;
use std::time::Duration;

use live_core::event::Interval;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{Bar, Quote, Side, Trade};
use super::text::{cut, number, time};
use super::{
    Directory, Exchange, FrameFault, HasTime, Limits, Missing, RestFault, Said, Subscription, Symbol, Urls,
};

/// Products that one message subscribes to.
const BATCH: usize = 100;
/// Most trades of an answer.
const TRADES_MAX: u64 = 1_000;
/// Intervals of its history, in milliseconds.
const INTERVALS_MS: [u64; 6] = [60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000];
const CHANNELS: [&str; 3] = ["matches", "ticker", "heartbeat"];

/// The exchange Coinbase. Symbols are its products: `BTC-USD`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coinbase;

impl Exchange for Coinbase {
    fn name(&self) -> &'static str {
        "coinbase"
    }

    fn urls(&self) -> Urls {
        Urls::of("wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com")
    }

    fn socket_path(&self) -> &'static str {
        "/"
    }

    fn limits(&self) -> Limits {
        Limits {
            // No number is published; this is what the others allow.
            streams_per_connection: 1_000,
            // Eight requests a second are allowed.
            message_gap: Duration::from_millis(200),
            lifetime: None,
            // Ten a second and fifteen at once are allowed; a few less, as some arrive closer together than they left.
            request_gap: Duration::from_millis(100),
            request_burst: 12,
        }
    }

    fn usual_symbols(&self) -> &'static [&'static str] {
        &["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD"]
    }

    fn native(&self, symbol: &str) -> String {
        symbol.to_ascii_uppercase()
    }

    fn has_bars(&self, _: Interval) -> bool {
        false
    }

    fn streams_per_symbol(&self, _: &[Interval]) -> usize {
        CHANNELS.len()
    }

    fn subscribe(&self, symbols: &[&Symbol], _: &[Interval]) -> Vec<Subscription> {
        let batch = |symbols: &[&Symbol]| {
            let products: Vec<&str> = symbols.iter().map(|symbol| symbol.native.as_str()).collect();
            let message =
                serde_json::json!({"type": "subscribe", "product_ids": products, "channels": CHANNELS});
            Subscription { frame: message.to_string(), acknowledgements: 1 }
        };
        symbols.chunks(BATCH).map(batch).collect()
    }

    fn read(&self, frame: &str, symbols: &Directory, out: &mut Vec<Said>) -> Result<(), FrameFault> {
        let message: Message<'_> = serde_json::from_str(frame)?;
        out.push(match &*message.kind {
            "match" | "last_match" => {
                let row: Match<'_> = serde_json::from_str(frame)?;
                Said::Trade(symbols.find(message.product()?)?, row.read()?)
            }
            "ticker" => {
                let row: Ticker<'_> = serde_json::from_str(frame)?;
                let quote = Quote {
                    time: time(&row.time)?,
                    bid: number(&row.best_bid)?,
                    ask: number(&row.best_ask)?,
                };
                Said::Quote(symbols.find(message.product()?)?, quote, HasTime::Yes)
            }
            "heartbeat" => {
                let beat: Heartbeat = serde_json::from_str(frame)?;
                Said::NewestTrade(symbols.find(message.product()?)?, beat.last_trade_id)
            }
            "subscriptions" => Said::Acknowledged,
            "error" => {
                let words = [message.message, message.reason].map(Option::unwrap_or_default);
                Said::Refused { reason: cut(words.join(": ").trim_end_matches(": ")), is_fatal: true }
            }
            _ => return Err(FrameFault::Unknown),
        });
        Ok(())
    }

    fn time_request(&self) -> String {
        "/time".to_owned()
    }

    fn read_time(&self, body: &[u8]) -> Result<i64, RestFault> {
        Ok(time(&serde_json::from_slice::<Time<'_>>(body)?.iso)?)
    }

    fn bars_request(&self, symbol: &Symbol, interval: Interval, _: usize) -> Option<String> {
        let length = interval.length_ms();
        // Without a range the newest 300 come.
        INTERVALS_MS
            .contains(&length)
            .then(|| format!("/products/{}/candles?granularity={}", symbol.native, length / 1_000))
    }

    fn read_bars(&self, body: &[u8]) -> Result<Vec<Bar>, RestFault> {
        let rows: Vec<[&RawValue; 6]> = serde_json::from_slice(body)?;
        let read = |row: [&RawValue; 6]| {
            let [at, low, high, open, close, volume] = row.map(RawValue::get);
            let seconds: i64 =
                at.parse().map_err(|_| FrameFault::Malformed(format!("{:?} is not a time", cut(at))))?;
            let open_time = seconds.saturating_mul(1_000);
            let (open, high, low, close) = (number(open)?, number(high)?, number(low)?, number(close)?);
            Ok(Bar { open_time, open, high, low, close, volume: number(volume)? })
        };
        rows.into_iter().map(read).collect::<Result<_, FrameFault>>().map_err(RestFault::from)
    }

    fn trades_request(&self, symbol: &Symbol, missing: &Missing) -> String {
        let (first, last) = (*missing.ids.start(), *missing.ids.end());
        let (after, limit) = (last.saturating_add(1), (last - first).saturating_add(1).min(TRADES_MAX));
        // Pages go from the newest to the oldest, and "after" is what is older.
        format!("/products/{}/trades?limit={limit}&after={after}", symbol.native)
    }

    fn read_trades(&self, body: &[u8]) -> Result<Vec<Trade>, RestFault> {
        let rows: Vec<Match<'_>> = serde_json::from_slice(body)?;
        rows.iter().map(Match::read).collect::<Result<_, FrameFault>>().map_err(RestFault::from)
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    product_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    reason: Option<Cow<'a, str>>,
}

impl Message<'_> {
    fn product(&self) -> Result<&str, FrameFault> {
        self.product_id.as_deref().ok_or_else(|| FrameFault::Malformed("no product_id".to_owned()))
    }
}

/// A trade, over the socket and by REST.
#[derive(Deserialize)]
struct Match<'a> {
    trade_id: u64,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    price: Cow<'a, str>,
    #[serde(borrow)]
    size: Cow<'a, str>,
    #[serde(borrow)]
    side: Cow<'a, str>,
}

impl Match<'_> {
    fn read(&self) -> Result<Trade, FrameFault> {
        // The side is that of the order that was there before: a sale that was taken is a buyer who took it.
        let side = match &*self.side {
            "sell" => Some(Side::Buy),
            "buy" => Some(Side::Sell),
            _ => None,
        };
        let (price, quantity) = (number(&self.price)?, number(&self.size)?);
        Ok(Trade { time: time(&self.time)?, id: Some(self.trade_id), side, price, quantity })
    }
}

#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    best_bid: Cow<'a, str>,
    #[serde(borrow)]
    best_ask: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Heartbeat {
    last_trade_id: u64,
}

#[derive(Deserialize)]
struct Time<'a> {
    #[serde(borrow)]
    iso: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str) -> Symbol {
        Symbol { name: name.into(), native: Coinbase.native(name) }
    }

    fn read(frame: &str) -> Result<Vec<Said>, FrameFault> {
        let mut out = Vec::new();
        Coinbase.read(frame, &Directory::new(&[symbol("BTC-USD")], 3), &mut out).map(|()| out)
    }

    const MATCH: &str = r#"{"type":"last_match","trade_id":1099995623,"maker_order_id":"7b0e","taker_order_id":"9290",
        "side":"sell","size":"0.00004104","price":"84140.83","product_id":"BTC-USD","sequence":136967652357,
        "time":"2026-09-29T13:45:58.116787Z"}"#;
    const TICKER: &str = r#"{"type":"ticker","sequence":130993420900,"product_id":"BTC-USD","price":"63984.00",
        "best_bid":"63983.99","best_bid_size":"0.02880000","best_ask":"63984.01","best_ask_size":"0.00949200",
        "side":"buy","time":"2026-06-21T08:27:16.364726Z","trade_id":1099995623,"last_size":"0.00004104"}"#;
    const BEAT: &str = r#"{"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD",
        "time":"2014-11-07T08:19:28.464459Z"}"#;

    #[test]
    fn the_frames_of_the_documentation_are_read() {
        let number = |text: &str| number(text).expect(text);
        let trade = Trade {
            time: 1_790_689_558_116,
            id: Some(1_099_995_623),
            side: Some(Side::Buy),
            price: number("84140.83"),
            quantity: number("0.00004104"),
        };
        assert_eq!(read(MATCH), Ok(vec![Said::Trade(3, trade)]));
        let quote = Quote { time: 1_782_030_436_364, bid: number("63983.99"), ask: number("63984.01") };
        assert_eq!(read(TICKER), Ok(vec![Said::Quote(3, quote, HasTime::Yes)]));
        assert_eq!(read(BEAT), Ok(vec![Said::NewestTrade(3, 20)]));
        assert_eq!(read(r#"{"type":"subscriptions","channels":[]}"#), Ok(vec![Said::Acknowledged]));
        let error = r#"{"type":"error","message":"Failed to subscribe","reason":"X-Y is delisted"}"#;
        let reason = "Failed to subscribe: X-Y is delisted".to_owned();
        assert_eq!(read(error), Ok(vec![Said::Refused { reason, is_fatal: true }]));
    }

    #[test]
    fn what_is_not_the_protocol_is_malformed_and_what_was_not_asked_for_is_unknown() {
        for frame in [r#"{"type":"received"}"#, &MATCH.replace("BTC-USD", "ETH-USD"), r#"{"type":""}"#] {
            assert_eq!(read(frame), Err(FrameFault::Unknown), "{frame}");
        }
        for frame in [
            "",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"match","product_id":"BTC-USD"}"#,
            &MATCH.replace("product_id", "product"),
            &MATCH.replace("2026-09-29T", "2026-09-29 at "),
            &MATCH.replace("1099995623", "1.5"),
            &TICKER.replace("63983.99", "low"),
            &BEAT.replace("20,", "\"20\","),
        ] {
            assert!(matches!(read(frame), Err(FrameFault::Malformed(_))), "{frame}");
        }
    }

    #[test]
    fn the_answers_of_the_documentation_are_read() {
        let body = br#"[[1415398768,0.32,4.2,0.35,4.2,12.3],[1415398708,0.3,0.5,0.35,0.4,1e-05]]"#;
        let bars = Coinbase.read_bars(body).expect("bars");
        let first = [bars[0].open, bars[0].high, bars[0].low, bars[0].close, bars[0].volume];
        assert_eq!(first.map(|number| number.to_string()), ["0.35", "4.2", "0.32", "4.2", "12.3"]);
        assert_eq!((bars[1].open_time, bars[1].volume.to_string()), (1_415_398_708_000, "0.00001".into()));
        let body = br#"[{"time":"2020-03-20T00:36:59.860Z","trade_id":86327327,"price":"6225.32000000",
            "size":"0.06469797","side":"sell"}]"#;
        assert_eq!(Coinbase.read_trades(body).expect("trades")[0].id, Some(86_327_327));
        let time = Coinbase.read_time(br#"{"iso":"2015-01-07T23:47:25.201Z","epoch":1420674445.201}"#);
        assert_eq!(time.ok(), Some(1_420_674_445_201));
        for body in [&b""[..], b"{}", b"[1]", br#"[["a",1,2,3,4,5]]"#, br#"{"message":"NotFound"}"#] {
            assert!(Coinbase.read_bars(body).is_err() && Coinbase.read_trades(body).is_err());
            assert!(Coinbase.read_time(body).is_err());
        }
    }

    #[test]
    fn requests_go_from_the_newest_to_the_oldest() {
        let path = |ids| Coinbase.trades_request(&symbol("btc-usd"), &Missing { ids, since: 0 });
        assert_eq!(path(5..=7), "/products/BTC-USD/trades?limit=3&after=8");
        assert_eq!(path(0..=9_999), "/products/BTC-USD/trades?limit=1000&after=10000");
        let bars = |name| Coinbase.bars_request(&symbol("BTC-USD"), Interval::parse(name).expect(name), 9);
        assert_eq!(bars("1h").as_deref(), Some("/products/BTC-USD/candles?granularity=3600"));
        assert_eq!((bars("1s"), bars("4h")), (None, None));
    }
}
