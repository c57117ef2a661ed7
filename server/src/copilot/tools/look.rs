//! Looks at the gateway and at the market. Nothing of it costs anything.

use live_core::channel::ChannelName;
use live_core::error::ErrorCode;
use live_core::event::is_symbol;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{Refusal, Told, Tools, Trace, arguments};
use crate::auth::Identity;
use crate::backtest::fields::{Fault, Fields};
use crate::copilot::keeper::StoreCheck;
use crate::market::{PageError, Row};
use crate::status::Checks;

/// Most symbols of a snapshot.
const SYMBOLS_MAX: usize = 20;
/// Bars where nothing is said, and at most.
const CANDLES_DEFAULT: u32 = 50;
const CANDLES_MAX: u32 = 200;
/// Farthest a date reaches from 1970, in milliseconds.
const TIME_MAX_MS: i64 = 8_640_000_000_000_000;

impl Tools {
    /// How the gateway is.
    pub(super) fn health(&self, given: &[u8], trace: &mut Trace) -> Result<Told, Refusal> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Health<'a> {
            version: &'static str,
            uptime_ms: u64,
            source_name: &'a str,
            symbols: usize,
            checks: Checks,
            token_store: StoreCheck,
        }
        Fields::new("", arguments::read(given, trace)?, &[])?;
        told(
            "runtime.health",
            &Health {
                version: env!("CARGO_PKG_VERSION"),
                uptime_ms: self.began.elapsed().as_millis() as u64,
                source_name: self.market.source(),
                symbols: self.market.names(usize::MAX).len(),
                checks: self.status.checks(),
                token_store: self.health.check(),
            },
        )
    }

    /// What symbols cost now.
    pub(super) async fn snapshot(
        &self,
        identity: &Identity,
        given: &[u8],
        trace: &mut Trace,
    ) -> Result<Told, Refusal> {
        #[derive(Serialize)]
        struct Snapshot<'a> {
            source: &'a str,
            prices: Vec<Box<RawValue>>,
        }
        let mut fields = Fields::new("", arguments::read(given, trace)?, &["symbols"])?;
        let symbols = match fields.take("symbols") {
            Some(value) => self.named_symbols(&value, identity)?,
            None => {
                let names = self.market.names(SYMBOLS_MAX);
                names
                    .iter()
                    .filter(|name| self.may_look(identity, name))
                    .map(|name| (**name).into())
                    .collect()
            }
        };
        let mut prices = Vec::with_capacity(symbols.len());
        for symbol in &symbols {
            prices.push(self.price(symbol).await?);
        }
        told("market.snapshot", &Snapshot { source: self.market.source(), prices })
    }

    /// Closed bars of a symbol.
    pub(super) async fn candles(
        &self,
        identity: &Identity,
        given: &[u8],
        trace: &mut Trace,
    ) -> Result<Told, Refusal> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Candles<'a> {
            symbol: &'a str,
            interval: &'a str,
            columns: [&'static str; 6],
            rows: Vec<(i64, f64, f64, f64, f64, f64)>,
            /// Where the bars before these are had; null at the oldest.
            before: Option<i64>,
            total: usize,
        }
        let value = arguments::read(given, trace)?;
        let mut fields = Fields::new("", value, &["symbol", "interval", "limit", "before"])?;
        let symbol = arguments::text(&mut fields, "symbol", "a text")?;
        let interval = match fields.take("interval") {
            None => "1d".to_owned(),
            Some(Value::String(interval)) => interval,
            Some(value) => return Err(Fault::of("interval".into(), &value, "is not a text", "a text").into()),
        };
        let limit = fields.whole("limit", (1, CANDLES_MAX), CANDLES_DEFAULT)?;
        let before = fields.take("before").map(|value| read_time("before", &value)).transpose()?;
        self.judge_symbol("symbol", &symbol, identity)?;
        self.market.prepare(&symbol, &interval).await;
        let page = self.market.page(&symbol, &interval, before, limit as usize);
        let page = page.map_err(|error| self.not_served("symbol", &symbol, &interval, error))?;
        let row =
            |Row(time, [open, high, low, close, volume]): &Row| (*time, *open, *high, *low, *close, *volume);
        told(
            "market.candles",
            &Candles {
                symbol: &symbol,
                interval: &interval,
                columns: ["openTime", "open", "high", "low", "close", "volume"],
                rows: page.rows.iter().map(row).collect(),
                before: page.next_before,
                total: page.total,
            },
        )
    }

    fn named_symbols(&self, value: &Value, identity: &Identity) -> Result<Vec<String>, Refusal> {
        let allowed = format!("a list of 1 to {SYMBOLS_MAX} symbols");
        let list = value.as_array().filter(|list| (1..=SYMBOLS_MAX).contains(&list.len()));
        let Some(list) = list else {
            return Err(Fault::of("symbols".into(), value, "is not a list of its length", allowed).into());
        };
        let mut symbols = Vec::with_capacity(list.len());
        for (at, value) in list.iter().enumerate() {
            let place = format!("symbols[{at}]");
            let Some(symbol) = value.as_str() else {
                return Err(Fault::of(place, value, "is not a text", "a symbol").into());
            };
            self.judge_symbol(&place, symbol, identity)?;
            if symbols.iter().any(|known| known == symbol) {
                return Err(Fault::of(place, value, "is there twice", "each symbol once").into());
            }
            symbols.push(symbol.to_owned());
        }
        Ok(symbols)
    }

    /// Makes sure that a symbol is served, and that somebody may look at it.
    fn judge_symbol(&self, place: &str, symbol: &str, identity: &Identity) -> Result<(), Refusal> {
        if let Err(PageError::Symbol) = self.market.page(symbol, "1d", None, 0) {
            return Err(self.not_served(place, symbol, "", PageError::Symbol));
        }
        match self.may_look(identity, symbol) {
            true => Ok(()),
            false => Err(Refusal::at(ErrorCode::Forbidden, place, "may not be read with this token")),
        }
    }

    fn may_look(&self, identity: &Identity, symbol: &str) -> bool {
        let channel = ChannelName::parse(&format!("price:{symbol}"));
        channel.is_ok_and(|channel| self.access.judge(identity, &channel).is_ok())
    }

    fn not_served(&self, place: &str, symbol: &str, interval: &str, error: PageError) -> Refusal {
        let (place, value, allowed) = match error {
            PageError::Symbol => (place, symbol, self.market.names(SYMBOLS_MAX).join(", ")),
            PageError::Interval { served } => ("interval", interval, served.join(", ")),
        };
        Fault::of(place.to_owned(), &Value::String(value.to_owned()), "is not served", allowed).into()
    }

    /// The newest price of a symbol, as its channel says it; without one yet, its last close.
    async fn price(&self, symbol: &str) -> Result<Box<RawValue>, Refusal> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Closed<'a> {
            symbol: &'a str,
            last_close: Option<f64>,
        }
        let newest = match ChannelName::parse(&format!("price:{symbol}")) {
            Ok(channel) if is_symbol(symbol.as_bytes()) => {
                let attached = self.board.broker.attach(&channel, None, 1).await;
                attached.map_err(|error| Refusal::of(error.code()))?.items.pop()
            }
            _ => None,
        };
        let data = newest.and_then(|newest| String::from_utf8(newest.data().to_vec()).ok());
        if let Some(price) = data.and_then(|data| RawValue::from_string(data).ok()) {
            return Ok(price);
        }
        let page = self.market.page(symbol, "1d", None, 1).ok();
        let last_close = page.and_then(|page| page.rows.last().map(|row| row.1[3]));
        serde_json::value::to_raw_value(&Closed { symbol, last_close })
            .map_err(|_| Refusal::of(ErrorCode::Internal))
    }
}

/// A time of JSON, in milliseconds since the Unix epoch.
fn read_time(name: &str, value: &Value) -> Result<i64, Fault> {
    let time = value.as_i64().filter(|time| (-TIME_MAX_MS..=TIME_MAX_MS).contains(time));
    time.ok_or_else(|| {
        let allowed = "whole milliseconds since the Unix epoch";
        Fault::of(name.to_owned(), value, "is not a time", allowed)
    })
}

/// An answer of a tool.
pub(super) fn told(event: &'static str, data: &impl Serialize) -> Result<Told, Refusal> {
    match serde_json::to_string(data) {
        Ok(data) => Ok(Told { event, data }),
        Err(error) => {
            tracing::error!(event, %error, "an answer of a tool cannot be written");
            Err(Refusal::of(ErrorCode::Internal))
        }
    }
}
