//! What a client that checks everything knows of one channel: what it had, what it was told it lost.

use anyhow::{Result, bail, ensure};

use crate::Envelope;

/// What an envelope was for the one who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// New publications, the first of them with this number.
    New(u64),
    /// It was had before, and is not delivered again.
    Known,
    /// None of the channel's own data.
    Other,
}

/// The books of one `event` or `lossless` channel: everything from the first envelope on was either had, or is in a
/// range that was told before what follows it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    epoch: Option<String>,
    first: Option<u64>,
    last: u64,
    /// A new beginning was announced: what follows may begin further on.
    is_anew: bool,
    told: Vec<(u64, u64)>,
    /// Publications that were had.
    pub delivered: u64,
    /// Publications that came once more after a line was opened again.
    pub resent: u64,
    /// Publications that were lost.
    pub lost: u64,
    /// Ranges that were lost, both ends included.
    pub gaps: Vec<(u64, u64)>,
    /// Acknowledgements that went on without a gap.
    pub resumed: u64,
}

impl Ledger {
    /// The newest publication that is accounted for.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The first publication that was had.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.first
    }

    /// Enters an envelope of the channel.
    ///
    /// # Errors
    /// When a verdict contradicts what came before, or something is missing of which nobody said a word.
    pub fn take(&mut self, envelope: &Envelope) -> Result<Took> {
        match envelope.event.as_str() {
            "system.ack" => self.acknowledged(envelope)?,
            "system.resync" => {
                self.begin(envelope.field("epoch")?)?;
                self.is_anew = true;
            }
            "backpressure_drop" => {
                let (from, to, dropped): (u64, u64, u64) =
                    (envelope.field("fromSeq")?, envelope.field("toSeq")?, envelope.field("dropped")?);
                ensure!(from <= to && dropped == to - from + 1, "{envelope}");
                self.told.push((from, to));
            }
            _ if envelope.is_data() => {
                let from = envelope.field::<Option<u64>>("fromSeq").ok().flatten().unwrap_or(envelope.seq);
                return self.data(from, envelope.seq);
            }
            _ => {}
        }
        Ok(Took::Other)
    }

    fn acknowledged(&mut self, ack: &Envelope) -> Result<()> {
        let epoch: String = ack.field("epoch")?;
        if ack.field("resumed")? {
            ensure!(self.epoch.as_deref() == Some(&epoch), "resumed in another history: {ack}");
            ensure!(ack.ok, "resumed, and refused: {ack}");
            self.resumed += 1;
            return Ok(());
        }
        ensure!(
            ack.ok == self.epoch.is_none(),
            "a verdict without a code, or a code without a position: {ack}"
        );
        self.is_anew = true;
        self.begin(epoch)
    }

    fn begin(&mut self, epoch: String) -> Result<()> {
        if self.epoch.as_ref().is_some_and(|known| *known != epoch) {
            bail!("another history, {epoch}, where none was to be lost");
        }
        self.epoch = Some(epoch);
        Ok(())
    }

    fn data(&mut self, from: u64, to: u64) -> Result<Took> {
        ensure!(from >= 1 && from <= to, "from {from} to {to}");
        if self.first.is_none() {
            self.first = Some(from);
            self.last = from - 1;
        }
        if to <= self.last {
            self.resent += to - from + 1;
            return Ok(Took::Known);
        }
        let begins = from.max(self.last + 1);
        self.resent += begins - from;
        if begins > self.last + 1 {
            self.gap(self.last + 1, begins - 1)?;
        }
        self.is_anew = false;
        self.delivered += to - begins + 1;
        self.last = to;
        Ok(Took::New(begins))
    }

    fn gap(&mut self, from: u64, to: u64) -> Result<()> {
        let is_told = self.is_anew || (from..=to).all(|seq| is_in(&self.told, seq));
        ensure!(is_told, "{from} to {to} are missing without a word; told were {:?}", self.told);
        self.lost += to - from + 1;
        self.gaps.push((from, to));
        Ok(())
    }
}

fn is_in(ranges: &[(u64, u64)], seq: u64) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(event: &str, seq: u64, data: &str) -> Envelope {
        let text = format!(
            r#"{{"v":1,"event":"{event}","channel":"feed:a","seq":{seq},"ts":1,"ok":true,"errorCode":null,"data":{data}}}"#
        );
        Envelope::parse(&text).unwrap()
    }

    fn ack(is_resumed: bool) -> Envelope {
        envelope("system.ack", 0, &format!(r#"{{"epoch":"abcdefgh","resumed":{is_resumed}}}"#))
    }

    #[test]
    fn a_silent_loss_is_found_and_a_told_one_counted() {
        let mut ledger = Ledger::default();
        ledger.take(&ack(false)).unwrap();
        assert_eq!(ledger.take(&envelope("x.y", 5, "1")).unwrap(), Took::New(5));
        assert!(ledger.clone().take(&envelope("x.y", 8, "1")).is_err());
        let told = envelope("backpressure_drop", 0, r#"{"dropped":2,"fromSeq":6,"toSeq":7}"#);
        ledger.take(&told).unwrap();
        assert!(ledger.clone().take(&envelope("x.y", 9, "1")).is_err());
        assert_eq!(ledger.take(&envelope("x.y", 8, "1")).unwrap(), Took::New(8));
        let inexact = envelope("backpressure_drop", 0, r#"{"dropped":2,"fromSeq":9,"toSeq":11}"#);
        assert!(ledger.clone().take(&inexact).is_err());
        assert_eq!((ledger.delivered, ledger.lost, ledger.gaps.clone()), (2, 2, vec![(6, 7)]));
        ledger.take(&ack(true)).unwrap();
        assert_eq!(ledger.take(&envelope("x.y", 8, "1")).unwrap(), Took::Known);
        assert_eq!(ledger.take(&envelope("x.y", 10, r#"{"fromSeq":8}"#)).unwrap(), Took::New(9));
        assert_eq!((ledger.delivered, ledger.resent, ledger.last()), (4, 2, 10));
    }
}
