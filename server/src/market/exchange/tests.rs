//! What holds for every exchange, whatever it sends.

use proptest::prelude::*;

use super::*;

/// One of each kind of frame, of each exchange.
const FRAMES: [&str; 12] = [
    r#"{"stream":"btc@trade","data":{"e":"trade","E":1,"s":"BTC","t":5,"p":"1.5","q":"2","T":7,"m":true,"M":true}}"#,
    r#"{"stream":"btc@bookTicker","data":{"u":1,"s":"BTC","b":"1.5","B":"1","a":"1.6","A":"1"}}"#,
    r#"{"stream":"btc@kline_1m","data":{"k":{"t":0,"s":"BTC","i":"1m","o":"1","c":"1","h":"1","l":"1","v":"1","x":true}}}"#,
    r#"{"result":null,"id":1}"#,
    r#"{"error":{"code":2,"msg":"no"},"id":1}"#,
    r#"{"type":"match","trade_id":5,"side":"sell","size":"2","price":"1.5","product_id":"BTC","time":"1970-01-01T00:00:00Z"}"#,
    r#"{"type":"ticker","product_id":"BTC","best_bid":"1.5","best_ask":"1.6","time":"1970-01-01T00:00:00Z"}"#,
    r#"{"type":"heartbeat","last_trade_id":20,"product_id":"BTC"}"#,
    r#"{"channel":"trade","data":[{"symbol":"BTC","side":"buy","price":1.5,"qty":2,"trade_id":5,"timestamp":"1970-01-01T00:00:00Z"}]}"#,
    r#"{"channel":"ticker","data":[{"symbol":"BTC","bid":1.5,"ask":1.6}]}"#,
    r#"{"channel":"ohlc","data":[{"symbol":"BTC","open":1,"high":1,"low":1,"close":1,"volume":1,"interval_begin":"1970-01-01T00:00:00Z","interval":1}]}"#,
    r#"{"method":"subscribe","success":true}"#,
];

fn exchanges() -> [&'static dyn Exchange; 3] {
    [&Binance, &Coinbase, &Kraken]
}

fn symbol(name: &str) -> Symbol {
    Symbol { name: name.to_owned(), native: name.to_owned() }
}

/// What an exchange says, none of it of a symbol that was not asked for.
fn read(exchange: &dyn Exchange, frame: &str) -> (Result<(), FrameFault>, Vec<Said>) {
    let mut said = Vec::new();
    let read = exchange.read(frame, &Directory::new(&[symbol("BTC")], 4), &mut said);
    for said in &said {
        if let Said::Trade(place, _)
        | Said::Quote(place, ..)
        | Said::Bar(place, ..)
        | Said::NewestTrade(place, _) = said
        {
            assert_eq!(*place, 4);
        }
    }
    (read, said)
}

/// Reads an answer as each kind; any verdict will do.
fn judge_answer(exchange: &dyn Exchange, body: &[u8]) {
    let _time = exchange.read_time(body);
    let _bars = exchange.read_bars(body);
    let _trades = exchange.read_trades(body);
}

#[test]
fn each_frame_is_said_by_one_exchange() {
    for (nth, frame) in FRAMES.iter().enumerate() {
        let understood: Vec<&str> = exchanges()
            .into_iter()
            .filter(|exchange| matches!(read(*exchange, frame), (Ok(()), said) if said.len() == 1))
            .map(Exchange::name)
            .collect();
        assert_eq!(
            understood,
            [["binance", "coinbase", "kraken"][[0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 2][nth]]]
        );
    }
}

#[test]
fn their_own_addresses_are_encrypted() {
    for exchange in exchanges() {
        let urls = exchange.urls();
        assert_eq!((urls.socket.scheme(), urls.rest.scheme()), ("wss", "https"));
    }
}

proptest! {
    #[test]
    fn no_text_brings_a_reader_down(text in ".{0,200}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for exchange in exchanges() {
            let _verdict = read(exchange, &text);
            judge_answer(exchange, &bytes);
        }
    }

    #[test]
    fn no_damage_to_a_frame_brings_a_reader_down(
        nth in 0..FRAMES.len(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), "[ -~]{0,3}"), 1..4),
    ) {
        let mut frame = FRAMES[nth].to_owned();
        for (at, by) in damage {
            let at = at.index(frame.len());
            frame.replace_range(at..=at, &by);
            if frame.is_empty() {
                break;
            }
        }
        for exchange in exchanges() {
            let _verdict = read(exchange, &frame);
            judge_answer(exchange, frame.as_bytes());
        }
    }
}
