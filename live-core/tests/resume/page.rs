//! The page's side: what it has heard and been told.

use std::collections::{BTreeMap, BTreeSet};

use live_core::sequence::Continuity;
use live_core::store::{ChannelId, FULL, NoticeKind, Store};
use serde_json::Value;

use crate::gateway::{Gateway, Mode};

/// A page that holds one channel.
pub struct Page {
    pub store: Store,
    pub id: ChannelId,
    mode: Mode,
    /// Epoch and `seq` of everything that it heard, in order.
    pub heard: Vec<(u64, u64)>,
    /// Ranges that it was told are missing, by epoch.
    pub told: BTreeSet<(u64, u64)>,
    /// The oldest that each history held when the page came to it.
    pub begun: BTreeMap<u64, u64>,
    epoch: u64,
    pub wants_renewal: bool,
}

impl Page {
    /// One that wants every envelope, or only the newest.
    pub fn new(mode: Mode, is_tapped: bool) -> Self {
        let mut store = Store::default();
        let id = store.open(mode.channel(), 0).expect("a good name");
        store.tap(id, is_tapped);
        let (heard, told, begun) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
        Self { store, id, mode, heard, told, begun, epoch: 0, wants_renewal: false }
    }

    pub fn take_in(&mut self, frame: &[u8]) {
        let mut flags = self.store.ingest_frame(frame, 0, 1.0);
        while flags & FULL != 0 {
            self.flush();
            flags = self.store.ingest_more(1.0);
        }
        for notice in self.store.take_notices() {
            assert_ne!(notice.kind, NoticeKind::Rejected, "{notice:?}");
            self.wants_renewal |= matches!(notice.kind, NoticeKind::Behind | NoticeKind::Overrun);
            if notice.kind == NoticeKind::Dropped {
                let lost: Value = serde_json::from_str(&notice.data).expect("JSON");
                let seq = |name: &str| lost[name].as_u64().expect("a seq");
                self.tell(seq("fromSeq"), seq("toSeq"));
            }
        }
    }

    fn tell(&mut self, from: u64, to: u64) {
        self.told.extend((from..=to).map(|seq| (self.epoch, seq)));
    }

    pub fn flush(&mut self) {
        self.store.flush(2.0);
        // The epoch of what is heard is the one that the store stands in: a frame of another one was flushed apart.
        let events = self.store.take_events(self.id).unwrap_or_else(|| "[]".into());
        for event in serde_json::from_str::<Vec<Value>>(&events).expect("a JSON array") {
            let seq = event["seq"].as_u64().expect("a seq");
            // A joined piece stands for all that it was made of.
            let from = event["data"]["fromSeq"].as_u64().unwrap_or(seq);
            self.heard.extend((from..=seq).map(|seq| (self.epoch, seq)));
            if self.mode == Mode::Lossless {
                let text: Vec<String> = (from..=seq).map(|seq| seq.to_string()).collect();
                assert_eq!(event["data"]["text"], text.join(","), "a piece lacks a part");
            }
        }
        if let Some(Continuity::Gap { from, to }) = self.store.head(self.id).map(|head| head.continuity) {
            self.tell(from, to);
        }
    }

    /// It has nothing of this history yet, and comes to what is held of it.
    pub fn begin(&mut self, gateway: &Gateway) {
        let oldest = gateway.held.front().map_or(gateway.seq + 1, |item| item.seq);
        if self.heard.iter().all(|(epoch, _)| *epoch != gateway.epoch) {
            self.begun.insert(gateway.epoch, oldest);
        }
    }

    /// The line is gone.
    pub fn cut(&mut self, gateway: &mut Gateway) {
        gateway.cut();
        self.store.link_down(0);
        self.flush();
    }

    /// The line is opened, or the channel is taken anew on it, from where it stands.
    pub fn connect(&mut self, gateway: &mut Gateway) {
        self.wants_renewal = false;
        self.flush();
        if gateway.wire.is_none() {
            self.store.link_up(0, 0.0);
        }
        let since = self.store.position(self.id).map(|(epoch, seq)| (epoch.to_owned(), seq));
        if since.as_ref().is_none_or(|(epoch, _)| *epoch != gateway.epoch()) {
            self.begin(gateway);
        }
        gateway.subscribe(since);
        self.epoch = gateway.epoch;
    }
}
