//! Words of talk: agreement, denial, questions, and what goes on with what was said before.

use super::Concept::*;
use super::{Row, row};

/// The table.
pub(super) const TABLE: &[Row] = &[
    row(
        Thanks,
        "thanks, thank you, thx, cheers, great, cool, perfect, awesome, well done",
        "tesekkur*, sagol*, sag ol*, eyvallah, harika, mukemmel, aferin",
        "super",
    ),
    row(
        Hello,
        "hello, hi, hey, good morning, good evening, good afternoon, how are you, what is up",
        "merhaba*, selam*, gunaydin, iyi gunler, iyi aksamlar, nasilsin*, ne haber, naber",
        "",
    ),
    row(Polite, "please, kindly, pls, plz", "lutfen", ""),
    row(
        Yes,
        "yes, yeah, yep, yup, sure, okay, go ahead, do it, start it, run it, please do, of course, fine, \
         correct, right",
        "evet, tamam, olur, tabii, tabi, elbette, aynen, onay, onayl*, baslat*, calistir*",
        "ok",
    ),
    row(No, "no, nope, nah", "hayir, olmaz", ""),
    row(
        Never,
        "never mind, nevermind, forget it, forget about it, forget that, no thanks, no thank you, not now, not \
         yet, leave it, changed my mind",
        "bosver*, bos ver*, gerek yok, gerekmez, vazgectim, vazgectik, kalsin, unut, simdi degil, istemem, \
         iptal degil",
        "",
    ),
    row(
        LeaveOut,
        "without, leave it out, leave that out, leave out, without it, without that, drop it, drop that, skip \
         it, skip that, ignore it, ignore that, remove it, omit it",
        "onsuz, cikar, cikarin, olmadan, birak, yok say*, atla",
        "",
    ),
    row(
        Again,
        "again, once more, repeat*, retry, rerun, one more time, another time",
        "tekrar*, yeniden, bir daha, bir kez daha, bir kere daha, yine",
        "",
    ),
    row(Same, "same", "ayni*", ""),
    row(
        GoesOn,
        "now, instead, also, what about, how about, change*, use, make it, switch*, too, as well, but, rather, \
         without, try, do it, do that, do the same, try it, run it, test it",
        "simdi, yerine, bir de, peki, ya, olsun, degistir*, cevir*, gecelim, kullan*, dene*, yap",
        "",
    ),
    row(First, "first, former", "ilk, ilki, ilkini, birincisi, birinci, birincisini", ""),
    row(Second, "second, latter", "ikinci, ikincisi, ikincisini", ""),
    row(
        Not,
        "not, never, without, w / o, no, exclude, excluding, disable, disallow, forbid, avoid, turn off, \
         switch off, remove, leave out, drop, skip, ignore, omit",
        "sakin",
        "",
    ),
    row(
        NotBehind,
        "",
        "yok, olmadan, olmasin, olmayacak, degil, haric, istemiyorum, istemiyoruz, istemem, istemez, kullanma, \
         kullanmayin, kullanmadan, yapma, yapmayin, yapmayiniz, yapmayalim, yapmasin, yapmadan, etme, etmeyin, \
         etmeyiniz, etmeyelim, etmesin, etmeden, edilmesin, edilmeden, calistirma, calistirmayin, \
         calistirmayalim, baslatma, baslatmayin, baslatmayalim, durdurma, durdurmayin, durdurmayalim, \
         durdurulmasin, sonlandirma, sonlandirmayin, ekleme, eklemeyin, onerme, onermeyin, denemeyin, \
         denemeyelim, gosterme, gostermeyin, uygulama, uygulamayin, alma, koyma, izin verme, izin vermeyin, \
         onaylama, onaylamayin, vazgecme, vazgecmeyin, bitirme, hesaplama",
        "",
    ),
    row(
        OffBehind,
        "off, false, disabled, forbidden, none, zero, not allowed, not permitted, not needed, not wanted, not \
         necessary",
        "kapat, kapatin, kapali, yasak, kapansin, kaldir, kaldirin, cikar, cikarin, devre disi, sifir",
        "",
    ),
    row(
        How,
        "how, why, when, where, who, what, which, whether, if, wonder, possible, is there",
        "nasil, neden, niye, nicin, ne, nerede, nereden, hangi, kim, kac, acaba, mumkun, sonra ne olur, olur \
         mu",
        "",
    ),
    row(
        Whether,
        "is, are, was, were, did, does, has, have, had, am",
        "mi, mu, midir, mudur, miydi, muydu, misti",
        "",
    ),
    row(
        MayI,
        "can i, could i, may i, shall i, should i, can we, could we, shall we, should we, can it, could it, \
         can one, must i, do i",
        "miyim, miyiz, muyum, muyuz",
        "",
    ),
    row(WouldYou, "can you, could you, would you, will you", "misin, misiniz, musun, musunuz", ""),
    row(But, "but, however, because, since it, although", "ama, fakat, ancak, cunku, yalniz", ""),
    row(And, "and, then", "ve, sonra, ile", "&"),
    row(Or, "or, nor", "veya, ya da, yahut", ""),
];
