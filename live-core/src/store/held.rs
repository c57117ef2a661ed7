//! Envelopes that have arrived and cannot be taken in before a flush.

/// Texts in the order in which they came, each with the link that it came on.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: Vec<u8>,
    /// Where each ends, and its link.
    items: Vec<(usize, usize)>,
}

impl Held {
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn keep(&mut self, envelope: &[u8], link: usize) {
        self.bytes.extend_from_slice(envelope);
        self.items.push((self.bytes.len(), link));
    }

    /// Keeps each line of a frame.
    pub fn keep_lines(&mut self, frame: &[u8], link: usize) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', frame).chain([frame.len()]) {
            if end > start {
                self.keep(&frame[start..end], link);
            }
            start = end + 1;
        }
    }

    /// Takes all out, and hands them over one after the other until `take` says `false`: that one and those
    /// after it are kept.
    pub fn hand_over(&mut self, mut take: impl FnMut(&[u8], usize) -> bool) -> Self {
        let held = std::mem::take(self);
        let mut rest = Self::default();
        let mut start = 0;
        for &(end, link) in &held.items {
            let envelope = &held.bytes[start..end];
            if !rest.is_empty() || !take(envelope, link) {
                rest.keep(envelope, link);
            }
            start = end;
        }
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_stays_in_order() {
        let mut held = Held::default();
        held.keep_lines(b"a\n\nbb\nccc\n", 1);
        held.keep(b"d\ne", 2);
        let mut taken = Vec::new();
        let mut rest = held.hand_over(|envelope, link| {
            taken.push((envelope.to_vec(), link));
            taken.len() < 3
        });
        assert!(held.is_empty());
        let expected = [(b"a".to_vec(), 1), (b"bb".to_vec(), 1), (b"ccc".to_vec(), 1)];
        assert_eq!(taken, expected);
        let mut last = Vec::new();
        let none = rest.hand_over(|envelope, link| {
            last.push((envelope.to_vec(), link));
            true
        });
        assert_eq!(last, [(b"ccc".to_vec(), 1), (b"d\ne".to_vec(), 2)]);
        assert!(none.is_empty());
    }
}
