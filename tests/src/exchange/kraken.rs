//! Kraken, after its published documentation of the second WebSocket protocol and of REST.

use serde_json::{Map, Value, json};

use super::{Asked, Book, Candle, Dialect, Print, parameter, rfc3339};

/// The protocol of Kraken's public channels. The pair `NO/SUCH` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kraken;

impl Dialect for Kraken {
    fn socket_path(&self) -> &'static str {
        "/v2"
    }

    fn limits(&self) -> (usize, usize) {
        (20, usize::MAX)
    }

    fn hear(&self, message: &str, _: &Book) -> Asked {
        let message: Value = serde_json::from_str(message).unwrap_or_default();
        let (params, id) = (&message["params"], &message["req_id"]);
        let mut asked = Asked::default();
        let kind = match params["channel"].as_str() {
            Some("trade") => "trade".to_owned(),
            Some("ticker") => "quote".to_owned(),
            Some("ohlc") => format!("bar {}m", params["interval"]),
            _ => {
                let error = json!({"error": "Subscription name invalid", "success": false, "req_id": id});
                asked.answers.push(error.to_string());
                return asked;
            }
        };
        for symbol in params["symbol"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if symbol == "NO/SUCH" {
                let error = json!({"error": "Currency pair not supported NO/SUCH", "method": "subscribe",
                    "success": false, "symbol": symbol, "req_id": id});
                asked.answers.push(error.to_string());
                continue;
            }
            asked.streams.push((kind.clone(), symbol.to_owned()));
            let result = json!({"channel": params["channel"], "symbol": symbol});
            let answer = json!({"method": "subscribe", "result": result, "success": true, "req_id": id,
                "time_in": "2024-07-27T21:15:57.923475Z", "time_out": "2024-07-27T21:15:57.923542Z"});
            asked.answers.push(answer.to_string());
        }
        asked
    }

    fn trade(&self, symbol: &str, print: &Print) -> String {
        let Print { id, time, price, quantity, is_sale } = print;
        let side = if *is_sale { "sell" } else { "buy" };
        // Written by hand, so that the digits of the numbers stay as they are.
        format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{symbol}","side":"{side}","price":{price},"qty":{quantity},"ord_type":"limit","trade_id":{id},"timestamp":"{}"}}]}}"#,
            rfc3339(*time)
        )
    }

    fn quote(&self, symbol: &str, bid: &str, ask: &str, _: Option<&Print>) -> String {
        format!(
            r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":{bid},"bid_qty":740.0,"ask":{ask},"ask_qty":1361.4,"last":{bid}}}]}}"#
        )
    }

    fn bar(&self, symbol: &str, interval: &str, candle: &Candle) -> String {
        let [open, high, low, close, volume] = &candle.values;
        let (minutes, begin) = (interval.trim_end_matches('m'), rfc3339(candle.open_time));
        format!(
            r#"{{"channel":"ohlc","type":"update","data":[{{"symbol":"{symbol}","open":{open},"high":{high},"low":{low},"close":{close},"trades":13,"volume":{volume},"vwap":{close},"interval_begin":"{begin}","interval":{minutes},"timestamp":"{begin}"}}]}}"#
        )
    }

    fn beat(&self, _: &str, _: &Print) -> Option<String> {
        Some(r#"{"channel":"heartbeat"}"#.to_owned())
    }

    fn rest(&self, path: &str, query: &[(String, String)], book: &Book, now: i64) -> Option<(u16, String)> {
        let pair = parameter(query, "pair").unwrap_or_default();
        // The names of pairs are of three letters and three here.
        let symbol = pair
            .get(..3)
            .zip(pair.get(3..))
            .map(|(base, quote)| format!("{base}/{quote}"))
            .unwrap_or_default();
        let rows = |rows: Vec<Value>| {
            let mut result = Map::new();
            result.insert(
                format!("X{}Z{}", pair.get(..3).unwrap_or_default(), pair.get(3..).unwrap_or_default()),
                rows.into(),
            );
            result.insert("last".to_owned(), "1688671969993150842".into());
            Value::Object(result)
        };
        let result = match path {
            "/0/public/Time" => json!({"unixtime": now / 1_000, "rfc1123": "Sun, 21 Mar 21 14:23:14 +0000"}),
            _ if pair == "NOSUCH" => {
                return Some((200, json!({"error": ["EQuery:Unknown asset pair"]}).to_string()));
            }
            "/0/public/Trades" => {
                let since =
                    parameter(query, "since").and_then(|text| text.parse::<i64>().ok()).unwrap_or_default();
                let newer = book.tape(&symbol).iter().filter(|print| print.time > since / 1_000_000);
                rows(newer.take(1_000).map(past_trade).collect())
            }
            "/0/public/OHLC" => {
                let interval = format!("{}m", parameter(query, "interval")?);
                rows(book.candles(&symbol, &interval, 720).into_iter().map(past_bar).collect())
            }
            _ => return None,
        };
        Some((200, json!({"error": [], "result": result}).to_string()))
    }
}

fn past_trade(print: &Print) -> Value {
    let Print { id, time, price, quantity, is_sale } = print;
    json!([price, quantity, *time as f64 / 1_000.0, if *is_sale { "s" } else { "b" }, "l", "", id])
}

fn past_bar(candle: &Candle) -> Value {
    let [open, high, low, close, volume] = &candle.values;
    json!([candle.open_time / 1_000, open, high, low, close, close, volume, 320])
}
