//! Bad tokens from one address.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::listener::network;

/// The time in which they are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Most addresses that are remembered; beyond it those with the oldest attempts are forgotten.
const ADDRESSES_MAX: usize = 10_000;

/// Counts bad tokens in a window that slides. A good token is never held up by bad ones of the same address, which
/// may be that of a proxy.
#[derive(Debug)]
pub struct Attempts {
    max: usize,
    addresses: Mutex<HashMap<IpAddr, VecDeque<Instant>>>,
}

impl Attempts {
    /// Allows `max` a minute.
    pub fn new(max: usize) -> Self {
        Self { max, addresses: Mutex::default() }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// There were too many: how long it is until the next one counts as one.
    pub fn failed(&self, address: IpAddr) -> Result<(), Duration> {
        let now = Instant::now();
        let address = network(address);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            addresses.retain(|_, times| times.back().is_some_and(|&at| now - at < WINDOW));
            let oldest =
                addresses.iter().min_by_key(|(_, times)| times.back().copied()).map(|(address, _)| *address);
            if addresses.len() >= ADDRESSES_MAX
                && let Some(oldest) = oldest
            {
                addresses.remove(&oldest);
            }
        }
        let times = addresses.entry(address).or_default();
        while times.front().is_some_and(|&at| now - at >= WINDOW) {
            times.pop_front();
        }
        if let Some(&first) = times.front()
            && times.len() >= self.max
        {
            return Err(WINDOW - (now - first));
        }
        times.push_back(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn the_window_slides() {
        let attempts = Attempts::new(2);
        let address: IpAddr = "192.0.2.1".parse().expect("an address");
        assert_eq!(attempts.failed(address), Ok(()));
        advance(Duration::from_secs(20)).await;
        assert_eq!(attempts.failed(address), Ok(()));
        assert_eq!(attempts.failed(address), Err(Duration::from_secs(40)));
        assert_eq!(attempts.failed("192.0.2.2".parse().expect("an address")), Ok(()));
        advance(Duration::from_secs(40)).await;
        assert_eq!(attempts.failed(address), Ok(()));
        assert_eq!(attempts.failed(address), Err(Duration::from_secs(20)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_the_sixth_version_is_one_address_and_many_are_forgotten() {
        let attempts = Attempts::new(1);
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(attempts.failed(address("2001:db8::1")), Ok(()));
        assert!(attempts.failed(address("2001:db8::2")).is_err());
        advance(Duration::from_secs(1)).await;
        for number in 0..ADDRESSES_MAX as u32 {
            assert_eq!(attempts.failed(IpAddr::from((number + 1).to_be_bytes())), Ok(()));
        }
        assert_eq!(attempts.failed(address("2001:db8::2")), Ok(()), "the oldest was forgotten");
    }
}
