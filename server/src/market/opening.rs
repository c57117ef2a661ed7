//! What there is of an instrument before its first event.

use std::sync::Arc;

use super::Instrument;
use super::history::Symbol;
use super::normalize::Normalizer;

/// An instrument with its history in all intervals. It takes as long to make as the history is long, seconds where
/// there are millions of bars, and no time to begin with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Its name.
    pub(super) name: Arc<str>,
    /// Where the history ends.
    pub(super) normalizer: Normalizer,
    /// As it is listed.
    pub(super) listed: Arc<Symbol>,
    /// Who has made it.
    #[cfg(test)]
    pub(super) made_on: std::thread::ThreadId,
}

impl Opening {
    /// Makes what is served of an instrument.
    pub fn of(instrument: &Instrument) -> Self {
        let (normalizer, history) = Normalizer::new(instrument);
        Self {
            name: Arc::clone(&instrument.symbol),
            normalizer,
            listed: Arc::new(Symbol::of(instrument, &history)),
            #[cfg(test)]
            made_on: std::thread::current().id(),
        }
    }
}
