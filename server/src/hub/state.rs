//! Everything of a connection that is behind its lock, which is held only for moments.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use live_core::backpressure::Offer;
use live_core::channel::{ChannelName, NamespacePolicy};
use live_core::error::ErrorCode;
use live_core::outbox::{CONTROL_MAX, Measured, Next, Outbox};
use live_core::sequence::Position;
use live_core::system::name;
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::gate::{Gate, Held};
use super::out::Out;
use super::pace::Paced;
use super::subscription::{Phase, Subscription, Ticket};
use super::{ChannelInfo, Request};
use crate::broker::{Attached, Publication};
use crate::config::LiveConfig;
use crate::wire;

/// What became of a look into the outbox.
#[derive(Debug, Default)]
pub struct Drained {
    /// Nothing more can be sent now.
    pub is_exhausted: bool,
    /// When to look again although nothing new comes.
    pub next_due: Option<Instant>,
    /// A subscription that has to be brought back in step. There may be others, which come one at a time,
    /// each after the one before was sent.
    pub behind: Option<(Ticket, ChannelName)>,
}

/// Whether what was held could follow the engine's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GateOpened {
    /// It did, or the subscription has ended meanwhile.
    Yes,
    /// More was published than the gate holds.
    Overflowed,
}

/// An answer, or the start of a channel: its acknowledgement and what follows it.
#[derive(Debug)]
enum Control {
    Notice(Bytes),
    Opening(Opening),
}

/// The start of a channel. Of a subscription that has ended only the answer is sent that it begins with.
#[derive(Debug)]
struct Opening {
    ticket: Ticket,
    outs: VecDeque<Out>,
    has_begun: bool,
}

/// See the module.
#[derive(Debug)]
pub(super) struct State {
    outbox: Outbox<Out, Control>,
    /// What is being sent of the start of a channel; it comes before everything else.
    opening: Option<Opening>,
    /// Bytes of control messages.
    control_bytes: usize,
    /// From how many bytes of these on nothing more is asked for.
    control_bytes_max: usize,
    /// Subscriptions that owe an order to start again; these come before anything of a lane.
    starting_over: VecDeque<Ticket>,
    /// Subscriptions that have to be brought back in step.
    behind: VecDeque<Ticket>,
    /// Subscriptions of which something waits for its time.
    paced: Vec<Ticket>,
    /// When the first report on what was merged is due.
    report_due: Option<Instant>,
    report_every: Duration,
    /// By the number of its lane.
    subscriptions: Vec<Option<Subscription>>,
    tickets: FxHashMap<ChannelName, Ticket>,
    last_number: u64,
    opened: Instant,
}

impl State {
    pub fn new(live: &LiveConfig, now: Instant) -> Self {
        Self {
            outbox: Outbox::new(live.queue_capacity, live.connection_bytes),
            opening: None,
            control_bytes: 0,
            control_bytes_max: live.connection_bytes,
            starting_over: VecDeque::new(),
            behind: VecDeque::new(),
            paced: Vec::new(),
            report_due: None,
            report_every: live.rate_report,
            subscriptions: Vec::new(),
            tickets: FxHashMap::default(),
            last_number: 0,
            opened: now,
        }
    }

    /// Puts a subscription behind its gate.
    pub fn begin(
        &mut self,
        request: Request,
        policy: &NamespacePolicy,
        info: ChannelInfo,
        subscriptions_max: usize,
    ) -> Result<Ticket, ErrorCode> {
        if self.tickets.len() >= subscriptions_max {
            return Err(ErrorCode::SubscriptionLimit);
        }
        self.last_number += 1;
        let lane = self.outbox.open(policy.mode);
        let ticket = Ticket { index: lane.index() as u32, number: self.last_number };
        let channel = request.channel.clone();
        let subscription = Subscription::new(request, policy, info, lane, ticket.number);
        if self.subscriptions.len() <= lane.index() {
            self.subscriptions.resize_with(lane.index() + 1, || None);
        }
        self.subscriptions[lane.index()] = Some(subscription);
        self.tickets.insert(channel, ticket);
        Ok(ticket)
    }

    /// Ends a subscription and forgets what waits of it. Returns whether it was still there.
    pub fn end(&mut self, ticket: Ticket) -> bool {
        let Some(place) = self.subscriptions.get_mut(ticket.index as usize) else { return false };
        let Some(ended) = place.take_if(|subscription| subscription.number == ticket.number) else {
            return false;
        };
        self.outbox.close(ended.lane);
        self.tickets.remove(&ended.channel);
        true
    }

    pub fn ticket(&self, channel: &ChannelName) -> Option<Ticket> {
        self.tickets.get(channel).copied()
    }

    pub fn channels(&self) -> Vec<ChannelName> {
        self.tickets.keys().cloned().collect()
    }

    pub fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Subscription> {
        find(&mut self.subscriptions, ticket)
    }

    pub fn has_room_for_control(&self) -> bool {
        self.outbox.control_len() < CONTROL_MAX - 1 && self.control_bytes < self.control_bytes_max
    }

    /// Queues an answer.
    pub fn notice(&mut self, envelope: Bytes) {
        let len = envelope.len() + 1;
        self.control(Control::Notice(envelope), len);
    }

    fn control(&mut self, control: Control, len: usize) {
        // Whoever queues has waited for room.
        match self.outbox.control(control) {
            Ok(()) => self.control_bytes += len,
            Err(full) => tracing::error!(%full, "a control message is lost"),
        }
    }

    /// Holds from now on what is published. Returns where the subscription goes on from.
    pub fn shut_gate(&mut self, ticket: Ticket) -> Option<Position> {
        let subscription = self.get_mut(ticket)?;
        subscription.phase = Phase::Attaching(Gate::default());
        subscription.position()
    }

    /// What the engine hands on, on its way to the gate or to the outbox. Returns whether the writing task
    /// has to look: a value that only takes the place of one that waits for its time is sent then.
    pub fn publication(&mut self, ticket: Ticket, publication: &Arc<Publication>, now: Instant) -> bool {
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return false };
        match &mut subscription.phase {
            Phase::Attaching(gate) => {
                gate.hold(Held::Publication(Arc::clone(publication)));
                return false;
            }
            Phase::Behind => return false,
            Phase::Live => {}
        }
        let epoch = publication.epoch();
        let is_same = Arc::ptr_eq(epoch, &subscription.epoch) || *epoch == subscription.epoch;
        if is_same && publication.seq() <= subscription.head {
            return false;
        }
        if !is_same || publication.seq() != subscription.head + 1 {
            // Something of the engine has not arrived.
            self.fall_behind(ticket);
            return true;
        }
        let waited = !subscription.pace.is_quiet();
        match subscription.pace.offer(publication, now) {
            Paced::Now => self.offer(ticket, Arc::clone(publication), now),
            Paced::Waits { merged } => {
                subscription.head = publication.seq();
                let report_due = subscription.tally.merge(merged, now, self.report_every);
                let is_overfull = subscription.pace.is_overfull();
                self.report_due = earlier(self.report_due, report_due);
                if !waited {
                    self.paced.push(ticket);
                }
                if is_overfull {
                    self.release(ticket, now);
                }
                !waited || is_overfull
            }
        }
    }

    /// The engine's word that the channel starts over. Returns whether the writing task has to look.
    pub fn reset(&mut self, ticket: Ticket, epoch: &Arc<str>, reason: &str) -> bool {
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return false };
        match &mut subscription.phase {
            Phase::Attaching(gate) => {
                gate.hold(Held::Reset { epoch: Arc::clone(epoch), reason: reason.into() });
                false
            }
            Phase::Behind => false,
            Phase::Live => {
                if subscription.start_over(epoch, reason) {
                    self.starting_over.push_back(ticket);
                }
                self.outbox.clear(subscription.lane);
                true
            }
        }
    }

    /// Queues the start of a channel, or what it lacks, and after it what was held.
    pub fn open_gate(&mut self, ticket: Ticket, attached: &Attached) -> GateOpened {
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return GateOpened::Yes };
        let Phase::Attaching(gate) = &mut subscription.phase else { return GateOpened::Yes };
        if self.outbox.control_len() >= CONTROL_MAX {
            // Others took the room while the engine was asked; it is asked again when this was sent.
            self.fall_behind(ticket);
            return GateOpened::Yes;
        }
        let may_go_on = subscription.mode == live_core::channel::Mode::Lossless;
        if gate.has_overflowed && !may_go_on {
            return GateOpened::Overflowed;
        }
        let gate = std::mem::take(gate);
        let is_in_step = attached.is_complete && !gate.has_overflowed;
        let outs = VecDeque::from(subscription.start_from(attached));
        let len = outs.iter().map(Measured::len_bytes).sum();
        self.control(Control::Opening(Opening { ticket, outs, has_begun: false }), len);
        if !is_in_step {
            // The next page comes when this one was sent.
            self.fall_behind(ticket);
            return GateOpened::Yes;
        }
        let now = Instant::now();
        for held in gate.after(attached) {
            match held {
                Held::Publication(publication) => self.publication(ticket, &publication, now),
                Held::Reset { epoch, reason } => self.reset(ticket, &epoch, &reason),
            };
        }
        GateOpened::Yes
    }

    pub fn drain(&mut self, batch: &mut Vec<Out>, bytes_max: usize) -> Drained {
        let now = Instant::now();
        self.release_due(now);
        let mut bytes = 0;
        while bytes < bytes_max {
            let Some(out) = self.next(now) else { return self.exhausted(batch, now) };
            bytes += out.len_bytes();
            batch.push(out);
        }
        Drained::default()
    }

    /// How far each channel has come for which nothing waits.
    pub fn quiet_heads(&self) -> Vec<(ChannelName, u64)> {
        let is_quiet = |s: &&Subscription| {
            matches!(s.phase, Phase::Live)
                && s.pace.is_quiet()
                && s.owed.is_none()
                && self.outbox.is_quiet(s.lane)
        };
        let quiet = self.subscriptions.iter().flatten().filter(is_quiet);
        quiet.map(|s| (s.channel.clone(), s.head)).collect()
    }

    /// How long the byte cap has been full without a pause.
    pub fn full_for(&self) -> Duration {
        let full_ms = self.outbox.full_since_ms().map_or(0.0, |since| self.ms(Instant::now()) - since);
        Duration::from_secs_f64(full_ms.max(0.0) / 1_000.0)
    }

    /// Bytes that wait in lanes.
    pub fn waiting_bytes(&self) -> usize {
        self.outbox.bytes()
    }

    fn ms(&self, at: Instant) -> f64 {
        (at - self.opened).as_secs_f64() * 1_000.0
    }

    /// Offers a publication to a subscription's lane. What does not fit puts the subscription behind. Returns
    /// whether the writing task has to look.
    fn offer(&mut self, ticket: Ticket, publication: Arc<Publication>, now: Instant) -> bool {
        let now_ms = self.ms(now);
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return false };
        if matches!(subscription.phase, Phase::Behind) {
            return true;
        }
        let seq = publication.seq();
        let out = Out::Publication(publication);
        if out.len_bytes() <= 1 {
            // It could not be encoded, which has been logged.
            subscription.head = seq.max(subscription.head);
            return false;
        }
        match self.outbox.offer(subscription.lane, out, now_ms) {
            Offer::Refused => {
                self.fall_behind(ticket);
                return true;
            }
            Offer::Merged { merged } if !subscription.mode.is_contiguous() => {
                let report_due = subscription.tally.merge(merged, now, self.report_every);
                self.report_due = earlier(self.report_due, report_due);
            }
            Offer::Accepted | Offer::Merged { .. } | Offer::DroppedOldest { .. } => {}
        }
        subscription.head = seq.max(subscription.head);
        true
    }

    /// What every item counts of is sent as far as it goes, and read on from there. Of the others the newest
    /// will be sent.
    fn fall_behind(&mut self, ticket: Ticket) {
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return };
        subscription.phase = Phase::Behind;
        if !subscription.mode.is_contiguous() {
            subscription.pace.clear();
            self.outbox.clear(subscription.lane);
        }
        self.behind.push_back(ticket);
    }

    fn release_due(&mut self, now: Instant) {
        let mut at = 0;
        while let Some(&ticket) = self.paced.get(at) {
            let Some(subscription) = find(&mut self.subscriptions, ticket) else {
                self.paced.swap_remove(at);
                continue;
            };
            if subscription.pace.is_due(now) {
                self.release(ticket, now);
            }
            match self.get_mut(ticket) {
                Some(subscription) if !subscription.pace.is_quiet() => at += 1,
                _ => {
                    self.paced.swap_remove(at);
                }
            }
        }
    }

    /// Offers what waited for its time.
    fn release(&mut self, ticket: Ticket, now: Instant) {
        let Some(subscription) = find(&mut self.subscriptions, ticket) else { return };
        let mut waited = subscription.pace.take(now);
        for publication in waited.drain(..) {
            self.offer(ticket, publication, now);
        }
        if let Some(subscription) = self.get_mut(ticket) {
            subscription.pace.give_back(waited);
        }
    }

    fn next(&mut self, now: Instant) -> Option<Out> {
        let now_ms = self.ms(now);
        loop {
            if let Some(out) = self.next_of_opening() {
                return Some(out);
            }
            if self.outbox.control_len() == 0 && self.begin_again() {
                continue;
            }
            match self.outbox.next(now_ms)? {
                Next::Control(Control::Notice(envelope)) => {
                    self.control_bytes -= envelope.len() + 1;
                    return Some(Out::Notice(envelope));
                }
                Next::Control(Control::Opening(opening)) => self.opening = Some(opening),
                Next::Item(lane, out) => {
                    if let Some(Some(subscription)) = self.subscriptions.get_mut(lane.index()) {
                        subscription.tally.deliver();
                    }
                    return Some(out);
                }
                Next::Lost(lane, lost) => {
                    if let Some(Some(subscription)) = self.subscriptions.get(lane.index()) {
                        let channel = subscription.channel.as_str();
                        return Some(Out::Notice(wire::system(name::BACKPRESSURE_DROP, channel, &lost)));
                    }
                }
            }
        }
    }

    fn next_of_opening(&mut self) -> Option<Out> {
        let opening = self.opening.as_mut()?;
        let is_over = opening.has_begun && find(&mut self.subscriptions, opening.ticket).is_none();
        opening.has_begun = true;
        if !is_over && let Some(out) = opening.outs.pop_front() {
            self.control_bytes = self.control_bytes.saturating_sub(out.len_bytes());
            return Some(out);
        }
        let rest: usize = opening.outs.iter().map(Measured::len_bytes).sum();
        self.control_bytes = self.control_bytes.saturating_sub(rest);
        self.opening = None;
        None
    }

    /// Takes up the next order to start again. In a lane it could be refused or be told after a loss that
    /// comes after it.
    fn begin_again(&mut self) -> bool {
        while let Some(ticket) = self.starting_over.pop_front() {
            if let Some(owed) = self.get_mut(ticket).and_then(|subscription| subscription.owed.take()) {
                let outs = VecDeque::from(owed);
                self.control_bytes += outs.iter().map(Measured::len_bytes).sum::<usize>();
                self.opening = Some(Opening { ticket, outs, has_begun: false });
                return true;
            }
        }
        false
    }

    fn exhausted(&mut self, batch: &mut Vec<Out>, now: Instant) -> Drained {
        self.report(batch, now);
        let mut drained = Drained { is_exhausted: true, next_due: self.report_due, ..Drained::default() };
        for &ticket in &self.paced {
            let due = find(&mut self.subscriptions, ticket).and_then(|s| s.pace.next_due());
            drained.next_due = earlier(drained.next_due, due);
        }
        while let Some(ticket) = self.behind.pop_front() {
            let found = find(&mut self.subscriptions, ticket);
            if let Some(subscription) = found.filter(|s| matches!(s.phase, Phase::Behind)) {
                subscription.phase = Phase::Attaching(Gate::default());
                drained.behind = Some((ticket, subscription.channel.clone()));
                break;
            }
        }
        let told_at = self.outbox.due_ms();
        let told_at = told_at.map(|ms| self.opened + Duration::from_secs_f64(ms.max(0.0) / 1_000.0));
        drained.next_due = earlier(drained.next_due, told_at);
        drained
    }

    /// Tells what was merged, of each channel whose window is over.
    fn report(&mut self, batch: &mut Vec<Out>, now: Instant) {
        if self.report_due.is_none_or(|due| now < due) {
            return;
        }
        let every = self.report_every;
        self.report_due = None;
        for subscription in self.subscriptions.iter_mut().flatten() {
            if subscription.tally.due(every).is_some_and(|due| now >= due) {
                batch.push(subscription.report(now));
            }
            self.report_due = earlier(self.report_due, subscription.tally.due(every));
        }
    }
}

fn find(subscriptions: &mut [Option<Subscription>], ticket: Ticket) -> Option<&mut Subscription> {
    let subscription = subscriptions.get_mut(ticket.index as usize)?.as_mut()?;
    (subscription.number == ticket.number).then_some(subscription)
}

fn earlier(a: Option<Instant>, b: Option<Instant>) -> Option<Instant> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
