//! What is said, in both languages.

use super::context::{Known, Pending};
use super::intent::Said;
use super::language::Language;
use super::question::Question;
use super::rates::Rate;
use super::strategy::Kind;

/// Longest number that is repeated, in digits.
const NUMBER_LEN_MAX: usize = 24;

fn either(language: Language, english: &str, turkish: &str) -> String {
    match language {
        Language::English => english.to_owned(),
        Language::Turkish => turkish.to_owned(),
    }
}

/// What can be done.
pub fn help(language: Language) -> String {
    either(
        language,
        "I can look at prices (\"how is MSFT doing\"), candles (\"last 10 candles of AAPL\") and the gateway (\"is the system \
         healthy\"), and propose backtests: SMA crossover, RSI, Donchian breakout, buy and hold; with dates, fees, slippage, \
         short selling and sweeps (\"SMA on AAPL, fast 5,10,20 slow 30,50, from 2005 to 2010\"). Then ask for the status or \
         the result, or cancel it. Nothing runs until you confirm it.",
        "Fiyatlara (\"MSFT nasıl\"), mumlara (\"AAPL son 10 mum\") ve sisteme (\"sistem sağlıklı mı\") bakabilirim; backtest \
         önerebilirim: SMA kesişimi, RSI, Donchian kırılımı, al ve tut; tarih, komisyon, kayma, açığa satış ve \
         taramalarla (\"AAPL SMA hızlı 5,10,20 yavaş 30,50, 2005-2010 arası\"). Sonra durumunu ya da sonucunu sorabilir, \
         iptal edebilirsiniz. Siz onaylamadan hiçbir şey çalışmaz.",
    )
}

/// That there is no job to speak of.
pub fn no_job(language: Language) -> String {
    either(
        language,
        "I know of no backtest in this conversation. Start one, or name its job.",
        "Bu konuşmada bildiğim bir backtest yok. Bir backtest başlatın ya da iş numarasını yazın.",
    )
}

/// That another job may be meant than the one that is known.
pub fn other_job(job: &Known, language: Language) -> String {
    let Known { id, .. } = job;
    either(
        language,
        &format!(
            "The backtest that I know of here is {id}, and I am not certain that you mean it: name the job."
        ),
        &format!("Burada bildiğim backtest {id}, onu kastettiğinizden emin değilim: iş numarasını yazın."),
    )
}

/// Whether to propose the same again.
pub fn propose_again(language: Language) -> String {
    either(language, "Shall I propose it again?", "Yeniden önereyim mi?")
}

/// What has to be known.
pub fn asked(pending: Option<&Pending>, language: Language) -> String {
    match pending {
        Some(Pending::Backtest(asked) | Pending::Candles(_, asked)) => question(asked, language),
        Some(Pending::Again) => propose_again(language),
        None => help(language),
    }
}

/// The same again, because the answer is not understood.
pub fn unclear(pending: Option<&Pending>, language: Language) -> String {
    either(language, "I did not understand that. ", "Bunu anlayamadım. ") + &asked(pending, language)
}

/// What has to be known.
pub fn question(question: &Question, language: Language) -> String {
    let (english, turkish) = match question {
        Question::Symbol => ("Which symbol?".to_owned(), "Hangi sembol?".to_owned()),
        Question::OneSymbol(_) => (
            "One symbol at a time: which one first?".into(),
            "Her seferinde tek sembol: önce hangisi?".into(),
        ),
        Question::Strategy => (
            "Which strategy: SMA crossover, RSI, Donchian breakout, or buy and hold?".into(),
            "Hangi strateji: SMA kesişimi, RSI, Donchian kırılımı, yoksa al ve tut mu?".into(),
        ),
        Question::Both => (
            "Which symbol, and which strategy: SMA crossover, RSI, Donchian breakout, or buy and hold?".into(),
            "Hangi sembol ve hangi strateji: SMA kesişimi, RSI, Donchian kırılımı, yoksa al ve tut mu?".into(),
        ),
        Question::NoSuchStrategy(name) => (
            format!("I cannot test {name}. I have SMA crossover, RSI, Donchian breakout, and buy and hold: which one?"),
            format!("{name} test edemem. SMA kesişimi, RSI, Donchian kırılımı ve al ve tut var: hangisi?"),
        ),
        Question::NoSuchExtra(name) => (
            format!("I cannot test with {name}. Shall I leave it out?"),
            format!("Backtestte {name} yok. Onsuz önereyim mi?"),
        ),
        Question::Sweep => (
            "Which values shall I try? For example fast 5,10,20 slow 30,50.".into(),
            "Hangi değerleri deneyeyim? Örneğin hızlı 5,10,20 yavaş 30,50.".into(),
        ),
        Question::TwoNumbers(_) => (
            "A crossover needs two averages: how many bars fast, and how many slow?".into(),
            "Kesişim için iki ortalama gerekir: hızlı kaç, yavaş kaç çubuk?".into(),
        ),
        Question::Number(number) => {
            let number: String = number.chars().take(NUMBER_LEN_MAX).collect();
            (
            format!("I do not know what {number} stands for. Could you say it with its name, such as fast 10 slow 30?"),
            format!("{number} neyin sayısı, anlayamadım. Adıyla yazar mısınız, örneğin hızlı 10 yavaş 30?"),
        )
        }
        Question::Unit { number, of } => {
            let (english, turkish) = match of {
                Rate::Slippage => ("slippage", "kayma"),
                Rate::Fee | Rate::Equity => ("fee", "komisyon"),
            };
            (
                format!("Is the {english} {number} bps or {number} %?"),
                format!("Bu {turkish} {number} bps mi, yüzde {number} mi?"),
            )
        }
        Question::DayOrMonth { days: (first, second), .. } => {
            (format!("Is that {first} or {second}?"), format!("{first} mi, {second} mi?"))
        }
        Question::PartOfYear => (
            "I know no parts of years: from which day to which, such as 2005-01-01 to 2005-03-31?".into(),
            "Yılın bölümlerini bilmiyorum: hangi günden hangi güne, örneğin 2005-01-01 ile 2005-03-31 arası?".into(),
        ),
        Question::Dates => (
            "There are more than two dates: from when to when?".into(),
            "İkiden çok tarih var: hangi tarihten hangi tarihe?".into(),
        ),
        Question::Relative => (
            "The market's time may be long past, so I do not count back from today: from which year to which?".into(),
            "Piyasanın zamanı geçmişte olabilir, bugünden geriye saymıyorum: hangi yıldan hangi yıla?".into(),
        ),
    };
    either(language, &english, &turkish)
}

/// What is only answered.
pub fn said(what: Said, language: Language) -> String {
    match what {
        Said::Hello => either(language, "Hello. ", "Merhaba. ") + &help(language),
        Said::Help => help(language),
        Said::Thanks => either(language, "You are welcome.", "Rica ederim."),
        Said::Confirm => either(
            language,
            "I can propose and never confirm: press the button on the card. If there is no card, say what to test.",
            "Ben yalnızca önerebilirim, onaylayamam: karttaki düğmeye basın. Kart yoksa neyi test edeceğimi yazın.",
        ),
        Said::Nothing => either(language, "All right, nothing is done.", "Tamam, hiçbir şey yapılmadı."),
        Said::HowToCancel => either(
            language,
            "To end a backtest say \"cancel it\", or \"cancel\" with the name of its job. Nothing is cancelled now.",
            "Bir backtesti bitirmek için \"backtesti iptal et\" deyin ya da iş numarasıyla birlikte yazın. Şimdi hiçbir şey iptal edilmedi.",
        ),
        Said::OnlyBacktests => either(
            language,
            "I can cancel a backtest of yours and nothing else: say \"cancel it\", or name its job.",
            "Yalnızca sizin bir backtestinizi iptal edebilirim: \"backtesti iptal et\" deyin ya da iş numarasını yazın.",
        ),
        Said::NoIndicator => either(
            language,
            "I do not show values of indicators. I can test a strategy that uses them, or show prices and candles.",
            "Gösterge değerlerini gösteremem. Onları kullanan bir stratejiyi test edebilir, fiyat ve mum gösterebilirim.",
        ),
        Said::TooLong => either(
            language,
            "That is too long for me: please say it in fewer words.",
            "Bu benim için çok uzun: lütfen daha kısa yazın.",
        ),
        Said::Trade => either(
            language,
            "I cannot trade. I can test how a strategy would have done.",
            "Alım satım yapamam. Bir stratejinin geçmişte nasıl sonuç vereceğini test edebilirim.",
        ),
        Said::Predict => either(
            language,
            "I cannot tell the future, and give no advice. I can test how a strategy would have done.",
            "Geleceği bilemem ve tavsiye vermem. Bir stratejinin geçmişte nasıl sonuç vereceğini test edebilirim.",
        ),
        Said::Secret => either(
            language,
            "I have no tokens, keys or passwords: what confirms a proposal goes to your own screen alone.",
            "Bende jeton, anahtar ya da şifre yok: bir öneriyi onaylayan şey yalnızca sizin ekranınıza gelir.",
        ),
        Said::Explain(kind) => explain(kind, language),
        Said::Cannot => either(language, "I cannot do that. ", "Bunu yapamam. ") + &help(language),
        Said::Unknown => {
            either(language, "I did not understand that. ", "Bunu anlayamadım. ") + &help(language)
        }
    }
}

fn explain(kind: Kind, language: Language) -> String {
    let (english, turkish) = match kind {
        Kind::Sma => (
            "An SMA crossover is long while the average of the last few closes is above that of more of them.",
            "SMA kesişimi, kısa kapanış ortalaması uzun olanın üstündeyken alımda kalır.",
        ),
        Kind::Rsi => (
            "RSI reversion buys when the relative strength index falls below a low, and sells when it rises above a high.",
            "RSI dönüşü, göreceli güç endeksi alt sınırın altına inince alır, üst sınırın üstüne çıkınca satar.",
        ),
        Kind::Donchian => (
            "A Donchian breakout buys above the highest high of so many bars, and sells below the lowest low of fewer.",
            "Donchian kırılımı, belirli sayıda çubuğun en yükseğinin üstünde alır, daha azının en düşüğünün altında satar.",
        ),
        Kind::Hold => {
            ("Buy and hold buys at the first bar and keeps it.", "Al ve tut, ilk çubukta alır ve elde tutar.")
        }
    };
    either(language, english, turkish)
}
