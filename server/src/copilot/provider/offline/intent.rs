//! What somebody wants.

use std::sync::Arc;

use super::describe::describe;
use super::draft::{Draft, Question};
use super::strategy;
use super::symbols::symbols;
use super::words::{Token, find, has};

/// What somebody wants.
#[derive(Clone, Debug, PartialEq)]
pub enum Intent {
    /// A backtest, as far as it is described.
    Backtest,
    /// Prices of symbols, or of all.
    Prices(Vec<String>),
    /// Bars.
    Candles {
        /// Of what.
        symbol: Option<String>,
        /// How long each is.
        interval: String,
        /// How many.
        limit: u32,
    },
    /// How the gateway is.
    Health,
    /// How a job stands.
    Status(Option<String>),
    /// What it has come to.
    Result(Option<String>),
    /// Its end.
    Cancel(Option<String>),
    /// Something that is only answered.
    Said(Said),
}

/// What is only answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A greeting.
    Hello,
    /// Thanks.
    Thanks,
    /// A question what can be done.
    Help,
    /// A word of agreement: it is the card that confirms.
    Confirm,
    /// That something should not be done.
    Nothing,
    /// An order to trade.
    Trade,
    /// A question for the future or for advice.
    Predict,
    /// A question what a strategy is.
    Explain(strategy::Kind),
    /// A question about what a token or a key is: there is none to show.
    Secret,
    /// Something that there is no tool for.
    Cannot,
    /// Nothing that is understood.
    Unknown,
}

/// What one message says by itself.
pub struct Heard {
    /// What it asks for; `None` where that depends on what was said before.
    pub intent: Option<Intent>,
    /// What of a backtest is in it.
    pub draft: Draft,
    /// Whether it sounds as if it went on with what was said before.
    pub goes_on: bool,
}

/// Understands a message.
pub fn hear(tokens: &[Token], served: &[Arc<str>]) -> Heard {
    let found = symbols(tokens, served);
    let draft = describe(tokens, &found);
    let goes_on = has(tokens, GOES_ON);
    Heard { intent: decide(tokens, &found, &draft), draft, goes_on }
}

const GOES_ON: &[&str] = &[
    "now",
    "same",
    "again",
    "instead",
    "try",
    "also",
    "what about",
    "how about",
    "and",
    "with",
    "but",
    "change",
    "use",
    "simdi",
    "ayni*",
    "tekrar",
    "yerine",
    "dene*",
    "bir de",
    "peki",
    "ya",
    "ile",
    "olsun",
    "degistir*",
    "yap",
    "icin",
    "on",
    "without",
];
const BACKTEST: &[&str] = &[
    "backtest*",
    "back test*",
    "test",
    "testi",
    "testini",
    "test et*",
    "simulat*",
    "simule*",
    "geriye donuk",
    "geri test*",
    "dene*",
    "strategy",
    "strateji*",
];
const RESULT: &[&str] = &[
    "result",
    "results",
    "outcome",
    "performance",
    "metrics",
    "how did it",
    "how did that",
    "sonuc*",
    "performans*",
    "metrik*",
    "nasil gitti",
    "summary",
    "ozet*",
    "equity curve",
    "trades",
];
const STATUS: &[&str] = &[
    "status",
    "progress",
    "finished",
    "done yet",
    "is it done",
    "is it ready",
    "how far",
    "still running",
    "durum*",
    "ilerleme*",
    "bitti",
    "hazir mi",
    "ne asamada",
    "how is it going",
];
const CANCEL: &[&str] =
    &["cancel", "abort", "stop it", "stop the", "kill it", "iptal*", "durdur*", "vazgec*"];
/// What is said of a proposal that is there already: it is the card that confirms.
const CONFIRM: &[&str] = &[
    "confirm*",
    "approve*",
    "start the backtest",
    "start the test",
    "run the backtest",
    "run the test",
    "onayla*",
    "onayli*",
    "testi baslat*",
    "testi calistir*",
    "backtesti baslat*",
    "backtesti calistir*",
];
/// What people wish for that no tool does.
const CANNOT: &[&str] = &[
    "alert*",
    "alarm*",
    "notify*",
    "remind*",
    "transfer*",
    "withdraw*",
    "deposit*",
    "uyari*",
    "haber ver*",
    "bildirim*",
    "hatirlat*",
    "para cek*",
    "para yatir*",
    "para gonder*",
];
const STRATEGIES: &[&str] = &["strategies", "which strategy", "what strategy", "hangi strateji*"];
const SYMBOLS: &[&str] =
    &["symbols", "tickers", "which stocks", "what stocks", "hangi sembol*", "semboller*", "hangi hisse*"];
const HEALTH: &[&str] = &[
    "health",
    "healthy",
    "gateway",
    "uptime",
    "server",
    "are you ok",
    "system",
    "saglik*",
    "sistem*",
    "sunucu*",
    "ag gecidi",
    "calisiyor mu*",
];
const PRICE: &[&str] = &[
    "price",
    "prices",
    "quote",
    "quotes",
    "doing",
    "trading at",
    "cost",
    "worth",
    "how much",
    "fiyat*",
    "kac",
    "kaca",
    "ne kadar",
    "nasil",
    "ne durumda",
    "snapshot",
    "market",
    "piyasa*",
    "how is",
    "how are",
];
const CANDLES: &[&str] = &["candle*", "bars", "ohlc*", "history", "mum*", "cubuk*", "gecmis", "barlar*"];

fn decide(tokens: &[Token], found: &[String], draft: &Draft) -> Option<Intent> {
    let job = tokens.iter().find_map(|token| match token {
        Token::Word { raw, .. } if raw.starts_with("job_") => Some(raw.clone()),
        _ => None,
    });
    let is_described = draft.kind.is_some() || matches!(draft.question, Some(Question::NoSuchStrategy(_)));
    let wants_backtest = has(tokens, BACKTEST);
    if has(tokens, SECRET) {
        return Some(Intent::Said(Said::Secret));
    }
    if is_refused(tokens) && (is_described || wants_backtest || found.is_empty()) {
        return Some(Intent::Said(Said::Nothing));
    }
    if is_cancelled(tokens) {
        return Some(Intent::Cancel(job));
    }
    let explains = has(
        tokens,
        &[
            "what is a",
            "what is an",
            "what is the",
            "what is",
            "what are",
            "what does",
            "explain",
            "nedir",
            "acikla*",
            "ne demek",
        ],
    );
    if let Some(kind) = draft.kind.filter(|_| explains && found.is_empty()) {
        return Some(Intent::Said(Said::Explain(kind)));
    }
    if !is_described && is_order(tokens, wants_backtest) {
        return Some(Intent::Said(Said::Trade));
    }
    if has(tokens, PREDICT) {
        return Some(Intent::Said(Said::Predict));
    }
    if let Some(said) = of_a_card(tokens).filter(|_| !is_described && (found.is_empty() || !wants_backtest)) {
        return Some(Intent::Said(said));
    }
    if !is_described
        && (job.is_some() || found.is_empty())
        && let Some(intent) = of_a_job(tokens, job, wants_backtest)
    {
        return Some(intent);
    }
    if !is_described && found.is_empty() && has(tokens, SYMBOLS) {
        return Some(Intent::Prices(Vec::new()));
    }
    if is_described || wants_backtest && !has(tokens, CANDLES) {
        return Some(Intent::Backtest);
    }
    if has(tokens, CANDLES) {
        return Some(candles(tokens, found, draft));
    }
    if has(tokens, PRICE)
        && (!found.is_empty() || has(tokens, &["prices", "market", "piyasa*", "fiyatlar*", "snapshot"]))
    {
        return Some(Intent::Prices(found.to_vec()));
    }
    small_talk(tokens).map(Intent::Said)
}

/// What is asked of a job, or of the gateway, where no symbol is named.
fn of_a_job(tokens: &[Token], job: Option<String>, wants_backtest: bool) -> Option<Intent> {
    if has(tokens, RESULT) {
        return Some(Intent::Result(job));
    }
    if job.is_none() && !wants_backtest && has(tokens, HEALTH) {
        return Some(Intent::Health);
    }
    let goes = wants_backtest && has(tokens, &["how is", "nasil gidiyor"]);
    if has(tokens, STATUS) || goes || job.is_some() {
        return Some(Intent::Status(job));
    }
    has(tokens, HEALTH).then_some(Intent::Health)
}

/// What is answered to a word about a card that is there, to a wish that no tool fulfils, and to a question for the
/// strategies that there are.
fn of_a_card(tokens: &[Token]) -> Option<Said> {
    let said = [(CONFIRM, Said::Confirm), (CANNOT, Said::Cannot), (STRATEGIES, Said::Help)];
    said.into_iter().find(|(phrases, _)| has(tokens, phrases)).map(|(_, said)| said)
}

/// Whether something is to end. An order that stops a loss is none of it.
fn is_cancelled(tokens: &[Token]) -> bool {
    let words: Vec<&str> = tokens.iter().map(Token::fold).filter(|word| !word.is_empty()).collect();
    let is_alone = matches!(words.as_slice(), ["stop" | "dur"] | ["please", "stop"] | ["lutfen", "dur"]);
    is_alone || has(tokens, CANCEL) && strategy::option(tokens).is_none()
}

const SECRET: &[&str] = &[
    "confirmationtoken",
    "token",
    "tokens",
    "api key",
    "password",
    "confirmation code",
    "sifre*",
    "anahtar*",
    "jeton*",
    "onay kod*",
];

const PREDICT: &[&str] = &[
    "will it",
    "going to rise",
    "going to fall",
    "predict*",
    "forecast*",
    "should i",
    "tomorrow",
    "tahmin*",
    "yukselir mi",
    "duser mi",
    "yukselecek*",
    "dusecek*",
    "almali*",
    "satmali*",
    "yarin",
    "recommend*",
    "tavsiye*",
    "oner*",
    "go up",
    "go down",
    "good buy",
    "worth buying",
    "alinir mi",
    "satilir mi",
    "alayim mi",
    "satayim mi",
];

/// Whether somebody says that something should not be done.
fn is_refused(tokens: &[Token]) -> bool {
    let english = find(tokens, "don t").is_some()
        || has(
            tokens,
            &["do not", "dont", "never", "not now", "no thanks", "no thank you", "nevermind", "never mind"],
        )
        || tokens.iter().any(|token| token.fold() == "don" && token.suffix() == "t");
    english || has(tokens, &["yapma", "etme", "calistirma", "baslatma", "istemiyorum", "gerek yok", "hayir"])
}

/// Whether somebody wants to trade for real.
fn is_order(tokens: &[Token], wants_backtest: bool) -> bool {
    let verb = has(
        tokens,
        &[
            "place an order",
            "place order",
            "emir ver*",
            "emir gir*",
            "buy me",
            "sell my",
            "satin al*",
            "want to buy",
            "want to sell",
            "like to buy",
            "like to sell",
            "almak istiyorum",
            "satmak istiyorum",
        ],
    );
    let first = tokens.iter().find(|token| !["please", "lutfen", "can", "you"].contains(&token.fold()));
    let begins = first.is_some_and(|token| ["buy", "sell", "trade", "short"].contains(&token.fold()));
    let last = tokens.iter().rev().find(|token| !token.fold().is_empty());
    let ends = last.is_some_and(|token| ["al", "sat"].contains(&token.fold()));
    !wants_backtest && (verb || begins || ends)
}

fn candles(tokens: &[Token], found: &[String], draft: &Draft) -> Intent {
    let interval = draft.settings.get("interval").and_then(|interval| interval.as_str()).unwrap_or("1d");
    let number = (0..tokens.len()).find_map(|at| {
        let is_interval = matches!(tokens.get(at + 1), Some(Token::Word { is_glued: true, .. }));
        let number =
            tokens[at].number().filter(|number| number.fract() == 0.0 && (1.0..1e6).contains(number));
        // A year is none; of too many the tool says how many there may be.
        let is_year =
            |number: &f64| draft.settings.contains_key("from") && (1_900.0..=2_100.0).contains(number);
        number.filter(|number| !is_interval && !is_year(number))
    });
    let limit = number.map_or(10, |number| number as u32);
    Intent::Candles { symbol: found.first().cloned(), interval: interval.to_owned(), limit }
}

fn small_talk(tokens: &[Token]) -> Option<Said> {
    let said = [
        (
            &[
                "yes",
                "confirm*",
                "go ahead",
                "start it",
                "run it",
                "do it",
                "ok",
                "okay",
                "sure",
                "evet",
                "onayl*",
                "baslat*",
                "tamam",
                "calistir*",
            ][..],
            Said::Confirm,
        ),
        (
            &[
                "help",
                "what can you",
                "what do you do",
                "how do i",
                "yardim*",
                "neler yapabilir*",
                "ne yapabilir*",
                "nasil kullan*",
            ],
            Said::Help,
        ),
        (&["thanks", "thank you", "thx", "tesekkur*", "sagol*", "eyvallah"], Said::Thanks),
        (&["hello", "hi", "hey", "good morning", "merhaba*", "selam*", "gunaydin"], Said::Hello),
    ];
    said.into_iter().find(|(phrases, _)| has(tokens, phrases)).map(|(_, said)| said)
}
