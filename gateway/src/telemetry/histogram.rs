//! A histogram of durations with fixed buckets, written by one core.
//!
//! The buckets start at 25 µs because a call through the gateway costs less than that of its own
//! time; a histogram that starts at the usual 5 ms would show one bar.

use super::counter::Counter;

/// Upper bounds of the buckets in microseconds; one more bucket takes what is beyond.
pub const BOUNDS_US: [u64; 19] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// Counts of durations by bucket.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [Counter; BOUNDS_US.len() + 1],
    sum_us: Counter,
}

impl Histogram {
    /// Counts one duration. Only the thread that owns the histogram may.
    pub fn add(&self, duration_us: u64) {
        self.buckets[BOUNDS_US.partition_point(|bound| *bound < duration_us)].add(1);
        self.sum_us.add(duration_us);
    }

    /// Durations counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(Counter::get).sum()
    }

    /// Adds this core's numbers to those of others.
    pub fn add_to(&self, total: &mut HistogramTotal) {
        for (bucket, sum) in self.buckets.iter().zip(&mut total.buckets) {
            *sum += bucket.get();
        }
        total.sum_us += self.sum_us.get();
    }
}

/// A histogram added up over cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistogramTotal {
    /// By bucket, not cumulative.
    pub buckets: [u64; BOUNDS_US.len() + 1],
    /// Microseconds of all durations.
    pub sum_us: u64,
}

impl HistogramTotal {
    /// Durations counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// Buckets with their upper bounds in seconds, the last one infinite.
    #[must_use]
    pub fn buckets_s(&self) -> [(f64, u64); BOUNDS_US.len() + 1] {
        std::array::from_fn(|index| {
            let bound_s = BOUNDS_US
                .get(index)
                .map_or(f64::INFINITY, |bound| *bound as f64 / 1e6);
            (bound_s, self.buckets[index])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_that_includes_its_bound() {
        let cases = [
            (0, 0),
            (25, 0),
            (26, 1),
            (50, 1),
            (1_000, 5),
            (30_000_000, 18),
            (30_000_001, 19),
            (u64::MAX, 19),
        ];
        for (duration_us, bucket) in cases {
            let histogram = Histogram::default();
            histogram.add(duration_us);
            let mut total = HistogramTotal::default();
            histogram.add_to(&mut total);
            let expected = std::array::from_fn(|index| u64::from(index == bucket));
            assert_eq!(
                total,
                HistogramTotal {
                    buckets: expected,
                    sum_us: duration_us
                }
            );
        }
        assert!(BOUNDS_US.is_sorted());
        assert_eq!(BOUNDS_US[0], 25);
    }

    #[test]
    fn cores_add_up() {
        let (one, two) = (Histogram::default(), Histogram::default());
        one.add(10);
        two.add(20);
        two.add(2_000);
        let mut total = HistogramTotal::default();
        one.add_to(&mut total);
        two.add_to(&mut total);
        assert_eq!(
            (total.count(), total.sum_us, total.buckets[0]),
            (3, 2_030, 2)
        );
        assert_eq!(total.buckets_s()[0], (0.000_025, 2));
        assert_eq!(total.buckets_s()[19].0, f64::INFINITY);
    }
}
