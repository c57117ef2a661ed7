//! What is published while a subscription is on its way to its place.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::{Attached, Publication};

/// What a gate holds.
const GATE_MAX: usize = 256;

/// What was published meanwhile.
#[derive(Debug, Default)]
pub(super) struct Gate {
    held: VecDeque<Held>,
    pub has_overflowed: bool,
}

/// One thing that is held.
#[derive(Debug)]
pub(super) enum Held {
    Publication(Arc<Publication>),
    Reset { epoch: Arc<str>, reason: Box<str> },
}

impl Gate {
    pub fn hold(&mut self, held: Held) {
        if self.held.len() >= GATE_MAX {
            self.has_overflowed = true;
            self.held = VecDeque::new();
        }
        if !self.has_overflowed {
            self.held.push_back(held);
        }
    }

    /// What is to follow: of what came before the epoch that was attached to began, nothing.
    pub fn after(mut self, attached: &Attached) -> VecDeque<Held> {
        let begins = |held: &Held| matches!(held, Held::Reset { epoch, .. } if *epoch == attached.epoch);
        if let Some(at) = self.held.iter().rposition(begins) {
            self.held.drain(..=at);
        }
        self.held
    }
}
