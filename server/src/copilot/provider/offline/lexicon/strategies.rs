//! Words of strategies, their parameters, and what a backtest costs and lasts.

use super::Concept::*;
use super::{Row, row};

/// The table.
pub(super) const TABLE: &[Row] = &[
    row(
        Sma,
        "moving average*, ma cross*, crossover*, cross over*, cross, averages, golden cross",
        "hareketli ortalama*, kesisim*, ortalama kesis*, ortalamalar*, gunluk ortalama*, altin kesisim*, altin \
         hac*",
        "sma, smas, ma, sma_cross",
    ),
    row(Golden, "golden cross", "altin kesisim*, altin hac*", ""),
    row(Rsi, "relative strength", "goreceli guc*, goreli guc*", "rsi, rsi_reversion"),
    row(
        Donchian,
        "breakout*, break out, channel break*",
        "kirilim*, kirilma*, kanal kiril*",
        "donchian*, donchian_breakout",
    ),
    row(
        Hold,
        "buy and hold*, buy & hold, buy hold, buy - and - hold, buy-and-hold, buying and holding, bought and \
         held, buy n hold",
        "al ve tut*, al tut*, al - tut*, al & tut*, al-tut*, alip tut*, alip bekle*",
        "buy_and_hold",
    ),
    row(
        OtherStrategy,
        "emas, exponential*, weighted, stochastic*, momentum, pairs, arbitrage, mean reversion, scalping, dca",
        "ustel, stokastik*, arbitraj*, agirlikli",
        "macd, bollinger*, ema, wma, ichimoku, grid, martingale, vwap, fibonacci, supertrend, adx, atr, \
         parabolic",
    ),
    row(
        Extra,
        "stop loss*, stop - loss*, stop the loss*, stop losses, stoploss*, take profit*, trailing*, leverage*, \
         margin",
        "kaldirac*, zarar durdur*, zarari durdur*, zarar kes*, kar al*, takip eden stop*",
        "",
    ),
    row(
        Sweep,
        "sweep*, every combination, all combinations, best parameter*, best value*",
        "tara, taramasi*, tarama, taramayi, taray*, tarat*, en iyi parametre*, en iyi deger*",
        "optimi*, grid",
    ),
    row(Best, "best, optimal", "en iyi, parametrelerini bul*", ""),
    row(Average, "average", "ortalama, ortalamasi, ortalamayla, ortalamasiyla", ""),
    row(Fast, "fast, faster, quick", "hizli, hizlisi, hizliyi, hizlisini, kisa, kisayi", ""),
    row(Slow, "slow, slower", "yavas, yavasi, yavasini, uzun, uzunu", ""),
    row(Period, "period, periods, lookback, length, window", "periyot, periyodu, periyod, donem, donemi", ""),
    row(Low, "low, lower, oversold, below, under, less than", "alt, alt sinir, dusuk, asiri satim", ""),
    row(High, "high, upper, overbought, above, over, more than", "ust, ust sinir, yuksek, asiri alim", ""),
    row(Entry, "entry, enter", "giris, girisi", ""),
    row(Exit, "exit, leave", "cikis, cikisi", ""),
    row(LowBehind, "", "altin*, asagi*", ""),
    row(HighBehind, "", "ustun*, uzeri*, yukari*", ""),
    row(Buy, "buy, buys", "al, alis", ""),
    row(Sell, "sell, sells", "sat", ""),
    row(
        Fees,
        "fee, fees, commission, commissions, cost, costs, brokerage",
        "komisyon, komisyonu, komisyonun, komisyonla, komisyonlu, komisyonlar, komisyonlari, masraf, masrafi, \
         masraflar, masraflari, ucret, ucreti, ucretler, islem maliyet*",
        "",
    ),
    row(
        NoFees,
        "commission free, fee free, free of fees, free of commission*",
        "komisyonsuz*, masrafsiz*",
        "",
    ),
    row(Slippage, "slippage", "kayma, kaymayi, kaymasi, kaymayla", ""),
    row(NoSlippage, "slippage free", "kaymasiz*", ""),
    row(
        Short,
        "shorts, shorting, short selling, short sales, sell short, selling short, go short",
        "aciga satis*, acigasatis*, aciga sat, aciga satmak, aciga satmasina, aciga satmaya, aciga satab*",
        "short",
    ),
    row(
        LongOnly,
        "long only, only long, longs only, only longs",
        "sadece uzun, sadece long, yalniz long, yalnizca long, yalnizca uzun, shortsuz, aciga satissiz, aciga \
         satma, aciga satmadan, aciga satmasin, aciga satmayin",
        "",
    ),
    row(
        Equity,
        "equity, account, portfolio",
        "ozkaynak*, ozkaynag*, portfoy*, hesabin*, sermayenin, sermayemin, bakiyenin, bakiyemin, paranin, \
         paramin",
        "",
    ),
    row(
        Cash,
        "cash, capital, balance, budget, money, funds",
        "nakit*, sermaye, sermayeyle, sermayeyi, sermayemi, sermayesi, sermayesini, sermayeli, bakiye, \
         bakiyeyle, bakiyeyi, bakiyesi, para, parayla, parayi, butce*, anapara*",
        "",
    ),
    row(
        Currency,
        "dollar, dollars, usd, bucks, euro, euros, eur, pounds",
        "dolar, dolarla, dolarlik, dolari, lira, lirayla, liralik, lirasi, tl, avro",
        "$, €, ₺, £",
    ),
    row(
        Units,
        "share, shares, unit, units, contracts",
        "adet, adetle, adetlik, hisse, hisseyle",
        "lot, lots, lotla, lotluk",
    ),
    row(Half, "half of, half the, half my", "yarisi, yarisini, yarisiyla", ""),
    row(AllIn, "all in, fully invested", "tum sermaye*, butun sermaye*", ""),
    row(Bps, "basis point, basis points", "baz puan*, baz", "bps, bp"),
    row(Percent, "percent, per cent, pct", "yuzde", "%"),
    row(PerMille, "per mille", "binde", "‰"),
    row(Minute, "minute, minutes, min, mins", "dakika, dakikalik, dk", ""),
    row(Hour, "hour, hours, hr, hrs", "saat, saatlik", ""),
    row(Day, "day, days", "gun, gunluk, gunde, gunun, gunu", ""),
    row(Week, "week, weeks", "hafta, haftalik, haftada, haftanin", ""),
    row(Months, "month, months", "ay, aylik, ayda, ayin", ""),
    row(
        Years,
        "year, years, yr, yrs, decade, decades",
        "yil, yillik, yilda, yildir, yilin, yili, sene, senelik, senede",
        "",
    ),
    row(Daily, "daily", "", ""),
    row(Weekly, "weekly", "haftalik", ""),
    row(Hourly, "hourly", "saatlik", ""),
    row(
        Month,
        "january, jan, february, feb, march, mar, april, apr, may, june, jun, july, jul, august, aug, \
         september, sep, sept, october, oct, november, nov, december, dec",
        "ocak, ocaktan, ocakta, subat, subattan, subatta, mart, marttan, martta, nisan, nisandan, nisanda, \
         mayis, mayistan, mayista, haziran, hazirandan, haziranda, temmuz, temmuzdan, temmuzda, agustos, \
         agustostan, agustosta, eylul, eylulden, eylulde, ekim, ekimden, ekimde, kasim, kasimdan, kasimda, \
         aralik, araliktan, aralikta",
        "",
    ),
    row(
        PartOfYear,
        "quarter*, half, early, late, mid, middle, summer, winter, autumn, spring",
        "ceyre*, yarisi*, ortasi*, yaz, yazin, yazi, kis, kisin, kisi",
        "q1, q2, q3, q4, h1, h2",
    ),
    row(Last, "last, past, previous, recent", "son, gecen, gectigimiz, onceki", ""),
    row(
        Relative,
        "last year, this year, last month, this month, last week, this week, yesterday, year to date, recently",
        "gecen yil*, bu yil*, gecen sene*, bu sene*, gecen ay*, bu ay, bu ayki, gecen hafta*, bu hafta*, dun, \
         dunku",
        "ytd",
    ),
    row(
        Whole,
        "all, everything, whole, entire, all of it, all time, full",
        "hepsi*, tumu*, tamami*, butun*, tum",
        "",
    ),
];
