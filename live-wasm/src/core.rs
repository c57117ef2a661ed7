//! The one object that a client holds.

use live_core::envelope;
use live_core::event::BarNumbers;
use live_core::scan;
use live_core::store::{ChannelId, Store, notices_to_json};
use wasm_bindgen::prelude::*;

use crate::convert;

/// How many numbers a call can leave behind.
const SCRATCH_LEN: usize = 16;
/// What is kept of the input buffer between two pieces; a rare large piece gives its memory back.
const INPUT_KEPT_MAX: usize = 256 * 1024;

/// The store of one client. Made once for each client, and freed with it.
///
/// ```ts
/// const core = new Core();
/// const id = core.open("price:AAPL", 0);
/// new Uint8Array(memory.buffer, core.inputPtr(chunk.length), chunk.length).set(chunk);
/// const flags = core.ingestFrame(chunk.length, performance.now(), 0);
/// ```
#[wasm_bindgen]
#[derive(Debug, Default)]
pub struct Core {
    store: Store,
    input: Vec<u8>,
    scratch: Box<[f64; SCRATCH_LEN]>,
}

#[wasm_bindgen]
impl Core {
    /// An empty store with no link.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts to hold a channel whose envelopes arrive on that link (0, 1 or 2), and returns its number.
    ///
    /// # Errors
    /// An `Error` whose message is JSON `{code, message}`: `CHANNEL_INVALID`.
    pub fn open(&mut self, name: &str, link: usize) -> Result<u32, JsError> {
        let id = self.store.open(name, link).map_err(|reason| convert::open_error(&reason))?;
        Ok(id.0)
    }

    /// Forgets a channel and what is held of it; its number may be given to another one.
    pub fn forget(&mut self, id: u32) {
        self.store.forget(ChannelId(id));
    }

    /// Address of an input buffer of at least `len` bytes. The memory may move with the next call.
    #[wasm_bindgen(js_name = inputPtr)]
    pub fn input_ptr(&mut self, len: usize) -> *const u8 {
        if len > self.input.len() || self.input.len() > INPUT_KEPT_MAX {
            self.input = vec![0; len.max(4096)];
        }
        self.input.as_ptr()
    }

    /// Takes in the first `len` bytes of the input buffer: envelopes separated by newlines. Returns flags:
    /// 1 something changed, 2 notices wait, 4 flush at once, 8 an event was too long, 16 no more can be held before
    /// a flush: see [`ingestMore`](Self::ingest_more), 32 the answer to a poll cannot be read.
    #[wasm_bindgen(js_name = ingestFrame)]
    pub fn ingest_frame(&mut self, len: usize, now_ms: f64, link: usize) -> u32 {
        let piece = self.input.get(..len).unwrap_or(&self.input);
        self.store.ingest_frame(piece, link, now_ms)
    }

    /// Takes in the first `len` bytes of the input buffer: a piece of an event stream, cut anywhere.
    /// Returns flags as [`ingestFrame`](Self::ingest_frame) does.
    #[wasm_bindgen(js_name = ingestSse)]
    pub fn ingest_sse(&mut self, len: usize, now_ms: f64, link: usize) -> u32 {
        let piece = self.input.get(..len).unwrap_or(&self.input);
        self.store.ingest_sse(piece, link, now_ms)
    }

    /// Takes in the first `len` bytes of the input buffer: the answer to a poll. Returns flags as
    /// [`ingestFrame`](Self::ingest_frame) does.
    #[wasm_bindgen(js_name = ingestPoll)]
    pub fn ingest_poll(&mut self, len: usize, now_ms: f64, link: usize) -> u32 {
        let answer = self.input.get(..len).unwrap_or(&self.input);
        self.store.ingest_poll(answer, link, now_ms)
    }

    /// Goes on with what the flag 16 left, after a flush. Returns flags.
    #[wasm_bindgen(js_name = ingestMore)]
    pub fn ingest_more(&mut self, now_ms: f64) -> u32 {
        self.store.ingest_more(now_ms)
    }

    /// Where the last answer to a poll says that its channels stand.
    #[wasm_bindgen(js_name = pollCursor)]
    pub fn poll_cursor(&self, link: usize) -> Option<String> {
        self.store.poll_cursor(link).map(str::to_owned)
    }

    /// Where a channel stands, as `epoch:seq`; nothing when it has to start from a snapshot.
    pub fn since(&self, id: u32) -> Option<String> {
        let (epoch, seq) = self.store.position(ChannelId(id))?;
        Some([epoch, ":", &seq.to_string()].concat())
    }

    /// Begins or ends to keep every envelope of a channel, before merging.
    pub fn tap(&mut self, id: u32, on: bool) {
        self.store.tap(ChannelId(id), on);
    }

    /// Forgets where a channel stands of which each envelope counts; true when it has to be taken anew.
    #[wasm_bindgen(js_name = startOver)]
    pub fn start_over(&mut self, id: u32) -> bool {
        self.store.start_over(ChannelId(id))
    }

    /// The envelopes of a tapped channel since they were last taken, as a JSON array.
    #[wasm_bindgen(js_name = takeEvents)]
    pub fn take_events(&mut self, id: u32) -> Option<String> {
        self.store.take_events(ChannelId(id))
    }

    /// Bounds the age from which a channel's value is stale, in milliseconds, below what the gateway says.
    pub fn tighten(&mut self, id: u32, stale_ms: f64) {
        self.store.tighten(ChannelId(id), stale_ms);
    }

    /// Leaves `[merged, dropped, gaps, delivered, effectiveHz, maxHz]` of a channel, the last two NaN where
    /// nothing is known.
    #[wasm_bindgen(js_name = readCounts)]
    pub fn read_counts(&mut self, id: u32) {
        let counts = self.store.counts(ChannelId(id));
        self.leave([
            counts.merged as f64,
            counts.dropped as f64,
            counts.gaps as f64,
            counts.delivered as f64,
            counts.effective_hz.unwrap_or(f64::NAN),
            counts.max_hz.unwrap_or(f64::NAN),
        ]);
    }

    /// The reconnection time that a link's event stream asked for, in milliseconds; -1 for none.
    #[wasm_bindgen(js_name = sseRetryMs)]
    pub fn sse_retry_ms(&self, link: usize) -> f64 {
        self.store.stream(link).and_then(live_core::sse::Parser::retry_ms).map_or(-1.0, |ms| ms as f64)
    }

    /// A transport has opened.
    #[wasm_bindgen(js_name = linkUp)]
    pub fn link_up(&mut self, now_ms: f64, link: usize) {
        self.store.link_up(link, now_ms);
    }

    /// A transport has closed.
    #[wasm_bindgen(js_name = linkDown)]
    pub fn link_down(&mut self, link: usize) {
        self.store.link_down(link);
    }

    /// Shows what has arrived. Returns how many channels changed.
    pub fn flush(&mut self, now_ms: f64) -> usize {
        self.store.flush(now_ms)
    }

    /// The numbers of the channels that the last flush changed.
    pub fn changed(&self) -> Vec<u32> {
        self.store.changed().iter().map(|id| id.0).collect()
    }

    /// When some channel's freshness will change by the passing of time alone; `Infinity` for never.
    #[wasm_bindgen(js_name = nextChangeMs)]
    pub fn next_change_ms(&self) -> f64 {
        self.store.next_change_ms()
    }

    /// What the connection has to act on, as a JSON array; forgets it.
    pub fn notices(&mut self) -> String {
        notices_to_json(&self.store.take_notices())
    }

    /// Address of the numbers that the calls below leave behind; read them at once.
    #[wasm_bindgen(js_name = scratchPtr)]
    pub fn scratch_ptr(&self) -> *const f64 {
        self.scratch.as_ptr()
    }

    /// Leaves `[seq, ts, bornMs, freshness, cause, continuity, gapFrom, gapTo]`; 0 when there is no value
    /// yet (freshness is left all the same), else 1.
    #[wasm_bindgen(js_name = readHead)]
    pub fn read_head(&mut self, id: u32) -> u32 {
        let Some(head) = self.store.head(ChannelId(id)) else {
            self.leave([0.0, 0.0, f64::NAN, 0.0, 0.0, 0.0, 0.0, 0.0]);
            return 0;
        };
        let [kind, from, to] = convert::continuity(head.continuity);
        self.leave([
            head.seq as f64,
            head.ts as f64,
            head.born_ms,
            convert::freshness(head.freshness),
            convert::cause(head.cause),
            kind,
            from,
            to,
        ]);
        1
    }

    /// Leaves `[price, bid, ask, volume, change, changePct, marketTime]`, NaN where there is none; 0 when
    /// the channel's value is no `price.tick`, else 1.
    #[wasm_bindgen(js_name = readTick)]
    pub fn read_tick(&mut self, id: u32) -> u32 {
        let Some(tick) = self.store.tick(ChannelId(id)) else { return 0 };
        self.leave([
            tick.price,
            tick.bid,
            tick.ask,
            tick.volume,
            tick.change,
            tick.change_pct,
            tick.market_time,
        ]);
        1
    }

    /// The newest `limit` bars (0: all) in ascending order, seven numbers each: openTime, open, high, low,
    /// close, volume, closed. Leaves `[bars held, whether history is loaded]`.
    #[wasm_bindgen(js_name = readBars)]
    pub fn read_bars(&mut self, id: u32, limit: usize) -> Vec<f64> {
        let id = ChannelId(id);
        let bars = self.store.bars(id);
        let start = if limit == 0 { 0 } else { bars.len().saturating_sub(limit) };
        let mut numbers = Vec::with_capacity((bars.len() - start) * 7);
        for bar in &bars[start..] {
            let BarNumbers { open_time, open, high, low, close, volume, closed } = bar.numbers;
            numbers.extend([open_time as f64, open, high, low, close, volume, f64::from(u8::from(closed))]);
        }
        let summary = [bars.len() as f64, f64::from(u8::from(self.store.has_history(id)))];
        self.leave(summary);
        numbers
    }

    /// JSON text of the data of the channel's newest visible envelope.
    #[wasm_bindgen(js_name = readData)]
    pub fn read_data(&self, id: u32) -> Option<String> {
        self.store.data(ChannelId(id)).map(|(_, data)| data.to_owned())
    }

    /// Puts a page of `GET /api/market/candles`, the first `len` bytes of the input buffer, under the live
    /// bars. Returns how many rows it had.
    ///
    /// # Errors
    /// An `Error` whose message is JSON `{code, message}` when the page is malformed or another channel's.
    #[wasm_bindgen(js_name = historyPage)]
    pub fn history_page(&mut self, id: u32, len: usize) -> Result<usize, JsError> {
        let page = self.input.get(..len).unwrap_or(&self.input);
        let rows = self.store.history_page(ChannelId(id), page);
        rows.map_err(|reason| convert::page_error(&reason))
    }

    /// What has happened so far, as JSON.
    pub fn counters(&self) -> String {
        convert::counters(self.store.counters())
    }

    /// The verdict on one envelope as JSON, for tests and tools: `{ok: true, event, channel, seq, ts,
    /// errorCode}` or `{ok: false, code, field, reason}`.
    pub fn validate(envelope: &[u8]) -> String {
        convert::verdict(&envelope::parse(envelope))
    }

    /// Whether the fast path takes this envelope, for tests.
    #[wasm_bindgen(js_name = isCanonical)]
    pub fn is_canonical(envelope: &[u8]) -> bool {
        scan::scan(envelope).is_some()
    }

    fn leave<const N: usize>(&mut self, numbers: [f64; N]) {
        self.scratch[..N].copy_from_slice(&numbers);
    }
}
