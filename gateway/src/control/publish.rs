//! Puts a snapshot into force, and takes the old ones apart.
//!
//! A snapshot of a thousand tools takes milliseconds to drop. So a worker never drops one: control keeps
//! each old one until nobody else holds it, and drops it here.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::snapshot::Snapshot;

/// The end of control that publishes.
#[derive(Debug)]
pub struct Publisher {
    published: Arc<ArcSwap<Snapshot>>,
    retired: Vec<Arc<Snapshot>>,
}

impl Publisher {
    /// Publishes to where workers look.
    #[must_use]
    pub fn new(published: Arc<ArcSwap<Snapshot>>) -> Self {
        Self {
            published,
            retired: Vec::new(),
        }
    }

    /// Puts a snapshot into force; requests that are under way end with the one that they began with.
    pub fn publish(&mut self, snapshot: Snapshot) {
        // After the swap every reader of the old one is counted in its `Arc`, those that had only
        // borrowed it included: arc-swap pays its debts in `swap`.
        self.retired.push(self.published.swap(Arc::new(snapshot)));
    }

    /// Drops old snapshots that nobody else holds; says whether there was one.
    pub fn reap(&mut self) -> bool {
        let before = self.retired.len();
        self.retired.retain(|old| Arc::strong_count(old) > 1);
        self.retired.len() != before
    }

    /// What is in force.
    #[must_use]
    pub fn current(&self) -> Arc<Snapshot> {
        self.published.load_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_snapshot_lives_until_its_last_reader_is_gone() {
        let published = Arc::new(ArcSwap::from_pointee(Snapshot::default()));
        let mut publisher = Publisher::new(Arc::clone(&published));
        let reader = published.load();
        let generation = |generation| Snapshot {
            generation,
            ..Snapshot::default()
        };
        publisher.publish(generation(1));
        assert!(!publisher.reap(), "still read");
        publisher.publish(generation(2));
        assert!(publisher.reap(), "nobody read the one in between");
        assert_eq!((reader.generation, publisher.current().generation), (0, 2));
        drop(reader);
        assert!(publisher.reap());
        assert!(!publisher.reap());
    }
}
