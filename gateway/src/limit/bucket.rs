//! One limit: an exact token bucket in one atomic word, shared by all cores.
//!
//! The generic cell rate algorithm (GCRA): instead of counting tokens, the word holds the moment at
//! which the bucket will be full again. Every admitted request moves that moment by one period
//! (a minute divided by the rate); a request is refused when the moment would lie further ahead than
//! a whole burst of periods. One compare-and-swap admits or refuses, so no interleaving of cores
//! admits one request too many.
//!
//! **Precision.** Moments are kept in 1/1024 ns. A period is exact where the rate divides a minute so
//! (100 million a minute: 600 ns); else it is rounded to the nearest 1/1024 ns, which is off by less
//! than 1 ppm up to 100 million a minute. A quartz is off by 20.
//!
//! **Range.** 64 bits of 1/1024 ns come round after 208 days, so differences are taken modulo 2^64.
//! A moment further ahead than a bucket can ever be is one long past: the bucket is full. A bucket
//! that was left alone for almost exactly a multiple of 208 days may look emptier than it is, and is
//! right again within the time that it takes to fill.

use std::sync::atomic::{AtomicU64, Ordering};

pub use super::rate::Rate;
use super::{LimitScope, RateState};

/// Units of time in a nanosecond.
const UNITS_PER_NS: u64 = 1024;
/// Units of time in a second.
const UNITS_PER_S: u64 = 1_000_000_000 * UNITS_PER_NS;
/// Units of time in a minute.
const UNITS_PER_MINUTE: u64 = 60 * UNITS_PER_S;
/// The longest time to fill that a bucket may have: 30 days. A larger burst is cut to it, so that
/// "ahead" and "long past" stay apart in the 208 days that the word spans.
const WINDOW_MAX: u64 = 30 * 24 * 3_600 * UNITS_PER_S;
/// How far beyond its window a bucket may be seen: cores read the clock at slightly different times,
/// and a request that races with a change of rate may add one old period, a minute at most.
const SLACK: u64 = 2 * UNITS_PER_MINUTE;

/// A token bucket.
///
/// On a cache line of its own: two callers' buckets must not slow each other down.
#[derive(Debug)]
#[repr(align(64))]
pub struct Bucket {
    /// When the bucket is full, in [`UNITS_PER_NS`], modulo 2^64. 0 is a bucket never taken from.
    full_at: AtomicU64,
    /// Requests a minute in the high half, burst in the low half: one word, so that a reader sees
    /// both from the same setting.
    rate: AtomicU64,
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self {
            full_at: AtomicU64::new(0),
            rate: AtomicU64::new(pack(rate)),
        }
    }

    /// The rate in force.
    #[must_use]
    pub fn rate(&self) -> Rate {
        unpack(self.rate.load(Ordering::Relaxed))
    }

    /// Takes one request's worth at `now_ns` (monotonic nanoseconds); `scope` is only carried into
    /// the answer.
    ///
    /// # Errors
    /// The state of the bucket, untouched, where it does not hold one request's worth.
    pub fn take(&self, now_ns: u64, scope: LimitScope) -> Result<RateState, RateState> {
        let now = now_ns.wrapping_mul(UNITS_PER_NS);
        let mut full_at = self.full_at.load(Ordering::Relaxed);
        loop {
            // Read again on every turn: a change of rate moves `full_at`, so the swap below fails.
            let shape = Shape::of(self.rate());
            let ahead = shape.ahead(full_at, now);
            if ahead + shape.period > shape.window {
                return Err(shape.state(ahead, scope));
            }
            let taken = ahead + shape.period;
            // Relaxed: the word guards nothing but itself.
            match self.full_at.compare_exchange_weak(
                full_at,
                moment(now, taken),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(shape.state(taken, scope)),
                Err(current) => full_at = current,
            }
        }
    }

    /// What [`Self::take`] would find, without taking.
    #[must_use]
    pub fn peek(&self, now_ns: u64, scope: LimitScope) -> RateState {
        let shape = Shape::of(self.rate());
        let now = now_ns.wrapping_mul(UNITS_PER_NS);
        shape.state(
            shape.ahead(self.full_at.load(Ordering::Relaxed), now),
            scope,
        )
    }

    /// Changes the rate and keeps the level: as many requests as had been taken and not yet refilled
    /// stay taken, up to the new burst. Called by control alone, at a reload; a request that races
    /// with it may be counted by the old rate.
    pub fn set_rate(&self, rate: Rate, now_ns: u64) {
        let old = Shape::of(self.rate());
        let new = Shape::of(rate);
        // A core must never see a level beyond the window it reckons with, or it would take the
        // bucket for one long past: so the larger window is in force while the level changes.
        if new.window >= old.window {
            self.rate.store(pack(rate), Ordering::Relaxed);
        }
        let now = now_ns.wrapping_mul(UNITS_PER_NS);
        let _ = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                let ahead = old.ahead(full_at, now);
                let scaled = u128::from(ahead) * u128::from(new.period) / u128::from(old.period);
                let kept = u64::try_from(scaled).unwrap_or(u64::MAX).min(new.window);
                (full_at != 0).then(|| moment(now, kept))
            });
        self.rate.store(pack(rate), Ordering::Relaxed);
    }
}

/// A rate in units of time.
#[derive(Clone, Copy)]
struct Shape {
    limit: u32,
    /// Time to refill one request's worth.
    period: u64,
    /// Time to fill the empty bucket.
    window: u64,
}

impl Shape {
    fn of(rate: Rate) -> Self {
        let per_minute = u64::from(rate.requests_per_minute);
        if per_minute == 0 {
            // No window, so nothing fits.
            return Self {
                limit: 0,
                period: UNITS_PER_MINUTE,
                window: 0,
            };
        }
        let period = (UNITS_PER_MINUTE + per_minute / 2) / per_minute;
        let window = period
            .saturating_mul(u64::from(rate.burst.max(1)))
            .min(WINDOW_MAX);
        Self {
            limit: rate.requests_per_minute,
            period,
            window,
        }
    }

    /// Time from `now` until the bucket is full; 0 when it is.
    fn ahead(self, full_at: u64, now: u64) -> u64 {
        let ahead = full_at.wrapping_sub(now);
        if full_at == 0 || ahead > self.window + SLACK {
            0
        } else {
            ahead
        }
    }

    fn state(self, ahead: u64, scope: LimitScope) -> RateState {
        let remaining = self.window.saturating_sub(ahead) / self.period;
        // Where one more fits, the difference is below zero: no wait.
        let wait = (ahead + self.period).saturating_sub(self.window);
        RateState {
            limit: self.limit,
            remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
            reset_s: seconds(ahead),
            retry_after_s: seconds(wait),
            scope,
        }
    }
}

/// Seconds, rounded up: who waits as long as we say is not too early. Fits: 30 days and a bit.
fn seconds(units: u64) -> u32 {
    u32::try_from(units.div_ceil(UNITS_PER_S)).unwrap_or(u32::MAX)
}

/// A moment as it is stored: never 0, which means "never taken from".
fn moment(now: u64, ahead: u64) -> u64 {
    now.wrapping_add(ahead).max(1)
}

fn pack(rate: Rate) -> u64 {
    u64::from(rate.requests_per_minute) << 32 | u64::from(rate.burst)
}

fn unpack(word: u64) -> Rate {
    // Truncation is the point: each half is one number.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the halves of a packed word"
    )]
    Rate {
        requests_per_minute: (word >> 32) as u32,
        burst: word as u32,
    }
}

#[cfg(test)]
mod tests;
