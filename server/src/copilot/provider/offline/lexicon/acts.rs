//! Words of what can be done, and of what cannot.

use super::Concept::*;
use super::{Row, row};

/// The table.
pub(super) const TABLE: &[Row] = &[
    row(
        Test,
        "back test*, simulat*, tests, tested, testing, strategy",
        "testi*, testl*, teste, testten, testte, testim*, testin*, simule*, simulasyon*, geriye donuk*, \
         gecmise donuk*, geri test*, strateji*",
        "backtest*, test",
    ),
    row(Run, "run, start, launch, execute, rerun", "calistir*, baslat*, kostur*", ""),
    row(Try, "try", "dene*", ""),
    row(Propose, "propose*, suggest*", "oner*", ""),
    row(
        Show,
        "show, list, display, give, tell, see, view, look",
        "goster*, listele*, ver, verir, soyle*, bak, bakar, bakalim, gormek, gorebil*, gorelim, getir*",
        "",
    ),
    row(
        Order,
        "run, rerun, simulate, start, try, launch, execute, propose, sweep, optimize",
        "",
        "backtest, test",
    ),
    row(
        OrderBehind,
        "",
        "et, edin, edelim, eder, edebilir, yap, yapin, yapalim, yapar, calistir, baslat, dene, deneyelim, \
         oner, simule",
        "",
    ),
    row(
        BesideCancel,
        "a, again, ahead, all, actually, away, be, can, current, do, everything, first, for, go, have, i, id, \
         immediately, it, just, kindly, last, latest, let, like, me, must, my, need, now, of, on, one, please, \
         right, run, running, should, so, still, that, the, this, to, want, we, well, will, would, you, your, \
         us",
        "artik, bana, ben, benim, bu, bunu, butun, calisan, edebilir, ederek, eder, edelim, edilsin, edin, \
         ediniz, et, etmek, etmeni, etmenizi, etsene, ediver, hadi, haydi, hemen, hepsini, icin, is, isterim, \
         istiyorum, lazim, o, olsun, onu, simdi, son, su, sunu, tum",
        "",
    ),
    row(
        Job,
        "job, jobs, calculation",
        "isi, isini, isimi, isin, isinin, isleri, islerimi, isten, hesaplama*",
        "",
    ),
    row(
        Result,
        "result, results, outcome, performance, how did it, how did that, how did the, summary, equity curve, \
         trades, best trade, worst trade, drawdown, profit*, lose money, lost money, make money, did it make, \
         did it earn, how much did it",
        "sonuc*, performans*, nasil gitti, ozet*, islemleri*, getiri*, getirdi, kazandir*, kac islem*, islem \
         sayisi*, zarar etti*, kar etti*, kaybettir*",
        "metrics, metrik*, sharpe, cagr",
    ),
    row(
        Status,
        "status, progress, how far, still running, how is it going, going, state, how long, any news on, any \
         update*, what happened",
        "durum*, ilerleme*, ne asamada, nasil gidiyor, gidiyor, ne alemde, yuzde kac*, kac yuzde*",
        "",
    ),
    row(
        Done,
        "done, finish, finished, complete, completed, ready, ended, running, started, over yet",
        "bitti*, bitmis*, bitecek*, biter, bitiyor*, tamamlan*, hazir, basladi*, calisiyor*, suruyor*, \
         yapildi*, edildi*, oldu, olmus",
        "",
    ),
    row(
        Cancel,
        "cancel*, abort*, stop, stops, stopped, stopping, kill, kills, killed, killing, terminat*, halt*, end \
         it, end this, end that, end the backtest, end the test, end the job, end my backtest, end my test",
        "iptal*, durdur*, durdu, vazgec, vazgecin, vazgecelim, sonlandir*, dur",
        "",
    ),
    row(
        Confirm,
        "confirm*, approve*, start the backtest, start the test, run the backtest, run the test, the card, the \
         button, accept it, accept the",
        "kart, karti, kartta, kartim, dugme*, onayla*, onayli*, onay ver*, testi baslat*, testi calistir*, \
         backtesti baslat*, backtesti calistir*",
        "",
    ),
    row(
        Cannot,
        "my backtests, my jobs, my tests, all backtests, all jobs, what jobs, how many jobs, delete*, alert*, \
         notify*, notification*, remind*, transfer*, withdraw*, deposit*, email*, news, subscri*",
        "testlerim*, backtestlerim*, islerim, islerimi, butun isler*, tum testler*, sil, silin, siler, uyari*, \
         haber ver*, haberler*, haberini, bildirim*, hatirlat*, para cek*, para yatir*, para gonder*, abone*",
        "alarm*",
    ),
    row(
        Strategies,
        "strategies, which strategy, what strategy",
        "hangi strateji*, stratejiler, stratejileri, stratejilerin",
        "",
    ),
    row(
        Symbols,
        "symbols, tickers, which stocks, what stocks, instruments",
        "hangi sembol*, kac sembol*, kac hisse*, semboller*, hangi hisse*, hisseler",
        "",
    ),
    row(
        Health,
        "health*, gateway, uptime, server, are you ok, are you alive, are you working, is everything ok, is \
         everything all right, system, ping",
        "saglik*, sistem*, sunucu*, ag gecidi*, calisiyor mu*, her sey yolunda, ayakta mi*",
        "",
    ),
    row(
        Price,
        "price, prices, quote, quotes, doing, trading at, trade at, cost, worth, how much, value, how is, how \
         are, how was, how did, how has",
        "fiyat*, kac, kaca, kacti, kactan, ne kadar, nasil, nasildi, ne durumda, deger*, kapanis*",
        "",
    ),
    row(Market, "prices, market, markets, snapshot, watchlist", "piyasa*, fiyatlar*, borsa*", ""),
    row(
        Candles,
        "candle*, bars, history, chart*, graph*, past prices, historical",
        "mum, mumlar*, mumu, mumun, mumunu, mumluk, cubuk*, bari, barini, barlar*, gecmis, gecmisi, gecmisini, \
         gecmisine, grafi*, tarihce*",
        "bar, ohlc*",
    ),
    row(
        Secret,
        "token, tokens, password*, api key*, confirmation code*, secret*",
        "sifre*, anahtar*, jeton*, onay kod*, parola*",
        "confirmationtoken",
    ),
    row(
        Predict,
        "will it go, will it rise, will it fall, will it reach, going to rise, going to fall, predict*, \
         forecast*, should i, tomorrow, go up, go down, good buy, worth buying, good time to",
        "tahmin*, yukselir mi, duser mi, yukselecek*, dusecek*, almali*, satmali*, yarin*, alinir mi, satilir \
         mi, alayim mi, satayim mi",
        "",
    ),
    row(Advice, "recommend*, advise, advice, suggest*", "tavsiye*, oner*", ""),
    row(
        Trade,
        "place an order, place order, buy me, sell my, want to buy, want to sell, like to buy, like to sell",
        "emir ver*, emir gir*, satin al*, almak istiyorum, satmak istiyorum",
        "",
    ),
    row(
        Explain,
        "what is, what are, what does, explain, describe, meaning of, how does, how do",
        "nedir, acikla*, ne demek, nasil calisir, anlat*, ne ise yarar",
        "",
    ),
    row(
        Help,
        "help, who are you, what are you, are you a bot, what can you, tools, what do you do, how do i, how \
         can i, how do you, how could i, how to, how does this, instructions for",
        "yardim*, kimsin*, sen kim*, neler yapabil*, ne yapabil*, nasil kullan*, nasil yapar*, nasil yapil*, \
         nasil yapabil*, nasil test*, nasil baslat*",
        "",
    ),
];
