//! What a message means after what was said before it.

use super::super::draft::Draft;
use super::super::heard::{self, Heard};
use super::super::intent::{Candles, Intent, Said};
use super::super::lexicon::Concept;
use super::super::looks;
use super::super::question::Question;
use super::{Context, Pending, Topic};

impl Context {
    /// What is wanted by a message that answers nothing.
    pub(super) fn understand(&mut self, heard: &Heard, asked: Option<Intent>) -> Intent {
        let now = &heard.draft;
        let changes =
            now.has_values() || now.open.iter().any(|open| matches!(open, Question::NoSuchExtra(_)));
        let may_change = changes && (!self.draft.is_empty() || heard::kind_of_numbers(now).is_some());
        match asked {
            Some(Intent::Backtest) => self.propose(heard),
            // "And on weekly bars".
            Some(Intent::Candles(_)) if self.topic == Topic::Backtest && changes_bars(heard) => {
                self.propose(heard)
            }
            Some(Intent::Candles(candles)) => self.look(heard, candles),
            Some(Intent::Said(Said::Nothing)) => self.refuse(),
            Some(intent) if !intent.is_weak() => intent,
            // "Thanks, now with 20/50".
            _ if may_change => self.propose(heard),
            None if self.topic.is_candles() && (heard.has(Concept::Last) || changes_bars(heard)) => {
                self.more_bars(heard)
            }
            _ if heard.says_more() => self.go_on(heard),
            Some(Intent::Said(said @ (Said::Hello | Said::Thanks))) => Intent::Said(said),
            None if heard.has(Concept::Price) && self.symbol.is_some() => {
                looks::prices(heard, self.symbol.iter().cloned().collect())
            }
            _ if heard.has(Concept::No) => self.refuse(),
            _ if heard.has_one(&[Concept::Again, Concept::Same, Concept::Propose]) => self.again(),
            _ if self.pending.is_some() => Intent::Unclear,
            Some(intent) => intent,
            None => Intent::Said(Said::Unknown),
        }
    }

    /// Nothing is done; what was asked is not asked any more.
    fn refuse(&mut self) -> Intent {
        if let Some(Pending::Backtest(_)) = self.pending.take() {
            self.draft.open.clear();
            if self.draft.missing().is_some() {
                self.draft = Draft::default();
            }
        }
        Intent::Said(Said::Nothing)
    }

    /// Describes the backtest further, or anew.
    fn propose(&mut self, heard: &Heard) -> Intent {
        self.describe(heard, heard.draft.clone());
        Intent::Backtest
    }

    /// Adds to what is described.
    pub(super) fn describe(&mut self, heard: &Heard, mut now: Draft) {
        // Only one strategy has these.
        now.kind = now.kind.or_else(|| heard::kind_of_numbers(&now));
        // One that is described anew begins anew.
        let is_same = heard.goes_on && now.kind == self.draft.kind && now.symbol == self.draft.symbol;
        if now.kind.is_some() && now.symbol.is_some() && !is_same {
            self.draft = Draft::default();
        }
        // "On it" is on what was spoken of.
        if self.draft.symbol.is_none() && now.symbol.is_none() && speaks_of_it(heard) {
            now.symbol.clone_from(&self.symbol);
        }
        self.draft.merge(now);
    }

    /// The same as before for another symbol or time.
    fn go_on(&mut self, heard: &Heard) -> Intent {
        let symbols = heard.found.symbols.clone();
        let is_same = heard.goes_on;
        match &self.topic {
            Topic::Backtest if is_same => self.propose(heard),
            Topic::Candles(candles) if is_same && !symbols.is_empty() => {
                let candles = candles.clone();
                self.look(heard, Candles { symbol: heard.found.only().cloned(), ..candles })
            }
            Topic::Prices | Topic::Candles(_) if heard.draft.has_times() => {
                let own = heard.found.only().or(self.symbol.as_ref()).cloned();
                self.look(heard, Candles { symbol: own, ..looks::candles(heard) })
            }
            _ if !symbols.is_empty() => match looks::prices(heard, symbols) {
                Intent::Candles(candles) => self.look(heard, candles),
                prices => prices,
            },
            _ if heard.draft.has_times() && !self.draft.is_empty() => self.propose(heard),
            _ if self.pending.is_some() => Intent::Unclear,
            _ => Intent::Said(Said::Unknown),
        }
    }

    /// Other bars of the same symbol: "last 5", "weekly".
    fn more_bars(&mut self, heard: &Heard) -> Intent {
        let now = looks::candles(heard);
        let Topic::Candles(last) = self.topic.clone() else { return self.look(heard, now) };
        let interval = if changes_bars(heard) { now.interval } else { last.interval };
        let limit = if heard.has(Concept::Last) { now.limit } else { last.limit };
        self.look(heard, Candles { interval, limit, symbol: now.symbol.or(last.symbol), before: last.before })
    }

    /// What was done last, once more.
    fn again(&self) -> Intent {
        match (&self.topic, &self.symbol) {
            (Topic::Prices, Some(symbol)) => Intent::Prices(vec![symbol.clone()]),
            (Topic::Candles(candles), _) => Intent::Candles(candles.clone()),
            _ if !self.draft.is_empty() => Intent::Backtest,
            _ => Intent::Said(Said::Unknown),
        }
    }

    /// Bars, of the symbol that was named last where none is; of several it is asked which.
    fn look(&mut self, heard: &Heard, candles: Candles) -> Intent {
        let named = &heard.found.symbols;
        let last = self.symbol.clone().filter(|_| named.is_empty());
        let candles = Candles { symbol: candles.symbol.or(last), ..candles };
        let doubtful =
            heard.draft.open.iter().find(|open| matches!(open, Question::DayOrMonth { .. })).cloned();
        let question = match candles.symbol {
            None if named.len() > 1 => Some(Question::OneSymbol(named.clone())),
            None => Some(Question::Symbol),
            Some(_) => doubtful,
        };
        match question {
            Some(question) => {
                self.pending = Some(Pending::Candles(candles, question));
                Intent::Ask
            }
            None => Intent::Candles(candles),
        }
    }
}

/// Whether nothing but the length of bars is told.
fn changes_bars(heard: &Heard) -> bool {
    heard.draft.settings.contains_key("interval")
        && heard.found.symbols.is_empty()
        && !heard.has(Concept::Show)
}

/// "On it", "onun için".
fn speaks_of_it(heard: &Heard) -> bool {
    let word = |at: usize| heard.sentence.word(at);
    (0..heard.sentence.len()).any(|at| {
        ["on", "for", "with"].contains(&word(at)) && ["it", "that", "this"].contains(&word(at + 1))
            || ["onun", "bunun"].contains(&word(at)) && ["icin", "uzerinde"].contains(&word(at + 1))
            || ["onda", "bunda"].contains(&word(at))
    })
}
