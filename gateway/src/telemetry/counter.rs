//! What one core counts. Written by its worker alone, read by whoever scrapes.
//!
//! A single writer needs no locked instruction: a relaxed load and a relaxed store are two plain
//! moves. [`super::scrape`] adds the cores up.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::histogram::Histogram;
use crate::meter::record::{Status, Transport};

/// Reasons of one kind that a core can tell apart; what comes after them is counted together.
const LABELS_MAX: usize = 128;
/// The label for reasons beyond [`LABELS_MAX`].
const OTHER: &str = "other";

/// A number that one thread raises and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds. Only the thread that owns the counter may.
    pub fn add(&self, count: u64) {
        self.0.store(
            self.0.load(Ordering::Relaxed).wrapping_add(count),
            Ordering::Relaxed,
        );
    }

    /// The number now.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was asked for, as a label. Everything that a caller may send falls into one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodClass {
    /// `server/discover`.
    Discover,
    /// `initialize`.
    Initialize,
    /// `notifications/*`.
    Notification,
    /// Unknown methods, and requests that were refused before theirs was read.
    Other,
    /// `ping`.
    Ping,
    /// `logging/setLevel`.
    SetLevel,
    /// GET stream or DELETE of a legacy session.
    Session,
    /// `subscriptions/listen`.
    Subscribe,
    /// `tools/call`, also REST's invoke.
    ToolsCall,
    /// `tools/list`, also REST's lists.
    ToolsList,
}

impl MethodClass {
    /// Every class, by position in [`CoreCounters`].
    pub const ALL: [Self; 10] = [
        Self::Discover,
        Self::Initialize,
        Self::Notification,
        Self::Other,
        Self::Ping,
        Self::SetLevel,
        Self::Session,
        Self::Subscribe,
        Self::ToolsCall,
        Self::ToolsList,
    ];

    /// The class of an MCP method.
    #[must_use]
    pub fn of(method: &str) -> Self {
        match method {
            "initialize" => Self::Initialize,
            "logging/setLevel" => Self::SetLevel,
            "ping" => Self::Ping,
            "server/discover" => Self::Discover,
            "subscriptions/listen" => Self::Subscribe,
            "tools/call" => Self::ToolsCall,
            "tools/list" => Self::ToolsList,
            other if other.starts_with("notifications/") => Self::Notification,
            other if other.starts_with("session/") => Self::Session,
            _ => Self::Other,
        }
    }

    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discover => "server/discover",
            Self::Initialize => "initialize",
            Self::Notification => "notifications",
            Self::Other => OTHER,
            Self::Ping => "ping",
            Self::Session => "session",
            Self::SetLevel => "logging/setLevel",
            Self::Subscribe => "subscriptions/listen",
            Self::ToolsCall => "tools/call",
            Self::ToolsList => "tools/list",
        }
    }
}

/// Counters by a reason that the code names, e.g. a refusal's label: no table to keep in step.
#[derive(Debug)]
pub struct LabelCounters {
    /// Open addressing by the text's address: one text is one place in the binary, so a hit is one
    /// comparison. The same text at two addresses is added up by the scrape.
    slots: [(OnceLock<&'static str>, Counter); LABELS_MAX],
    other: Counter,
}

impl Default for LabelCounters {
    fn default() -> Self {
        Self {
            slots: std::array::from_fn(|_| Default::default()),
            other: Counter::default(),
        }
    }
}

impl LabelCounters {
    /// Counts one. Only the thread that owns the counters may.
    pub fn add(&self, label: &'static str) {
        let start = label.as_ptr() as usize;
        for probe in 0..LABELS_MAX {
            let (name, counter) = &self.slots[start.wrapping_add(probe) % LABELS_MAX];
            if std::ptr::eq(*name.get_or_init(|| label), label) {
                counter.add(1);
                return;
            }
        }
        self.other.add(1);
    }

    /// Every label that was counted.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        let named = self
            .slots
            .iter()
            .filter_map(|(name, counter)| Some((*name.get()?, counter.get())));
        named.chain(Some((OTHER, self.other.get())).filter(|(_, count)| *count > 0))
    }
}

/// Everything one core counts. On cache lines of its own, so that cores do not slow each other.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct CoreCounters {
    requests: [[[Counter; Status::ALL.len()]; MethodClass::ALL.len()]; Transport::ALL.len()],
    durations: [Histogram; MethodClass::ALL.len()],
    /// The gateway's own part of tool calls.
    pub gateway_durations: Histogram,
    /// The upstream's part of tool calls.
    pub upstream_durations: Histogram,
    /// Refusals by [`crate::refusal::Refusal`] label.
    pub errors: LabelCounters,
    /// Calls over a limit, by the limit's scope.
    pub limit_refusals: LabelCounters,
    /// Connections that were not accepted, by reason.
    pub connections_refused: LabelCounters,
    /// Faults of upstreams, by kind.
    pub upstream_faults: LabelCounters,
    /// Landing page, health, metrics and other requests that are no MCP.
    pub pages: Counter,
    /// Connections accepted.
    pub connections_accepted: Counter,
    /// Of them, closed.
    pub connections_closed: Counter,
    /// Bytes read from callers.
    pub received_bytes: Counter,
    /// Bytes written to callers.
    pub sent_bytes: Counter,
    /// Event streams opened.
    pub streams_opened: Counter,
    /// Of them, closed.
    pub streams_closed: Counter,
    /// Calls sent to upstreams, each try counted.
    pub upstream_calls: Counter,
    /// Of them, repeated.
    pub upstream_retries: Counter,
    /// Connections made to upstreams.
    pub upstream_connects: Counter,
    /// Calls that found a connection in the pool.
    pub upstream_reuses: Counter,
}

impl CoreCounters {
    /// Counts a request that ended.
    pub fn request(
        &self,
        transport: Transport,
        method: MethodClass,
        status: Status,
        latency_us: u64,
    ) {
        let method = method as usize;
        self.requests[transport.index()][method][status.index()].add(1);
        self.durations[method].add(latency_us);
    }

    /// Counts the two parts of a tool call that reached its upstream.
    pub fn call(&self, gateway_us: u64, backend_us: u64) {
        self.gateway_durations.add(gateway_us);
        self.upstream_durations.add(backend_us);
    }

    /// Requests that ended so.
    #[must_use]
    pub fn requests(&self, transport: Transport, method: MethodClass, status: Status) -> u64 {
        self.requests[transport.index()][method as usize][status.index()].get()
    }

    /// How long requests of a class took.
    #[must_use]
    pub const fn durations(&self, method: MethodClass) -> &Histogram {
        &self.durations[method as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_where_their_words_say() {
        for (index, class) in MethodClass::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, index);
            let bounded = [
                MethodClass::Notification,
                MethodClass::Other,
                MethodClass::Session,
            ];
            let expected = if bounded.contains(&class) {
                MethodClass::Other
            } else {
                class
            };
            assert_eq!(MethodClass::of(class.as_str()), expected);
        }
        assert_eq!(
            MethodClass::of("notifications/cancelled"),
            MethodClass::Notification
        );
        assert_eq!(MethodClass::of("tools/../../etc"), MethodClass::Other);
    }

    #[test]
    fn requests_are_told_apart() {
        let counters = CoreCounters::default();
        counters.request(Transport::Rest, MethodClass::ToolsCall, Status::Success, 80);
        counters.request(Transport::Rest, MethodClass::ToolsCall, Status::Success, 90);
        counters.request(
            Transport::StreamableHttp,
            MethodClass::Ping,
            Status::Error,
            10,
        );
        let read = |transport, method, status| counters.requests(transport, method, status);
        assert_eq!(
            read(Transport::Rest, MethodClass::ToolsCall, Status::Success),
            2
        );
        assert_eq!(
            read(Transport::StreamableHttp, MethodClass::Ping, Status::Error),
            1
        );
        assert_eq!(
            read(
                Transport::StreamableHttp,
                MethodClass::ToolsCall,
                Status::Success
            ),
            0
        );
        assert_eq!(counters.durations(MethodClass::ToolsCall).count(), 2);
    }

    #[test]
    fn labels_are_found_again_and_bounded() {
        let counters = LabelCounters::default();
        let labels: Vec<&'static str> = (0..LABELS_MAX + 3)
            .map(|number| &*format!("reason-{number}").leak())
            .collect();
        for _ in 0..2 {
            for label in &labels {
                counters.add(label);
            }
        }
        let found: std::collections::HashMap<_, _> = counters.iter().collect();
        assert_eq!(found.len(), LABELS_MAX + 1);
        assert_eq!(found["reason-0"], 2);
        assert_eq!(found[OTHER], 6);
        assert_eq!(LabelCounters::default().iter().count(), 0);
    }
}
