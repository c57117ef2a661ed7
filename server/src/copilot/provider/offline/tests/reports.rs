//! What tools have answered, in words.

use super::*;

/// What is said of a tool's answer, in a language.
fn told(said: &str, tool: &str, result: &Value) -> String {
    let messages = [
        Message::Person(said.to_owned()),
        Message::Tool { call_id: "c".into(), tool: tool.into(), result: result.to_string() },
    ];
    short(&reply(&messages, &served()))
}

fn english(tool: &str, result: &Value) -> String {
    told("how is it", tool, result)
}

fn turkish(tool: &str, result: &Value) -> String {
    told("durumu nasıl", tool, result)
}

#[test]
fn parameters_that_are_refused_are_told_with_what_is_allowed() {
    let error = |value: Option<&str>| {
        let mut error = json!({ "field": "strategy.fast", "reason": "is missing", "allowed": "1 to 1000" });
        error["value"] = json!(value);
        json!({ "errorCode": "PARAMS_INVALID", "error": error })
    };
    let with = error(Some("0"));
    let without = error(None);
    let tool = "startBacktest";
    assert_eq!(
        english(tool, &with),
        "That cannot be done: strategy.fast is missing (0). Allowed: 1 to 1000."
    );
    assert_eq!(english(tool, &without), "That cannot be done: strategy.fast is missing. Allowed: 1 to 1000.");
    assert_eq!(turkish(tool, &with), "Bu olmaz: strategy.fast = 0 geçerli değil. İzin verilen: 1 to 1000.");
    assert_eq!(turkish(tool, &without), "Bu olmaz: strategy.fast geçerli değil. İzin verilen: 1 to 1000.");
}

#[test]
fn what_was_proposed_is_told_in_the_language_of_the_conversation() {
    let proposed = |strategy: Value, from: Option<&str>, to: Option<&str>, sweep: Value| {
        json!({
            "summary": "what it is", "bars": 7, "combinations": 6,
            "params": { "symbol": "AAPL", "interval": "1d", "from": from, "to": to, "strategy": strategy, "sweep": sweep },
        })
    };
    let sma = json!({ "name": "sma_cross", "fast": 10, "slow": 30 });
    let whole = proposed(sma.clone(), Some("2005-01-01"), Some("2010-12-31"), Value::Null);
    let tool = "startBacktest";
    assert_eq!(
        english(tool, &whole),
        "I propose: what it is (7 bars). It starts when you confirm it on the card."
    );
    for (result, said) in [
        (whole, "AAPL, SMA kesişimi 10/30, 1d çubukları, 2005-01-01 ile 2010-12-31 arası"),
        (
            proposed(sma, Some("2005-01-01"), None, json!({ "fast": [5, 10] })),
            "AAPL, SMA kesişimi 10/30, 1d çubukları, 2005-01-01 tarihinden sonuna kadar, 6 kombinasyon",
        ),
        (
            proposed(
                json!({ "name": "rsi_reversion", "period": 14, "low": 30.0, "high": 70.0 }),
                None,
                Some("2010-12-31"),
                Value::Null,
            ),
            "AAPL, RSI dönüşü 14 (30–70), 1d çubukları, başından 2010-12-31 tarihine kadar",
        ),
        (
            proposed(
                json!({ "name": "donchian_breakout", "entry": 20, "exit": 10 }),
                None,
                None,
                Value::Null,
            ),
            "AAPL, Donchian kırılımı 20/10, 1d çubukları, verinin tamamı",
        ),
        (
            proposed(json!({ "name": "buy_and_hold" }), None, None, Value::Null),
            "AAPL, Al ve tut, 1d çubukları, verinin tamamı",
        ),
        (json!({ "summary": "what it is", "bars": 7 }), "what it is"),
    ] {
        assert_eq!(
            turkish(tool, &result),
            format!("Önerim: {said} (7 çubuk). Kartta onayladığınızda başlar.")
        );
    }
}

#[test]
fn bars_are_listed_and_it_is_told_when_not_all_are() {
    let bars = |count: i64| {
        let rows: Vec<Value> = (0..count).map(|day| json!([day * 86_400_000, 1, 2, 0.5, 1.5, 100])).collect();
        json!({ "symbol": "AAPL", "interval": "1d", "rows": rows })
    };
    let lines = |text: &str| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>();
    let some = lines(&english("getCandles", &bars(2)));
    assert_eq!(some[0], "AAPL, 2 bars of 1d:");
    assert_eq!(some[2], "1970-01-02 00:00  1.00 2.00 0.5000 1.50");
    let many = lines(&english("getCandles", &bars(30)));
    assert_eq!((many[0].as_str(), many.len()), ("AAPL, the newest 20 of 30 bars of 1d:", 21));
    assert!(many[1].starts_with("1970-01-11") && many[20].starts_with("1970-01-30"), "{many:?}");
    let many = lines(&turkish("getCandles", &bars(30)));
    assert_eq!((many[0].as_str(), many.len()), ("AAPL, 30 adet 1d mumun en yeni 20 tanesi:", 21));
    assert_eq!(english("getCandles", &bars(0)), "AAPL has no bars of 1d there.");
    assert_eq!(turkish("getCandles", &bars(0)), "AAPL için orada 1d mumu yok.");
}

#[test]
fn the_note_of_a_confirmation_is_told_also_where_nothing_was_said() {
    let catalog = served();
    let note = |text: &str| short(&reply(&[Message::Note(text.into())], &catalog));
    let confirmed = note("The person has confirmed the proposal. The backtest runs as job job_a_1.");
    assert_eq!(confirmed, "Started: job_a_1. Ask me for its status or its result.");
    let used = note("The person's confirmation was refused: TOKEN_USED. It was started as job job_a_1.");
    assert_eq!(used, "It was confirmed before, and runs as job_a_1.");
    let expired = note("The person's confirmation was refused: TOKEN_EXPIRED.");
    assert_eq!(expired, "That could not be confirmed (TOKEN_EXPIRED). Shall I propose it again?");
}

#[test]
fn a_job_that_is_noted_between_two_messages_is_the_conversations() {
    let note = "The person has confirmed the proposal. The backtest runs as job job_b.";
    let messages = [
        Message::Person("sma 10/30 on AAPL".into()),
        Message::Note(note.into()),
        Message::Person("show the result".into()),
    ];
    assert_eq!(short(&reply(&messages, &served())), "getBacktestResult jobId=job_b");
}
