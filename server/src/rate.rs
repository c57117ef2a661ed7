//! How often something may happen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A bound of so many a second, with a reserve for when many come at once.
#[derive(Debug)]
pub struct Rate {
    per_second: f64,
    burst: f64,
    left: Mutex<Left>,
}

#[derive(Debug)]
struct Left {
    count: f64,
    at: Instant,
}

impl Rate {
    /// `per_second` over time, at most `burst` at once; both above 0.
    pub fn new(per_second: u32, burst: u32) -> Self {
        let (per_second, burst) = (f64::from(per_second.max(1)), f64::from(burst.max(1)));
        Self { per_second, burst, left: Mutex::new(Left { count: burst, at: Instant::now() }) }
    }

    /// Takes `count` of what is left; all or nothing. As many as the reserve holds can always be had in the end.
    ///
    /// # Errors
    /// How long it is until there is enough.
    pub fn take(&self, count: u32) -> Result<(), Duration> {
        let wanted = f64::from(count).min(self.burst);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = (now - left.at).as_secs_f64() * self.per_second;
        *left = Left { count: (left.count + gained).min(self.burst), at: now };
        if left.count < wanted {
            return Err(Duration::from_secs_f64((wanted - left.count) / self.per_second));
        }
        left.count -= wanted;
        Ok(())
    }
}

/// Most persons whose rate is known; beyond it all begin with a full reserve again.
const PERSONS_MAX: usize = 10_000;

/// The same bound for each person.
#[derive(Debug)]
pub struct Rates {
    per_second: u32,
    burst: u32,
    rates: Mutex<HashMap<Box<str>, Arc<Rate>>>,
}

impl Rates {
    /// `per_second` over time, at most `burst` at once; both above 0.
    pub fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst, rates: Mutex::default() }
    }

    /// A person's.
    pub fn of(&self, subject: &str) -> Arc<Rate> {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rate) = rates.get(subject) {
            return Arc::clone(rate);
        }
        if rates.len() >= PERSONS_MAX {
            rates.clear();
        }
        let rate = Arc::new(Rate::new(self.per_second, self.burst));
        rates.insert(subject.into(), Arc::clone(&rate));
        rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn the_reserve_goes_and_comes_back_with_time() {
        let rate = Rate::new(10, 20);
        assert_eq!(rate.take(20), Ok(()));
        assert_eq!(rate.take(5), Err(Duration::from_millis(500)));
        advance(Duration::from_millis(499)).await;
        assert!(rate.take(5).is_err());
        advance(Duration::from_millis(1)).await;
        assert_eq!(rate.take(5), Ok(()));
        advance(Duration::from_secs(3600)).await;
        assert_eq!((rate.take(20), rate.take(1).is_err()), (Ok(()), true));
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_reserve_is_had_when_it_is_full() {
        let rate = Rate::new(10, 20);
        assert_eq!(rate.take(1_000), Ok(()));
        assert!(rate.take(1_000).is_err());
        advance(Duration::from_secs(2)).await;
        assert_eq!(rate.take(1_000), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn each_person_has_their_own() {
        let rates = Rates::new(1, 2);
        assert_eq!((rates.of("ann").take(2), rates.of("bob").take(2)), (Ok(()), Ok(())));
        assert!(rates.of("ann").take(1).is_err());
        advance(Duration::from_secs(1)).await;
        assert_eq!(rates.of("ann").take(1), Ok(()));
        for n in 0..=PERSONS_MAX {
            rates.of(&n.to_string());
        }
        assert!(rates.rates.lock().expect("held").len() <= PERSONS_MAX);
    }
}
