//! What is said, in both languages.

use super::draft::Question;
use super::intent::Said;
use super::language::Language;
use super::strategy::Kind;

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
        "Fiyatlara (\"MSFT nasıl\"), mumlara (\"AAPL son 10 mum\") ve sisteme (\"sistem sağlıklı mı\") bakabilirim; geriye \
         dönük test önerebilirim: SMA kesişimi, RSI, Donchian kırılımı, al ve tut; tarih, komisyon, kayma, açığa satış ve \
         taramalarla (\"AAPL SMA hızlı 5,10,20 yavaş 30,50, 2005-2010 arası\"). Sonra durumunu ya da sonucunu sorabilir, \
         iptal edebilirsiniz. Siz onaylamadan hiçbir şey çalışmaz.",
    )
}

/// That there is no job to speak of.
pub fn no_job(language: Language) -> String {
    either(
        language,
        "I know of no backtest in this conversation. Start one, or name its job.",
        "Bu konuşmada bildiğim bir test yok. Bir test başlatın ya da iş numarasını yazın.",
    )
}

/// What has to be known.
pub fn question(question: &Question, language: Language) -> String {
    let (english, turkish) = match question {
        Question::Symbol => ("Which symbol?".to_owned(), "Hangi sembol?".to_owned()),
        Question::OneSymbol => (
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
        Question::NoSuchOption(name) => (
            format!("I cannot test with {name}. Shall I leave it out?"),
            format!("Testte {name} yok. Onsuz önereyim mi?"),
        ),
        Question::Sweep => (
            "Which values shall I try? For example fast 5,10,20 slow 30,50.".into(),
            "Hangi değerleri deneyeyim? Örneğin hızlı 5,10,20 yavaş 30,50.".into(),
        ),
        Question::TwoNumbers => (
            "A crossover needs two averages: how many bars fast, and how many slow?".into(),
            "Kesişim için iki ortalama gerekir: hızlı kaç, yavaş kaç çubuk?".into(),
        ),
        Question::Number(number) => (
            format!("I do not know what {number} stands for. Could you say it with its name, such as fast 10 slow 30?"),
            format!("{number} neyin sayısı, anlayamadım. Adıyla yazar mısınız, örneğin hızlı 10 yavaş 30?"),
        ),
        Question::Unit(number) => (
            format!("Is that {number} bps or {number} %?"),
            format!("{number} bps mi, yüzde {number} mi?"),
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
