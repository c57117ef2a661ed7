//! What tools have answered, in words.

use std::fmt::Write as _;

use serde_json::Value;

use super::language::Language;
use super::{proposed, speak};
use crate::copilot::provider::Message;

/// Most bars that are listed.
const BARS_MAX: usize = 20;

/// What the tools that were called last have answered.
pub fn results(messages: &[Message], language: Language) -> String {
    let start =
        messages.iter().rposition(|message| !matches!(message, Message::Tool { .. })).map_or(0, |at| at + 1);
    let said = messages[start..].iter().filter_map(|message| match message {
        Message::Tool { tool, result, .. } => Some(result_of(tool, result, language)),
        _ => None,
    });
    said.collect::<Vec<_>>().join("\n")
}

/// What the gateway has said of what the person has done.
pub fn note(note: &str, language: Language) -> String {
    let is_english = language == Language::English;
    let job =
        note.split_whitespace().map(|word| word.trim_end_matches('.')).find(|word| word.starts_with("job_"));
    match (note.contains("refused"), job, is_english) {
        (false, Some(job), true) => format!("Started: {job}. Ask me for its status or its result."),
        (false, Some(job), false) => format!("Başladı: {job}. Durumunu ya da sonucunu sorabilirsiniz."),
        (true, Some(job), true) => format!("It was confirmed before, and runs as {job}."),
        (true, Some(job), false) => format!("Daha önce onaylanmış, {job} olarak çalışıyor."),
        (_, None, _) => {
            let (code, again) = (code_in(note), speak::propose_again(language));
            match is_english {
                true => format!("That could not be confirmed ({code}). {again}"),
                false => format!("Onaylanamadı ({code}). {again}"),
            }
        }
    }
}

fn code_in(note: &str) -> &str {
    note.split([' ', '.', ':'])
        .find(|word| word.len() > 4 && word.bytes().all(|b| b.is_ascii_uppercase() || b == b'_'))
        .unwrap_or("?")
}

fn result_of(tool: &str, result: &str, language: Language) -> String {
    let is_english = language == Language::English;
    let Ok(data) = serde_json::from_str::<Value>(result) else { return String::new() };
    if let Some(code) = data["errorCode"].as_str() {
        return refusal(code, &data["error"], is_english);
    }
    match tool {
        "startBacktest" => proposal(&data, is_english),
        "getMarketSnapshot" => prices(&data, is_english),
        "getCandles" => candles(&data, is_english),
        "getRuntimeHealth" => health(&data, is_english),
        "getBacktestResult" => summary(&data, is_english),
        "getBacktestStatus" | "cancelBacktest" => status(&data, is_english),
        _ => String::new(),
    }
}

fn refusal(code: &str, error: &Value, is_english: bool) -> String {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    match (code, is_english) {
        ("PARAMS_INVALID", true) => {
            let value = error["value"].as_str().map_or_else(String::new, |value| format!(" ({value})"));
            format!(
                "That cannot be done: {} {}{value}. Allowed: {}.",
                text("field"),
                text("reason"),
                text("allowed")
            )
        }
        ("PARAMS_INVALID", false) => {
            let value = error["value"].as_str().map_or_else(String::new, |value| format!(" = {value}"));
            format!("Bu olmaz: {}{value} geçerli değil. İzin verilen: {}.", text("field"), text("allowed"))
        }
        ("RESULT_NOT_READY", true) => "It has not ended yet. Ask again in a moment.".into(),
        ("RESULT_NOT_READY", false) => "Henüz bitmedi. Biraz sonra yeniden sorun.".into(),
        ("JOB_NOT_FOUND", true) => "There is no such job of yours.".into(),
        ("JOB_NOT_FOUND", false) => "Böyle bir işiniz yok.".into(),
        (code, true) => format!("That did not work: {} ({code}).", text("message")),
        (code, false) => format!("Olmadı: {code}."),
    }
}

fn proposal(data: &Value, is_english: bool) -> String {
    let (summary, bars) = (data["summary"].as_str().unwrap_or_default(), &data["bars"]);
    if is_english {
        return format!("I propose: {summary} ({bars} bars). It starts when you confirm it on the card.");
    }
    let summary = proposed::turkish(data).unwrap_or_else(|| summary.to_owned());
    format!("Önerim: {summary} ({bars} çubuk). Kartta onayladığınızda başlar.")
}

fn prices(data: &Value, is_english: bool) -> String {
    let mut text = String::new();
    for price in data["prices"].as_array().into_iter().flatten() {
        let symbol = price["symbol"].as_str().unwrap_or_default();
        let number = price["price"].as_f64().or(price["lastClose"].as_f64());
        let Some(number) = number else { continue };
        let change = price["changePct"].as_f64().map_or(String::new(), |change| format!(" ({change:+.2} %)"));
        if !text.is_empty() {
            text.push('\n');
        }
        let _ = write!(text, "{symbol}: {}{change}", short(number));
    }
    match (text.is_empty(), is_english) {
        (false, _) => text,
        (true, true) => "There is no price yet.".into(),
        (true, false) => "Henüz fiyat yok.".into(),
    }
}

fn candles(data: &Value, is_english: bool) -> String {
    let rows = data["rows"].as_array().map_or(&[][..], Vec::as_slice);
    let (symbol, interval) =
        (data["symbol"].as_str().unwrap_or_default(), data["interval"].as_str().unwrap_or_default());
    if rows.is_empty() {
        return match is_english {
            true => format!("{symbol} has no bars of {interval} there."),
            false => format!("{symbol} için orada {interval} mumu yok."),
        };
    }
    let (count, listed) = (rows.len(), rows.len().min(BARS_MAX));
    let mut text = match (is_english, listed < count) {
        (true, false) => format!("{symbol}, {count} bars of {interval}:"),
        (true, true) => format!("{symbol}, the newest {listed} of {count} bars of {interval}:"),
        (false, false) => format!("{symbol}, {count} adet {interval} mum:"),
        (false, true) => format!("{symbol}, {count} adet {interval} mumun en yeni {listed} tanesi:"),
    };
    for row in &rows[count - listed..] {
        let number = |at: usize| row[at].as_f64().map_or_else(|| "-".into(), short);
        let day = row[0].as_i64().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let day = day.map_or_else(String::new, |day| day.strftime("%Y-%m-%d %H:%M").to_string());
        let _ = write!(text, "\n{day}  {} {} {} {}", number(1), number(2), number(3), number(4));
    }
    text
}

fn health(data: &Value, is_english: bool) -> String {
    let checks = &data["checks"];
    let is_good =
        checks["broker"]["ok"] == true && checks["source"]["ok"] == true && data["tokenStore"]["ok"] == true;
    let minutes = data["uptimeMs"].as_u64().unwrap_or(0) / 60_000;
    let (symbols, source) = (&data["symbols"], data["sourceName"].as_str().unwrap_or_default());
    let word = |part: &Value| if part["ok"] == true { "ok" } else { "-" };
    let parts = format!(
        "engine {}, source {}, tokens {}",
        word(&checks["broker"]),
        word(&checks["source"]),
        word(&data["tokenStore"])
    );
    match (is_good, is_english) {
        (true, true) => format!("All is well: up for {minutes} min, {symbols} symbols from {source}."),
        (true, false) => {
            format!("Her şey yolunda: {minutes} dakikadır açık, {source} kaynağından {symbols} sembol.")
        }
        (false, true) => format!("Something is not well: {parts}."),
        (false, false) => format!("Bir sorun var: {parts}."),
    }
}

fn status(data: &Value, is_english: bool) -> String {
    let (job, state) =
        (data["jobId"].as_str().unwrap_or_default(), data["state"].as_str().unwrap_or_default());
    let percent = data["progress"].as_f64().unwrap_or(0.0) * 100.0;
    let turkish = match state {
        "queued" => "sırada",
        "running" => "çalışıyor",
        "done" => "bitti",
        "failed" => "başarısız oldu",
        "cancelled" => "iptal edildi",
        "timeout" => "süresi doldu",
        other => other,
    };
    let is_ending = data["cancelRequested"] == true && state == "running";
    match (is_english, is_ending) {
        (true, true) => format!("{job} is being cancelled."),
        (false, true) => format!("{job} iptal ediliyor."),
        (true, false) => format!("{job}: {state}, {percent:.0} % done."),
        (false, false) => format!("{job}: {turkish}, %{percent:.0} tamam."),
    }
}

fn summary(data: &Value, is_english: bool) -> String {
    let metrics = &data["metrics"];
    let percent = |name: &str| {
        metrics[name].as_f64().map_or_else(|| "-".into(), |share| format!("{:.2} %", share * 100.0))
    };
    let number = |name: &str| metrics[name].as_f64().map_or_else(|| "-".into(), short);
    let (total, cagr, fall) = (percent("totalReturn"), percent("cagr"), percent("maxDrawdown"));
    let (sharpe, equity, trades) = (number("sharpe"), number("finalEquity"), &data["trades"]["total"]);
    let mut text = match is_english {
        true => format!(
            "Total return {total}, CAGR {cagr}, maximum drawdown {fall}, Sharpe {sharpe}, final equity {equity}, {trades} trades."
        ),
        false => format!(
            "Toplam getiri {total}, yıllık {cagr}, en büyük düşüş {fall}, Sharpe {sharpe}, son özkaynak {equity}, {trades} işlem."
        ),
    };
    if let Some(best) = metrics["sweep"]["best"].as_object() {
        let best: Vec<String> = best.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let word = if is_english { "Best" } else { "En iyisi" };
        let _ = write!(text, " {word}: {}.", best.join(", "));
    }
    if data["truncated"].as_array().is_some_and(|left| !left.is_empty()) {
        text.push_str(match is_english {
            true => " This is a summary: all rows are on the result's page.",
            false => " Bu bir özet: bütün satırlar sonuç sayfasında.",
        });
    }
    text
}

/// A number with as many digits as people want to read.
fn short(number: f64) -> String {
    if number.abs() >= 1.0 { format!("{number:.2}") } else { format!("{number:.4}") }
}
