//! What is understood: sentences and dialogues in files beside this one.
//!
//! ```text
//! # what follows is about
//! > what a person says
//! < what is answered: a tool with its arguments in any order, or a text; one that ends in … is its beginning
//! ! confirmed job_x     what the gateway notes (also: refused CODE)
//! = {"jobId": "job_x"}  what the tool that was asked last has answered
//! ```
//! Conversations have an empty line between them. Answers between may be left out.

use super::*;

const ENGLISH: &[(&str, &str)] = &[
    ("backtests", include_str!("english/backtests.txt")),
    ("settings", include_str!("english/settings.txt")),
    ("times", include_str!("english/times.txt")),
    ("looks", include_str!("english/looks.txt")),
    ("jobs", include_str!("english/jobs.txt")),
    ("questions", include_str!("english/questions.txt")),
    ("dialogues", include_str!("english/dialogues.txt")),
    ("talk", include_str!("english/talk.txt")),
];
const TURKISH: &[(&str, &str)] = &[
    ("backtests", include_str!("turkish/backtests.txt")),
    ("settings", include_str!("turkish/settings.txt")),
    ("times", include_str!("turkish/times.txt")),
    ("looks", include_str!("turkish/looks.txt")),
    ("jobs", include_str!("turkish/jobs.txt")),
    ("questions", include_str!("turkish/questions.txt")),
    ("dialogues", include_str!("turkish/dialogues.txt")),
    ("talk", include_str!("turkish/talk.txt")),
];
/// The least that each language is held to.
const SENTENCES_MIN: usize = 120;

/// All lines.
pub(super) fn all() -> impl Iterator<Item = &'static str> {
    ENGLISH.iter().chain(TURKISH).flat_map(|(_, text)| text.lines())
}

/// Goes through a conversation: what is wrong with it, and how many answers it has.
fn go_through(conversation: &str) -> (Vec<String>, usize) {
    let (mut talk, mut wrong, mut count) = (Talk::new(), Vec::new(), 0);
    let mut last = Reply::Text(String::new());
    for line in conversation.lines().filter(|line| !line.starts_with('#')) {
        let (mark, text) = line.split_at_checked(2).unwrap_or((line, ""));
        match mark {
            "> " => last = talk.say(text),
            "! " => last = talk.hear(Message::Note(note(text))),
            "= " => {
                let Reply::Call(tool, _) = &last else { panic!("no tool was asked: {conversation}") };
                talk.answer(tool.name(), text.to_owned());
            }
            "< " => {
                count += 1;
                let found = short(&last);
                if !is_as_expected(&found, text) {
                    wrong.push(format!("{conversation}\n  expected {text}\n  found    {found}\n"));
                }
            }
            _ => panic!("not of this form: {line}"),
        }
    }
    (wrong, count)
}

/// As the gateway says it.
fn note(text: &str) -> String {
    match text.split_once(' ') {
        Some(("confirmed", job)) => {
            format!("The person has confirmed the proposal. The backtest runs as job {job}.")
        }
        Some(("refused", code)) => format!("The person's confirmation was refused: {code}."),
        _ => panic!("no note: {text}"),
    }
}

fn is_as_expected(found: &str, expected: &str) -> bool {
    if let Some(beginning) = expected.strip_suffix('…') {
        return found.starts_with(beginning);
    }
    let words = |text: &str| {
        let mut words: Vec<String> = text.split(' ').map(ToOwned::to_owned).collect();
        words[1..].sort_unstable();
        words
    };
    let is_call = Tool::from_name(expected.split(' ').next().unwrap_or_default()).is_some();
    if is_call { words(found) == words(expected) } else { found == expected }
}

fn check(corpus: &[(&str, &str)]) {
    let (mut wrong, mut all) = (Vec::new(), 0);
    for (name, text) in corpus {
        for conversation in text.split("\n\n").map(str::trim).filter(|text| text.contains("> ")) {
            let (found, count) = go_through(conversation);
            assert!(count > 0, "nothing is expected of {conversation}");
            all += count;
            wrong.extend(found.into_iter().map(|wrong| format!("{name}: {wrong}")));
        }
    }
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(all >= SENTENCES_MIN, "only {all}");
}

#[test]
fn english_is_understood() {
    check(ENGLISH);
}

#[test]
fn turkish_is_understood() {
    check(TURKISH);
}
