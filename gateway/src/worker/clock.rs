//! The worker's clock: read once when a request is framed, and once for each latency that is recorded.

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

/// Reads both clocks with one system time call a second: between those, wall time advances with the
/// monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    unix_ms_at_start: u64,
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clock for the data path")]
impl Clock {
    /// A clock that counts from `start`, the same for every thread of the process.
    #[must_use]
    pub fn new(start: Instant) -> Self {
        let mut clock = Self { start, unix_ms_at_start: 0 };
        clock.resynchronise();
        clock
    }

    /// The present moment (about 25 ns).
    #[must_use]
    pub fn now(&self) -> Now {
        let elapsed = self.start.elapsed();
        Now {
            mono_ns: u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX),
            unix_ms: self.unix_ms_at_start + u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Follows a machine whose clock was set. Called by the worker's tick.
    pub fn resynchronise(&mut self) {
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let elapsed_ms = self.start.elapsed().as_millis();
        self.unix_ms_at_start = u64::try_from(unix_ms.saturating_sub(elapsed_ms)).unwrap_or(0);
    }
}
