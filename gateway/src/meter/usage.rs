//! Running totals of tools and callers, which outlive a snapshot.
//!
//! Shared by the cores: an addition is one uncontended or, for a hot tool, one contended atomic
//! (about 10 ns). They start at 0 with the process; the spool holds what was before.

use std::sync::atomic::{AtomicU64, Ordering};

use super::record::Status;

/// Totals of one tool: metrics and `status.invocationCount` come from here.
#[derive(Debug, Default)]
pub struct ToolUsage {
    by_status: [AtomicU64; Status::ALL.len()],
    latency_us: AtomicU64,
    cost_microunits: AtomicU64,
}

impl ToolUsage {
    /// Counts one call that ended.
    pub fn add(&self, status: Status, latency_us: u64, cost_microunits: u64) {
        self.by_status[status.index()].fetch_add(1, Ordering::Relaxed);
        self.latency_us.fetch_add(latency_us, Ordering::Relaxed);
        self.cost_microunits
            .fetch_add(cost_microunits, Ordering::Relaxed);
    }

    /// Calls that ended so.
    #[must_use]
    pub fn calls_with(&self, status: Status) -> u64 {
        self.by_status[status.index()].load(Ordering::Relaxed)
    }

    /// Calls in all.
    #[must_use]
    pub fn calls(&self) -> u64 {
        Status::ALL
            .into_iter()
            .map(|status| self.calls_with(status))
            .sum()
    }

    /// Calls that did not end in success.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.calls() - self.calls_with(Status::Success)
    }

    /// Microseconds of all calls together.
    #[must_use]
    pub fn latency_us(&self) -> u64 {
        self.latency_us.load(Ordering::Relaxed)
    }

    /// Cost of all calls together, in millionths of a unit.
    #[must_use]
    pub fn cost_microunits(&self) -> u64 {
        self.cost_microunits.load(Ordering::Relaxed)
    }
}

/// Totals of one caller: what `stoa_usage` shows to it.
#[derive(Debug, Default)]
pub struct CallerUsage {
    calls: AtomicU64,
    errors: AtomicU64,
    cost_microunits: AtomicU64,
    last_unix_ms: AtomicU64,
}

impl CallerUsage {
    /// Counts one call that ended at `unix_ms`.
    pub fn add(&self, status: Status, cost_microunits: u64, unix_ms: u64) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if status != Status::Success {
            self.errors.fetch_add(1, Ordering::Relaxed);
        }
        self.cost_microunits
            .fetch_add(cost_microunits, Ordering::Relaxed);
        // Plain store: two cores that end a call in the same millisecond may leave either's time.
        self.last_unix_ms.store(unix_ms, Ordering::Relaxed);
    }

    /// Calls in all.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Calls that did not end in success.
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.errors.load(Ordering::Relaxed)
    }

    /// Cost in millionths of a unit.
    #[must_use]
    pub fn cost_microunits(&self) -> u64 {
        self.cost_microunits.load(Ordering::Relaxed)
    }

    /// Unix milliseconds of the last call, where there was one.
    #[must_use]
    pub fn last_unix_ms(&self) -> Option<u64> {
        Some(self.last_unix_ms.load(Ordering::Relaxed)).filter(|unix_ms| *unix_ms != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_add_up() {
        let (tool, caller) = (ToolUsage::default(), CallerUsage::default());
        assert_eq!(caller.last_unix_ms(), None);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for status in Status::ALL {
                        tool.add(status, 10, 3);
                        caller.add(status, 3, 42);
                    }
                });
            }
        });
        assert_eq!((tool.calls(), tool.errors()), (32, 28));
        assert_eq!((tool.latency_us(), tool.cost_microunits()), (320, 96));
        assert!(
            Status::ALL
                .into_iter()
                .all(|status| tool.calls_with(status) == 4)
        );
        assert_eq!(
            (caller.calls(), caller.errors(), caller.cost_microunits()),
            (32, 28, 96)
        );
        assert_eq!(caller.last_unix_ms(), Some(42));
    }
}
