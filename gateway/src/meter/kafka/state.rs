//! How forwarding to Kafka fares: written by its thread, read by metrics and readiness.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use arc_swap::ArcSwap;

/// Shared gauges and counters of one forwarder.
#[derive(Debug)]
pub struct KafkaState {
    delivered: AtomicU64,
    rejected: AtomicU64,
    faults: AtomicU64,
    lag_records: AtomicU64,
    /// End of the oldest call whose event is not there; 0 where none waits.
    oldest_unix_ms: AtomicU64,
    health: AtomicU8,
    reason: ArcSwap<String>,
}

/// What keeps events from the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KafkaHealth {
    /// No broker answers, or none takes us.
    Down,
    /// Not known yet.
    Starting,
    /// The topic is not there, or is not ours to write.
    TopicMissing,
    /// Nothing.
    Up,
}

impl KafkaHealth {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Down, Self::Starting, Self::TopicMissing, Self::Up];

    /// The word in `/ready`, metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Starting => "starting",
            Self::TopicMissing => "topic_missing",
            Self::Up => "up",
        }
    }
}

/// One reading of a [`KafkaState`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KafkaSummary {
    /// What keeps events from the topic.
    pub health: KafkaHealth,
    /// Why, in words; empty where it is up.
    pub reason: Arc<String>,
    /// Events acknowledged since the start.
    pub delivered: u64,
    /// Events that no broker will ever take, and that were given up: too large.
    pub rejected: u64,
    /// Attempts that failed and were repeated, in events.
    pub faults: u64,
    /// Events in the spool that are not acknowledged.
    pub lag_records: u64,
    /// Milliseconds since the oldest of them happened.
    pub lag_ms: u64,
}

impl Default for KafkaState {
    fn default() -> Self {
        Self {
            delivered: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            lag_records: AtomicU64::new(0),
            oldest_unix_ms: AtomicU64::new(0),
            health: AtomicU8::new(KafkaHealth::Starting as u8),
            reason: ArcSwap::default(),
        }
    }
}

impl KafkaState {
    /// One reading of everything.
    #[must_use]
    pub fn summary(&self, now_unix_ms: u64) -> KafkaSummary {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let oldest = read(&self.oldest_unix_ms);
        KafkaSummary {
            health: self.health(),
            reason: self.reason.load_full(),
            delivered: read(&self.delivered),
            rejected: read(&self.rejected),
            faults: read(&self.faults),
            lag_records: read(&self.lag_records),
            lag_ms: if oldest == 0 {
                0
            } else {
                now_unix_ms.saturating_sub(oldest)
            },
        }
    }

    /// What keeps events from the topic.
    #[must_use]
    pub fn health(&self) -> KafkaHealth {
        let code = self.health.load(Ordering::Relaxed);
        let found = KafkaHealth::ALL
            .into_iter()
            .find(|health| *health as u8 == code);
        found.unwrap_or(KafkaHealth::Starting)
    }

    /// Sets health and reason; whether either is another one than before.
    pub fn set_health(&self, health: KafkaHealth, reason: &str) -> bool {
        let before = self.health();
        let is_other = before != health || **self.reason.load() != reason;
        if is_other {
            self.reason.store(Arc::new(reason.to_owned()));
            self.health.store(health as u8, Ordering::Relaxed);
        }
        is_other
    }

    /// Counts acknowledged events.
    pub fn delivered(&self, records: u64) {
        self.delivered.fetch_add(records, Ordering::Relaxed);
    }

    /// Counts an event that was given up; how many there are now.
    pub fn rejected(&self) -> u64 {
        self.rejected.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts attempts that are repeated.
    pub fn failed(&self, records: u64) {
        self.faults.fetch_add(records, Ordering::Relaxed);
    }

    /// Says what waits: how many events, and when the oldest happened (0 where none waits).
    pub fn measured(&self, lag_records: u64, oldest_unix_ms: u64) {
        self.lag_records.store(lag_records, Ordering::Relaxed);
        self.oldest_unix_ms.store(oldest_unix_ms, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_says_what_was_written() {
        let state = KafkaState::default();
        assert_eq!(state.health(), KafkaHealth::Starting);
        assert!(state.set_health(KafkaHealth::Down, "refused"));
        assert!(!state.set_health(KafkaHealth::Down, "refused"));
        assert!(state.set_health(KafkaHealth::Down, "no route"));
        state.delivered(64);
        state.failed(2);
        assert_eq!((state.rejected(), state.rejected()), (1, 2));
        state.measured(7, 1_000);
        let summary = state.summary(3_500);
        assert_eq!(
            (summary.delivered, summary.rejected, summary.faults),
            (64, 2, 2)
        );
        assert_eq!((summary.lag_records, summary.lag_ms), (7, 2_500));
        assert_eq!(
            (summary.health, summary.reason.as_str()),
            (KafkaHealth::Down, "no route")
        );
        state.measured(0, 0);
        assert_eq!(state.summary(3_500).lag_ms, 0, "nothing waits");
        for health in KafkaHealth::ALL {
            state.set_health(health, "");
            assert_eq!(state.health(), health);
        }
    }
}
