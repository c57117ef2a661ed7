//! Kraken: the channels `trade`, `ticker` and `ohlc` of its second WebSocket protocol.
//!
//! After "Spot WebSocket v2" and the REST reference of its published documentation. Numbers come as JSON numbers and
//! are taken digit for digit. Bars are sent while they form; that one has ended is only said by the next.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use live_core::event::Interval;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{Bar, Quote, Side, Trade};
use super::text::{cut, number, time};
use super::{
    Directory, Exchange, FrameFault, HasTime, Limits, Missing, RestFault, Said, Subscription, Symbol, Urls,
};

/// Symbols that one message subscribes to.
const BATCH: usize = 100;
/// Intervals of its bars, in minutes, among those that a bar can be of here.
const INTERVALS_MIN: [u64; 8] = [1, 5, 15, 30, 60, 240, 1_440, 10_080];
/// How long it is left alone after it has said that there were too many requests, of which it says no length.
const BAN: Duration = Duration::from_secs(60);

/// The exchange Kraken. Symbols have a dash where it has a slash: `BTC-USD`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kraken;

impl Exchange for Kraken {
    fn name(&self) -> &'static str {
        "kraken"
    }

    fn urls(&self) -> Urls {
        Urls::of("wss://ws.kraken.com", "https://api.kraken.com")
    }

    fn socket_path(&self) -> &'static str {
        "/v2"
    }

    fn limits(&self) -> Limits {
        // No numbers are published for what is public; these are what the others allow.
        Limits {
            streams_per_connection: 1_000,
            message_gap: Duration::from_millis(250),
            lifetime: None,
            // One request a second is said to be fine; more only for a moment.
            request_gap: Duration::from_secs(1),
            request_burst: 5,
        }
    }

    fn usual_symbols(&self) -> &'static [&'static str] {
        &["BTC-USD", "ETH-USD", "SOL-USD", "XRP-USD", "ADA-USD"]
    }

    fn native(&self, symbol: &str) -> String {
        symbol.to_ascii_uppercase().replace('-', "/")
    }

    fn has_bars(&self, interval: Interval) -> bool {
        minutes(interval).is_some()
    }

    fn streams_per_symbol(&self, bars: &[Interval]) -> usize {
        2 + bars.len()
    }

    fn subscribe(&self, symbols: &[&Symbol], bars: &[Interval]) -> Vec<Subscription> {
        let mut channels = vec![
            serde_json::json!({"channel": "trade", "snapshot": false}),
            serde_json::json!({"channel": "ticker", "event_trigger": "bbo", "snapshot": true}),
        ];
        let bars = bars.iter().filter_map(|interval| minutes(*interval));
        channels
            .extend(bars.map(|m| serde_json::json!({"channel": "ohlc", "interval": m, "snapshot": false})));
        let mut messages = Vec::new();
        for symbols in symbols.chunks(BATCH) {
            let names: Vec<&str> = symbols.iter().map(|symbol| symbol.native.as_str()).collect();
            for channel in &channels {
                let mut params = channel.clone();
                params["symbol"] = names.clone().into();
                let id = messages.len() + 1;
                let message = serde_json::json!({"method": "subscribe", "params": params, "req_id": id});
                messages.push(Subscription { frame: message.to_string(), acknowledgements: names.len() });
            }
        }
        messages
    }

    fn read(&self, frame: &str, symbols: &Directory, out: &mut Vec<Said>) -> Result<(), FrameFault> {
        let message: Message<'_> = serde_json::from_str(frame)?;
        let Some(channel) = &message.channel else {
            out.push(answer(&message)?);
            return Ok(());
        };
        let read: fn(&str, &Directory) -> Result<Said, FrameFault> = match &**channel {
            "trade" => |row, symbols| serde_json::from_str::<StreamTrade<'_>>(row)?.read(symbols),
            "ticker" => |row, symbols| serde_json::from_str::<Ticker<'_>>(row)?.read(symbols),
            "ohlc" => |row, symbols| serde_json::from_str::<Candle<'_>>(row)?.read(symbols),
            "heartbeat" | "status" => {
                out.push(Said::Alive);
                return Ok(());
            }
            _ => return Err(FrameFault::Unknown),
        };
        // One bad row takes no other with it.
        let mut fault = None;
        for row in message.data {
            match read(row.get(), symbols) {
                Ok(said) => out.push(said),
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        fault.map_or(Ok(()), Err)
    }

    fn time_request(&self) -> String {
        "/0/public/Time".to_owned()
    }

    fn read_time(&self, body: &[u8]) -> Result<i64, RestFault> {
        let time: Time = result(body)?;
        Ok(time.unixtime.saturating_mul(1_000))
    }

    fn time_step_ms(&self) -> i64 {
        1_000
    }

    fn bars_request(&self, symbol: &Symbol, interval: Interval, _: usize) -> Option<String> {
        minutes(interval).map(|minutes| format!("/0/public/OHLC?pair={}&interval={minutes}", pair(symbol)))
    }

    fn read_bars(&self, body: &[u8]) -> Result<Vec<Bar>, RestFault> {
        let read = |row: RestBar<'_>| {
            let RestBar(seconds, open, high, low, close, _, volume, _) = row;
            let (open, high, low, close) = (number(&open)?, number(&high)?, number(&low)?, number(&close)?);
            let open_time = seconds.saturating_mul(1_000);
            Ok(Bar { open_time, open, high, low, close, volume: number(&volume)? })
        };
        let rows: Rows<'_> = result(body)?;
        rows.read::<RestBar<'_>>()?
            .into_iter()
            .map(read)
            .collect::<Result<_, FrameFault>>()
            .map_err(RestFault::from)
    }

    fn trades_request(&self, symbol: &Symbol, missing: &Missing) -> String {
        // Several trades may have been made in the millisecond of the last one that is known.
        let since_ns = i128::from(missing.since.saturating_sub(1)) * 1_000_000;
        format!("/0/public/Trades?pair={}&since={since_ns}&count=1000", pair(symbol))
    }

    fn read_trades(&self, body: &[u8]) -> Result<Vec<Trade>, RestFault> {
        let rows: Rows<'_> = result(body)?;
        let rows = rows.read::<RestTrade<'_>>()?;
        rows.iter().map(RestTrade::read).collect::<Result<_, FrameFault>>().map_err(RestFault::from)
    }
}

fn minutes(interval: Interval) -> Option<u64> {
    let minutes = interval.length_ms() / 60_000;
    (interval.length_ms().is_multiple_of(60_000) && INTERVALS_MIN.contains(&minutes)).then_some(minutes)
}

/// The symbol as REST requests name it.
fn pair(symbol: &Symbol) -> String {
    symbol.native.replace('/', "")
}

/// An answer to a message of ours: there is one for each symbol.
fn answer(message: &Message<'_>) -> Result<Said, FrameFault> {
    match (message.method.as_deref(), message.success) {
        (Some("subscribe"), Some(true)) => Ok(Said::Acknowledged),
        (Some("pong"), _) => Ok(Said::Alive),
        (_, Some(false)) => {
            let words = [message.error.as_deref(), message.symbol.as_deref()].map(Option::unwrap_or_default);
            Ok(Said::Refused { reason: cut(words.join(" ").trim()), is_fatal: false })
        }
        _ => Err(FrameFault::Unknown),
    }
}

/// A number as it stands in the JSON, in quotes or not.
fn digits(raw: &RawValue) -> Result<Decimal, FrameFault> {
    number(raw.get().trim_matches('"'))
}

fn taker(side: &str) -> Option<Side> {
    match side {
        "buy" | "b" => Some(Side::Buy),
        "sell" | "s" => Some(Side::Sell),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    channel: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Vec<&'a RawValue>,
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    success: Option<bool>,
    #[serde(borrow)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow)]
    symbol: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct StreamTrade<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    side: Cow<'a, str>,
    #[serde(borrow)]
    price: &'a RawValue,
    #[serde(borrow)]
    qty: &'a RawValue,
    trade_id: u64,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
}

impl StreamTrade<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let (price, quantity) = (digits(self.price)?, digits(self.qty)?);
        let (time, side) = (time(&self.timestamp)?, taker(&self.side));
        Ok(Said::Trade(place, Trade { time, id: Some(self.trade_id), side, price, quantity }))
    }
}

#[derive(Deserialize)]
struct Ticker<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    bid: &'a RawValue,
    #[serde(borrow)]
    ask: &'a RawValue,
    #[serde(borrow)]
    timestamp: Option<Cow<'a, str>>,
}

impl Ticker<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let at = self.timestamp.as_deref().map(time).transpose()?;
        let quote = Quote { time: at.unwrap_or_default(), bid: digits(self.bid)?, ask: digits(self.ask)? };
        Ok(Said::Quote(place, quote, if at.is_some() { HasTime::Yes } else { HasTime::No }))
    }
}

#[derive(Deserialize)]
struct Candle<'a> {
    #[serde(borrow)]
    symbol: Cow<'a, str>,
    #[serde(borrow)]
    open: &'a RawValue,
    #[serde(borrow)]
    high: &'a RawValue,
    #[serde(borrow)]
    low: &'a RawValue,
    #[serde(borrow)]
    close: &'a RawValue,
    #[serde(borrow)]
    volume: &'a RawValue,
    #[serde(borrow)]
    interval_begin: Cow<'a, str>,
    interval: u64,
}

impl Candle<'_> {
    fn read(&self, symbols: &Directory) -> Result<Said, FrameFault> {
        let place = symbols.find(&self.symbol)?;
        let interval = INTERVALS_MIN
            .contains(&self.interval)
            .then(|| name(self.interval))
            .and_then(|name| Interval::parse(&name))
            .ok_or(FrameFault::Unknown)?;
        let (open, high) = (digits(self.open)?, digits(self.high)?);
        let (low, close) = (digits(self.low)?, digits(self.close)?);
        let (open_time, volume) = (time(&self.interval_begin)?, digits(self.volume)?);
        Ok(Said::Bar(place, interval, Bar { open_time, open, high, low, close, volume }, false))
    }
}

/// A number of minutes as an interval: hours and more have units of their own.
fn name(minutes: u64) -> String {
    match minutes {
        0..60 => format!("{minutes}m"),
        60..1_440 => format!("{}h", minutes / 60),
        1_440..10_080 => format!("{}d", minutes / 1_440),
        _ => format!("{}w", minutes / 10_080),
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    error: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

/// What an answer brings: its status is good whatever it says.
fn result<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, RestFault> {
    let answer: Answer<'a> = serde_json::from_slice(body)?;
    if answer
        .error
        .iter()
        .any(|error| error.contains("Rate limit") || error.contains("lockout") || error.contains("Throttled"))
    {
        return Err(RestFault::Banned(BAN));
    }
    match (answer.error.first(), answer.result) {
        (None, Some(result)) => Ok(serde_json::from_str(result.get())?),
        (error, _) => {
            Err(RestFault::Refused { status: 200, said: cut(error.map_or("no result", |error| error)) })
        }
    }
}

#[derive(Deserialize)]
struct Time {
    unixtime: i64,
}

/// Rows under the pair's name, which is not always the one that was asked for, and a cursor.
#[derive(Deserialize)]
struct Rows<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);

impl<'a> Rows<'a> {
    fn read<T: Deserialize<'a>>(&self) -> Result<Vec<T>, RestFault> {
        let rows = self.0.iter().find(|(name, _)| *name != "last").map(|(_, rows)| rows.get());
        Ok(serde_json::from_str(rows.unwrap_or("[]"))?)
    }
}

/// A row of history: time, open, high, low, close, weighted average, volume, count.
#[derive(Deserialize)]
struct RestBar<'a>(
    i64,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    serde::de::IgnoredAny,
    #[serde(borrow)] Cow<'a, str>,
    serde::de::IgnoredAny,
);

/// A trade of the past: price, amount, seconds, side, type, anything, number.
#[derive(Deserialize)]
struct RestTrade<'a>(
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] Cow<'a, str>,
    #[serde(borrow)] &'a RawValue,
    #[serde(borrow)] Cow<'a, str>,
    serde::de::IgnoredAny,
    serde::de::IgnoredAny,
    u64,
);

impl RestTrade<'_> {
    fn read(&self) -> Result<Trade, FrameFault> {
        let Self(price, quantity, seconds, side, _, _, id) = self;
        let ms = digits(seconds)?.checked_mul(Decimal::ONE_THOUSAND).and_then(|ms| ms.floor().to_i64());
        let time =
            ms.ok_or_else(|| FrameFault::Malformed(format!("{:?} is not a time", cut(seconds.get()))))?;
        let (price, quantity) = (number(price)?, number(quantity)?);
        Ok(Trade { time, id: Some(*id), side: taker(side), price, quantity })
    }
}

#[cfg(test)]
mod tests;
