//! Every envelope of a channel, kept for a page that wants them all.

/// Most envelopes that wait between two flushes.
const ENVELOPES_MAX: usize = 1_000;
/// Most of their bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Envelopes that wait to be taken out.
#[derive(Clone, Debug, Default)]
pub(super) struct Tap {
    /// Whole envelopes with commas between them.
    text: String,
    count: usize,
    /// `seq` of the newest one that was kept: a snapshot repeats what was told already.
    last: u64,
}

impl Tap {
    pub fn is_full(&self) -> bool {
        self.count >= ENVELOPES_MAX || self.text.len() >= BYTES_MAX
    }

    /// Keeps an envelope, unless it or a newer one was kept before. Returns whether there was room.
    pub fn keep(&mut self, envelope: &[u8], seq: u64) -> bool {
        if seq <= self.last {
            return true;
        }
        self.last = seq;
        if self.is_full() {
            return false;
        }
        // It has been judged, so it is UTF-8.
        let Ok(envelope) = str::from_utf8(envelope) else { return true };
        if self.count > 0 {
            self.text.push(',');
        }
        self.text.push_str(envelope);
        self.count += 1;
        true
    }

    /// The channel's history begins anew.
    pub fn restart(&mut self) {
        self.last = 0;
    }

    /// All that waits as a JSON array; `None` when nothing does.
    pub fn take(&mut self) -> Option<String> {
        if self.count == 0 {
            return None;
        }
        self.count = 0;
        Some(format!("[{}]", std::mem::take(&mut self.text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_kept_once_and_in_order() {
        let mut tap = Tap::default();
        for (envelope, seq) in [("{}", 1), ("[1]", 2), ("{}", 2), ("{}", 1), ("7", 5)] {
            assert!(tap.keep(envelope.as_bytes(), seq));
        }
        assert_eq!(tap.take().as_deref(), Some("[{},[1],7]"));
        assert_eq!(tap.take(), None);
        tap.restart();
        assert!(tap.keep(b"{}", 1));
        assert_eq!(tap.take().as_deref(), Some("[{}]"));
    }

    #[test]
    fn it_is_bounded_in_number_and_bytes() {
        let mut tap = Tap::default();
        assert!((1..=1_000).all(|seq| tap.keep(b"{}", seq)));
        assert!(tap.is_full() && !tap.keep(b"{}", 1_001));
        let mut tap = Tap::default();
        assert!(tap.keep(&vec![b'1'; BYTES_MAX], 1));
        assert!(tap.is_full());
    }
}
