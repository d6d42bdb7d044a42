//! What the workers count: requests, errors, connections, upstreams.

use std::fmt;
use std::sync::Arc;

use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;

use super::{Families, by_label};
use crate::meter::record::{Status, Transport};
use crate::telemetry::counter::{CoreCounters, Counter, LabelCounters, MethodClass};
use crate::telemetry::histogram::{Histogram, HistogramTotal};

/// Plain counters: name, help, where.
type Plain = (&'static str, &'static str, fn(&CoreCounters) -> &Counter);
const COUNTERS: &[Plain] = &[
    (
        "stoa_page_requests",
        "Requests that are no MCP: landing page, health, metrics",
        |core| &core.pages,
    ),
    (
        "stoa_connections_accepted",
        "Connections accepted",
        |core| &core.connections_accepted,
    ),
    ("stoa_received_bytes", "Bytes read from callers", |core| {
        &core.received_bytes
    }),
    ("stoa_sent_bytes", "Bytes written to callers", |core| {
        &core.sent_bytes
    }),
    ("stoa_streams_opened", "Event streams opened", |core| {
        &core.streams_opened
    }),
    (
        "stoa_upstream_calls",
        "Calls sent to upstreams, each try counted",
        |core| &core.upstream_calls,
    ),
    (
        "stoa_upstream_retries",
        "Calls sent to upstreams again",
        |core| &core.upstream_retries,
    ),
    (
        "stoa_upstream_connects",
        "Connections made to upstreams",
        |core| &core.upstream_connects,
    ),
    (
        "stoa_upstream_reuses",
        "Calls that found a pooled connection",
        |core| &core.upstream_reuses,
    ),
];

/// Counters by label: name, help, label's name, where.
type Labelled = (
    &'static str,
    &'static str,
    &'static str,
    fn(&CoreCounters) -> &LabelCounters,
);
const LABELLED: &[Labelled] = &[
    (
        "mcp_errors",
        "Requests refused or failed, by reason",
        "reason",
        |core| &core.errors,
    ),
    (
        "stoa_limit_refusals",
        "Calls over a limit, by the limit's scope",
        "scope",
        |core| &core.limit_refusals,
    ),
    (
        "stoa_connections_refused",
        "Connections not accepted, by reason",
        "reason",
        |core| &core.connections_refused,
    ),
    (
        "stoa_upstream_faults",
        "Faults of upstreams, by kind",
        "kind",
        |core| &core.upstream_faults,
    ),
];

/// Writes the families of the workers.
pub(super) fn encode(cores: &[Arc<CoreCounters>], families: &mut Families<'_>) -> fmt::Result {
    requests(cores, families)?;
    durations(cores, families)?;
    for (name, help, label, counters) in LABELLED {
        let sums = by_label(cores.iter().flat_map(|core| counters(core).iter()));
        families.counters(
            name,
            help,
            sums.into_iter()
                .map(|(value, count)| ([(*label, value)], count)),
        )?;
    }
    let sum = |counter: fn(&CoreCounters) -> &Counter| -> u64 {
        cores.iter().map(|core| counter(core).get()).sum()
    };
    for (name, help, counter) in COUNTERS {
        families.counter(name, help, sum(*counter))?;
    }
    // The two are not read at one moment, so the difference may come out below 0.
    let open = |opened: u64, closed: u64| opened.saturating_sub(closed);
    let connections = open(
        sum(|core| &core.connections_accepted),
        sum(|core| &core.connections_closed),
    );
    families.gauge("stoa_connections_open", "Connections open", connections)?;
    let streams = open(
        sum(|core| &core.streams_opened),
        sum(|core| &core.streams_closed),
    );
    families.gauge("stoa_streams_open", "Event streams open", streams)?;
    families.gauge("stoa_workers", "Worker threads", cores.len() as u64)
}

fn requests(cores: &[Arc<CoreCounters>], families: &mut Families<'_>) -> fmt::Result {
    let mut series = Vec::new();
    for transport in Transport::ALL {
        for method in MethodClass::ALL {
            for status in Status::ALL {
                let count: u64 = cores
                    .iter()
                    .map(|core| core.requests(transport, method, status))
                    .sum();
                if count > 0 {
                    let labels = [
                        ("transport", transport.as_str()),
                        ("method", method.as_str()),
                        ("status", status.as_str()),
                    ];
                    series.push((labels, count));
                }
            }
        }
    }
    families.counters(
        "mcp_requests",
        "MCP requests, on MCP and REST, by outcome",
        series,
    )
}

fn durations(cores: &[Arc<CoreCounters>], families: &mut Families<'_>) -> fmt::Result {
    let total = |histogram: &dyn Fn(&CoreCounters) -> &Histogram| {
        let mut total = HistogramTotal::default();
        for core in cores {
            histogram(core).add_to(&mut total);
        }
        total
    };
    let help = "Time from a request's head to its answer, upstream included";
    let mut family = families.0.encode_descriptor(
        "mcp_request_duration_seconds",
        help,
        None,
        MetricType::Histogram,
    )?;
    for method in MethodClass::ALL {
        let total = total(&|core| core.durations(method));
        if total.count() > 0 {
            let labels = [("method", method.as_str())];
            let mut series = family.encode_family(&labels)?;
            series.encode_histogram::<NoLabelSet>(
                total.sum_us as f64 / 1e6,
                total.count(),
                &total.buckets_s(),
                None,
            )?;
        }
    }
    let parts: [(&str, &str, HistogramTotal); 2] = [
        (
            "stoa_gateway_duration_seconds",
            "The gateway's own part of tool calls",
            total(&|core| &core.gateway_durations),
        ),
        (
            "stoa_upstream_duration_seconds",
            "The upstream's part of tool calls",
            total(&|core| &core.upstream_durations),
        ),
    ];
    for (name, help, total) in parts {
        let mut family = families
            .0
            .encode_descriptor(name, help, None, MetricType::Histogram)?;
        family.encode_histogram::<NoLabelSet>(
            total.sum_us as f64 / 1e6,
            total.count(),
            &total.buckets_s(),
            None,
        )?;
    }
    Ok(())
}
