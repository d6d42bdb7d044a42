//! A circuit breaker: stops sending to an upstream that keeps failing, and lets one call through now
//! and then to see whether it has recovered.
//!
//! It counts the upstream's faults (no connection, no answer, broken answer, 502, 503, 504), never the
//! caller's: a 400 or 404 is a healthy answer. One breaker per worker and upstream, so no lock.

use std::cell::Cell;

use crate::worker::clock::Now;

/// Faults in a row that open the breaker.
const FAULTS_TO_OPEN: u32 = 8;
/// How long it stays open the first time, in milliseconds; doubles with each failed probe.
const OPEN_MS_FIRST: u64 = 500;
/// The longest it stays open between probes.
const OPEN_MS_MAX: u64 = 15_000;

/// State of one upstream on one worker.
#[derive(Debug, Default)]
pub struct Breaker {
    faults_in_a_row: Cell<u32>,
    open_until_ns: Cell<u64>,
    open_ms: Cell<u64>,
    probing: Cell<bool>,
}

impl Breaker {
    /// Whether a call may be sent. While open, the first call after each pause is the probe.
    #[must_use]
    pub fn allows(&self, now: Now) -> bool {
        if self.faults_in_a_row.get() < FAULTS_TO_OPEN {
            return true;
        }
        if now.mono_ns < self.open_until_ns.get() || self.probing.get() {
            return false;
        }
        self.probing.set(true);
        true
    }

    /// The upstream answered.
    pub fn succeeded(&self) {
        self.faults_in_a_row.set(0);
        self.open_ms.set(0);
        self.probing.set(false);
    }

    /// The upstream failed.
    pub fn failed(&self, now: Now) {
        let faults = self.faults_in_a_row.get().saturating_add(1);
        self.faults_in_a_row.set(faults);
        self.probing.set(false);
        if faults >= FAULTS_TO_OPEN {
            let open_ms = (self.open_ms.get() * 2).clamp(OPEN_MS_FIRST, OPEN_MS_MAX);
            self.open_ms.set(open_ms);
            self.open_until_ns.set(now.mono_ns + open_ms * 1_000_000);
        }
    }

    /// The call ended without telling anything of the upstream (the caller went away).
    pub fn abandoned(&self) {
        self.probing.set(false);
    }

    /// Whether calls are being refused.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.faults_in_a_row.get() >= FAULTS_TO_OPEN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Now {
        Now {
            mono_ns: ms * 1_000_000,
            unix_ms: ms,
        }
    }

    #[test]
    fn opens_after_the_last_allowed_fault_and_probes_once_per_pause() {
        let breaker = Breaker::default();
        for _ in 1..FAULTS_TO_OPEN {
            breaker.failed(at(0));
        }
        assert!(
            breaker.allows(at(0)),
            "one fault fewer than the bound keeps it closed"
        );
        breaker.failed(at(0));
        assert!(breaker.is_open() && !breaker.allows(at(499)));
        assert!(breaker.allows(at(500)), "the probe");
        assert!(!breaker.allows(at(500)), "only one probe at a time");
        breaker.failed(at(500));
        assert!(!breaker.allows(at(1_499)), "the pause doubles");
        assert!(breaker.allows(at(1_500)));
        breaker.succeeded();
        assert!(breaker.allows(at(1_500)) && !breaker.is_open());
    }

    #[test]
    fn an_abandoned_probe_lets_the_next_one_through() {
        let breaker = Breaker::default();
        for _ in 0..FAULTS_TO_OPEN {
            breaker.failed(at(0));
        }
        assert!(breaker.allows(at(500)));
        breaker.abandoned();
        assert!(breaker.allows(at(500)));
    }

    #[test]
    fn a_success_forgets_earlier_faults() {
        let breaker = Breaker::default();
        for _ in 0..100 {
            breaker.failed(at(0));
            breaker.succeeded();
        }
        assert!(!breaker.is_open());
    }
}
