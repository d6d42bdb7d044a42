//! What outlives a snapshot: limit buckets, counters and addresses, found again by a stable name when
//! the next snapshot is compiled.
//!
//! Only control looks here; workers hold what they need through their snapshot. What no snapshot holds
//! any more is dropped.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::{CallerUsage, ToolUsage};
use crate::upstream::address::Addresses;

/// Everything by name.
#[derive(Debug, Default)]
pub struct Keyed {
    addresses: HashMap<String, Arc<Addresses>>,
    buckets: HashMap<String, Arc<Bucket>>,
    callers: HashMap<String, Arc<CallerUsage>>,
    tools: HashMap<String, Arc<ToolUsage>>,
}

impl Keyed {
    /// The bucket of this name, with this rate from now on; what was taken stays taken. `now_ns` is on
    /// the workers' clock.
    pub fn bucket(&mut self, name: &str, rate: Rate, now_ns: u64) -> Arc<Bucket> {
        if let Some(bucket) = self.buckets.get(name) {
            if bucket.rate() != rate {
                bucket.set_rate(rate, now_ns);
            }
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Bucket::new(rate));
        self.buckets.insert(name.to_owned(), Arc::clone(&bucket));
        bucket
    }

    /// The counters of a caller.
    pub fn caller(&mut self, name: &str) -> Arc<CallerUsage> {
        find(&mut self.callers, name)
    }

    /// The counters of a tool.
    pub fn tool(&mut self, name: &str) -> Arc<ToolUsage> {
        find(&mut self.tools, name)
    }

    /// The addresses of an origin.
    pub fn addresses(&mut self, name: &str) -> Arc<Addresses> {
        find(&mut self.addresses, name)
    }

    /// Drops what nobody else holds.
    pub fn sweep(&mut self) {
        sweep(&mut self.addresses);
        sweep(&mut self.buckets);
        sweep(&mut self.callers);
        sweep(&mut self.tools);
    }
}

fn find<T: Default>(map: &mut HashMap<String, Arc<T>>, name: &str) -> Arc<T> {
    if let Some(found) = map.get(name) {
        return Arc::clone(found);
    }
    let made = Arc::new(T::default());
    map.insert(name.to_owned(), Arc::clone(&made));
    made
}

fn sweep<T>(map: &mut HashMap<String, Arc<T>>) {
    map.retain(|_, held| Arc::strong_count(held) > 1);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::LimitScope;

    #[test]
    fn state_is_found_again_until_nobody_holds_it() {
        let mut keyed = Keyed::default();
        let rate = Rate {
            requests_per_minute: 60,
            burst: 2,
        };
        let bucket = keyed.bucket("a", rate, 0);
        bucket.take(1, LimitScope::Tool).unwrap();
        bucket.take(1, LimitScope::Tool).unwrap();
        let again = keyed.bucket("a", rate, 1);
        assert!(Arc::ptr_eq(&bucket, &again));
        again.take(1, LimitScope::Tool).unwrap_err();
        // A new rate is in force for who already holds the bucket; what was taken stays taken.
        let wider = Rate {
            requests_per_minute: 60,
            burst: 3,
        };
        keyed.bucket("a", wider, 1);
        bucket.take(1, LimitScope::Tool).unwrap();
        bucket.take(1, LimitScope::Tool).unwrap_err();
        let usage = keyed.tool("t");
        drop((bucket, again));
        keyed.sweep();
        assert!(Arc::ptr_eq(&usage, &keyed.tool("t")), "still held");
        keyed
            .bucket("a", rate, 2)
            .take(2, LimitScope::Tool)
            .unwrap();
    }
}
