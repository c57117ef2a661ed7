//! Every envelope of a channel, kept for a page that wants them all.

use crate::system::{BackpressureDrop, Side};

/// Most envelopes that wait between two flushes.
const ENVELOPES_MAX: usize = 1_000;
/// Most of their bytes.
const BYTES_MAX: usize = 1024 * 1024;

/// Envelopes that wait to be taken out.
#[derive(Clone, Debug, Default)]
pub(super) struct Tap {
    /// Each with its `seq`.
    envelopes: Vec<(u64, Box<str>)>,
    bytes: usize,
    /// `seq` of the newest one that was kept: a snapshot repeats what was told already.
    last: u64,
    lost: Option<BackpressureDrop>,
}

impl Tap {
    pub fn is_full(&self) -> bool {
        self.envelopes.len() >= ENVELOPES_MAX || self.bytes >= BYTES_MAX
    }

    /// Keeps an envelope, unless it or a newer one was kept before. Where there is no room the oldest go.
    pub fn keep(&mut self, envelope: &[u8], seq: u64) {
        // It has been judged, so it is UTF-8.
        let Ok(envelope) = str::from_utf8(envelope) else { return };
        if seq <= self.last {
            return;
        }
        self.last = seq;
        while self.is_full() {
            self.drop_oldest();
        }
        self.bytes += envelope.len();
        self.envelopes.push((seq, envelope.into()));
    }

    fn drop_oldest(&mut self) {
        if self.envelopes.is_empty() {
            return;
        }
        let (seq, envelope) = self.envelopes.remove(0);
        self.bytes -= envelope.len();
        let capacity = ENVELOPES_MAX as u64;
        let side = Side::Client;
        let lost = BackpressureDrop { dropped: 0, from_seq: seq, to_seq: seq, capacity, side };
        let lost = self.lost.get_or_insert(lost);
        lost.dropped += 1;
        lost.to_seq = seq;
    }

    /// What was dropped since the last time.
    pub fn take_lost(&mut self) -> Option<BackpressureDrop> {
        self.lost.take()
    }

    /// The channel's history begins anew.
    pub fn restart(&mut self) {
        self.last = 0;
    }

    /// All that waits as a JSON array; `None` when nothing does.
    pub fn take(&mut self) -> Option<String> {
        if self.envelopes.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(self.bytes + self.envelopes.len() + 1);
        for (_, envelope) in self.envelopes.drain(..) {
            text.push(if text.is_empty() { '[' } else { ',' });
            text.push_str(&envelope);
        }
        text.push(']');
        self.bytes = 0;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_kept_once_and_in_order() {
        let mut tap = Tap::default();
        for (envelope, seq) in [("{}", 1), ("[1]", 2), ("{}", 2), ("{}", 1), ("7", 5)] {
            tap.keep(envelope.as_bytes(), seq);
        }
        assert_eq!(tap.take().as_deref(), Some("[{},[1],7]"));
        assert_eq!((tap.take(), tap.take_lost()), (None, None));
        tap.restart();
        tap.keep(b"{}", 1);
        assert_eq!(tap.take().as_deref(), Some("[{}]"));
    }

    #[test]
    fn of_more_than_there_is_room_for_the_oldest_go_and_are_told() {
        let mut tap = Tap::default();
        (1..=1_000).for_each(|seq| tap.keep(b"{}", seq));
        assert_eq!((tap.is_full(), tap.take_lost()), (true, None));
        for seq in [1_001, 1_003] {
            tap.keep(b"7", seq);
        }
        let lost =
            BackpressureDrop { dropped: 2, from_seq: 1, to_seq: 2, capacity: 1_000, side: Side::Client };
        assert_eq!((tap.take_lost(), tap.take_lost()), (Some(lost), None));
        let text = tap.take().expect("the newest");
        assert_eq!((text.matches("{}").count(), text.ends_with("{},7,7]")), (998, true));
        assert!(!tap.is_full());
    }

    #[test]
    fn its_bytes_are_bounded() {
        let mut tap = Tap::default();
        for (byte, seq) in [(b'1', 1), (b'2', 2)] {
            tap.keep(&vec![byte; BYTES_MAX], seq);
            assert!(tap.is_full());
        }
        assert_eq!(tap.take().map(|text| (text.len(), text.contains('1'))), Some((BYTES_MAX + 2, false)));
        assert_eq!((tap.take_lost().map(|lost| lost.dropped), tap.is_full()), (Some(1), false));
    }
}
