//! Sentences in Turkish.

use super::check;

#[test]
fn turkish_is_understood() {
    check(&[
        (
            &["AAPL için 2005-2010 arası 10/30 SMA kesişimi testi"],
            "startBacktest fast=10 from=2005-01-01 name=sma_cross slow=30 symbol=AAPL to=2010-12-31",
        ),
        (
            &["MSFT'de 20/50 hareketli ortalama kesişimini test et"],
            "startBacktest fast=20 name=sma_cross slow=50 symbol=MSFT",
        ),
        (&["IBM için hızlı 5 yavaş 20 SMA dene"], "startBacktest fast=5 name=sma_cross slow=20 symbol=IBM"),
        (
            &["AAPL SMA hızlı 5,10,20 yavaş 30,50 tara"],
            "startBacktest name=sma_cross sweep.fast=[5,10,20] sweep.slow=[30,50] symbol=AAPL",
        ),
        (
            &["AAPL'da 2005'ten beri 10/30 sma kesişimi"],
            "startBacktest fast=10 from=2005-01-01 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["GOOG için 2010'a kadar 10/30 sma"],
            "startBacktest fast=10 name=sma_cross slow=30 symbol=GOOG to=2010-12-31",
        ),
        (
            &["AAPL 2005'ten 2010'a 10/30 sma testi"],
            "startBacktest fast=10 from=2005-01-01 name=sma_cross slow=30 symbol=AAPL to=2010-12-31",
        ),
        (&["MSFT için RSI 14 testi"], "startBacktest name=rsi_reversion period=14 symbol=MSFT"),
        (
            &["MSFT RSI 14, 30'un altında al 70'in üstünde sat"],
            "startBacktest high=70 low=30 name=rsi_reversion period=14 symbol=MSFT",
        ),
        (&["FB için Donchian kırılımı dene"], "startBacktest name=donchian_breakout symbol=FB"),
        (
            &["GOOG donchian giriş 20 çıkış 10"],
            "startBacktest entry=20 exit=10 name=donchian_breakout symbol=GOOG",
        ),
        (&["AAPL al ve tut"], "startBacktest name=buy_and_hold symbol=AAPL"),
        (
            &["IBM için 2008 yılında al ve tut testi"],
            "startBacktest from=2008-01-01 name=buy_and_hold symbol=IBM to=2008-12-31",
        ),
        (
            &["AAPL al ve tut Ocak 2005 Mart 2006 arası"],
            "startBacktest from=2005-01-01 name=buy_and_hold symbol=AAPL to=2006-03-31",
        ),
        (
            &["AAPL 10/30 sma, komisyon %0,1"],
            "startBacktest fast=10 feeBps=10 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma 10 bps komisyon ile"],
            "startBacktest fast=10 feeBps=10 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma komisyonsuz"],
            "startBacktest fast=10 feeBps=0 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma açığa satış ile"],
            "startBacktest allowShort=true fast=10 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma açığa satış olmadan"],
            "startBacktest allowShort=false fast=10 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma 50.000 dolar ile"],
            "startBacktest fast=10 initialCash=50000 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma 20 bin dolar sermaye"],
            "startBacktest fast=10 initialCash=20000 name=sma_cross slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma 100 adet"],
            "startBacktest fast=10 name=sma_cross sizing.kind=units sizing.units=100 slow=30 symbol=AAPL",
        ),
        (
            &["AAPL 10/30 sma 01.02.2005 ile 31.03.2006 arası"],
            "startBacktest fast=10 from=2005-02-01 name=sma_cross slow=30 symbol=AAPL to=2006-03-31",
        ),
        (&["MSFT nasıl?"], "getMarketSnapshot symbols=[\"MSFT\"]"),
        (&["AAPL fiyatı ne kadar"], "getMarketSnapshot symbols=[\"AAPL\"]"),
        (&["fiyatları göster"], "getMarketSnapshot"),
        (&["AAPL son 10 mum"], "getCandles interval=1d limit=10 symbol=AAPL"),
        (&["sistem sağlıklı mı"], "getRuntimeHealth"),
        (&["job_abc1 sonucunu göster"], "getBacktestResult jobId=job_abc1"),
        (&["job_abc1 bitti mi"], "getBacktestStatus jobId=job_abc1"),
        (&["job_abc1 iptal et"], "cancelBacktest jobId=job_abc1"),
        (
            &["AAPL 10/30 sma 2005-2010", "şimdi 20/50 ile"],
            "startBacktest fast=20 from=2005-01-01 name=sma_cross slow=50 symbol=AAPL to=2010-12-31",
        ),
        (
            &["AAPL 10/30 sma", "aynısını IBM için yap"],
            "startBacktest fast=10 name=sma_cross slow=30 symbol=IBM",
        ),
        (&["geriye dönük test", "MSFT al ve tut"], "startBacktest name=buy_and_hold symbol=MSFT"),
        (&["AAPL için test yap", "al ve tut"], "startBacktest name=buy_and_hold symbol=AAPL"),
    ]);
}
