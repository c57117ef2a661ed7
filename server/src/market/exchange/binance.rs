//! Binance: combined streams of the spot market.
//!
//! After "WebSocket Streams for Binance" and "Public Rest API for Binance" of its published documentation. Trades
//! are numbered one by one for each symbol (`@trade`), which is what gaps are found by; aggregated ones are not used.

use std::borrow::Cow;
use std::time::Duration;

use live_core::event::Interval;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{Bar, Quote, Side, Trade, intervals};
use super::text::{cut, number};
use super::{
    Directory, Exchange, FrameFault, HasTime, Limits, Missing, RestFault, Said, Subscription, Symbol, Urls,
};

/// Streams that one message subscribes to.
const BATCH: usize = 200;
/// Most rows of an answer.
const ROWS_MAX: usize = 1_000;
/// Intervals that its streams and its history have, among those that a bar can be of here.
const INTERVALS: [&str; 15] =
    ["1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"];

/// The exchange Binance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Binance;

impl Exchange for Binance {
    fn name(&self) -> &'static str {
        "binance"
    }

    fn urls(&self) -> Urls {
        // The socket of public market data alone. The REST host that goes with it has not the trades of the past.
        Urls::of("wss://data-stream.binance.vision", "https://api.binance.com")
    }

    fn socket_path(&self) -> &'static str {
        "/stream"
    }

    fn limits(&self) -> Limits {
        Limits {
            streams_per_connection: 1_024,
            // Five messages a second are allowed, our answers to its pings among them.
            message_gap: Duration::from_millis(250),
            lifetime: Some(Duration::from_secs(24 * 3_600)),
            // 6000 of weight a minute: bars weigh 2, trades of the past 25.
            request_gap: Duration::from_millis(100),
            request_burst: 100,
        }
    }

    fn usual_symbols(&self) -> &'static [&'static str] {
        &["BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT"]
    }

    fn native(&self, symbol: &str) -> String {
        symbol.to_ascii_uppercase()
    }

    fn has_bars(&self, interval: Interval) -> bool {
        INTERVALS.contains(&intervals::name(interval).as_str())
    }

    fn streams_per_symbol(&self, bars: &[Interval]) -> usize {
        2 + bars.len()
    }

    fn subscribe(&self, symbols: &[&Symbol], bars: &[Interval]) -> Vec<Subscription> {
        let streams: Vec<String> = symbols.iter().flat_map(|symbol| streams(symbol, bars)).collect();
        let batch = |(nth, streams): (usize, &[String])| Subscription {
            frame: serde_json::json!({"method": "SUBSCRIBE", "params": streams, "id": nth + 1}).to_string(),
            acknowledgements: 1,
        };
        streams.chunks(BATCH).enumerate().map(batch).collect()
    }

    fn read(&self, frame: &str, symbols: &Directory, out: &mut Vec<Said>) -> Result<(), FrameFault> {
        let outer: Outer<'_> = serde_json::from_str(frame)?;
        let (Some(stream), Some(data)) = (&outer.stream, outer.data) else {
            out.push(answer(&outer)?);
            return Ok(());
        };
        let kind = stream.split_once('@').map_or(&**stream, |(_, kind)| kind);
        out.push(match kind {
            "trade" => serde_json::from_str::<StreamTrade<'_>>(data.get())?.read(symbols)?,
            "bookTicker" => serde_json::from_str::<StreamQuote<'_>>(data.get())?.read(symbols)?,
            "!serverShutdown" => Said::Goodbye,
            kind if kind.starts_with("kline_") => {
                serde_json::from_str::<StreamBar<'_>>(data.get())?.bar.read(symbols)?
            }
            _ => return Err(FrameFault::Unknown),
        });
        Ok(())
    }

    fn time_request(&self) -> String {
        "/api/v3/time".to_owned()
    }

    fn read_time(&self, body: &[u8]) -> Result<i64, RestFault> {
        Ok(serde_json::from_slice::<Time>(body)?.server_time)
    }

    fn bars_request(&self, symbol: &Symbol, interval: Interval, count: usize) -> Option<String> {
        let (symbol, name, limit) = (&symbol.native, intervals::name(interval), (count + 1).min(ROWS_MAX));
        self.has_bars(interval)
            .then(|| format!("/api/v3/klines?symbol={symbol}&interval={name}&limit={limit}"))
    }

    fn read_bars(&self, body: &[u8]) -> Result<Vec<Bar>, RestFault> {
        let rows: Vec<RestBar<'_>> = serde_json::from_slice(body)?;
        let read = |RestBar(open_time, open, high, low, close, volume, ..): RestBar<'_>| {
            let [open, high, low, close, volume] = numbers([&open, &high, &low, &close, &volume])?;
            Ok(Bar { open_time, open, high, low, close, volume })
        };
        rows.into_iter().map(read).collect::<Result<_, FrameFault>>().map_err(RestFault::from)
    }

    fn trades_request(&self, symbol: &Symbol, missing: &Missing) -> String {
        let (first, last) = (*missing.ids.start(), *missing.ids.end());
        let limit = (last - first).saturating_add(1).min(ROWS_MAX as u64);
        format!("/api/v3/historicalTrades?symbol={}&fromId={first}&limit={limit}", symbol.native)
    }

    fn read_trades(&self, body: &[u8]) -> Result<Vec<Trade>, RestFault> {
        let rows: Vec<RestTrade<'_>> = serde_json::from_slice(body)?;
        rows.iter().map(RestTrade::read).collect::<Result<_, FrameFault>>().map_err(RestFault::from)
    }
}

fn streams(symbol: &Symbol, bars: &[Interval]) -> Vec<String> {
    let name = symbol.native.to_ascii_lowercase();
    let mut streams = vec![format!("{name}@trade"), format!("{name}@bookTicker")];
    streams.extend(bars.iter().map(|interval| format!("{name}@kline_{}", intervals::name(*interval))));
    streams
}

/// What is not an event: the answer to a message of ours. An error that names it refuses the subscription.
fn answer(outer: &Outer<'_>) -> Result<Said, FrameFault> {
    let refused = |code: i64, said: &str| {
        let reason = format!("{} ({code})", cut(said));
        Said::Refused { reason, is_fatal: outer.id.is_some() }
    };
    match (&outer.error, outer.code, &outer.msg) {
        (Some(error), ..) => Ok(refused(error.code, &error.msg)),
        (None, Some(code), Some(said)) => Ok(refused(code, said)),
        _ if outer.id.is_some() && outer.data.is_none() => Ok(Said::Acknowledged),
        _ => Err(FrameFault::Unknown),
    }
}

fn numbers<const N: usize>(texts: [&str; N]) -> Result<[rust_decimal::Decimal; N], FrameFault> {
    let mut read = [rust_decimal::Decimal::ZERO; N];
    for (number_, text) in read.iter_mut().zip(texts) {
        *number_ = number(text)?;
    }
    Ok(read)
}

/// The taker sold when the buyer's order was there before.
fn side(is_buyer_maker: bool) -> Option<Side> {
    Some(if is_buyer_maker { Side::Sell } else { Side::Buy })
}

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    id: Option<i64>,
    code: Option<i64>,
    #[serde(borrow)]
    msg: Option<Cow<'a, str>>,
    #[serde(borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    code: i64,
    #[serde(borrow)]
    msg: Cow<'a, str>,
}

#[derive(Deserialize)]
struct StreamTrade<'a> {
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(rename = "t")]
    id: u64,
    #[serde(borrow, rename = "p")]
    price: Cow<'a, str>,
    #[serde(borrow, rename = "q")]
    quantity: Cow<'a, str>,
    #[serde(rename = "T")]
    time: i64,
    #[serde(rename = "m")]
    is_buyer_maker: bool,
}

impl StreamTrade<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let [price, quantity] = numbers([&self.price, &self.quantity])?;
        let side = side(self.is_buyer_maker);
        Ok(Said::Trade(place, Trade { time: self.time, id: Some(self.id), side, price, quantity }))
    }
}

#[derive(Deserialize)]
struct StreamQuote<'a> {
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(borrow, rename = "b")]
    bid: Cow<'a, str>,
    #[serde(borrow, rename = "a")]
    ask: Cow<'a, str>,
}

impl StreamQuote<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let [bid, ask] = numbers([&self.bid, &self.ask])?;
        Ok(Said::Quote(place, Quote { time: 0, bid, ask }, HasTime::No))
    }
}

#[derive(Deserialize)]
struct StreamBar<'a> {
    #[serde(borrow, rename = "k")]
    bar: BarBody<'a>,
}

#[derive(Deserialize)]
struct BarBody<'a> {
    #[serde(rename = "t")]
    open_time: i64,
    #[serde(borrow, rename = "s")]
    symbol: Cow<'a, str>,
    #[serde(borrow, rename = "i")]
    interval: Cow<'a, str>,
    #[serde(borrow, rename = "o")]
    open: Cow<'a, str>,
    #[serde(borrow, rename = "c")]
    close: Cow<'a, str>,
    #[serde(borrow, rename = "h")]
    high: Cow<'a, str>,
    #[serde(borrow, rename = "l")]
    low: Cow<'a, str>,
    #[serde(borrow, rename = "v")]
    volume: Cow<'a, str>,
    #[serde(rename = "x")]
    is_closed: bool,
}

impl BarBody<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let interval = Interval::parse(&self.interval).ok_or(FrameFault::Unknown)?;
        let [open, high, low, close, volume] =
            numbers([&self.open, &self.high, &self.low, &self.close, &self.volume])?;
        let bar = Bar { open_time: self.open_time, open, high, low, close, volume };
        Ok(Said::Bar(place, interval, bar, self.is_closed))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Time {
    server_time: i64,
}

/// A row of history: open time, open, high, low, close, volume, close time, and six that are not used.
#[derive(Deserialize)]
struct RestBar<'a>(
    i64,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestTrade<'a> {
    id: u64,
    #[serde(borrow)]
    price: Cow<'a, str>,
    #[serde(borrow, rename = "qty")]
    quantity: Cow<'a, str>,
    time: i64,
    is_buyer_maker: bool,
}

impl RestTrade<'_> {
    fn read(&self) -> Result<Trade, FrameFault> {
        let [price, quantity] = numbers([&self.price, &self.quantity])?;
        let side = side(self.is_buyer_maker);
        Ok(Trade { time: self.time, id: Some(self.id), side, price, quantity })
    }
}

#[cfg(test)]
mod tests;
