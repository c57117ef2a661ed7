//! Parameters of a backtest: read, checked, with what was left out filled in. A confirmation token is bound to the hash
//! of their canonical JSON in this form, so that what was left out and what was written out are the same request.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use live_core::canonical::{CanonicalError, canonical_params};
use serde::Serialize;
use serde_json::Value;

use super::fields::{Fault, Fields, Range, whole};
use super::sweep::varied;
use crate::confirmation::token::discreet;
use crate::market::{Market, PageError};

/// Version of this form: what a token was made for under another one has to be proposed again.
pub const VERSION: u32 = 1;
/// Longest canonical form, in bytes.
const LEN_MAX: usize = 8 * 1024;
/// Most combinations of a sweep.
pub const COMBINATIONS_MAX: usize = 2_000;
/// Most bars that an average or a channel looks back on.
const WINDOW_MAX: u32 = 1_000;
/// Most symbols that an error lists.
const NAMES_MAX: usize = 20;

/// What is to be tested.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    /// The instrument.
    pub symbol: String,
    /// Length of its bars.
    pub interval: String,
    /// First day, by the bars' open time in UTC; `None` is the first there is.
    pub from: Option<Date>,
    /// Last day, which is in it; `None` is the last there is.
    pub to: Option<Date>,
    /// When it buys and sells.
    pub strategy: Strategy,
    /// Cash at the beginning, in the quote's units.
    pub initial_cash: f64,
    /// Fee of a trade, in hundredths of a percent of what changes hands.
    pub fee_bps: f64,
    /// How much worse than the bar's open an order fills, in hundredths of a percent.
    pub slippage_bps: f64,
    /// How much it buys or sells.
    pub sizing: Sizing,
    /// Values of the strategy's parameters that are tried in every combination, in their order.
    pub sweep: Option<BTreeMap<String, Vec<f64>>>,
}

/// When a backtest buys and sells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "name", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum Strategy {
    /// Long while the fast average of closes is above the slow one.
    SmaCross {
        /// Bars of the fast average.
        fast: u32,
        /// Bars of the slow average.
        slow: u32,
        /// Whether it sells short while it is below.
        allow_short: bool,
    },
    /// Buys when the relative strength index falls below `low`, sells when it rises above `high`.
    RsiReversion {
        /// Bars of the index.
        period: u32,
        /// Where it buys.
        low: f64,
        /// Where it sells.
        high: f64,
        /// Whether it sells short above `high`.
        allow_short: bool,
    },
    /// Buys above the highest high of `entry` bars, sells below the lowest low of `exit` bars.
    DonchianBreakout {
        /// Bars of the channel that it enters at.
        entry: u32,
        /// Bars of the channel that it leaves at.
        exit: u32,
        /// Whether it sells short below the lowest low of `entry` bars.
        allow_short: bool,
    },
    /// Buys at the first bar and keeps it.
    BuyAndHold {
        /// Here without meaning; every strategy has it.
        allow_short: bool,
    },
}

/// How much a backtest buys or sells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sizing {
    /// As many whole units as there is cash for.
    AllIn,
    /// Units for a part of the equity.
    Fraction {
        /// Above 0 up to 1.
        fraction: f64,
    },
    /// So many units.
    Units {
        /// From 1 on.
        units: u32,
    },
}

#[derive(Clone, Copy)]
enum Name {
    SmaCross,
    RsiReversion,
    DonchianBreakout,
    BuyAndHold,
}

const NAMES: [(&str, Name); 4] = [
    ("sma_cross", Name::SmaCross),
    ("rsi_reversion", Name::RsiReversion),
    ("donchian_breakout", Name::DonchianBreakout),
    ("buy_and_hold", Name::BuyAndHold),
];
const INDEX: Range = Range::from(0.0, 100.0);
const BPS: Range = Range::from(0.0, 1_000.0);

impl Params {
    /// Reads parameters and fills in what was left out.
    ///
    /// # Errors
    /// The first fault: no JSON, a name twice, an integer that is not exact, an unknown field, a value out of its range.
    pub fn read(json: &[u8]) -> Result<Self, Fault> {
        let text = canonical_params(json).map_err(|error| not_canonical(&error))?;
        let value: Value = serde_json::from_str(&text).map_err(|_| whole_fault("is not JSON"))?;
        let known = [
            "symbol",
            "interval",
            "from",
            "to",
            "strategy",
            "initialCash",
            "feeBps",
            "slippageBps",
            "sizing",
            "sweep",
        ];
        let mut fields = Fields::new("", value, &known)?;
        let symbol = text_of(&mut fields, "symbol", None)?;
        let interval = text_of(&mut fields, "interval", Some("1d"))?;
        let (from, to) = (fields.day("from")?, fields.day("to")?);
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            let value = Value::String(to.to_string());
            return Err(Fault::of("to".to_owned(), &value, "is before from", format!("{from} or later")));
        }
        let strategy = Strategy::read(fields.must("strategy", "an object with a name")?)?;
        let initial_cash = fields.number("initialCash", Range::above(0.0, 1e12), 10_000.0)?;
        let fee_bps = fields.number("feeBps", BPS, 0.0)?;
        let slippage_bps = fields.number("slippageBps", BPS, 0.0)?;
        let sizing = fields.take("sizing").map_or(Ok(Sizing::AllIn), Sizing::read)?;
        let sweep = fields.take("sweep").map(|sweep| strategy.read_sweep(sweep)).transpose()?;
        let params =
            Self { symbol, interval, from, to, strategy, initial_cash, fee_bps, slippage_bps, sizing, sweep };
        if !params.has_combination() {
            let value = params.sweep.as_ref().map_or(Value::Null, |sweep| serde_json::json!(sweep));
            let allowed = "a combination that is allowed, such as fast below slow, or low below high";
            return Err(Fault::of(
                "sweep".to_owned(),
                &value,
                "has no combination that is one",
                allowed.to_owned(),
            ));
        }
        match params.canonical().len() {
            ..=LEN_MAX => Ok(params),
            _ => Err(Fault { allowed: format!("{LEN_MAX} bytes"), ..whole_fault("is too long") }),
        }
    }

    /// Makes sure that the market has what they name.
    ///
    /// # Errors
    /// When it has not.
    pub fn check(&self, market: &Market) -> Result<(), Fault> {
        let text = |text: &str| Value::String(text.to_owned());
        match market.page(&self.symbol, &self.interval, None, 1) {
            Ok(_) => Ok(()),
            Err(PageError::Symbol) => {
                let names = market.names(NAMES_MAX).join(", ");
                Err(Fault::of("symbol".to_owned(), &text(&self.symbol), "is not served", names))
            }
            Err(PageError::Interval { served }) => {
                let served = served.join(", ");
                Err(Fault::of("interval".to_owned(), &text(&self.interval), "is not served", served))
            }
        }
    }

    /// The canonical JSON, which is hashed and kept.
    pub fn canonical(&self) -> String {
        // Every number in it was read from JSON, and so is one that JSON has.
        let json = serde_json::to_vec(self).unwrap_or_default();
        canonical_params(&json).unwrap_or_default()
    }

    /// Whether one of a sweep's combinations is allowed: smallest of what must be below, largest of what must be above.
    fn has_combination(&self) -> bool {
        let Some(sweep) = &self.sweep else { return true };
        type Pick = fn(f64, f64) -> f64;
        let picks: [(&str, Pick); 4] =
            [("fast", f64::min), ("slow", f64::max), ("low", f64::min), ("high", f64::max)];
        let extremes = picks.map(|(name, pick)| {
            let end = sweep.get(name)?.iter().copied().reduce(pick)?;
            Some((name.to_owned(), end))
        });
        varied(&self.strategy, &extremes.into_iter().flatten().collect()).is_some()
    }

    /// How many backtests it is.
    pub fn combinations(&self) -> usize {
        self.sweep.iter().flat_map(BTreeMap::values).map(Vec::len).product()
    }

    /// When the first day begins and the last one has ended, in milliseconds since the Unix epoch, where they are named.
    pub fn times(&self) -> (Option<i64>, Option<i64>) {
        let begin =
            |day: Date| day.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp().as_millisecond());
        (self.from.and_then(begin), self.to.and_then(|to| begin(to.tomorrow().ok()?)))
    }

    /// What it is, in a line for people.
    pub fn summary(&self) -> String {
        let what = match &self.strategy {
            Strategy::SmaCross { fast, slow, .. } => format!("SMA crossover {fast}/{slow}"),
            Strategy::RsiReversion { period, low, high, .. } => {
                format!("RSI reversion {period} ({low} to {high})")
            }
            Strategy::DonchianBreakout { entry, exit, .. } => format!("Donchian breakout {entry}/{exit}"),
            Strategy::BuyAndHold { .. } => "Buy and hold".to_owned(),
        };
        let when = match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("from {from} to {to}"),
            (Some(from), None) => format!("from {from} on"),
            (None, Some(to)) => format!("up to {to}"),
            (None, None) => "over all there is".to_owned(),
        };
        let sweep = match self.combinations() {
            _ if self.sweep.is_none() => String::new(),
            count => format!(", {count} combinations"),
        };
        format!("{what} on {}, {} bars, {when}{sweep}", self.symbol, self.interval)
    }
}

impl Strategy {
    fn read(value: Value) -> Result<Self, Fault> {
        let known = |more: &[&'static str]| [&["name", "allowShort"], more].concat();
        let name = Fields::new("strategy", value.clone(), &all_known())?.word("name", &NAMES)?;
        let strategy = match name {
            Name::SmaCross => {
                let mut fields = Fields::new("strategy", value, &known(&["fast", "slow"]))?;
                let fast = fields.whole("fast", (1, WINDOW_MAX), 10)?;
                let slow = fields.whole("slow", (2, WINDOW_MAX), 30)?;
                if fast >= slow {
                    let value = Value::from(fast);
                    return Err(Fault::of(
                        fields.at("fast"),
                        &value,
                        "is not below slow",
                        format!("below {slow}"),
                    ));
                }
                Self::SmaCross { fast, slow, allow_short: fields.switch("allowShort", false)? }
            }
            Name::RsiReversion => {
                let mut fields = Fields::new("strategy", value, &known(&["period", "low", "high"]))?;
                let period = fields.whole("period", (2, WINDOW_MAX), 14)?;
                let (low, high) = (fields.number("low", INDEX, 30.0)?, fields.number("high", INDEX, 70.0)?);
                if low >= high {
                    let value = Value::from(low);
                    return Err(Fault::of(
                        fields.at("low"),
                        &value,
                        "is not below high",
                        format!("below {high}"),
                    ));
                }
                Self::RsiReversion { period, low, high, allow_short: fields.switch("allowShort", false)? }
            }
            Name::DonchianBreakout => {
                let mut fields = Fields::new("strategy", value, &known(&["entry", "exit"]))?;
                let entry = fields.whole("entry", (1, WINDOW_MAX), 20)?;
                let exit = fields.whole("exit", (1, WINDOW_MAX), 10)?;
                Self::DonchianBreakout { entry, exit, allow_short: fields.switch("allowShort", false)? }
            }
            Name::BuyAndHold => {
                let mut fields = Fields::new("strategy", value, &known(&[]))?;
                Self::BuyAndHold { allow_short: fields.switch("allowShort", false)? }
            }
        };
        Ok(strategy)
    }

    /// Its name.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SmaCross { .. } => "sma_cross",
            Self::RsiReversion { .. } => "rsi_reversion",
            Self::DonchianBreakout { .. } => "donchian_breakout",
            Self::BuyAndHold { .. } => "buy_and_hold",
        }
    }

    /// The parameters that a sweep may vary.
    fn swept(&self) -> &'static [&'static str] {
        match self {
            Self::SmaCross { .. } => &["fast", "slow"],
            Self::RsiReversion { .. } => &["period", "low", "high"],
            Self::DonchianBreakout { .. } => &["entry", "exit"],
            Self::BuyAndHold { .. } => &[],
        }
    }

    fn read_sweep(&self, value: Value) -> Result<BTreeMap<String, Vec<f64>>, Fault> {
        let known = self.swept();
        let mut fields = Fields::new("sweep", value.clone(), known)?;
        let mut sweep = BTreeMap::new();
        for name in known {
            let Some(list) = fields.take(name) else { continue };
            sweep.insert((*name).to_owned(), read_list(&fields.at(name), name, &list)?);
        }
        let combinations = sweep.values().try_fold(1_usize, |product, list| product.checked_mul(list.len()));
        match combinations {
            _ if sweep.is_empty() => {
                let allowed = format!("lists of numbers for some of: {}", known.join(", "));
                Err(Fault::of("sweep".to_owned(), &value, "varies nothing", allowed))
            }
            Some(..=COMBINATIONS_MAX) => Ok(sweep),
            _ => {
                let allowed = format!("at most {COMBINATIONS_MAX} combinations");
                Err(Fault::of("sweep".to_owned(), &value, "has too many combinations", allowed))
            }
        }
    }
}

/// The values of a parameter that a sweep tries.
fn read_list(place: &str, name: &str, value: &Value) -> Result<Vec<f64>, Fault> {
    let allowed = match name {
        "low" | "high" => INDEX.to_string(),
        "slow" | "period" => format!("a whole number from 2 to {WINDOW_MAX}"),
        _ => format!("a whole number from 1 to {WINDOW_MAX}"),
    };
    let read = |value: &Value| match name {
        "low" | "high" => INDEX.holds(value),
        "slow" | "period" => whole(value, (2, WINDOW_MAX)).map(f64::from),
        _ => whole(value, (1, WINDOW_MAX)).map(f64::from),
    };
    let list = value.as_array().filter(|list| !list.is_empty());
    let Some(list) = list else {
        return Err(Fault::of(place.to_owned(), value, "is not a list with something in it", allowed));
    };
    if list.len() > COMBINATIONS_MAX {
        return Err(Fault::of(place.to_owned(), value, "has too many values", COMBINATIONS_MAX.to_string()));
    }
    let mut numbers = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let fault = |reason| Fault::of(format!("{place}[{at}]"), value, reason, allowed.clone());
        let number = read(value).ok_or_else(|| fault("is not a number within its range"))?;
        if numbers.contains(&number) {
            return Err(fault("is there twice"));
        }
        numbers.push(number);
    }
    Ok(numbers)
}

impl Sizing {
    fn read(value: Value) -> Result<Self, Fault> {
        #[derive(Clone, Copy)]
        enum Kind {
            AllIn,
            Fraction,
            Units,
        }
        let kinds = [("all_in", Kind::AllIn), ("fraction", Kind::Fraction), ("units", Kind::Units)];
        let kind =
            Fields::new("sizing", value.clone(), &["kind", "fraction", "units"])?.word("kind", &kinds)?;
        let known: &[&str] = match kind {
            Kind::AllIn => &["kind"],
            Kind::Fraction => &["kind", "fraction"],
            Kind::Units => &["kind", "units"],
        };
        let mut fields = Fields::new("sizing", value, known)?;
        Ok(match kind {
            Kind::AllIn => Self::AllIn,
            Kind::Fraction => {
                Self::Fraction { fraction: fields.number("fraction", Range::above(0.0, 1.0), 1.0)? }
            }
            Kind::Units => Self::Units { units: fields.whole("units", (1, 1_000_000_000), 1)? },
        })
    }
}

fn all_known() -> Vec<&'static str> {
    vec!["name", "allowShort", "fast", "slow", "period", "low", "high", "entry", "exit"]
}

fn text_of(fields: &mut Fields<'_>, name: &str, usual: Option<&str>) -> Result<String, Fault> {
    let value = match (fields.take(name), usual) {
        (None, Some(usual)) => return Ok(usual.to_owned()),
        (None, None) => fields.must(name, "a text")?,
        (Some(value), _) => value,
    };
    match value {
        Value::String(text) => Ok(text),
        value => Err(Fault::of(fields.at(name), &value, "is not a text", "a text")),
    }
}

fn whole_fault(reason: &'static str) -> Fault {
    Fault { field: String::new(), value: None, reason, allowed: "an object of JSON".to_owned() }
}

fn not_canonical(error: &CanonicalError) -> Fault {
    // A JSON Pointer, in the form that all other places have.
    let field = discreet(error.path.trim_start_matches('/').replace('/', "."));
    Fault { field, value: None, reason: error.reason, allowed: "JSON whose meaning is certain".to_owned() }
}

#[cfg(test)]
mod tests;
