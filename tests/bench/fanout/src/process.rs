//! What the system knows of other processes.

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Processor time of some processes together, in user mode and in the system on their behalf, as the scheduler
/// counts it: the ticks of `stat` miss much of what many short runs take.
pub fn cpu_time(pids: &[u32]) -> anyhow::Result<Duration> {
    let mut ns = 0;
    for pid in pids {
        for thread in fs::read_dir(format!("/proc/{pid}/task")).context("a process has ended")? {
            // A thread may end between the two looks; servers that are measured here keep theirs.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let on_cpu = text.split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
            ns += on_cpu.context("schedstat has no time")?;
        }
    }
    Ok(Duration::from_nanos(ns))
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
