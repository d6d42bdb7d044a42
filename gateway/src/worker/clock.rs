//! The worker's clock: read once when a request is framed, and once for each latency that is recorded.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A moment, handed to every stage so that none reads the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Nanoseconds since the process started; never goes back.
    pub mono_ns: u64,
    /// Milliseconds since 1970; follows the machine's clock.
    pub unix_ms: u64,
}

impl Now {
    /// Microseconds from `earlier` to here; 0 if `earlier` is later.
    #[must_use]
    pub fn micros_since(self, earlier: Self) -> u64 {
        self.mono_ns.saturating_sub(earlier.mono_ns) / 1_000
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix_s(self) -> u64 {
        self.unix_ms / 1_000
    }
}

/// Reads the wall clock at every tick ([`Clock::resynchronise`]); between those, wall time advances with
/// the monotonic clock, so a call costs one reading.
#[derive(Debug)]
pub struct Clock {
    start: Instant,
    /// Atomic only so that a clock can be shared; each worker has one of its own.
    unix_ms_at_start: AtomicU64,
    /// What was read last, in nanoseconds since `start`.
    recent_ns: AtomicU64,
}

#[allow(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock for the data path"
)]
impl Clock {
    /// A clock that counts from `start`, the same for every thread of the process.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        let clock = Self {
            start,
            unix_ms_at_start: AtomicU64::new(0),
            recent_ns: AtomicU64::new(0),
        };
        clock.resynchronise();
        clock
    }

    /// Another clock with the same start, for another thread.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(self.start)
    }

    /// The present moment (about 25 ns).
    #[must_use]
    pub fn now(&self) -> Now {
        // 64 bits of nanoseconds last for 584 years.
        let mono_ns = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.recent_ns.store(mono_ns, Ordering::Relaxed);
        self.at(mono_ns)
    }

    /// The moment that [`Self::now`] gave last. A worker's tick reads the clock every 50 ms, so this is no
    /// older, which is as exact as deadlines are: they are set by it.
    #[must_use]
    pub fn recent(&self) -> Now {
        self.at(self.recent_ns.load(Ordering::Relaxed))
    }

    fn at(&self, mono_ns: u64) -> Now {
        let elapsed_ms = mono_ns / 1_000_000;
        Now {
            mono_ns,
            unix_ms: self
                .unix_ms_at_start
                .load(Ordering::Relaxed)
                .saturating_add(elapsed_ms),
        }
    }

    /// Follows a machine whose clock was set, or which slept: the monotonic clock does not count sleep, so
    /// without this a key would outlive its expiry by the length of a nap. Called by the worker's tick.
    pub fn resynchronise(&self) {
        let unix_ms = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_millis());
        let elapsed_ms = self.start.elapsed().as_millis();
        let at_start = u64::try_from(unix_ms.saturating_sub(elapsed_ms)).unwrap_or(0);
        self.unix_ms_at_start.store(at_start, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "the test is about the clock")]
    fn wall_time_is_found_again_after_a_sleep_or_a_set_clock() {
        let clock = Clock::new(Instant::now());
        // What a nap of an hour leaves behind: wall time an hour late.
        clock
            .unix_ms_at_start
            .fetch_sub(3_600_000, Ordering::Relaxed);
        let late = clock.now();
        clock.resynchronise();
        let right = clock.now();
        assert!(
            right.unix_ms - late.unix_ms >= 3_590_000,
            "{late:?} {right:?}"
        );
        assert!(right.mono_ns >= late.mono_ns);
    }
}
