//! What lives beside the workers: tools, catalog, spool, kernel, the process.

use std::collections::BTreeMap;
use std::fmt;

use super::{Families, OTHER, Sources, ToolSeries};
use crate::limits::TOOL_SERIES_MAX;
use crate::meter::kafka::state::{KafkaHealth, KafkaSummary};
use crate::meter::record::Status;
use crate::meter::state::{SpoolHealth, SpoolSummary};

/// Writes the families of everything beside the workers.
pub(super) fn encode(sources: &Sources, families: &mut Families<'_>) -> fmt::Result {
    tools(&sources.tools, families)?;
    let catalog = sources.catalog;
    families.gauge(
        "stoa_catalog_generation",
        "Publications of the catalog",
        catalog.generation,
    )?;
    families.gauge("stoa_catalog_tools", "Tools in force", catalog.tools)?;
    families.gauge("stoa_catalog_tenants", "Tenants in force", catalog.tenants)?;
    families.gauge(
        "stoa_catalog_problems",
        "Files and objects not in force",
        catalog.problems,
    )?;
    if let Some(summary) = &sources.spool {
        spool(summary, families)?;
    }
    if let Some(summary) = &sources.kafka {
        kafka(summary, families)?;
    }
    let dropped = sources.access_lines_dropped;
    families.counter(
        "stoa_access_lines_dropped",
        "Access lines given up because their writer was slow",
        dropped,
    )?;
    families.gauge(
        "stoa_uptime_seconds",
        "Seconds since the start",
        sources.uptime_s,
    )?;
    families.gauge(
        "stoa_draining",
        "1 while the gateway is about to end",
        u64::from(sources.draining),
    )?;
    let version = [([("version", sources.version)], 1)];
    families.gauges("stoa_build_info", "The version, as a label", version)?;
    for samples in sources.samples.chunk_by(|one, two| one.name == two.name) {
        families.samples(samples)?;
    }
    Ok(())
}

fn tools(tools: &[ToolSeries], families: &mut Families<'_>) -> fmt::Result {
    let (shown, rest) = tools.split_at(tools.len().min(TOOL_SERIES_MAX));
    // `success` is always there, so that a rate over a tool's first calls sees where they began.
    let worth = |(status, count): &(Status, u64)| *status == Status::Success || *count > 0;
    let series =
        |tool: &ToolSeries| Status::ALL.map(|status| (status, tool.usage.calls_with(status)));
    let others = Status::ALL.map(|status| {
        (
            status,
            rest.iter().map(|tool| tool.usage.calls_with(status)).sum(),
        )
    });
    let labels = |tenant, tool, status: Status| {
        [
            ("tenant", tenant),
            ("tool", tool),
            ("status", status.as_str()),
        ]
    };
    let own = shown.iter().flat_map(|tool| {
        let counts = series(tool).into_iter().filter(worth);
        counts.map(|(status, count)| (labels(&*tool.tenant, &*tool.tool, status), count))
    });
    let together = others
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| (labels(OTHER, OTHER, status), count));
    families.counters(
        "mcp_tool_invocations",
        "Calls of tools by outcome",
        own.chain(together),
    )?;

    let called = shown.iter().filter(|tool| tool.usage.latency_us() > 0);
    families.counters(
        "stoa_tool_seconds",
        "Time of all calls of a tool together",
        called.map(|tool| {
            (
                [("tenant", &*tool.tenant), ("tool", &*tool.tool)],
                tool.usage.latency_us() as f64 / 1e6,
            )
        }),
    )?;
    let mut costs: BTreeMap<&str, u64> = BTreeMap::new();
    for tool in tools {
        *costs.entry(&tool.tenant).or_insert(0) += tool.usage.cost_microunits();
    }
    families.counters(
        "stoa_tool_cost_units",
        "Cost of all calls of a tenant's tools",
        costs
            .into_iter()
            .map(|(tenant, cost)| ([("tenant", tenant)], cost as f64 / 1e6)),
    )
}

fn kafka(summary: &KafkaSummary, families: &mut Families<'_>) -> fmt::Result {
    families.counter(
        "stoa_kafka_events_delivered",
        "Metering events that all replicas acknowledged",
        summary.delivered,
    )?;
    families.counter(
        "stoa_kafka_events_failed",
        "Metering events given up because the topic takes none so large",
        summary.rejected,
    )?;
    families.counter(
        "stoa_kafka_faults",
        "Attempts that failed and were repeated, in events",
        summary.faults,
    )?;
    families.gauge(
        "stoa_kafka_lag_records",
        "Metering events in the spool that are not acknowledged",
        summary.lag_records,
    )?;
    families.gauge(
        "stoa_kafka_lag_seconds",
        "Age of the oldest of them",
        summary.lag_ms as f64 / 1e3,
    )?;
    families.gauge(
        "stoa_kafka_up",
        "1 while events go to Kafka",
        u64::from(summary.health == KafkaHealth::Up),
    )?;
    let states = KafkaHealth::ALL.map(|health| {
        (
            [("state", health.as_str())],
            u64::from(health == summary.health),
        )
    });
    families.gauges("stoa_kafka_state", "1 for the state that holds", states)
}

fn spool(summary: &SpoolSummary, families: &mut Families<'_>) -> fmt::Result {
    families.counter(
        "stoa_meter_events_stored",
        "Metering events written to the spool",
        summary.stored,
    )?;
    let dropped = [
        ([("reason", "oldest_deleted")], summary.evicted),
        ([("reason", "spool_full")], summary.dropped_full),
        ([("reason", "queue_full")], summary.dropped_ring),
    ];
    families.counters(
        "stoa_meter_events_dropped",
        "Metering events given up, by reason",
        dropped,
    )?;
    families.gauge("stoa_spool_bytes", "Bytes of all segments", summary.bytes)?;
    families.gauge(
        "stoa_spool_bytes_max",
        "The most they may have",
        summary.bytes_max,
    )?;
    families.gauge("stoa_spool_segments", "Segment files", summary.segments)?;
    let healths = [SpoolHealth::Failing, SpoolHealth::Full, SpoolHealth::Well];
    let states = healths.map(|health| {
        (
            [("state", health.as_str())],
            u64::from(health == summary.health),
        )
    });
    families.gauges("stoa_spool_state", "1 for the state that holds", states)?;
    families.gauge(
        "stoa_spool_refusing",
        "1 while calls are refused because of it",
        u64::from(summary.refusing),
    )?;
    families.counter(
        "stoa_spool_write_faults",
        "Writes that the file system refused",
        summary.write_faults,
    )?;
    families.counter("stoa_spool_syncs", "Syncs to the disk", summary.syncs)?;
    families.counter(
        "stoa_spool_sync_faults",
        "Syncs to the disk that failed",
        summary.sync_faults,
    )?;
    families.counter(
        "stoa_spool_torn_tails",
        "Torn ends found at the start",
        summary.torn_tails,
    )?;
    families.counter(
        "stoa_spool_torn_bytes",
        "Bytes of torn ends",
        summary.torn_bytes,
    )
}
