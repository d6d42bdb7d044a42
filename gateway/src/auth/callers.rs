//! Limits and totals of callers that come with tokens, which nobody has listed beforehand.
//!
//! A caller of the keys file has its bucket by name from control ([`crate::control::keyed`]). Who comes with
//! a token is met by a worker first, and its limit must hold on all cores together. So there is one table of
//! fixed size, which all workers share and none locks: a set of eight slots is chosen by the caller's
//! digest, and a slot is taken by compare and swap. Nothing that callers send makes it grow.
//!
//! Where all slots of a set are taken, a caller that no worker knows at the moment gives up its slot, else
//! any one does: it keeps its bucket for as long as its tokens are remembered, and begins with a full one
//! after that. Two workers that take in one caller at the very moment in which a slot of its set is given up
//! may make two buckets for it; the one in front is found from then on.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::limits::TOKEN_CALLERS_MAX;
use crate::meter::usage::CallerUsage;

/// Slots of a set: pointers of one cache line.
const WAYS: usize = 8;
const SETS: usize = TOKEN_CALLERS_MAX / WAYS;

const _: () = assert!(SETS.is_power_of_two() && SETS <= 1 << 32);

/// What is kept of one caller in one tier.
#[derive(Debug)]
pub struct Caller {
    binding: [u8; 16],
    /// Its limit, on all cores together.
    pub bucket: Arc<Bucket>,
    /// Its totals.
    pub usage: Arc<CallerUsage>,
}

impl Caller {
    fn new(binding: [u8; 16], rate: Rate) -> Self {
        Self {
            binding,
            bucket: Arc::new(Bucket::new(rate)),
            usage: Arc::default(),
        }
    }

    fn is(&self, binding: &[u8; 16], rate: Rate) -> bool {
        self.binding == *binding && self.bucket.rate() == rate
    }

    /// Whether an identity holds it, and so some worker remembers a token of this caller.
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.bucket) > 1
    }
}

/// The table.
pub struct Callers {
    slots: Box<[ArcSwapOption<Caller>]>,
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Callers({} slots)", self.slots.len())
    }
}

impl Default for Callers {
    fn default() -> Self {
        let slots = (0..SETS * WAYS).map(|_| ArcSwapOption::empty()).collect();
        Self { slots }
    }
}

impl Callers {
    /// The caller with this digest of who it is, in the tier of this rate; made where it is new.
    #[must_use]
    pub fn find(&self, binding: &[u8; 16], rate: Rate) -> Arc<Caller> {
        let set = self.set(binding);
        let mut made = None;
        // Each failed round is another worker's success, so a few rounds do.
        for _ in 0..WAYS {
            if let Some(found) = known(set, binding, rate) {
                return found;
            }
            let new = made.get_or_insert_with(|| Arc::new(Caller::new(*binding, rate)));
            let (slot, before) = slot_to_take(set, usize::from(binding[15]) % WAYS);
            let found = slot.compare_and_swap(&before, Some(Arc::clone(new)));
            if same(found.as_ref(), before.as_ref()) {
                return Arc::clone(new);
            }
        }
        // Eight others were faster: this one has its limit on this core alone, until it is asked again.
        made.unwrap_or_else(|| Arc::new(Caller::new(*binding, rate)))
    }

    fn set(&self, binding: &[u8; 16]) -> &[ArcSwapOption<Caller>] {
        let bits = u32::from_le_bytes([binding[0], binding[1], binding[2], binding[3]]);
        let first = bits as usize % SETS * WAYS;
        &self.slots[first..first + WAYS]
    }
}

fn known(set: &[ArcSwapOption<Caller>], binding: &[u8; 16], rate: Rate) -> Option<Arc<Caller>> {
    set.iter()
        .filter_map(ArcSwapOption::load_full)
        .find(|caller| caller.is(binding, rate))
}

/// A slot for somebody new, and what is in it: an empty one, else one that nobody holds, else `any`.
fn slot_to_take(
    set: &[ArcSwapOption<Caller>],
    any: usize,
) -> (&ArcSwapOption<Caller>, Option<Arc<Caller>>) {
    let load = |slot: &ArcSwapOption<Caller>| slot.load_full();
    let empty = set.iter().find(|slot| slot.load().is_none());
    let idle = || {
        set.iter()
            .find(|slot| load(slot).is_some_and(|caller| !caller.is_held()))
    };
    let slot = empty.or_else(idle).unwrap_or(&set[any]);
    (slot, load(slot))
}

fn same(one: Option<&Arc<Caller>>, other: Option<&Arc<Caller>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::LimitScope;

    const RATE: Rate = Rate {
        requests_per_minute: 60,
        burst: 2,
    };

    /// Callers of one set differ in the second half.
    fn caller(number: u8) -> [u8; 16] {
        let mut binding = [0; 16];
        binding[8] = number;
        binding
    }

    #[test]
    fn one_caller_has_one_bucket_in_each_tier() {
        let callers = Callers::default();
        let first = callers.find(&caller(1), RATE);
        first.bucket.take(1, LimitScope::Tier).unwrap();
        first.bucket.take(1, LimitScope::Tier).unwrap();
        let again = callers.find(&caller(1), RATE);
        assert!(Arc::ptr_eq(&first, &again));
        again.bucket.take(1, LimitScope::Tier).unwrap_err();
        let wider = Rate { burst: 3, ..RATE };
        let others = [
            callers.find(&caller(2), RATE),
            callers.find(&caller(1), wider),
        ];
        for other in others {
            other.bucket.take(1, LimitScope::Tier).unwrap();
        }
    }

    #[test]
    fn who_is_held_keeps_its_slot_while_another_can_go() {
        let callers = Callers::default();
        let held: Vec<_> = (0..WAYS - 1)
            .map(|number| callers.find(&caller(number as u8), RATE).bucket.clone())
            .collect();
        // One past the set, again and again: only the slot that nobody holds changes hands.
        for number in 100..200 {
            let _ = callers.find(&caller(number), RATE);
        }
        for (number, bucket) in held.iter().enumerate() {
            let found = callers.find(&caller(number as u8), RATE);
            assert!(Arc::ptr_eq(bucket, &found.bucket), "{number}");
        }
    }

    #[test]
    fn a_full_set_still_takes_in_a_caller() {
        let callers = Callers::default();
        let held: Vec<_> = (0..=WAYS)
            .map(|number| callers.find(&caller(number as u8), RATE).bucket.clone())
            .collect();
        let last = callers.find(&caller(WAYS as u8), RATE);
        assert!(Arc::ptr_eq(&held[WAYS], &last.bucket));
    }

    #[test]
    fn one_past_the_bound_the_table_is_as_large_as_before() {
        let callers = Callers::default();
        for number in 0..=TOKEN_CALLERS_MAX as u64 {
            let mut binding = [0; 16];
            binding[..8].copy_from_slice(&number.to_le_bytes());
            let _ = callers.find(&binding, RATE);
        }
        assert_eq!(callers.slots.len(), TOKEN_CALLERS_MAX);
    }

    #[test]
    fn workers_that_meet_a_caller_at_once_agree_on_its_bucket() {
        let callers = Callers::default();
        let found: Vec<Vec<Arc<Caller>>> = std::thread::scope(|scope| {
            let run = || {
                (0..WAYS as u8)
                    .map(|number| callers.find(&caller(number), RATE))
                    .collect()
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        for others in &found[1..] {
            for (one, other) in found[0].iter().zip(others) {
                assert!(Arc::ptr_eq(one, other));
            }
        }
    }
}
