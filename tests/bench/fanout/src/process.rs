//! What the system knows of other processes.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Processor time of some processes together, in user mode and in the system on their behalf.
pub fn cpu_time(pids: &[u32]) -> anyhow::Result<Duration> {
    let ticks_a_second = rustix::param::clock_ticks_per_second() as f64;
    let mut ticks = 0;
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("a process has ended")?;
        // The name in brackets may hold anything; what follows it is numbers.
        let (_, rest) = stat.rsplit_once(')').context("stat has no name")?;
        let number = |at: usize| rest.split_whitespace().nth(at).and_then(|text| text.parse::<u64>().ok());
        ticks += number(11).context("no utime")? + number(12).context("no stime")?;
    }
    Ok(Duration::from_secs_f64(ticks as f64 / ticks_a_second))
}

/// Resident memory of some processes together, in bytes, without what they share with files.
pub fn memory(pids: &[u32]) -> anyhow::Result<usize> {
    let mut bytes = 0;
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).context("a process has ended")?;
        let of = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name))?;
            line.split_whitespace().nth(1)?.parse::<usize>().ok()
        };
        let kib = of("RssAnon:").context("no RssAnon")? + of("RssShmem:").unwrap_or_default();
        bytes += kib * 1024;
    }
    Ok(bytes)
}
