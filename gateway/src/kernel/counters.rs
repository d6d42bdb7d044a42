//! The kernel's counters as metrics: names, labels, kinds. Formatting is telemetry's.

#[cfg(feature = "ebpf")]
use gateway_common::{Counters, Direction, ListenerKey};

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
}

/// One number that the kernel counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelCounter {
    /// Name of the metric, with its unit.
    pub name: &'static str,
    /// What it is, for the metric's `# HELP` line.
    pub help: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Label `listener`: the port that agents connected to; 0 for all upstreams.
    pub listener: u16,
    /// Label `direction`: `agents` or `upstreams`.
    pub direction: &'static str,
    /// The number.
    pub value: u64,
}

/// The metrics of one listener: name, help, kind, and how the value is read.
#[cfg(feature = "ebpf")]
type Metric = (&'static str, &'static str, Kind, fn(&Counters) -> u64);

#[cfg(feature = "ebpf")]
const METRICS: [Metric; 6] = [
    (
        "stoa_kernel_connections_opened_total",
        "TCP connections established, counted by the kernel",
        Kind::Counter,
        |counters| counters.opened,
    ),
    (
        "stoa_kernel_connections_closed_total",
        "TCP connections closed, counted by the kernel",
        Kind::Counter,
        |counters| counters.closed,
    ),
    (
        "stoa_kernel_connections_active",
        "TCP connections open now, counted by the kernel",
        Kind::Gauge,
        Counters::active,
    ),
    (
        "stoa_kernel_received_bytes_total",
        "TCP payload received on connections that have closed",
        Kind::Counter,
        |counters| counters.received_bytes,
    ),
    (
        "stoa_kernel_sent_bytes_total",
        "TCP payload sent and acknowledged on connections that have closed",
        Kind::Counter,
        |counters| counters.sent_bytes,
    ),
    (
        "stoa_kernel_retransmits_total",
        "TCP segments sent again on connections that have closed",
        Kind::Counter,
        |counters| counters.retransmits,
    ),
];

/// All metrics of all listeners: by metric, then by port, as the text format wants them.
#[cfg(feature = "ebpf")]
pub(super) fn metrics(mut accounts: Vec<(ListenerKey, Counters)>) -> Vec<KernelCounter> {
    accounts.sort_by_key(|(key, _)| (key.direction() == Direction::Upstreams, key.port()));
    METRICS
        .iter()
        .flat_map(|(name, help, kind, read)| {
            accounts.iter().map(move |(key, counters)| KernelCounter {
                name,
                help,
                kind: *kind,
                listener: key.port(),
                direction: match key.direction() {
                    Direction::Agents => "agents",
                    Direction::Upstreams => "upstreams",
                },
                value: read(counters),
            })
        })
        .collect()
}

#[cfg(all(test, feature = "ebpf"))]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_grouped_by_name_and_ordered_by_listener() {
        let counters = |opened| Counters {
            opened,
            closed: 1,
            ..Counters::ZERO
        };
        let found = metrics(vec![
            (ListenerKey::upstreams(), counters(9)),
            (ListenerKey::agents(9090), counters(2)),
            (ListenerKey::agents(3001), counters(4)),
        ]);
        assert_eq!(found.len(), 3 * METRICS.len());
        let opened: Vec<_> = found
            .iter()
            .take(3)
            .map(|counter| (counter.listener, counter.direction, counter.value))
            .collect();
        assert_eq!(
            opened,
            [
                (3001, "agents", 4),
                (9090, "agents", 2),
                (0, "upstreams", 9)
            ]
        );
        let active: Vec<_> = found
            .iter()
            .filter(|counter| counter.name == "stoa_kernel_connections_active")
            .map(|counter| (counter.value, counter.kind))
            .collect();
        assert_eq!(
            active,
            [(3, Kind::Gauge), (1, Kind::Gauge), (8, Kind::Gauge)]
        );
    }

    #[test]
    fn only_what_grows_is_called_total() {
        for (name, _, kind, _) in METRICS {
            assert!(name.starts_with("stoa_kernel_"), "{name}");
            assert_eq!(name.ends_with("_total"), kind == Kind::Counter, "{name}");
        }
    }

    #[test]
    fn nothing_counted_is_no_metric() {
        assert!(metrics(Vec::new()).is_empty());
    }
}
