use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::copilot::tool::Tool;

fn read(value: &Value) -> Result<Params, Fault> {
    Params::read(value.to_string().as_bytes())
}

fn usual() -> Value {
    json!({"symbol": "AAPL", "strategy": {"name": "sma_cross"}})
}

/// The usual ones with something else in a place.
fn with(pointer: &str, value: Value) -> Value {
    let mut params = usual();
    let mut at = &mut params;
    for name in pointer.split('/') {
        at = &mut at[name];
    }
    *at = value;
    params
}

#[test]
fn what_was_left_out_is_filled_in() {
    let whole = json!({
        "symbol": "AAPL", "interval": "1d", "from": null, "to": null,
        "strategy": {"name": "sma_cross", "fast": 10, "slow": 30, "allowShort": false},
        "initialCash": 1e4, "feeBps": 0.0, "slippageBps": 0, "sizing": {"kind": "all_in"}, "sweep": null,
    });
    let text = read(&usual()).expect("good").canonical();
    assert_eq!(read(&whole).expect("good").canonical(), text, "the same request");
    assert_eq!(
        text,
        r#"{"feeBps":0,"from":null,"initialCash":10000,"interval":"1d","sizing":{"kind":"all_in"},"slippageBps":0,"strategy":{"allowShort":false,"fast":10,"name":"sma_cross","slow":30},"sweep":null,"symbol":"AAPL","to":null}"#
    );
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let params = read(&json!({
        "symbol": "AAPL", "interval": "1d", "from": "2005-01-01", "to": "2010-01-01",
        "strategy": {"name": "sma_cross", "fast": 10, "slow": 30, "allowShort": false},
        "initialCash": 10000, "feeBps": 0, "slippageBps": 0, "sizing": {"kind": "all_in"},
        "sweep": {"fast": [5, 10, 20], "slow": [30, 50]},
    }));
    let params = params.expect("good");
    assert_eq!(params.combinations(), 6);
    let summary = "SMA crossover 10/30 on AAPL, 1d bars, from 2005-01-01 to 2010-01-01, 6 combinations";
    assert_eq!(params.summary(), summary);
    assert_eq!(
        read(&serde_json::from_str(&params.canonical()).expect("JSON")),
        Ok(params),
        "and its own form"
    );
}

#[test]
fn a_bad_parameter_is_named_with_what_is_allowed() {
    let long: Vec<u32> = (1..=1_000).collect();
    for (params, field, reason) in [
        (json!([]), "", "is not an object"),
        (json!({"strategy": {"name": "sma_cross"}}), "symbol", "is missing"),
        (json!({"symbol": "AAPL"}), "strategy", "is missing"),
        (with("symbol", json!(5)), "symbol", "is not a text"),
        (with("interval", json!(1)), "interval", "is not a text"),
        (with("more", json!(1)), "more", "is not known"),
        (with("from", json!("2005-13-01")), "from", "is not a day"),
        (with("from", json!("2005-02-30")), "from", "is not a day"),
        (with("from", json!("2005-01-01T00:00")), "from", "is not a day"),
        (with("from", json!("1899-12-31")), "from", "is not a day"),
        (with("to", json!(20_050_101)), "to", "is not a day"),
        (with("strategy", json!("sma_cross")), "strategy", "is not an object"),
        (with("strategy/name", json!("macd")), "strategy.name", "is not known"),
        (with("strategy/name", json!(null)), "strategy.name", "is missing"),
        (with("strategy/fast", json!(0)), "strategy.fast", "is not a whole number within its range"),
        (with("strategy/fast", json!(-1)), "strategy.fast", "is not a whole number within its range"),
        (with("strategy/fast", json!(2.5)), "strategy.fast", "is not a whole number within its range"),
        (with("strategy/fast", json!("10")), "strategy.fast", "is not a whole number within its range"),
        (with("strategy/slow", json!(1_001)), "strategy.slow", "is not a whole number within its range"),
        (with("strategy/fast", json!(30)), "strategy.fast", "is not below slow"),
        (with("strategy/period", json!(14)), "strategy.period", "is not known"),
        (with("strategy/allowShort", json!(1)), "strategy.allowShort", "is not a boolean"),
        (with("strategy", json!({"name": "rsi_reversion", "low": 70})), "strategy.low", "is not below high"),
        (
            with("strategy", json!({"name": "rsi_reversion", "high": 101})),
            "strategy.high",
            "is not a number within its range",
        ),
        (
            with("strategy", json!({"name": "donchian_breakout", "entry": 0})),
            "strategy.entry",
            "is not a whole number within its range",
        ),
        (with("strategy", json!({"name": "buy_and_hold", "fast": 1})), "strategy.fast", "is not known"),
        (with("initialCash", json!(0)), "initialCash", "is not a number within its range"),
        (with("initialCash", json!(1e13)), "initialCash", "is not a number within its range"),
        (with("feeBps", json!(-1)), "feeBps", "is not a number within its range"),
        (with("slippageBps", json!(1_000.5)), "slippageBps", "is not a number within its range"),
        (with("sizing", json!({})), "sizing.kind", "is missing"),
        (with("sizing", json!({"kind": "half"})), "sizing.kind", "is not known"),
        (with("sizing", json!({"kind": "all_in", "units": 1})), "sizing.units", "is not known"),
        (
            with("sizing", json!({"kind": "fraction", "fraction": 0})),
            "sizing.fraction",
            "is not a number within its range",
        ),
        (
            with("sizing", json!({"kind": "units", "units": 1.5})),
            "sizing.units",
            "is not a whole number within its range",
        ),
        (with("sweep", json!({})), "sweep", "varies nothing"),
        (with("sweep", json!({"period": [1]})), "sweep.period", "is not known"),
        (with("sweep", json!({"fast": []})), "sweep.fast", "is not a list with something in it"),
        (with("sweep", json!({"fast": [1, "x"]})), "sweep.fast[1]", "is not a number within its range"),
        (with("sweep", json!({"fast": [1, 2, 1]})), "sweep.fast[2]", "is there twice"),
        (with("sweep", json!({"fast": [1, 2, 3], "slow": long[1..]})), "sweep", "has too many combinations"),
        (with("sweep", json!({"fast": vec![1; 2_001]})), "sweep.fast", "has too many values"),
    ] {
        let fault = read(&params).expect_err("bad");
        assert_eq!((fault.field.as_str(), fault.reason), (field, reason), "{params}");
        assert!(!fault.allowed.is_empty(), "{fault:?}");
        assert_eq!(fault.value.is_none(), reason == "is missing", "{fault:?}");
    }
    let reversed = json!({"symbol": "A", "strategy": {"name": "buy_and_hold"}, "from": "2010-01-01", "to": "2009-12-31"});
    let fault = read(&reversed).expect_err("bad");
    assert_eq!(
        (fault.field.as_str(), fault.reason, fault.allowed.as_str()),
        ("to", "is before from", "2010-01-01 or later")
    );
}

#[test]
fn what_has_no_certain_meaning_is_refused() {
    for (text, field, reason) in [
        ("", "", "is not valid JSON"),
        ("{", "", "is not valid JSON"),
        (r#"{"symbol":"A","symbol":"B"}"#, "symbol", "is there twice"),
        (r#"{"initialCash":9007199254740993}"#, "initialCash", "is an integer beyond 2^53 - 1"),
        (r#"{"symbol":"\ud800"}"#, "symbol", "has half of a surrogate pair"),
    ] {
        let fault = Params::read(text.as_bytes()).expect_err("bad");
        assert_eq!((fault.field.as_str(), fault.reason), (field, reason), "{text}");
    }
}

#[test]
fn a_token_in_the_wrong_place_is_not_repeated() {
    let token = crate::confirmation::token::RawToken::generate();
    for params in [
        json!({"symbol": "AAPL", "token": token.expose()}),
        json!({"symbol": {"a": token.expose()}}),
        json!({token.expose(): 1}),
        json!({"symbol": "AAPL", "from": token.expose()}),
        json!({"symbol": "AAPL", "strategy": {token.expose(): 1, "name": "sma_cross"}}),
        json!(token.expose()),
    ] {
        let fault = read(&params).expect_err("bad");
        assert!(!format!("{fault:?} {fault}").contains(token.expose()), "{params}");
    }
    let twice = format!(r#"{{"{0}":1,"{0}":2}}"#, token.expose());
    let fault = Params::read(twice.as_bytes()).expect_err("bad");
    assert!(!format!("{fault:?}").contains(token.expose()));
}

#[test]
fn the_schema_says_the_same() {
    let schema = Tool::StartBacktest.schema();
    let known = schema["properties"].as_object().expect("properties");
    let mine: Value = serde_json::from_str(&read(&usual()).expect("good").canonical()).expect("JSON");
    let names = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(known.keys().cloned().collect::<Vec<_>>(), names(&mine));
    for (strategy, (name, _)) in
        schema["properties"]["strategy"]["oneOf"].as_array().expect("a list").iter().zip(NAMES)
    {
        assert_eq!(strategy["properties"]["name"]["const"], name);
        let mine = read(&with("strategy", json!({"name": name}))).expect("good");
        let mine = serde_json::to_value(&mine.strategy).expect("JSON");
        assert_eq!(names(&strategy["properties"]), names(&mine));
        for (field, value) in mine.as_object().expect("an object") {
            let described = &strategy["properties"][field];
            if field != "name" {
                assert_eq!(described["default"].as_f64(), value.as_f64(), "{name}.{field}");
            }
            for (bound, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
                let Some(limit) = described[bound].as_f64() else { continue };
                let bad = json!({"name": name, field.as_str(): limit + beyond});
                let fault = read(&with("strategy", bad)).expect_err("beyond its bound");
                assert_eq!(fault.field, format!("strategy.{field}"));
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_that_is_sent_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Params::read(&bytes);
    }

    #[test]
    fn what_is_read_is_read_again_as_the_same(
        fast in 1_u32..500, more in 1_u32..500, cash in 0.01..1e12_f64, fee in 0.0..1_000.0_f64, short in any::<bool>(),
    ) {
        let params = json!({
            "symbol": "A", "initialCash": cash, "feeBps": fee,
            "strategy": {"name": "sma_cross", "fast": fast, "slow": fast + more, "allowShort": short},
        });
        let params = read(&params).expect("good");
        let again: Value = serde_json::from_str(&params.canonical()).expect("JSON");
        prop_assert_eq!(read(&again).expect("good").canonical(), params.canonical());
    }
}

#[test]
fn a_sweep_has_a_combination_that_is_one() {
    let read = |strategy: Value, sweep: Value| {
        let text = json!({ "symbol": "A", "strategy": strategy, "sweep": sweep }).to_string();
        Params::read(text.as_bytes()).map(drop).map_err(|fault| (fault.field, fault.reason))
    };
    let cross = || json!({ "name": "sma_cross" });
    assert_eq!(read(cross(), json!({ "fast": [50, 5], "slow": [10] })), Ok(()));
    let none = Err(("sweep".to_owned(), "has no combination that is one"));
    assert_eq!(read(cross(), json!({ "fast": [50], "slow": [10, 50] })), none);
    assert_eq!(read(cross(), json!({ "fast": [30] })), none, "slow is 30 where nothing is said");
    let index = json!({ "name": "rsi_reversion" });
    assert_eq!(read(index, json!({ "low": [80], "high": [60, 70] })), none);
}
