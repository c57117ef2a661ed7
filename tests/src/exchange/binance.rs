//! Binance, after its published documentation of streams and of REST.

use serde_json::{Value, json};

use super::{Asked, Book, Candle, Dialect, Print, Stream, parameter};

/// The protocol of Binance's spot market.
#[derive(Clone, Copy, Debug, Default)]
pub struct Binance;

impl Dialect for Binance {
    fn socket_path(&self) -> &'static str {
        "/stream"
    }

    fn limits(&self) -> (usize, usize) {
        (5, 1_024)
    }

    fn hear(&self, message: &str, _: &Book) -> Asked {
        let Ok(message) = serde_json::from_str::<Value>(message) else {
            let answers = vec![
                json!({"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}).to_string(),
            ];
            return Asked { answers, ..Asked::default() };
        };
        let id = &message["id"];
        let (Some("SUBSCRIBE"), Some(names)) = (message["method"].as_str(), message["params"].as_array())
        else {
            let answers =
                vec![json!({"code": 2, "msg": "Invalid request: unknown variant", "id": id}).to_string()];
            return Asked { answers, ..Asked::default() };
        };
        Asked {
            streams: names.iter().filter_map(Value::as_str).filter_map(stream).collect(),
            answers: vec![json!({"result": null, "id": id}).to_string()],
        }
    }

    fn trade(&self, symbol: &str, print: &Print) -> String {
        let Print { id, time, price, quantity, is_sale } = print;
        combined(
            symbol,
            "trade",
            &json!({"e": "trade", "E": time + 1, "s": symbol, "t": id, "p": price, "q": quantity,
            "T": time, "m": is_sale, "M": true}),
        )
    }

    fn quote(&self, symbol: &str, bid: &str, ask: &str, _: Option<&Print>) -> String {
        combined(
            symbol,
            "bookTicker",
            &json!({"u": 400_900_217, "s": symbol, "b": bid, "B": "31.21000000", "a": ask,
            "A": "40.66000000"}),
        )
    }

    fn bar(&self, symbol: &str, interval: &str, candle: &Candle) -> String {
        let Candle { open_time, values: [open, high, low, close, volume], is_closed } = candle;
        combined(
            symbol,
            &format!("kline_{interval}"),
            &json!({"e": "kline", "E": open_time, "s": symbol, "k": {
            "t": open_time, "T": open_time + 59_999, "s": symbol, "i": interval, "f": 100, "L": 200, "o": open,
            "c": close, "h": high, "l": low, "v": volume, "n": 100, "x": is_closed, "q": "1.0000", "V": "500",
            "Q": "0.500", "B": "123456"}}),
        )
    }

    fn rest(&self, path: &str, query: &[(String, String)], book: &Book, now: i64) -> Option<(u16, String)> {
        let number = |name: &str| parameter(query, name).and_then(|text| text.parse::<u64>().ok());
        let symbol = parameter(query, "symbol").unwrap_or_default();
        let limit = number("limit").unwrap_or(500).min(1_000) as usize;
        let body = match path {
            "/api/v3/time" => json!({"serverTime": now}),
            _ if symbol == "NOSUCH" => {
                return Some((400, json!({"code": -1121, "msg": "Invalid symbol."}).to_string()));
            }
            "/api/v3/historicalTrades" => {
                let tape = book.tape(symbol);
                let from = number("fromId").unwrap_or_else(|| tape.last().map_or(0, |last| last.id));
                tape.iter().filter(|print| print.id >= from).take(limit).map(past_trade).collect()
            }
            "/api/v3/klines" => {
                let interval = parameter(query, "interval")?;
                book.candles(symbol, interval, limit).into_iter().map(past_bar).collect()
            }
            _ => return None,
        };
        Some((200, body.to_string()))
    }
}

fn combined(symbol: &str, kind: &str, data: &Value) -> String {
    json!({"stream": format!("{}@{kind}", symbol.to_lowercase()), "data": data}).to_string()
}

/// `btcusdt@trade`: symbols are of lower case in the names of streams, and of upper case elsewhere.
fn stream(name: &str) -> Option<Stream> {
    let (symbol, kind) = name.split_once('@')?;
    if symbol.chars().any(|c| c.is_ascii_uppercase()) {
        return None;
    }
    let kind = match kind {
        "trade" => "trade".to_owned(),
        "bookTicker" => "quote".to_owned(),
        other => format!("bar {}", other.strip_prefix("kline_")?),
    };
    Some((kind, symbol.to_uppercase()))
}

fn past_trade(print: &Print) -> Value {
    let Print { id, time, price, quantity, is_sale } = print;
    json!({"id": id, "price": price, "qty": quantity, "quoteQty": "48.000012", "time": time, "isBuyerMaker": is_sale,
        "isBestMatch": true})
}

fn past_bar(candle: &Candle) -> Value {
    let Candle { open_time, values: [open, high, low, close, volume], .. } = candle;
    json!([
        open_time,
        open,
        high,
        low,
        close,
        volume,
        open_time + 59_999,
        "2434.19055334",
        308,
        "1756.87402397",
        "28.46694368",
        "0"
    ])
}
