//! Coinbase Exchange, after its published documentation of channels and of REST.

use serde_json::{Value, json};

use super::{Asked, Book, Candle, Dialect, Print, Stream, parameter, rfc3339};

/// The protocol of Coinbase's public feed. There are no bars over the socket, and the product `NO-SUCH` is none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Coinbase;

impl Dialect for Coinbase {
    fn socket_path(&self) -> &'static str {
        "/"
    }

    fn limits(&self) -> (usize, usize) {
        (8, usize::MAX)
    }

    fn rest_limits(&self) -> Option<(f64, f64)> {
        Some((15.0, 10.0))
    }

    fn hear(&self, message: &str, book: &Book) -> Asked {
        let message: Value = serde_json::from_str(message).unwrap_or_default();
        let texts = |name: &str| -> Vec<String> {
            message[name]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let (products, channels) = (texts("product_ids"), texts("channels"));
        if message["type"] != "subscribe" || products.iter().any(|product| product == "NO-SUCH") {
            let error = json!({"type": "error", "message": "Failed to subscribe", "reason": "NO-SUCH is not a product"});
            return Asked { answers: vec![error.to_string()], ..Asked::default() };
        }
        let told = |name: &String| json!({"name": name, "product_ids": products});
        let told: Vec<Value> = channels.iter().map(told).collect();
        let mut answers = vec![json!({"type": "subscriptions", "channels": told}).to_string()];
        let last =
            |product: &String| book.tape(product).last().map(|print| matched("last_match", product, print));
        answers.extend(products.iter().filter_map(last));
        let stream = |product: &String, channel: &String| -> Stream {
            let kind = match channel.as_str() {
                "matches" => "trade",
                "ticker" => "quote",
                other => other,
            };
            (kind.to_owned(), product.clone())
        };
        let streams =
            products.iter().flat_map(|product| channels.iter().map(move |channel| stream(product, channel)));
        Asked { streams: streams.collect(), answers }
    }

    fn trade(&self, symbol: &str, print: &Print) -> String {
        matched("match", symbol, print)
    }

    fn quote(&self, symbol: &str, bid: &str, ask: &str, last: Option<&Print>) -> String {
        let (id, time) = last.map_or((0, 0), |print| (print.id, print.time));
        json!({"type": "ticker", "sequence": 130_993_420_900_u64, "product_id": symbol, "price": bid, "best_bid": bid,
            "best_bid_size": "0.02880000", "best_ask": ask, "best_ask_size": "0.00949200", "side": "buy",
            "time": rfc3339(time), "trade_id": id, "last_size": "0.00004104"})
        .to_string()
    }

    fn bar(&self, _: &str, _: &str, _: &Candle) -> String {
        // There is no such channel.
        r#"{"type":"candles"}"#.to_owned()
    }

    fn beat(&self, symbol: &str, last: &Print) -> Option<String> {
        let beat = json!({"type": "heartbeat", "sequence": 90, "last_trade_id": last.id, "product_id": symbol,
            "time": rfc3339(last.time)});
        Some(beat.to_string())
    }

    fn rest(&self, path: &str, query: &[(String, String)], book: &Book, now: i64) -> Option<(u16, String)> {
        if path == "/time" {
            return Some((200, json!({"iso": rfc3339(now), "epoch": now as f64 / 1_000.0}).to_string()));
        }
        let (product, what) = path.strip_prefix("/products/")?.split_once('/')?;
        let number = |name: &str| parameter(query, name).and_then(|text| text.parse::<u64>().ok());
        let body: Value = match what {
            "trades" => {
                let (after, limit) = (number("after").unwrap_or(u64::MAX), number("limit").unwrap_or(1_000));
                let older = book.tape(product).iter().rev().filter(|print| print.id < after);
                older.take(limit.min(1_000) as usize).map(past_trade).collect()
            }
            "candles" => {
                let interval = match number("granularity")? {
                    60 => "1m",
                    300 => "5m",
                    900 => "15m",
                    3_600 => "1h",
                    21_600 => "6h",
                    86_400 => "1d",
                    _ => return Some((400, json!({"message": "Unsupported granularity"}).to_string())),
                };
                book.candles(product, interval, 300).into_iter().rev().map(past_bar).collect()
            }
            _ => return None,
        };
        Some((200, body.to_string()))
    }
}

fn matched(kind: &str, symbol: &str, print: &Print) -> String {
    let mut message = past_trade(print);
    message["type"] = kind.into();
    message["product_id"] = symbol.into();
    message["sequence"] = 136_967_652_357_u64.into();
    message["maker_order_id"] = "7b0e4aeb-72c1-4d36-adce-e6221ffecc05".into();
    message["taker_order_id"] = "92906bb7-eb38-40c1-9c54-76bc1dd19ce4".into();
    message.to_string()
}

/// The side is that of the order which was there before.
fn past_trade(print: &Print) -> Value {
    let Print { id, time, price, quantity, is_sale } = print;
    let side = if *is_sale { "buy" } else { "sell" };
    json!({"time": rfc3339(*time), "trade_id": id, "price": price, "size": quantity, "side": side})
}

fn past_bar(candle: &Candle) -> Value {
    let number = |text: &String| text.parse::<f64>().unwrap_or(-1.0);
    let [open, high, low, close, volume] = &candle.values;
    json!([candle.open_time / 1_000, number(low), number(high), number(open), number(close), number(volume)])
}
