//! Random names and numbers from the system's generator.

use std::time::Duration;

const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// A random text of letters and digits that cannot be mistaken for each other; 5 bits a character.
pub fn text(len: usize) -> String {
    bytes(len).iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

/// Random bytes.
pub fn bytes(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(&mut bytes);
    bytes
}

/// A random time from zero up to `window`, in whole milliseconds.
pub fn within(window: Duration) -> Duration {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    let window_ms = window.as_millis() as u64;
    Duration::from_millis(u64::from_le_bytes(bytes) % (window_ms + 1))
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's random generator works once the system is up");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_differ_and_times_stay_within_their_window() {
        assert_ne!(text(12), text(12));
        assert_eq!(text(10).len(), 10);
        assert_eq!(within(Duration::ZERO), Duration::ZERO);
        assert!((0..100).all(|_| within(Duration::from_millis(3)) <= Duration::from_millis(3)));
    }
}
