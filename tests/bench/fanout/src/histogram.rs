//! Latencies, counted in buckets that grow by a hundredth.

use std::time::Duration;

/// Buckets: 1 µs to about 90 s.
const BUCKETS: usize = 1_850;
const GROWTH: f64 = 1.01;

/// Counts of durations.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; BUCKETS] }
    }
}

impl Histogram {
    /// Counts one, in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        let us = (ns as f64 / 1e3).max(1.0);
        let bucket = (us.ln() / GROWTH.ln()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The upper bound of the bucket below which that part of all lies.
    pub fn quantile(&self, part: f64) -> Duration {
        let wanted = (self.count() as f64 * part).ceil() as u64;
        let mut seen = 0;
        let bucket = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        let us = GROWTH.powf(bucket.unwrap_or_default() as f64 + 1.0);
        Duration::from_nanos((us * 1e3) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_hundredth() {
        let mut histogram = Histogram::default();
        for ms in 1..=100 {
            histogram.record(ms * 1_000_000);
        }
        let within = |part: f64, ms: f64| {
            let found = histogram.quantile(part).as_secs_f64() * 1e3;
            assert!((found / ms - 1.0).abs() < 0.011, "{found} is not about {ms}");
        };
        within(0.5, 50.0);
        within(0.99, 99.0);
        assert_eq!(histogram.count(), 100);
    }
}
