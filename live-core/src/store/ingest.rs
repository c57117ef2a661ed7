//! How bytes come into the store: frames, pieces of an event stream, answers to polls.

use crate::envelope::{self, Envelope, Reject};
use crate::error::ErrorCode;
use crate::scan;
use crate::sse;
use crate::staleness::Link;
use crate::store::notice::{Notice, NoticeKind};
use crate::store::slot::Taken;
use crate::store::{ChannelId, DIRTY, FULL, LINKS, NOTICES, Store, TOO_LONG, UNREADABLE, URGENT, mark, page};

/// Most refused envelopes whose details wait to be reported; all are counted.
const REJECT_NOTICES_MAX: usize = 16;

impl Store {
    /// Takes in envelopes separated by newlines, as a WebSocket frame carries them. Returns flags.
    pub fn ingest_frame(&mut self, frame: &[u8], link: usize, now_ms: f64) -> u32 {
        let link = link.min(LINKS - 1);
        let mut flags = self.begin(link, frame.len(), now_ms);
        let mut rest = frame;
        while !rest.is_empty() {
            let (taken, of_envelope) = self.ingest(rest, true, link, now_ms, false);
            flags |= of_envelope;
            if flags & FULL != 0 {
                self.held.keep_lines(rest, link);
                break;
            }
            rest = rest.get(taken + 1..).unwrap_or_default();
        }
        flags
    }

    /// Takes in a piece of an event stream, cut anywhere. Returns flags.
    pub fn ingest_sse(&mut self, piece: &[u8], link: usize, now_ms: f64) -> u32 {
        let link = link.min(LINKS - 1);
        let mut flags = self.begin(link, piece.len(), now_ms);
        let mut stream = std::mem::take(&mut self.streams[link]);
        stream.feed(piece, |event| match event {
            sse::Event::Data(data) => flags |= self.ingest_or_keep(data, link, now_ms, flags),
            sse::Event::TooLong => {
                self.counters.rejected += 1;
                flags |= TOO_LONG;
            }
        });
        self.streams[link] = stream;
        flags
    }

    /// Takes in the answer to a poll. Returns flags.
    pub fn ingest_poll(&mut self, answer: &[u8], link: usize, now_ms: f64) -> u32 {
        let link = link.min(LINKS - 1);
        let mut flags = self.begin(link, answer.len(), now_ms);
        match page::read(answer) {
            Ok(page) => {
                for envelope in page.envelopes {
                    flags |= self.ingest_or_keep(envelope, link, now_ms, flags);
                }
                self.poll_cursors[link] = Some(page.cursor);
                flags
            }
            Err(fault) => {
                let page::PageFault { field, reason, at } = fault;
                let notice = Notice::unreadable(ErrorCode::BadEnvelope, field, reason, at);
                flags | UNREADABLE | self.report(notice)
            }
        }
    }

    /// Goes on with what [`FULL`] left, after a flush. Returns flags.
    pub fn ingest_more(&mut self, now_ms: f64) -> u32 {
        let mut flags = self.waiting();
        let mut held = std::mem::take(&mut self.held);
        self.held = held.hand_over(|envelope, link| {
            flags |= self.ingest(envelope, false, link, now_ms, false).1;
            flags & FULL == 0
        });
        flags
    }

    /// Something arrived. What was held of an earlier piece goes first, by force.
    fn begin(&mut self, link: usize, bytes: usize, now_ms: f64) -> u32 {
        self.counters.frames += 1;
        self.counters.bytes += bytes as u64;
        if let Some(Link::Up { last_frame_ms, .. }) = self.links.get_mut(link) {
            let silence = now_ms - *last_frame_ms;
            *last_frame_ms = now_ms;
            // A link that had been called silent speaks again.
            self.judges_all |= silence >= self.silent_after_ms();
        }
        if self.held.is_empty() { self.waiting() } else { self.force(now_ms) }
    }

    /// What a flush had to tell waits for the next call that returns flags.
    fn waiting(&self) -> u32 {
        if self.notices.is_empty() { 0 } else { NOTICES }
    }

    #[cold]
    fn force(&mut self, now_ms: f64) -> u32 {
        let mut flags = self.waiting();
        std::mem::take(&mut self.held).hand_over(|envelope, link| {
            flags |= self.ingest(envelope, false, link, now_ms, true).1;
            true
        });
        flags
    }

    fn ingest_or_keep(&mut self, envelope: &[u8], link: usize, now_ms: f64, flags: u32) -> u32 {
        let of_envelope =
            if flags & FULL != 0 { FULL } else { self.ingest(envelope, false, link, now_ms, false).1 };
        if of_envelope & FULL != 0 {
            self.held.keep(envelope, link);
        }
        of_envelope
    }

    /// Takes in the envelope that a piece of text begins with, up to a newline where these separate, else the
    /// whole. Returns its length and flags. An empty line is none.
    #[inline(never)]
    fn ingest(
        &mut self,
        frame: &[u8],
        has_lines: bool,
        link: usize,
        now_ms: f64,
        is_forced: bool,
    ) -> (usize, u32) {
        let mut found = None;
        let scanned = scan::scan_first(frame, &mut |channel| {
            found = self.index.get(channel).copied();
            found.is_some()
        });
        let (envelope, end) = match scanned.filter(|(_, end)| has_lines || *end == frame.len()) {
            Some(scanned) => scanned,
            None => {
                let line = if has_lines { memchr::memchr(b'\n', frame) } else { None };
                let end = line.unwrap_or(frame.len());
                if end == 0 {
                    return (0, 0);
                }
                match envelope::parse_full(&frame[..end]) {
                    Ok(envelope) => {
                        found = self.index.get(&*envelope.channel).copied();
                        (envelope, end)
                    }
                    Err(reject) => return (end, self.reject(&reject)),
                }
            }
        };
        let flags = match envelope.seq {
            0 => self.control(&envelope, link, now_ms),
            _ => self.publication(found, &envelope, &frame[..end], now_ms, is_forced),
        };
        self.counters.accepted += u64::from(flags & FULL == 0);
        (end, flags)
    }

    fn publication(
        &mut self,
        id: Option<ChannelId>,
        envelope: &Envelope<'_>,
        raw: &[u8],
        now_ms: f64,
        is_forced: bool,
    ) -> u32 {
        let Some(id) = id else {
            self.counters.ignored += 1;
            return 0;
        };
        let slot = &mut self.slots[id.0 as usize];
        let born_ms = self.clock.born_ms(envelope.ts as f64, now_ms);
        match slot.take(envelope, raw, born_ms, &mut self.counters, is_forced) {
            Taken::Ignored => {
                self.counters.ignored += 1;
                0
            }
            Taken::Kept => {
                mark(&mut self.pending, id, slot);
                if slot.ends_with(&envelope.event) { DIRTY | URGENT } else { DIRTY }
            }
            Taken::Failed => {
                mark(&mut self.pending, id, slot);
                DIRTY | self.error(envelope)
            }
            Taken::Full => FULL,
            Taken::Overrun => {
                mark(&mut self.pending, id, slot);
                DIRTY
            }
            Taken::Overlap(last) => {
                mark(&mut self.pending, id, slot);
                self.notices.push(Notice::behind(slot.name.as_str(), last, envelope.seq));
                DIRTY | NOTICES
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn reject(&mut self, reject: &Reject) -> u32 {
        self.counters.rejected += 1;
        self.report(Notice::rejected(reject))
    }

    /// Keeps a notice of something that cannot be read, unless many wait already.
    fn report(&mut self, notice: Notice) -> u32 {
        let waiting = self.notices.iter().filter(|notice| notice.kind == NoticeKind::Rejected).count();
        if waiting >= REJECT_NOTICES_MAX {
            return 0;
        }
        self.notices.push(notice);
        NOTICES
    }
}
