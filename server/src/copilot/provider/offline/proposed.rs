//! What was proposed, in Turkish. In English the tool's own summary says it.

use serde_json::Value;

/// A backtest in a line; `None` where the answer has not the parameters of one.
pub fn turkish(data: &Value) -> Option<String> {
    let params = &data["params"];
    let strategy = &params["strategy"];
    let (symbol, interval) = (params["symbol"].as_str()?, params["interval"].as_str()?);
    let what = match strategy["name"].as_str()? {
        "sma_cross" => format!("SMA kesişimi {}/{}", strategy["fast"], strategy["slow"]),
        "rsi_reversion" => {
            let level = |name: &str| strategy[name].as_f64().unwrap_or_default();
            format!("RSI dönüşü {} ({}–{})", strategy["period"], level("low"), level("high"))
        }
        "donchian_breakout" => format!("Donchian kırılımı {}/{}", strategy["entry"], strategy["exit"]),
        "buy_and_hold" => "Al ve tut".to_owned(),
        _ => return None,
    };
    let when = match (params["from"].as_str(), params["to"].as_str()) {
        (Some(from), Some(to)) => format!("{from} ile {to} arası"),
        (Some(from), None) => format!("{from} tarihinden sonuna kadar"),
        (None, Some(to)) => format!("başından {to} tarihine kadar"),
        (None, None) => "verinin tamamı".to_owned(),
    };
    let combinations = data["combinations"].as_u64().filter(|_| !params["sweep"].is_null());
    let sweep = combinations.map_or_else(String::new, |count| format!(", {count} kombinasyon"));
    Some(format!("{symbol}, {what}, {interval} çubukları, {when}{sweep}"))
}
