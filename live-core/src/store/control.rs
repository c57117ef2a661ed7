//! How the store acts on the protocol's own events.

use crate::envelope::Envelope;
use crate::staleness::Link;
use crate::store::notice::NoticeKind;
use crate::store::order::Standing;
use crate::store::{ChannelId, DIRTY, NOTICES, Notice, Store, mark};
use crate::system::{
    AnyAck, BackpressureDrop, CommandAck, ErrorDetail, Heartbeat, Hello, Rate, Resync, name,
};

/// What an error says when its data cannot be read.
const NO_DETAIL: &str = r#"{"message":"the gateway gave no detail"}"#;

impl Store {
    /// Takes in a valid envelope with `seq` 0. Its data has been judged, so a reader that refuses it here
    /// is one of an error or of an event that is not known: nothing to do.
    pub(super) fn control(&mut self, envelope: &Envelope<'_>, link: usize, now_ms: f64) -> u32 {
        // A subscription that could not go on from its position is one all the same: its code says why.
        if envelope.error_code.is_some() && envelope.event != name::ACK {
            return self.error(envelope);
        }
        let data = envelope.data;
        match &*envelope.event {
            name::HELLO => Hello::read(data).map_or(0, |hello| {
                // Another gateway has another clock.
                self.clock.restart();
                self.clock.sample(hello.server_time as f64, now_ms);
                self.heartbeat_ms = hello.heartbeat_ms as f64;
                self.notify(Notice::new(NoticeKind::Hello, "", data))
            }),
            name::ACK => AnyAck::read(data).map_or(0, |ack| self.acknowledged(&ack, envelope, link, now_ms)),
            name::HEARTBEAT => Heartbeat::read(data).map_or(0, |beat| self.heartbeat(&beat, link, now_ms)),
            name::SNAPSHOT_END => self.with_slot(&envelope.channel, |store, id| {
                store.slots[id.0 as usize].snapshot_end();
                store.dirty(id)
            }),
            name::RESYNC => Resync::read(data).map_or(0, |resync| {
                self.with_slot(&envelope.channel, |store, id| {
                    store.slots[id.0 as usize].resync(&resync.epoch);
                    store.notify(Notice::new(NoticeKind::Resync, &envelope.channel, data)) | store.dirty(id)
                })
            }),
            name::BACKPRESSURE_DROP => BackpressureDrop::read(data).map_or(0, |lost| {
                self.with_slot(&envelope.channel, |store, id| {
                    store.slots[id.0 as usize].dropped(&lost, &mut store.counters);
                    store.notify(Notice::new(NoticeKind::Dropped, &envelope.channel, data)) | store.dirty(id)
                })
            }),
            name::RATE => Rate::read(data).map_or(0, |rate| {
                self.with_slot(&envelope.channel, |store, id| {
                    store.slots[id.0 as usize].rate(&rate);
                    0
                })
            }),
            name::AUTH => self.notify(Notice::new(NoticeKind::Auth, "", data)),
            name::DRAIN => self.notify(Notice::new(NoticeKind::Drain, "", data)),
            _ => 0,
        }
    }

    /// Passes on what the gateway refused, or what its source could not give.
    #[inline(never)]
    pub(super) fn error(&mut self, envelope: &Envelope<'_>) -> u32 {
        let is_readable = ErrorDetail::read(envelope.data).is_ok();
        let data = if is_readable { envelope.data } else { NO_DETAIL };
        let notice = match envelope.seq {
            0 => Notice::new(NoticeKind::Error, &envelope.channel, data),
            seq => Notice::failed(&envelope.channel, data, seq),
        };
        self.notify(Notice { code: envelope.error_code.as_deref().map(Into::into), ..notice })
    }

    fn acknowledged(&mut self, ack: &AnyAck, envelope: &Envelope<'_>, link: usize, now_ms: f64) -> u32 {
        let data = envelope.data;
        match ack {
            AnyAck::Channel(ack) => {
                let flags = self.with_slot(&ack.channel, |store, id| {
                    let slot = &mut store.slots[id.0 as usize];
                    slot.link = link;
                    slot.acknowledge(ack, envelope.error_code.as_deref(), &mut store.counters);
                    store.dirty(id)
                });
                let code = envelope.error_code.as_deref().map(Into::into);
                flags | self.notify(Notice { code, ..Notice::new(NoticeKind::Ack, &ack.channel, data) })
            }
            AnyAck::Command(CommandAck { server_time, .. }) => {
                if let Some(server_time) = server_time {
                    self.clock.sample(*server_time as f64, now_ms);
                }
                self.notify(Notice::new(NoticeKind::AckCommand, "", data))
            }
        }
    }

    fn heartbeat(&mut self, beat: &Heartbeat, link: usize, now_ms: f64) -> u32 {
        self.clock.sample(beat.server_time as f64, now_ms);
        let mut flags = self.broker_stands(beat.broker_ok.unwrap_or(true), link);
        for (channel, head) in &beat.heads {
            let head = *head;
            flags |= self.with_slot(channel, |store, id| {
                let slot = &mut store.slots[id.0 as usize];
                if slot.link != link {
                    return 0;
                }
                match slot.compare(head, &mut store.counters) {
                    Standing::Level => 0,
                    Standing::Settled => store.dirty(id),
                    Standing::Behind(last) => {
                        store.notify(Notice::behind(channel, last, head)) | store.dirty(id)
                    }
                }
            });
        }
        flags
    }

    /// The gateway says whether it vouches for its own link to the engine.
    fn broker_stands(&mut self, is_proven: bool, link: usize) -> u32 {
        match self.links.get_mut(link) {
            Some(Link::Up { broker_is_proven, .. }) if *broker_is_proven != is_proven => {
                *broker_is_proven = is_proven;
                self.judges_all = true;
                DIRTY
            }
            _ => 0,
        }
    }

    fn with_slot(&mut self, channel: &str, act: impl FnOnce(&mut Self, ChannelId) -> u32) -> u32 {
        match self.index.get(channel).copied() {
            Some(id) => act(self, id),
            None => 0,
        }
    }

    fn dirty(&mut self, id: ChannelId) -> u32 {
        mark(&mut self.pending, id, &mut self.slots[id.0 as usize]);
        DIRTY
    }

    #[inline(never)]
    fn notify(&mut self, notice: Notice) -> u32 {
        self.notices.push(notice);
        NOTICES
    }
}
