//! What a message costs, in tokens read and looks at them and at words. It grows with the message and no faster, and with the
//! conversation not beyond a bound, so that nobody can keep the gateway busy.

use super::super::sentence::Sentence;
use super::super::words::TOKENS_MAX;
use super::super::work;
use super::*;

/// Looks for each token, at most.
const STEPS_MAX: u64 = 600;
/// Longest message that a person can send, in characters.
const MESSAGE_LEN: usize = 4_000;

/// Pieces that make long messages, of all that is looked for further on than the next word.
const PIECES: [&str; 40] = [
    "sma fast 1,",
    "1,",
    "1 ",
    "1/",
    "5 bps ",
    "% ",
    "%1 ",
    "fees ",
    "fees 5 ",
    "slippage and fees ",
    "cancel ",
    "don't cancel ",
    "iptal et ",
    "never mind, ",
    "yapma, ",
    "not ",
    "no ",
    "without fees or slippage ",
    "2005 ",
    "January ",
    "January to ",
    "the 90s ",
    "2005-01-01 ",
    "01/02/2005 ",
    "AAPL ",
    "AAPL, TSLA ",
    "TSLA ",
    "last 5 years ",
    "short ",
    "fast = ( of ma ",
    "al ve tut ",
    "buy and hold ",
    "stop loss ",
    "1,000,",
    "twenty ",
    "two hundred ",
    "? ",
    "how is ",
    "a'b ",
    "fast fast slow ",
];

fn cost(messages: &[Message], catalog: &Catalog) -> u64 {
    work::taken();
    reply(messages, catalog);
    work::taken()
}

fn repeated(piece: &str, len: usize) -> String {
    piece.chars().cycle().take(len).collect()
}

/// As long as it may be and is still understood.
fn longest(piece: &str) -> String {
    let mut len = MESSAGE_LEN;
    while Sentence::read(&repeated(piece, len)).is_none() {
        len -= len / 32 + 1;
    }
    repeated(piece, len)
}

#[test]
fn the_work_for_a_message_grows_with_its_length_and_no_faster() {
    let catalog = served();
    for piece in PIECES {
        let long = longest(piece);
        let half: String = long.chars().take(long.chars().count() / 2).collect();
        let of = |text: &str| {
            let tokens = Sentence::read(text).map_or(0, |sentence| sentence.len()) as u64;
            (cost(&[Message::Person(text.to_owned())], &catalog), tokens)
        };
        let ((steps, tokens), (half_steps, half_tokens)) = (of(&long), of(&half));
        assert!(tokens <= TOKENS_MAX as u64 && steps <= STEPS_MAX * tokens, "{piece}: {steps} for {tokens}");
        // Twice as long is about twice the work.
        assert!(
            steps <= 3 * half_steps + 1_000,
            "{piece}: {half_steps} for {half_tokens}, {steps} for {tokens}"
        );
    }
}

#[test]
fn the_work_for_a_conversation_is_bounded() {
    let catalog = served();
    for piece in PIECES {
        let long = Message::Person(longest(piece));
        let one = cost(std::slice::from_ref(&long), &catalog);
        let many = cost(&vec![long; 80], &catalog);
        // What is older than some long messages is not read again.
        assert!(many <= 6 * one + 1_000, "{piece}: {one} for one, {many} for many");
    }
}

#[test]
fn what_is_too_long_is_hardly_read() {
    let mut talk = Talk::new();
    let text = repeated("sma fast 1,1,", MESSAGE_LEN);
    work::taken();
    assert_eq!(short(&talk.say(&text)), "That is too long for me: please say it in fewer words.");
    // Letters without a meaning, and spaces, are steps, too.
    assert!(work::taken() <= 3 * TOKENS_MAX as u64);
    // It is as if it had not been said.
    assert_eq!(short(&talk.say("buy and hold AAPL")), "startBacktest name=buy_and_hold symbol=AAPL");
}

#[test]
fn a_long_sweep_is_read() {
    let list = |from: u32| (from..from + 45).map(|number| number.to_string()).collect::<Vec<_>>().join(", ");
    let text = format!("sweep sma on AAPL, 1m bars, with fast {} and slow {}", list(2), list(50));
    let Reply::Call(Tool::StartBacktest, arguments) = Talk::new().say(&text) else { panic!("{text}") };
    assert_eq!(arguments["sweep"]["fast"].as_array().map(Vec::len), Some(45));
    assert_eq!(arguments["sweep"]["slow"].as_array().map(Vec::len), Some(45));
}
