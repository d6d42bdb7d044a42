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

/// As what a call was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// One of many: the breaker was closed.
    Regular,
    /// The one that finds out whether the upstream has recovered.
    Probe,
}

impl Breaker {
    /// Whether a call may be sent, and as what. While open, the first call after each pause is the probe.
    #[must_use]
    pub fn pass(&self, now: Now) -> Option<Pass> {
        if !self.is_open() {
            return Some(Pass::Regular);
        }
        if now.mono_ns < self.open_until_ns.get() || self.probing.replace(true) {
            return None;
        }
        Some(Pass::Probe)
    }

    /// The upstream answered.
    pub fn succeeded(&self, pass: Pass) {
        self.faults_in_a_row.set(0);
        self.open_ms.set(0);
        self.abandoned(pass);
    }

    /// The upstream failed. Calls that were under way when the breaker opened fail too, often by the
    /// hundred: they say nothing new, so only a probe makes the pause longer.
    pub fn failed(&self, pass: Pass, now: Now) {
        self.abandoned(pass);
        if self.is_open() && pass == Pass::Regular {
            return;
        }
        self.faults_in_a_row
            .set(self.faults_in_a_row.get().saturating_add(1));
        if self.is_open() {
            let open_ms = (self.open_ms.get() * 2).clamp(OPEN_MS_FIRST, OPEN_MS_MAX);
            self.open_ms.set(open_ms);
            self.open_until_ns.set(now.mono_ns + open_ms * 1_000_000);
        }
    }

    /// The call ended without telling anything of the upstream (the caller went away).
    pub fn abandoned(&self, pass: Pass) {
        if pass == Pass::Probe {
            self.probing.set(false);
        }
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
    use Pass::{Probe, Regular};

    fn at(ms: u64) -> Now {
        Now {
            mono_ns: ms * 1_000_000,
            unix_ms: ms,
        }
    }

    fn opened(at_ms: u64) -> Breaker {
        let breaker = Breaker::default();
        for _ in 0..FAULTS_TO_OPEN {
            breaker.failed(Regular, at(at_ms));
        }
        breaker
    }

    #[test]
    fn opens_after_the_last_allowed_fault_and_probes_once_per_pause() {
        let breaker = Breaker::default();
        for _ in 1..FAULTS_TO_OPEN {
            breaker.failed(Regular, at(0));
        }
        let one_fewer = breaker.pass(at(0));
        assert_eq!(
            one_fewer,
            Some(Regular),
            "one fault fewer than the bound keeps it closed"
        );
        breaker.failed(Regular, at(0));
        assert_eq!(breaker.pass(at(499)), None);
        assert_eq!(breaker.pass(at(500)), Some(Probe));
        assert_eq!(breaker.pass(at(500)), None, "only one probe at a time");
        breaker.failed(Probe, at(500));
        assert_eq!(breaker.pass(at(1_499)), None, "the pause doubles");
        assert_eq!(breaker.pass(at(1_500)), Some(Probe));
        breaker.succeeded(Probe);
        assert_eq!(breaker.pass(at(1_500)), Some(Regular));
    }

    #[test]
    fn an_abandoned_probe_lets_the_next_one_through() {
        let breaker = opened(0);
        assert_eq!(breaker.pass(at(500)), Some(Probe));
        breaker.abandoned(Probe);
        assert_eq!(breaker.pass(at(500)), Some(Probe));
    }

    #[test]
    fn calls_under_way_when_it_opens_neither_lengthen_the_pause_nor_free_the_probe() {
        let breaker = opened(0);
        for _ in 0..256 {
            breaker.failed(Regular, at(100));
        }
        assert_eq!(
            breaker.pass(at(500)),
            Some(Probe),
            "the first pause is still the first"
        );
        breaker.failed(Regular, at(500));
        breaker.abandoned(Regular);
        assert_eq!(breaker.pass(at(500)), None, "the probe is still out");
    }

    #[test]
    fn the_pause_has_an_upper_bound() {
        let breaker = opened(0);
        let mut now_ms = 0;
        for _ in 0..20 {
            now_ms += OPEN_MS_MAX;
            assert_eq!(breaker.pass(at(now_ms)), Some(Probe));
            breaker.failed(Probe, at(now_ms));
        }
        assert_eq!(breaker.pass(at(now_ms + OPEN_MS_MAX - 1)), None);
        assert_eq!(breaker.pass(at(now_ms + OPEN_MS_MAX)), Some(Probe));
    }

    #[test]
    fn a_success_forgets_earlier_faults() {
        let breaker = Breaker::default();
        for _ in 0..100 {
            breaker.failed(Regular, at(0));
            breaker.succeeded(Regular);
        }
        assert!(!breaker.is_open());
    }

    /// Pitfall 18: a window of outcomes would grow with traffic.
    #[test]
    fn pitfall_18_a_breaker_does_not_grow_with_traffic() {
        assert!(size_of::<Breaker>() <= 32);
        assert!(
            !std::mem::needs_drop::<Breaker>(),
            "it owns nothing elsewhere"
        );
    }
}
