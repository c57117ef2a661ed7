//! Randomness that can be repeated.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A small generator (SplitMix64): the same seed, the same run.
#[derive(Clone, Debug)]
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// With the seed in `SPARK_TEST_SEED`, or one from the clock.
    #[must_use]
    pub fn from_environment() -> Self {
        let given = std::env::var("SPARK_TEST_SEED").ok().and_then(|text| text.parse().ok());
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64);
        Self::new(given.unwrap_or(clock))
    }

    /// With that seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    /// What it began with.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The next number.
    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A time from a hundredth of `most` to `most`.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(0.01 + 0.99 * (self.roll() >> 11) as f64 / (1_u64 << 53) as f64)
    }

    /// Another one, that goes its own way.
    pub fn split(&mut self) -> Self {
        Self::new(self.roll())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_rolls_the_same() {
        let (mut one, mut other) = (Dice::new(7), Dice::new(7));
        let rolls: Vec<u64> = (0..100).map(|_| one.roll()).collect();
        assert!(rolls.iter().all(|roll| *roll == other.roll()));
        let most = Duration::from_secs(1);
        assert!((0..1_000).all(|_| (most / 100..=most).contains(&one.up_to(most))));
    }
}
