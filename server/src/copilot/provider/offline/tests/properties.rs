//! What holds whatever is said.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::lexicon::Concept;
use super::super::sentence::Sentence;
use super::*;

/// A number that is none for a computer.
static HUGE: LazyLock<String> = LazyLock::new(|| "9".repeat(400) + "%");

/// The words of all sentences that are held to an answer, and some numbers and signs.
static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let said = corpus::all().filter_map(|line| line.strip_prefix("> "));
    let more = "1 10/30 %5 5% 5bps 2005 1e9 99999999999999999999 ? , . - ' 👍 İ ı".split(' ');
    let more = more.chain([HUGE.as_str()]);
    said.flat_map(|line| line.split(' ')).chain(more).collect::<BTreeSet<_>>().into_iter().collect()
});
/// Those that say nothing of an end.
static HARMLESS: LazyLock<Vec<&str>> =
    LazyLock::new(|| WORDS.iter().copied().filter(|word| !is_of_an_end(word)).collect());

fn is_of_an_end(word: &str) -> bool {
    Sentence::read(word).is_none_or(|sentence| {
        sentence.has(Concept::Cancel) || (0..sentence.len()).any(|at| sentence.word(at) == "end")
    })
}

fn sentences(words: &'static LazyLock<Vec<&str>>) -> impl Strategy<Value = Vec<String>> {
    let sentence = prop::collection::vec(prop::sample::select(words.as_slice()), 1..12)
        .prop_map(|words| words.join(" "));
    prop::collection::vec(sentence, 1..4)
}

/// Talks about a backtest that runs.
fn after(sentences: &[String]) -> Reply {
    let mut talk = Talk::new();
    talk.say("sma 10/30 on AAPL");
    talk.hear(Message::Note(
        "The person has confirmed the proposal. The backtest runs as job job_x1.".into(),
    ));
    let mut last = Reply::Text(String::new());
    for sentence in sentences {
        last = talk.say(sentence);
        check(&last, sentence);
    }
    last
}

/// What no message leads to.
fn check(reply: &Reply, sentence: &str) {
    let Reply::Call(tool, arguments) = reply else { return };
    assert_ne!(*tool, Tool::ConfirmBacktest, "{sentence}");
    assert!(!arguments.to_string().contains("null"), "{sentence}: {arguments}");
    if *tool == Tool::StartBacktest {
        assert_ne!(
            (&arguments["symbol"], &arguments["strategy"]["name"]),
            (&json!(""), &json!("")),
            "{sentence}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_that_is_said_is_too_strange(texts in prop::collection::vec(".{0,80}", 1..4)) {
        after(&texts);
    }

    #[test]
    fn nothing_but_a_person_confirms(texts in sentences(&WORDS)) {
        after(&texts);
    }

    #[test]
    fn nothing_is_cancelled_without_a_word_of_it(texts in sentences(&HARMLESS)) {
        let reply = after(&texts);
        prop_assert!(!matches!(reply, Reply::Call(Tool::CancelBacktest, _)), "{texts:?}");
    }

    #[test]
    fn nothing_is_cancelled_that_is_denied_or_asked(
        before in prop::sample::select(&[
            "don't", "please do not", "never", "I don't want to", "how do I", "how can I", "can I", "should I", "what if I", "why did you",
            "when will you", "if you",
        ][..]),
        words in prop::collection::vec(
            prop::sample::select(&["please", "now", "just", "again", "really", "the", "backtest", "job", "it", "AAPL"][..]), 0..3,
        ),
        verb in prop::sample::select(&["cancel", "stop", "abort", "kill"][..]),
        object in prop::sample::select(&["it", "the backtest", "the AAPL job", "job_x1", "", "it?", "it please"][..]),
    ) {
        let text = format!("{before} {} {verb} {object}", words.join(" "));
        let reply = after(std::slice::from_ref(&text));
        prop_assert!(!matches!(reply, Reply::Call(Tool::CancelBacktest, _)), "{text}");
    }

    #[test]
    fn nothing_is_cancelled_that_is_denied_or_asked_in_turkish(
        object in prop::sample::select(&["", "testi", "AAPL işini", "bunu", "job_x1", "lütfen testi", "sakın", "nasıl", "neden"][..]),
        verb in prop::sample::select(&[
            "iptal etme", "iptal etmeyin", "iptal etmek istemiyorum", "iptal edilmesin", "iptal ettin mi", "iptal edildi mi",
            "iptal edebilir miyim", "iptal ederim", "durdurma", "durdurmayın", "durduruldu mu", "iptal edeyim mi", "iptal olmasın",
        ][..]),
        behind in prop::sample::select(&["", "lütfen", "?", "acaba", "şimdi"][..]),
    ) {
        let text = format!("{object} {verb} {behind}");
        let reply = after(std::slice::from_ref(&text));
        prop_assert!(!matches!(reply, Reply::Call(Tool::CancelBacktest, _)), "{text}");
    }
}
