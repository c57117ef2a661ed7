//! What a process costs, as the system counts it.

use anyhow::{Context, Result};

/// Resident memory of a process, in bytes.
///
/// # Errors
/// When there is no such process.
pub fn resident(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1_024)
}

/// Sockets that a process holds open.
///
/// # Errors
/// When there is no such process.
pub fn sockets(pid: u32) -> Result<usize> {
    let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))?;
    // One may be closed while they are looked at.
    let targets = descriptors.flatten().filter_map(|entry| std::fs::read_link(entry.path()).ok());
    Ok(targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count())
}

/// The delay that ninety-nine of a hundred stay below; nothing of none.
#[must_use]
pub fn p99<T: Ord + Copy + Default>(delays: &mut [T]) -> T {
    delays.sort_unstable();
    delays.get(delays.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
}
