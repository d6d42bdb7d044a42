//! What a process has used, from `/proc`.

use std::fs;

use anyhow::{Context, Result};

/// Kernel clock ticks a second in `/proc/PID/stat`; 100 on every Linux that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of CPU, user and system, of a process and its reaped children.
pub(super) fn cpu_seconds(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    ticks(&text)
        .map(|ticks| ticks as f64 / TICKS_PER_SECOND)
        .with_context(|| format!("cannot read {text:?}"))
}

/// Fields 14 and 15, counted behind the command's name, which may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Resident megabytes of a process.
pub(super) fn resident_mb(pid: u32) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS")?;
    let kilobytes: f64 = line
        .split_whitespace()
        .next()
        .context("no number")?
        .parse()?;
    Ok(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 1 0 5 1 1";
        assert_eq!(ticks(stat), Some(300));
        assert!(cpu_seconds(std::process::id()).is_ok());
        assert!(resident_mb(std::process::id()).expect("own memory") > 0.0);
    }
}
