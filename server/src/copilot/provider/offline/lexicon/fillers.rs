//! Words that stand for nothing by themselves: they show the language, and are no symbols.

use super::Concept::Filler;
use super::{Row, row};

/// The table.
pub(super) const TABLE: &[Row] = &[row(
    Filler,
    "do, make, the, a, an, of, to, in, on, at, for, with, by, from, until, till, since, between, before, \
         after, during, through, is, are, was, were, be, been, am, does, did, has, have, had, will, would, \
         could, can, shall, should, must, may, me, my, mine, i, you, your, we, us, our, it, its, this, that, \
         these, those, there, here, they, he, she, so, as, want, need, like, get, got, let, any, some, much, \
         many, very, just, only, while, than, into, about, up, down, off, out, both, each, way, well, \
         actually, allow, include, apply, charge, add, put, set, starting, beginning, immediately, right, \
         away, currently, current, latest, new, stock, stocks, symbol, data, today, everything, anything, \
         nothing, thing, one, more, most, less, good, great, best, nice, bye, when, where, why, who, what, \
         which, how, tell, think, know, say, said, long, always, ever, value, crosses, goes, falls, rises, \
         drops, hold, mind, possible, hurry, urgent, quick, fine, once, per, yes, no",
    "yap, yapin, yapiniz, yapar, yapalim, yapsana, yapabil*, yapil*, yapma*, et, etme, hazirla*, bir, bu, \
         su, o, icin, ben, bana, beni, benim, sen, sana, siz, size, biz, bize, onu, bunu, sunu, ona, buna, \
         onun, bunun, onda, bunda, de, da, ki, ne, nedir, var, cok, daha, en, gibi, kadar, gore, uzerinde, \
         uzerinden, icinde, hemen, acaba, sadece, yalnizca, olarak, olan, olsun, ile, edin, eder, edebilir, \
         etmek, istiyorum, isterim, ister, isteriz, lazim, gerek, izin, arasi*, arasinda, beri, itibaren, \
         oncesi, once, sonra, sonrasi, bugun, simdi, artik, hala, henuz, zaten, birlikte, hic, hicbir, sey, \
         seyi, boyle, soyle, oyle, iste, hadi, haydi, tane, hakkinda, bilgi, biliyor*, misin, kur, kurar, dan, \
         den, tan, ten, bakiyim, calis*, guncel, anlik, son, ucuz, pahali, yeni, nelerdir, hangisi, neler, \
         kim, nerede, arttir, azalt, iyi, kotu, guzel, hosca, degeri, dolayi, tabii, acele, yavaslat, hisse*, \
         hissesi*, senet*, para, paraydi, lutfen, peki, gun, bitis, baslangic, tut, sembol, sembolu, acik",
    "",
)];
