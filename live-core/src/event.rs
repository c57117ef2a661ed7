//! The payloads that the crate knows by their own type, and how each is judged.

use serde::{Serialize, Serializer};

use crate::json::{Cursor, Fault, Members, Unknown};
use crate::{copilot, decimal, system};

/// Longest symbol, in bytes.
pub const SYMBOL_LEN_MAX: usize = 100;

/// `price.tick`: the newest price of a symbol.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PriceTick {
    /// The symbol, as in the channel's name.
    pub symbol: Box<str>,
    /// Last price, in the quote's units.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub price: f64,
    /// Best bid, in the quote's units.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    #[cfg_attr(test, schemars(with = "Option<f64>"))]
    #[cfg_attr(test, ts(optional))]
    pub bid: Option<f64>,
    /// Best ask, in the quote's units.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_number")]
    #[cfg_attr(test, schemars(with = "Option<f64>"))]
    #[cfg_attr(test, ts(optional))]
    pub ask: Option<f64>,
    /// Volume of the market's day so far, in the base's units, not negative.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub volume: f64,
    /// Difference to the previous close, in the quote's units.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub change: f64,
    /// The same in percent of the previous close.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub change_pct: f64,
    /// The market's own time in milliseconds since the Unix epoch; a replay's lies in the past.
    #[cfg_attr(test, ts(type = "number"))]
    pub market_time: i64,
}

/// `candles.bar`: one bar of a symbol and interval, forming or closed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CandleBar {
    /// The symbol, as in the channel's name.
    pub symbol: Box<str>,
    /// The interval, a number and a unit: `1s`, `5m`, `4h`, `1d`, `1w`.
    pub interval: Box<str>,
    /// Start of the bar in the market's own time, in milliseconds since the Unix epoch; the bar's key.
    #[cfg_attr(test, ts(type = "number"))]
    pub open_time: i64,
    /// First price.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub open: f64,
    /// Highest price, not below any of the other three.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub high: f64,
    /// Lowest price, not above any of the other three.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub low: f64,
    /// Last price.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub close: f64,
    /// Volume in the base's units, not negative.
    #[serde(serialize_with = "number")]
    #[cfg_attr(test, schemars(with = "f64"))]
    pub volume: f64,
    /// Whether the bar is final.
    pub closed: bool,
}

/// `copilot.delta`: a piece of an answer that is being written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS, schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CopilotDelta {
    /// What is to be appended to what came before.
    pub text: Box<str>,
    /// `seq` of the first piece where several were joined on their way; the envelope's is that of the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional, type = "number"))]
    pub from_seq: Option<u64>,
}

/// Writes whole numbers without a fraction: shorter on the wire, and what people expect to read.
fn number<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    const EXACT: f64 = (1u64 << 53) as f64;
    if value.fract() == 0.0 && value.abs() < EXACT {
        to.serialize_i64(*value as i64)
    } else {
        to.serialize_f64(*value)
    }
}

fn optional_number<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => number(value, to),
        None => to.serialize_none(),
    }
}

/// Judges the data of an event. An event that is not known passes untouched.
pub(crate) fn check(event: &str, data: &str) -> Result<(), Box<Fault>> {
    match event {
        PriceTick::EVENT => TickNumbers::judge(data).map(|_| ()),
        CandleBar::EVENT => BarNumbers::judge(data).map(|_| ()),
        CopilotDelta::EVENT => CopilotDelta::read(data).map(|_| ()),
        _ => copilot::check(event, data).unwrap_or_else(|| system::check(event, data)),
    }
}

impl PriceTick {
    /// The event's name.
    pub const EVENT: &'static str = "price.tick";
}

impl CandleBar {
    /// The event's name.
    pub const EVENT: &'static str = "candles.bar";
}

impl CopilotDelta {
    /// The event's name.
    pub const EVENT: &'static str = "copilot.delta";

    /// Reads and judges the data; members that are not known are ignored.
    ///
    /// # Errors
    /// The first fault, with the member's name.
    pub fn read(data: &str) -> Result<Self, Box<Fault>> {
        Self::read_with(data, Unknown::Ignore)
    }

    /// The same for data that says nothing else: only such pieces can be joined without losing a word.
    pub fn read_bare(data: &str) -> Option<Self> {
        Self::read_with(data, Unknown::Refuse).ok()
    }

    fn read_with(data: &str, unknown: Unknown) -> Result<Self, Box<Fault>> {
        let members = Members::read(data, &["text", "fromSeq"], unknown)?;
        let from_seq = members.optional_integer(1)?;
        if from_seq == Some(0) {
            return Err(members.fault(1, "is 0"));
        }
        Ok(Self { text: members.text(0)?, from_seq })
    }
}

/// The numbers of a `price.tick`, without its symbol, which a reader knows from the channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TickNumbers {
    /// Last price.
    pub price: f64,
    /// Best bid; NaN where there is none.
    pub bid: f64,
    /// Best ask; NaN where there is none.
    pub ask: f64,
    /// Volume so far.
    pub volume: f64,
    /// Difference to the previous close.
    pub change: f64,
    /// The same in percent.
    pub change_pct: f64,
    /// Market time in milliseconds since the Unix epoch.
    pub market_time: f64,
}

impl TickNumbers {
    const NAMES: &'static [&'static str] =
        &["symbol", "price", "bid", "ask", "volume", "change", "changePct", "marketTime"];

    /// Reads and judges the data of a `price.tick`; members that are not known are ignored.
    ///
    /// # Errors
    /// The first fault, with the member's name.
    pub fn judge(data: &str) -> Result<Self, Box<Fault>> {
        let members = Members::read(data, Self::NAMES, Unknown::Ignore)?;
        judge_symbol(&members, 0)?;
        Ok(Self {
            price: members.number(1)?,
            bid: members.optional_number(2)?.unwrap_or(f64::NAN),
            ask: members.optional_number(3)?.unwrap_or(f64::NAN),
            volume: not_negative(&members, 4)?,
            change: members.number(5)?,
            change_pct: members.number(6)?,
            // Dates end below 2^53, so this is exact.
            market_time: members.time(7)? as f64,
        })
    }

    /// Reads the numbers of a tick that has been judged: one pass when the text is canonical.
    pub fn read(data: &str) -> Option<Self> {
        let Some(spans) = TickSpans::scan(&mut Cursor::new(data.as_bytes())) else {
            return Self::judge(data).ok();
        };
        let number = |span: &[u8]| str::from_utf8(span).ok().map(decimal::parse);
        let optional = |span: Option<&[u8]>| span.map_or(Some(f64::NAN), number);
        Some(Self {
            price: number(spans.price)?,
            bid: optional(spans.bid)?,
            ask: optional(spans.ask)?,
            volume: number(spans.volume)?,
            change: number(spans.change)?,
            change_pct: number(spans.change_pct)?,
            market_time: number(spans.market_time)?,
        })
    }
}

/// Where the numbers of a canonical tick stand.
pub(crate) struct TickSpans<'a> {
    price: &'a [u8],
    bid: Option<&'a [u8]>,
    ask: Option<&'a [u8]>,
    volume: &'a [u8],
    change: &'a [u8],
    change_pct: &'a [u8],
    market_time: &'a [u8],
}

impl<'a> TickSpans<'a> {
    /// Takes exactly what the gateway writes, and nothing that [`TickNumbers::judge`] would refuse.
    pub(crate) fn scan(from: &mut Cursor<'a>) -> Option<Self> {
        from.literal(b"{\"symbol\":\"")?;
        let symbol = from.plain_string()?;
        from.literal(b",\"price\":")?;
        let price = from.short_number()?;
        let bid = from.literal(b",\"bid\":").map(|()| from.short_number());
        let ask = from.literal(b",\"ask\":").map(|()| from.short_number());
        from.literal(b",\"volume\":")?;
        let volume = from.short_number()?;
        from.literal(b",\"change\":")?;
        let change = from.short_number()?;
        from.literal(b",\"changePct\":")?;
        let change_pct = from.short_number()?;
        from.literal(b",\"marketTime\":")?;
        let start = from.at;
        // At most 2^53 - 1: within the range of dates only below 8.64e15, which has 16 digits as well.
        if from.integer()? > crate::json::TIME_MAX_MS as u64 {
            return None;
        }
        let market_time = &from.text[start..from.at];
        from.literal(b"}")?;
        let bid = bid.map_or(Some(None), |span| span.map(Some))?;
        let ask = ask.map_or(Some(None), |span| span.map(Some))?;
        // A sign in front of the volume is left to the full path: "-0" is a number that is not negative.
        (is_symbol(symbol) && volume.first() != Some(&b'-')).then_some(Self {
            price,
            bid,
            ask,
            volume,
            change,
            change_pct,
            market_time,
        })
    }
}

/// The numbers of a `candles.bar`, without symbol and interval, which a reader knows from the channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BarNumbers {
    /// Start of the bar in the market's time, in milliseconds since the Unix epoch.
    pub open_time: i64,
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Volume.
    pub volume: f64,
    /// Whether the bar is final.
    pub closed: bool,
}

impl BarNumbers {
    pub(crate) const NAMES: &'static [&'static str] =
        &["symbol", "interval", "openTime", "open", "high", "low", "close", "volume", "closed"];

    /// Reads and judges the data of a `candles.bar`; members that are not known are ignored.
    ///
    /// # Errors
    /// The first fault, with the member's name: also a high or low that does not enclose the other prices.
    pub fn judge(data: &str) -> Result<Self, Box<Fault>> {
        let members = Members::read(data, Self::NAMES, Unknown::Ignore)?;
        judge_symbol(&members, 0)?;
        if Interval::parse(&members.string(1)?).is_none() {
            return Err(members.fault(1, "is not an interval such as 1m, 4h or 1d"));
        }
        let bar = Self {
            open_time: members.time(2)?,
            open: members.number(3)?,
            high: members.number(4)?,
            low: members.number(5)?,
            close: members.number(6)?,
            volume: not_negative(&members, 7)?,
            closed: members.boolean(8)?,
        };
        match bar.price_fault() {
            Some((index, reason)) => Err(members.fault(index, reason)),
            None => Ok(bar),
        }
    }

    /// Which price does not go with the others, by its place among [`NAMES`](Self::NAMES), and why.
    pub(crate) fn price_fault(&self) -> Option<(usize, &'static str)> {
        if self.high < self.low {
            return Some((4, "is below low"));
        }
        if self.open.max(self.close) > self.high {
            return Some((4, "is below open or close"));
        }
        (self.open.min(self.close) < self.low).then_some((5, "is above open or close"))
    }
}

/// Length of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Interval {
    length_ms: u64,
}

impl Interval {
    /// Reads a number from 1 to 999 and a unit: `s`, `m`, `h`, `d` or `w`.
    pub fn parse(text: &str) -> Option<Self> {
        let unit_at = text.len().checked_sub(1)?;
        let unit_ms = match text.as_bytes()[unit_at] {
            b's' => 1_000,
            b'm' => 60_000,
            b'h' => 3_600_000,
            b'd' => 86_400_000,
            b'w' => 604_800_000,
            _ => return None,
        };
        let digits = text.get(..unit_at)?;
        let is_canonical = (1..=3).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        let count: u64 = if is_canonical { digits.parse().ok()? } else { return None };
        Some(Self { length_ms: count * unit_ms })
    }

    /// The length in milliseconds.
    pub const fn length_ms(self) -> u64 {
        self.length_ms
    }
}

fn judge_symbol(members: &Members<'_>, index: usize) -> Result<(), Box<Fault>> {
    if is_symbol(members.string(index)?.as_bytes()) {
        return Ok(());
    }
    Err(members.fault(index, "is not a symbol: letters, digits, '_' and '-', joined by dots"))
}

/// Whether nothing more is to be expected after this event on a channel that tells of one piece of work
/// (`copilot:`, `job:`): by its last word, which says how that ended. `copilot.confirmed` may stand by itself.
pub fn is_last_word(event: &str) -> bool {
    let word = event.rsplit('.').next();
    matches!(word, Some("done" | "stopped" | "error" | "failed" | "cancelled" | "timeout" | "confirmed"))
}

/// Whether a text can stand as a symbol in a channel's name.
pub fn is_symbol(text: &[u8]) -> bool {
    text.len() <= SYMBOL_LEN_MAX
        && text.split(|&b| b == b'.').all(|part| {
            !part.is_empty() && part.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        })
}

fn not_negative(members: &Members<'_>, index: usize) -> Result<f64, Box<Fault>> {
    let number = members.number(index)?;
    if number < 0.0 { Err(members.fault(index, "is negative")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_written_short_and_read_back_exactly() {
        let tick = PriceTick {
            symbol: "AAPL".into(),
            price: 130.31,
            bid: None,
            ask: Some(1.2e-7),
            volume: 9_616_100.0,
            change: -0.5,
            change_pct: 0.0,
            market_time: -86_400_000,
        };
        let text = serde_json::to_string(&tick).expect("encodes");
        assert_eq!(
            text,
            r#"{"symbol":"AAPL","price":130.31,"ask":1.2e-7,"volume":9616100,"change":-0.5,"changePct":0,"marketTime":-86400000}"#
        );
        let read = TickNumbers::judge(&text).expect("reads");
        assert!(read.bid.is_nan());
        assert_eq!((read.price, read.ask, read.volume), (tick.price, 1.2e-7, tick.volume));
        assert_eq!((read.change, read.change_pct, read.market_time), (tick.change, 0.0, -86_400_000.0));
    }

    #[test]
    fn pieces_of_an_answer_are_read() {
        let piece = |text: &str, from_seq| CopilotDelta { text: text.into(), from_seq };
        assert_eq!(CopilotDelta::read(r#"{"text":"a\n\"\ud83d\ude00"}"#), Ok(piece("a\n\"\u{1f600}", None)));
        assert_eq!(CopilotDelta::read(r#"{"fromSeq":3,"text":"","more":1}"#), Ok(piece("", Some(3))));
        assert_eq!(CopilotDelta::read_bare(r#"{"text":"a","more":1}"#), None);
        assert_eq!(CopilotDelta::read_bare(r#"{"text":"a"}"#), Some(piece("a", None)));
        for bad in
            ["{}", r#"{"text":1}"#, r#"{"text":"a","fromSeq":0}"#, r#"{"text":"a","fromSeq":"1"}"#, "[]"]
        {
            assert!(CopilotDelta::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn intervals_are_strict() {
        let lengths = ["1s", "5m", "4h", "1d", "1w"].map(|t| Interval::parse(t).map(Interval::length_ms));
        assert_eq!(
            lengths,
            [Some(1_000), Some(300_000), Some(14_400_000), Some(86_400_000), Some(604_800_000)]
        );
        for bad in ["", "m", "0m", "01m", "1", "1M", "-1m", "1000d", "1 m", "1é"] {
            assert_eq!(Interval::parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_two_readers_of_a_tick_agree(
            price in any::<f64>().prop_filter("finite", |n| n.is_finite()),
            bid in prop::option::of(0.0..1e6f64),
            volume in 0u64..1_000_000_000,
            change in -1e3..1e3f64,
            market_time in -1_000_000i64..2_000_000_000_000,
        ) {
            let tick = PriceTick { symbol: "BRK.B".into(), price, bid, ask: None, volume: volume as f64, change, change_pct: change / 7.0, market_time };
            let text = serde_json::to_string(&tick).expect("encodes");
            let judged = TickNumbers::judge(&text).expect("reads");
            let read = TickNumbers::read(&text).expect("reads");
            let bits = |n: &TickNumbers| [n.price, n.bid, n.ask, n.volume, n.change, n.change_pct, n.market_time].map(f64::to_bits);
            prop_assert_eq!(bits(&judged), bits(&read));
            prop_assert_eq!((judged.price, judged.market_time), (price, market_time as f64));
        }

        /// The prices and volumes of a market never leave the fast path.
        #[test]
        fn what_a_market_says_of_a_price_is_scanned(
            price in 1u64..100_000_000_000,
            decimals in 0i32..9,
            with_quote: bool,
            volume in 0u64..1_000_000_000_000,
            change in -1_000_000i64..1_000_000,
            market_time in 0i64..4_000_000_000_000,
        ) {
            let price = price as f64 / 10f64.powi(decimals);
            let quote = with_quote.then_some(price * 0.999);
            let tick = PriceTick { symbol: "BRK.B".into(), price, bid: quote, ask: quote, volume: volume as f64, change: change as f64 / 1e4, change_pct: change as f64 / 1e6, market_time };
            let mut envelope = Vec::new();
            let outgoing = crate::envelope::Outgoing { event: PriceTick::EVENT, channel: "price:BRK.B", seq: 7, ts: 1_700_000_000_000, error_code: None, data: &tick };
            crate::envelope::encode(&mut envelope, &outgoing).expect("encodes");
            prop_assert!(crate::scan::scan(&envelope).is_some(), "{}", String::from_utf8_lossy(&envelope));
        }
    }
}
