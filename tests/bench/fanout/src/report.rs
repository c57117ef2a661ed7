//! The numbers, side by side.

use std::io::Write as _;
use std::time::Duration;

use crate::subscriber::Door;

/// One run of fan-out.
pub struct FanOut {
    /// Whose.
    pub server: &'static str,
    /// The transport.
    pub door: Door,
    /// Publications a second.
    pub rate: u32,
    /// Messages that arrived, over all subscribers.
    pub delivered: u64,
    /// Messages that should have.
    pub expected: u64,
    /// Processor time of the server for each delivered message, in microseconds.
    pub cpu_us: f64,
    /// Time from publisher to subscriber that half of the messages stay below.
    pub p50: Duration,
    /// The same for 99 of 100.
    pub p99: Duration,
}

/// Memory of idle connections.
pub struct Idle {
    /// Whose.
    pub server: &'static str,
    /// The transport.
    pub door: Door,
    /// How many.
    pub connections: usize,
    /// Bytes for each.
    pub bytes: f64,
}

/// Everything that was measured.
#[derive(Default)]
pub struct Report {
    fan_outs: Vec<FanOut>,
    idles: Vec<Idle>,
    notes: Vec<String>,
}

impl Report {
    /// Adds a run.
    pub fn fan_out(&mut self, run: FanOut) {
        self.fan_outs.push(run);
    }

    /// Adds a look at memory.
    pub fn idle(&mut self, look: Idle) {
        self.idles.push(look);
    }

    /// Adds a sentence.
    pub fn note(&mut self, note: &str) {
        self.notes.push(note.to_owned());
    }

    /// Writes it all to the output.
    pub fn print(&self) {
        // Nobody is left to tell when the output is closed.
        let _written = std::io::stdout().write_all(self.text().as_bytes());
    }

    fn text(&self) -> String {
        let mut lines = vec![format!(
            "{:<12} {:<10} {:>6}  {:>10} {:>8}  {:>14} {:>9} {:>9}",
            "server", "transport", "rate/s", "delivered", "missing", "CPU µs/delivery", "p50 ms", "p99 ms"
        )];
        for run in &self.fan_outs {
            lines.push(format!(
                "{:<12} {:<10} {:>6}  {:>10} {:>8}  {:>15.2} {:>9.2} {:>9.2}",
                run.server,
                run.door,
                run.rate,
                run.delivered,
                run.expected.saturating_sub(run.delivered),
                run.cpu_us,
                run.p50.as_secs_f64() * 1e3,
                run.p99.as_secs_f64() * 1e3,
            ));
        }
        for (ours, theirs) in self.pairs() {
            lines.push(format!(
                "{} at {}/s: {:.2} of the processor time of {} for a delivery",
                ours.door,
                ours.rate,
                ours.cpu_us / theirs.cpu_us,
                theirs.server
            ));
        }
        lines.push(String::new());
        lines.push(format!(
            "{:<12} {:<10} {:>12} {:>16}",
            "server", "transport", "connections", "KB a connection"
        ));
        for look in &self.idles {
            lines.push(format!(
                "{:<12} {:<10} {:>12} {:>16.1}",
                look.server,
                look.door,
                look.connections,
                look.bytes / 1e3
            ));
        }
        lines.extend(self.notes.iter().cloned());
        lines.push(String::new());
        lines.join("\n")
    }

    /// The same run on both servers.
    fn pairs(&self) -> impl Iterator<Item = (&FanOut, &FanOut)> {
        self.fan_outs.iter().filter_map(|ours| {
            let same = |theirs: &&FanOut| (theirs.door, theirs.rate) == (ours.door, ours.rate);
            let theirs = self.fan_outs.iter().filter(same).find(|other| other.server != ours.server)?;
            (ours.server == "Spark Live").then_some((ours, theirs))
        })
    }
}
