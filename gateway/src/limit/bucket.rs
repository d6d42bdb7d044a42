//! One limit: an exact token bucket in one atomic word, shared by all cores.
//!
//! The generic cell rate algorithm (GCRA): instead of counting tokens, the word holds the moment at
//! which the bucket will be full again. Every admitted request moves that moment by one period
//! (a minute divided by the rate); a request is refused when the moment would lie further ahead than
//! a whole burst of periods. One compare-and-swap admits or refuses, so no interleaving of cores
//! admits one request too many.
//!
//! **Precision.** Moments are kept in 1/512 ns. A period is exact where the rate divides a minute so
//! (100 million a minute: 600 ns); else it is rounded to the nearest 1/512 ns, which is off by less
//! than 2 ppm up to 100 million a minute. A quartz is off by 20.
//!
//! **A new rate** comes with a new level, and no core may see one without the other: the rate is
//! written to the slot that is not in use, then one swap of the word changes level and slot.
//!
//! **Range.** 63 bits of 1/512 ns come round after 208 days, so differences are taken modulo 2^63.
//! A moment further ahead than the bucket can ever be is one long past: the bucket is full. A bucket
//! that was left alone for almost exactly a multiple of 208 days may look emptier than it is, and is
//! right again within the time that it takes to fill.

use std::sync::atomic::{AtomicU64, Ordering};

pub use super::rate::Rate;
use super::{LimitScope, RateState};

/// Units of time in a nanosecond.
const UNITS_PER_NS: u64 = 512;
/// Units of time in a second.
const UNITS_PER_S: u64 = 1_000_000_000 * UNITS_PER_NS;
/// Units of time in a minute.
const UNITS_PER_MINUTE: u64 = 60 * UNITS_PER_S;
/// The longest time to fill that a bucket may have: 30 days. A larger burst is cut to it, so that
/// "ahead" and "long past" stay apart in the 208 days that a moment spans.
const WINDOW_MAX: u64 = 30 * 24 * 3_600 * UNITS_PER_S;
/// How far beyond its window a bucket may be seen: cores read the clock at different times, at most
/// the length of one turn of a worker's loop apart.
const SLACK: u64 = UNITS_PER_MINUTE;
/// The bits of a moment.
const MOMENT: u64 = u64::MAX >> 1;

/// A token bucket.
///
/// On a cache line of its own: two callers' buckets must not slow each other down.
#[derive(Debug)]
#[repr(align(64))]
pub struct Bucket {
    /// A [`Word`].
    word: AtomicU64,
    /// The rate in force and the one before or after it: requests a minute in the high half of each,
    /// burst in the low half.
    rates: [AtomicU64; 2],
}

impl Bucket {
    /// A full bucket.
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        let rate = pack(rate);
        Self {
            word: AtomicU64::new(0),
            rates: [AtomicU64::new(rate), AtomicU64::new(rate)],
        }
    }

    /// The rate in force.
    #[must_use]
    pub fn rate(&self) -> Rate {
        self.rate_for(self.load())
    }

    /// Takes one request's worth at `now_ns` (monotonic nanoseconds); `scope` is only carried into
    /// the answer.
    ///
    /// # Errors
    /// The state of the bucket, untouched, where it does not hold one request's worth.
    pub fn take(&self, now_ns: u64, scope: LimitScope) -> Result<RateState, RateState> {
        let now = now_ns.wrapping_mul(UNITS_PER_NS);
        let mut word = self.load();
        loop {
            // The slot may be written to only when the word points elsewhere, so a rate that does not
            // belong to this word makes the swap below fail.
            let shape = Shape::of(self.rate_for(word));
            let ahead = shape.ahead(word, now);
            if ahead + shape.period > shape.window {
                return Err(shape.state(ahead, scope));
            }
            let taken = ahead + shape.period;
            let next = Word::new(now, taken, word.slot());
            // Relaxed where it succeeds: it carries the other side's release on, as any swap does.
            match self.word.compare_exchange_weak(
                word.0,
                next.0,
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return Ok(shape.state(taken, scope)),
                Err(current) => word = Word(current),
            }
        }
    }

    /// What [`Self::take`] would find, without taking.
    #[must_use]
    pub fn peek(&self, now_ns: u64, scope: LimitScope) -> RateState {
        let word = self.load();
        let shape = Shape::of(self.rate_for(word));
        shape.state(shape.ahead(word, now_ns.wrapping_mul(UNITS_PER_NS)), scope)
    }

    /// Changes the rate and keeps the level: as many requests as had been taken and not yet refilled
    /// stay taken, up to the new burst. For control alone, which has one thread; requests may be taken
    /// meanwhile, each by the old rate or by the new one.
    pub fn set_rate(&self, rate: Rate, now_ns: u64) {
        let now = now_ns.wrapping_mul(UNITS_PER_NS);
        let mut word = self.load();
        let slot = 1 - word.slot();
        let old = Shape::of(self.rate_for(word));
        let new = Shape::of(rate);
        self.rates[slot].store(pack(rate), Ordering::Relaxed);
        loop {
            let scaled =
                u128::from(old.ahead(word, now)) * u128::from(new.period) / u128::from(old.period);
            let kept = u64::try_from(scaled).unwrap_or(u64::MAX).min(new.window);
            let next = if word.is_untouched() {
                Word::untouched(slot)
            } else {
                Word::new(now, kept, slot)
            };
            // Release: who sees the new slot in the word sees the rate in the slot.
            match self.word.compare_exchange_weak(
                word.0,
                next.0,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(current) => word = Word(current),
            }
        }
    }

    fn load(&self) -> Word {
        Word(self.word.load(Ordering::Acquire))
    }

    fn rate_for(&self, word: Word) -> Rate {
        unpack(self.rates[word.slot()].load(Ordering::Relaxed))
    }
}

/// The moment at which the bucket is full, in units modulo 2^63, and in the lowest bit the slot of
/// the rate that it is reckoned with. The moment 0 is that of a bucket never taken from.
#[derive(Clone, Copy)]
struct Word(u64);

impl Word {
    fn new(now: u64, ahead: u64, slot: usize) -> Self {
        Self((now.wrapping_add(ahead) & MOMENT).max(1) << 1 | slot as u64)
    }

    fn untouched(slot: usize) -> Self {
        Self(slot as u64)
    }

    fn is_untouched(self) -> bool {
        self.moment() == 0
    }

    fn moment(self) -> u64 {
        self.0 >> 1
    }

    fn slot(self) -> usize {
        usize::from(self.0 & 1 == 1)
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
    fn ahead(self, word: Word, now: u64) -> u64 {
        let ahead = word.moment().wrapping_sub(now) & MOMENT;
        if word.is_untouched() || ahead > self.window + SLACK {
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
