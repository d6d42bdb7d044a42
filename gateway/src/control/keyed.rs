//! State that outlives a snapshot, found again by key when the next one is compiled: limit buckets,
//! counters of tools and callers, addresses of upstreams.
//!
//! A reload therefore never refills a bucket or resets a count. What no snapshot refers to any more is
//! forgotten.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limit::Rate;
use crate::limit::bucket::Bucket;
use crate::meter::usage::{CallerUsage, ToolUsage};
use crate::upstream::address::Addresses;

/// The registries. Control's alone; snapshots hold the entries.
#[derive(Debug, Default)]
pub struct Keyed {
    buckets: HashMap<String, Arc<Bucket>>,
    tools: HashMap<String, Arc<ToolUsage>>,
    callers: HashMap<String, Arc<CallerUsage>>,
    addresses: HashMap<String, Arc<Addresses>>,
}

impl Keyed {
    /// The bucket of this key, with this rate from now on.
    pub fn bucket(&mut self, key: &str, rate: Rate, now_ns: u64) -> Arc<Bucket> {
        if let Some(bucket) = self.buckets.get(key) {
            if bucket.rate() != rate {
                bucket.set_rate(rate, now_ns);
            }
            return Arc::clone(bucket);
        }
        let bucket = Arc::new(Bucket::new(rate));
        self.buckets.insert(key.to_owned(), Arc::clone(&bucket));
        bucket
    }

    /// The counters of a tool.
    pub fn tool(&mut self, key: &str) -> Arc<ToolUsage> {
        entry(&mut self.tools, key)
    }

    /// The counters of a caller.
    pub fn caller(&mut self, key: &str) -> Arc<CallerUsage> {
        entry(&mut self.callers, key)
    }

    /// The addresses of an origin.
    pub fn addresses(&mut self, key: &str) -> Arc<Addresses> {
        entry(&mut self.addresses, key)
    }

    /// Forgets what only this registry holds. To be called when no old snapshot is left.
    pub fn forget_unused(&mut self) {
        self.buckets.retain(|_, bucket| Arc::strong_count(bucket) > 1);
        self.tools.retain(|_, usage| Arc::strong_count(usage) > 1);
        self.callers.retain(|_, usage| Arc::strong_count(usage) > 1);
        self.addresses.retain(|_, addresses| Arc::strong_count(addresses) > 1);
    }
}

fn entry<V: Default>(map: &mut HashMap<String, Arc<V>>, key: &str) -> Arc<V> {
    if let Some(found) = map.get(key) {
        return Arc::clone(found);
    }
    Arc::clone(map.entry(key.to_owned()).or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::LimitScope;

    #[test]
    fn a_reload_keeps_levels_and_counts_and_forgets_what_is_gone() {
        let mut keyed = Keyed::default();
        let rate = Rate { requests_per_minute: 60, burst: 2 };
        let bucket = keyed.bucket("tenant/acme", rate, 0);
        assert!(bucket.take(0, LimitScope::Tenant).is_ok() && bucket.take(0, LimitScope::Tenant).is_ok());
        let again = keyed.bucket("tenant/acme", rate, 0);
        assert!(again.take(0, LimitScope::Tenant).is_err(), "the same bucket, still empty");
        let usage = keyed.tool("acme/get_order");
        drop((bucket, again));
        keyed.forget_unused();
        assert!(keyed.buckets.is_empty());
        assert!(Arc::ptr_eq(&usage, &keyed.tool("acme/get_order")));
    }
}
