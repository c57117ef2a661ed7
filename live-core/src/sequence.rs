//! Order on one channel: positions, gaps, duplicates.

use std::fmt;

/// Largest integer that JavaScript holds exactly, 2^53 - 1; the bound of every integer on the wire.
pub const SAFE_INTEGER_MAX: u64 = (1 << 53) - 1;

/// A place in a channel's history: the epoch tells which history, `seq` how far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// 8 to 12 characters; it changes when history is lost.
    pub epoch: Box<str>,
    /// `seq` of the last envelope before this place; 0 is before the first.
    pub seq: u64,
}

/// Why a text is not a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("position is not <epoch of 8 to 12 letters or digits>:<seq up to 2^53 - 1>")]
pub struct PositionError;

impl Position {
    /// Reads `epoch:seq`, the form of a WebSocket command's `since`.
    ///
    /// # Errors
    /// When the epoch is not 8 to 12 letters or digits, or `seq` not a whole number up to 2^53 - 1
    /// without a sign or leading zeros.
    pub fn parse(text: &str) -> Result<Self, PositionError> {
        let (epoch, seq) = text.split_once(':').ok_or(PositionError)?;
        let seq_is_canonical = seq == "0" || (!seq.starts_with(['0', '+']) && !seq.is_empty());
        if !is_epoch(epoch) || !seq_is_canonical {
            return Err(PositionError);
        }
        match seq.parse() {
            Ok(seq) if seq <= SAFE_INTEGER_MAX => Ok(Self { epoch: epoch.into(), seq }),
            _ => Err(PositionError),
        }
    }
}

/// Whether a text can be an epoch: 8 to 12 letters or digits.
pub fn is_epoch(text: &str) -> bool {
    (8..=12).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

/// What a newly arrived `seq` means after those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The first one seen; nothing can be said about what was before.
    First,
    /// Exactly the next one.
    Next,
    /// Some are missing: from `from` to `to`, both included.
    Jump {
        /// First missing `seq`.
        from: u64,
        /// Last missing `seq`.
        to: u64,
    },
    /// Already seen, or older than what was seen.
    Old,
    /// Joined of items some of which were seen already and some not: it cannot be taken in without saying
    /// something twice. Only [`Sequence::observe_joined`] answers this.
    Overlap,
}

/// Follows one channel's `seq` within one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// Last `seq` seen; 0 is none.
    last: u64,
}

impl Sequence {
    /// Starts after `seq`, as an acknowledged position says.
    pub const fn starting_after(seq: u64) -> Self {
        Self { last: seq }
    }

    /// The last `seq` taken; 0 before the first.
    pub const fn last(self) -> u64 {
        self.last
    }

    /// Judges an arrival and, unless it is [`Arrival::Old`], moves on to it.
    pub fn observe(&mut self, seq: u64) -> Arrival {
        let last = self.last;
        if seq <= last {
            return Arrival::Old;
        }
        self.last = seq;
        match seq - last {
            _ if last == 0 => Arrival::First,
            1 => Arrival::Next,
            _ => Arrival::Jump { from: last + 1, to: seq - 1 },
        }
    }

    /// Judges an arrival that was joined of everything from `from` to `seq`. One that overlaps with what was
    /// seen changes nothing: the channel has to be brought back in step.
    pub fn observe_joined(&mut self, from: u64, seq: u64) -> Arrival {
        let last = self.last;
        if seq <= last {
            return Arrival::Old;
        }
        if last != 0 && from <= last {
            return Arrival::Overlap;
        }
        self.last = seq;
        match from {
            _ if last == 0 => Arrival::First,
            from if from > last + 1 => Arrival::Jump { from: last + 1, to: from - 1 },
            _ => Arrival::Next,
        }
    }
}

/// Whether everything that was published on a channel is known to have arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Continuity {
    /// Nothing can be said: no value yet, or the link has been away.
    #[default]
    Unknown,
    /// From the snapshot or position on, nothing is missing (merging under `state` and `keyed` is not loss).
    Proven,
    /// These are missing, both ends included.
    Gap {
        /// First missing `seq`.
        from: u64,
        /// Last missing `seq`.
        to: u64,
    },
}

impl Continuity {
    /// Takes in one more missing range; ranges are joined to the smallest one that covers all.
    pub fn lose(&mut self, from: u64, to: u64) {
        *self = match *self {
            Self::Gap { from: f, to: t } => Self::Gap { from: f.min(from), to: t.max(to) },
            _ => Self::Gap { from, to },
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn positions_are_read_strictly() {
        for good in ["abcdefgh:0", "abcdefgh1234:9007199254740991"] {
            assert_eq!(Position::parse(good).map(|p| p.to_string()).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "abcdefgh",
            "abc:1",
            "abcdefgh:",
            "abcdefgh:01",
            "abcdefgh:+1",
            "abcdefgh:-1",
            "abcdefgh:9007199254740992",
            "abcdefgh12345:1",
            "abcdefg\u{e9}:1",
            "abcdefgh:1:2",
        ] {
            assert_eq!(Position::parse(bad), Err(PositionError), "{bad}");
        }
    }

    #[test]
    fn what_was_joined_is_next_when_it_begins_where_the_last_one_ended() {
        for (from, seq, expected) in [
            (6, 6, Arrival::Next),
            (6, 9, Arrival::Next),
            (8, 9, Arrival::Jump { from: 6, to: 7 }),
            (3, 5, Arrival::Old),
            (5, 6, Arrival::Overlap),
            (1, 9, Arrival::Overlap),
        ] {
            let mut sequence = Sequence::starting_after(5);
            assert_eq!(sequence.observe_joined(from, seq), expected, "{from} to {seq}");
            let is_taken = matches!(expected, Arrival::Next | Arrival::Jump { .. });
            assert_eq!(sequence.last(), if is_taken { seq } else { 5 });
        }
        assert_eq!(Sequence::default().observe_joined(4, 7), Arrival::First);
    }

    proptest! {
        #[test]
        fn every_missing_seq_is_reported_exactly_once(seqs in prop::collection::vec(1u64..60, 1..80)) {
            let mut sequence = Sequence::default();
            let mut seen = Vec::new();
            let mut missing = Vec::new();
            for &seq in &seqs {
                match sequence.observe(seq) {
                    Arrival::First | Arrival::Next => seen.push(seq),
                    Arrival::Jump { from, to } => {
                        missing.extend(from..=to);
                        seen.push(seq);
                    }
                    Arrival::Old => prop_assert!(seen.last().is_some_and(|&last| seq <= last)),
                    Arrival::Overlap => prop_assert!(false, "nothing was joined"),
                }
            }
            let mut all: Vec<u64> = seen.iter().chain(&missing).copied().collect();
            all.sort_unstable();
            let expected: Vec<u64> = (seen[0]..=*seen.last().expect("not empty")).collect();
            prop_assert_eq!(all, expected);
        }
    }
}
