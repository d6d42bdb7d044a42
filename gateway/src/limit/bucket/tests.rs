use std::sync::Arc;

use proptest::prelude::*;

use super::*;

const SECOND_NS: u64 = 1_000_000_000;

fn bucket(requests_per_minute: u32, burst: u32) -> Bucket {
    Bucket::new(Rate {
        requests_per_minute,
        burst,
    })
}

fn take(bucket: &Bucket, now_ns: u64) -> Result<RateState, RateState> {
    bucket.take(now_ns, LimitScope::Tier)
}

/// The same rules in exact fractions: tokens in units of 1/(60e9) request, refilled by
/// `requests_per_minute` units a nanosecond.
struct Reference {
    level: u128,
    capacity: u128,
    refill: u128,
    seen_ns: u64,
}

const REQUEST: u128 = 60_000_000_000;

impl Reference {
    fn new(rate: Rate) -> Self {
        let capacity = u128::from(rate.burst.max(1)) * REQUEST;
        Self {
            level: capacity,
            capacity,
            refill: u128::from(rate.requests_per_minute),
            seen_ns: 0,
        }
    }

    fn take(&mut self, now_ns: u64) -> bool {
        self.level =
            (self.level + u128::from(now_ns - self.seen_ns) * self.refill).min(self.capacity);
        self.seen_ns = now_ns;
        let admitted = self.level >= REQUEST;
        self.level -= if admitted { REQUEST } else { 0 };
        admitted
    }

    fn remaining(&self) -> u128 {
        self.level / REQUEST
    }
}

/// Rates whose period is a whole number of units, so the reference must agree to the request.
fn exact_rate() -> impl Strategy<Value = Rate> {
    let rates = [
        1,
        3,
        30,
        60,
        100,
        200,
        500,
        1_000,
        60_000,
        1_000_000,
        48_000_000,
        100_000_000,
    ];
    (proptest::sample::select(rates.to_vec()), 0_u32..200).prop_map(
        |(requests_per_minute, burst)| Rate {
            requests_per_minute,
            burst,
        },
    )
}

proptest! {
    #[test]
    fn agrees_with_the_reference(
        rate in exact_rate(),
        start_ns in 0_u64..u64::MAX / 64,
        // In tenths of a period, so that waits fall on both sides of every edge.
        waits in proptest::collection::vec(0_u64..25, 1..300),
    ) {
        let bucket = Bucket::new(rate);
        let mut reference = Reference::new(rate);
        let period_ns = 60 * SECOND_NS / u64::from(rate.requests_per_minute);
        let mut now_ns = start_ns;
        for wait in waits {
            now_ns += wait * period_ns / 10;
            let expected = reference.take(now_ns);
            let state = take(&bucket, now_ns);
            prop_assert_eq!(state.is_ok(), expected);
            let (Ok(state) | Err(state)) = state;
            prop_assert_eq!(u128::from(state.remaining), reference.remaining());
        }
    }

    #[test]
    fn the_wait_it_names_is_enough(
        rate in (1_u32..=100_000_000, 1_u32..1_000).prop_map(|(requests_per_minute, burst)| Rate { requests_per_minute, burst }),
        start_ns in 0_u64..1_u64 << 50,
    ) {
        let bucket = Bucket::new(rate);
        let refused = loop {
            if let Err(state) = take(&bucket, start_ns) {
                break state;
            }
        };
        prop_assert!(refused.retry_after_s >= 1 && refused.remaining == 0);
        let later = start_ns + u64::from(refused.retry_after_s) * SECOND_NS;
        prop_assert!(take(&bucket, later).is_ok());
        let full = start_ns + u64::from(refused.reset_s) * SECOND_NS + SECOND_NS;
        prop_assert_eq!(bucket.peek(later.max(full) + 60 * SECOND_NS, LimitScope::Tier).remaining, rate.burst);
    }
}

/// Requests admitted in `minutes` when every `step_ns` one is tried.
fn admitted(rate: Rate, minutes: u64, step_ns: u64) -> u64 {
    let bucket = Bucket::new(rate);
    (0..minutes * 60 * SECOND_NS / step_ns)
        .filter(|step| take(&bucket, step * step_ns).is_ok())
        .count() as u64
}

#[test]
fn rates_do_not_drift() {
    // 600 ns a request, tried at twice the pace over 6 s: nothing lost to rounding, nothing gained.
    let fast = Bucket::new(Rate {
        requests_per_minute: 100_000_000,
        burst: 1,
    });
    let count = (0..20_000_000_u64)
        .filter(|step| take(&fast, step * 300).is_ok())
        .count();
    assert_eq!(count, 10_000_000);
    // 857.142857... ns a request: the period is rounded, by less than 2 ppm, here 14 requests. The
    // burst of 2 lets no wait get lost to the step of 300 ns.
    let odd = Bucket::new(Rate {
        requests_per_minute: 70_000_000,
        burst: 2,
    });
    let count = (0..20_000_000_u64)
        .filter(|step| take(&odd, step * 300).is_ok())
        .count();
    assert!(
        (7_000_002 - 14..=7_000_002 + 14).contains(&count),
        "{count}"
    );
    // 8.571428... s a request over a week: the burst and 70,560, the last as the week ends.
    assert_eq!(
        admitted(
            Rate {
                requests_per_minute: 7,
                burst: 5
            },
            7 * 24 * 60,
            SECOND_NS / 10
        ),
        70_559 + 5
    );
}

#[test]
fn states_are_what_a_caller_should_see() {
    let viewer = bucket(60, 10);
    let now = 5 * SECOND_NS;
    let state = |remaining, reset_s, retry_after_s| RateState {
        limit: 60,
        remaining,
        reset_s,
        retry_after_s,
        scope: LimitScope::Tier,
    };
    assert_eq!(viewer.peek(now, LimitScope::Tier), state(10, 0, 0));
    assert_eq!(take(&viewer, now), Ok(state(9, 1, 0)));
    for remaining in (0..9).rev() {
        assert_eq!(take(&viewer, now).unwrap().remaining, remaining);
    }
    assert_eq!(take(&viewer, now), Err(state(0, 10, 1)));
    assert_eq!(take(&viewer, now + SECOND_NS - 1), Err(state(0, 10, 1)));
    assert_eq!(take(&viewer, now + SECOND_NS), Ok(state(0, 10, 1)));
    assert_eq!(
        viewer.peek(now + 100 * SECOND_NS, LimitScope::Tier),
        state(10, 0, 0)
    );
}

#[test]
fn odd_settings_are_safe() {
    let closed = bucket(0, 10);
    assert!(take(&closed, SECOND_NS).is_err());
    let single = bucket(60, 0);
    assert!(take(&single, SECOND_NS).is_ok() && take(&single, SECOND_NS).is_err());
    // A burst that takes 8,000 years to fill is cut to 30 days' worth.
    let vast = bucket(1, u32::MAX);
    assert_eq!(vast.peek(0, LimitScope::Tier).remaining, 30 * 24 * 60);
    assert!(take(&vast, 0).is_ok());
    // A clock of another core that is a little behind changes nothing.
    let skewed = bucket(60, 2);
    assert!(take(&skewed, 10 * SECOND_NS).is_ok() && take(&skewed, 10 * SECOND_NS).is_ok());
    assert!(take(&skewed, 10 * SECOND_NS - 1_000_000).is_err());
    assert!(take(&skewed, 11 * SECOND_NS - 1_000_000).is_err());
    assert!(take(&skewed, 11 * SECOND_NS).is_ok());
}

#[test]
fn the_word_may_come_round() {
    let round_ns = MOMENT / UNITS_PER_NS;
    let bucket = bucket(60, 3);
    for _ in 0..3 {
        assert!(take(&bucket, round_ns - SECOND_NS / 2).is_ok());
    }
    assert!(
        take(&bucket, round_ns).is_err(),
        "still empty across the edge"
    );
    assert!(take(&bucket, round_ns + SECOND_NS).is_ok());
    assert_eq!(
        bucket
            .peek(round_ns + 10 * SECOND_NS, LimitScope::Tier)
            .remaining,
        3
    );
    assert_eq!(
        bucket
            .peek(round_ns + 100 * 24 * 3_600 * SECOND_NS, LimitScope::Tier)
            .remaining,
        3
    );
}

#[test]
fn a_new_rate_keeps_the_level() {
    let now = 7 * SECOND_NS;
    // (rate before, taken, rate after, left after)
    for (before, taken, after, left) in [
        ((60, 10), 4, (600, 10), 6),
        ((600, 10), 4, (60, 10), 6),
        ((60, 10), 10, (6_000_000, 10), 0),
        ((60, 10), 4, (60, 100), 96),
        ((60, 100), 20, (60, 10), 0),
        ((60, 10), 0, (30, 5), 5),
        ((60, 10), 3, (0, 10), 0),
    ] {
        let bucket = bucket(before.0, before.1);
        for _ in 0..taken {
            assert!(take(&bucket, now).is_ok());
        }
        let rate = Rate {
            requests_per_minute: after.0,
            burst: after.1,
        };
        bucket.set_rate(rate, now);
        assert_eq!(bucket.rate(), rate);
        assert_eq!(
            bucket.peek(now, LimitScope::Tier).remaining,
            left,
            "{before:?} {taken} {after:?}"
        );
    }
}

/// Four cores that hammer one bucket with one clock admit exactly the burst and what is refilled.
#[test]
fn cores_together_are_admitted_exactly_the_rate() {
    const STEPS: u64 = 20_000;
    const STEP_NS: u64 = 1_000;
    let shared = Arc::new(bucket(6_000_000, 50)); // 10 us a request
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let bucket = Arc::clone(&shared);
            std::thread::spawn(move || {
                (0..=STEPS)
                    .filter(|step| take(&bucket, SECOND_NS + step * STEP_NS).is_ok())
                    .count() as u64
            })
        })
        .collect();
    let admitted: u64 = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    assert_eq!(
        admitted
            + u64::from(
                shared
                    .peek(SECOND_NS + STEPS * STEP_NS, LimitScope::Tier)
                    .remaining
            ),
        50 + STEPS * STEP_NS / 10_000
    );
}

/// A rate that changes under load neither loses the bucket nor fills it. Time stands still, so the
/// burst is all there is, whatever the rate.
#[test]
fn a_rate_that_changes_under_load_gives_nothing_away() {
    let shared = Arc::new(bucket(60, 1_000));
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let (bucket, done) = (Arc::clone(&shared), Arc::clone(&done));
            std::thread::spawn(move || {
                let mut admitted = 0_u32;
                while !done.load(Ordering::Relaxed) {
                    admitted += u32::from(take(&bucket, SECOND_NS).is_ok());
                }
                admitted
            })
        })
        .collect();
    for turn in 0..20_000_u32 {
        let requests_per_minute = if turn % 2 == 0 { 1 } else { 60 };
        shared.set_rate(
            Rate {
                requests_per_minute,
                burst: 1_000,
            },
            SECOND_NS,
        );
    }
    done.store(true, Ordering::Relaxed);
    let mut admitted: u32 = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .sum();
    while take(&shared, SECOND_NS).is_ok() {
        admitted += 1;
    }
    assert_eq!(admitted, 1_000);
}

/// Pitfall 29: what a limit remembers is the same after one call and after a million.
#[test]
fn pitfall_29_a_bucket_is_one_cache_line() {
    assert_eq!(size_of::<Bucket>(), 64);
    assert!(
        !std::mem::needs_drop::<Bucket>(),
        "it owns nothing elsewhere"
    );
}
