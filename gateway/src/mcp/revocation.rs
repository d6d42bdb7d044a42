//! Sessions that were ended before their token expired: a table of fixed size, shared by all cores.
//!
//! Session tokens are stateless, so "this one is over" has to be remembered somewhere, and nothing
//! that callers send may make memory grow. The table is set-associative like a CPU cache: an id's bits
//! choose a bucket of eight slots, one cache line; a slot holds the rest of the id and the minute at
//! which the token expires anyway, after which the slot is free.
//!
//! Only the end of an open session is recorded ([`super::session::Sessions::end`]), so filling slots
//! takes authenticated callers ending real sessions. Where all eight slots of a bucket are live, the
//! one that expires soonest is given up: that ended session answers again until it expires, to its own
//! principal only, and a session grants nothing that the principal's credentials do not. Ids are random,
//! so buckets fill evenly: the first gives one up at about 8,000 sessions ended within a day.
//!
//! The table is of this process: another gateway with the same key, or this one restarted, does not
//! know of the end. It costs a client nothing: it has dropped the id.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits::{SESSION_AGE_S_MAX, SESSIONS_ENDED_MAX};

/// Slots of a bucket: eight words fill a cache line.
const WAYS: usize = 8;
const BUCKETS: usize = SESSIONS_ENDED_MAX / WAYS;
/// Bits of a slot that hold the minute of expiry; the others hold bits of the id.
const MINUTE_BITS: u32 = 20;
const MINUTE_MASK: u64 = (1 << MINUTE_BITS) - 1;

const _: () = assert!(BUCKETS.is_power_of_two());
// Minutes are compared around their wrap, after two years, and need half the range for it. The
// bucket's bits must come from those that the slot does not hold.
const _: () = assert!(SESSION_AGE_S_MAX / 60 < 1 << (MINUTE_BITS - 1));
const _: () = assert!(BUCKETS <= 1 << MINUTE_BITS);

/// One cache line.
#[repr(align(64))]
#[derive(Debug)]
struct Bucket([AtomicU64; WAYS]);

/// The table.
#[derive(Debug)]
pub struct Revocations {
    buckets: Box<[Bucket]>,
}

impl Default for Revocations {
    fn default() -> Self {
        let empty = || Bucket(std::array::from_fn(|_| AtomicU64::new(0)));
        Self {
            buckets: (0..BUCKETS).map(|_| empty()).collect(),
        }
    }
}

impl Revocations {
    /// Remembers an id until `expires_ms`. Times are Unix milliseconds.
    pub fn insert(&self, id: u64, expires_ms: u64, now_ms: u64) {
        let now = minute(now_ms);
        // The minute after the last in which the token is good.
        let entry = (id & !MINUTE_MASK) | (minute(expires_ms).wrapping_add(1) & MINUTE_MASK);
        let slots = &self.bucket(id).0;
        // Another core may take the slot that was chosen: then choose again. Each failure is another
        // core's success, so a few rounds do; giving up leaves one token usable until it expires.
        for _ in 0..WAYS {
            let words = slots.each_ref().map(|slot| slot.load(Ordering::Acquire));
            if words.iter().any(|&word| is_of(word, id)) {
                return;
            }
            let soonest = words
                .iter()
                .enumerate()
                .min_by_key(|&(_, &word)| minutes_left(word, now));
            let Some((index, &word)) = soonest else {
                return;
            };
            let swapped =
                slots[index].compare_exchange(word, entry, Ordering::AcqRel, Ordering::Acquire);
            if swapped.is_ok() {
                return;
            }
        }
    }

    /// Whether an id was ended. Of an id whose token has expired it may say either; the token's own
    /// age is checked first.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        let slots = &self.bucket(id).0;
        slots
            .iter()
            .any(|slot| is_of(slot.load(Ordering::Acquire), id))
    }

    fn bucket(&self, id: u64) -> &Bucket {
        &self.buckets[(id & MINUTE_MASK) as usize % BUCKETS]
    }
}

/// Whether a slot holds this id, to 44 bits of it beside the bucket's: a stranger's id is mistaken for
/// an ended one with a chance of 2^-41.
fn is_of(word: u64, id: u64) -> bool {
    word != 0 && (word ^ id) & !MINUTE_MASK == 0
}

/// Minutes until a slot is free; zero where it is.
fn minutes_left(word: u64, now: u64) -> u64 {
    let left = (word & MINUTE_MASK).wrapping_sub(now) & MINUTE_MASK;
    // Half the range back is the past.
    if word == 0 || left >> (MINUTE_BITS - 1) != 0 {
        0
    } else {
        left
    }
}

fn minute(unix_ms: u64) -> u64 {
    (unix_ms / 60_000) & MINUTE_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = SESSION_AGE_S_MAX * 1_000;
    /// Ids that share a bucket differ in the bits above the minute's.
    const fn id(bucket: u64, tag: u64) -> u64 {
        tag << MINUTE_BITS | bucket
    }

    #[test]
    fn an_ended_session_is_remembered_and_no_other() {
        let table = Revocations::default();
        assert!(!table.contains(id(3, 1)));
        table.insert(id(3, 1), 5 * DAY_MS, 4 * DAY_MS);
        table.insert(id(3, 1), 5 * DAY_MS, 4 * DAY_MS);
        assert!(table.contains(id(3, 1)));
        assert!(!table.contains(id(3, 2)));
        assert!(!table.contains(id(4, 1)));
        let taken = table
            .bucket(id(3, 1))
            .0
            .iter()
            .filter(|slot| slot.load(Ordering::Acquire) != 0);
        assert_eq!(taken.count(), 1);
    }

    #[test]
    fn a_full_bucket_gives_up_the_slot_that_expires_soonest() {
        let table = Revocations::default();
        let now = 400 * DAY_MS;
        for tag in 1..=WAYS as u64 {
            table.insert(id(0, tag), now + tag * 3_600_000, now);
        }
        table.insert(id(0, 100), now + DAY_MS, now);
        assert!(!table.contains(id(0, 1)));
        for tag in (2..=WAYS as u64).chain([100]) {
            assert!(table.contains(id(0, tag)), "{tag}");
        }
    }

    #[test]
    fn expired_slots_are_used_first_also_around_the_wrap_of_minutes() {
        let wrap_ms = (MINUTE_MASK + 1) * 60_000;
        for now in [400 * DAY_MS, wrap_ms - 60_000, wrap_ms, wrap_ms + DAY_MS] {
            let table = Revocations::default();
            table.insert(id(7, 1), now - 60_000, now - DAY_MS);
            for tag in 2..=WAYS as u64 {
                table.insert(id(7, tag), now + DAY_MS, now);
            }
            table.insert(id(7, 100), now + DAY_MS, now);
            assert!(!table.contains(id(7, 1)), "{now}");
            for tag in (2..=WAYS as u64).chain([100]) {
                assert!(table.contains(id(7, tag)), "{now} {tag}");
            }
        }
    }

    #[test]
    fn cores_that_end_sessions_at_once_lose_none_while_there_is_room() {
        let table = Revocations::default();
        std::thread::scope(|scope| {
            for core in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for bucket in 0..512 {
                        table.insert(id(bucket, core * 2 + 1), DAY_MS, 0);
                        table.insert(id(bucket, core * 2 + 2), DAY_MS, 0);
                    }
                });
            }
        });
        for bucket in 0..512 {
            for tag in 1..=8 {
                assert!(table.contains(id(bucket, tag)), "{bucket} {tag}");
            }
        }
    }

    #[test]
    fn one_past_the_bound_the_table_is_as_large_as_before() {
        let table = Revocations::default();
        for number in 0..=SESSIONS_ENDED_MAX as u64 {
            table.insert(id(number % BUCKETS as u64, number + 1), DAY_MS, 0);
        }
        assert_eq!(table.buckets.len() * WAYS, SESSIONS_ENDED_MAX);
        assert!(table.contains(id(0, SESSIONS_ENDED_MAX as u64 + 1)));
    }
}
