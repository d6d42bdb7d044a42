use std::collections::{HashMap, HashSet};

use super::*;
use crate::limits::TOOL_SERIES_MAX;
use crate::meter::kafka::state::{KafkaHealth, KafkaState};
use crate::meter::record::{Status, Transport};
use crate::meter::state::SpoolState;
use crate::telemetry::counter::MethodClass;

fn tool(tenant: &str, name: &str) -> ToolSeries {
    ToolSeries {
        tenant: tenant.into(),
        tool: name.into(),
        usage: Arc::default(),
    }
}

fn sources() -> Sources {
    let cores = vec![
        Arc::new(CoreCounters::default()),
        Arc::new(CoreCounters::default()),
    ];
    for (index, core) in cores.iter().enumerate() {
        core.request(
            Transport::StreamableHttp,
            MethodClass::ToolsCall,
            Status::Success,
            80,
        );
        core.request(
            Transport::Rest,
            MethodClass::ToolsList,
            Status::Unauthorized,
            30,
        );
        core.call(20, 60);
        core.errors.add("auth_required");
        core.limit_refusals.add("tool");
        core.connections_accepted.add(2 + index as u64);
        core.connections_closed.add(1);
    }
    let tools = vec![
        tool("acme", "get_order"),
        tool("acme", "with\"quote"),
        tool("globex", "list_orders"),
    ];
    tools[0].usage.add(Status::Success, 1_500_000, 1_250);
    tools[0].usage.add(Status::Timeout, 0, 0);
    let sample = |name, labels, value, kind| Sample {
        name,
        help: "From the kernel",
        labels,
        value,
        kind,
    };
    Sources {
        version: "0.1.0",
        uptime_s: 7,
        cores,
        tools,
        catalog: CatalogSummary {
            generation: 2,
            tools: 3,
            tenants: 2,
            problems: 1,
        },
        spool: Some(SpoolState::new(1 << 20, false).summary()),
        kafka: Some(kafka()),
        samples: vec![
            sample(
                "stoa_kernel_opened",
                vec![("listener", "3001".to_owned())],
                4,
                SampleKind::Counter,
            ),
            sample(
                "stoa_kernel_opened",
                vec![("listener", "9090".to_owned())],
                5,
                SampleKind::Counter,
            ),
            sample("stoa_kernel_attached", Vec::new(), 1, SampleKind::Gauge),
        ],
        ..Sources::default()
    }
}

fn kafka() -> KafkaSummary {
    let state = KafkaState::default();
    state.set_health(KafkaHealth::Down, "connection refused");
    state.delivered(64);
    state.rejected();
    state.failed(3);
    state.measured(7, 1_000);
    state.summary(3_500)
}

/// Series by name and labels; checks on the way what a strict reader checks.
fn read(text: &str) -> HashMap<String, f64> {
    let (mut series, mut families) = (HashMap::new(), HashSet::new());
    let mut family = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().unwrap().to_owned();
            assert!(families.insert(family.clone()), "{family} once");
        } else if line.starts_with("# ") {
            assert!(
                line == "# EOF" || line.starts_with(&format!("# TYPE {family} ")),
                "{line}"
            );
        } else {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(name.starts_with(&family), "{name} in {family}");
            assert!(
                series
                    .insert(name.to_owned(), value.parse().unwrap())
                    .is_none(),
                "{name} once"
            );
        }
    }
    assert!(text.ends_with("# EOF\n"));
    series
}

#[test]
fn cores_are_added_up_under_the_documents_names() {
    let text = String::from_utf8(scrape(sources())).unwrap();
    let series = read(&text);
    let cases = [
        (
            r#"mcp_requests_total{transport="streamable-http",method="tools/call",status="success"}"#,
            2.0,
        ),
        (
            r#"mcp_requests_total{transport="rest",method="tools/list",status="unauthorized"}"#,
            2.0,
        ),
        (
            r#"mcp_request_duration_seconds_bucket{le="0.000025",method="tools/call"}"#,
            0.0,
        ),
        (
            r#"mcp_request_duration_seconds_bucket{le="0.0001",method="tools/call"}"#,
            2.0,
        ),
        (
            r#"mcp_request_duration_seconds_bucket{le="+Inf",method="tools/call"}"#,
            2.0,
        ),
        (
            r#"mcp_request_duration_seconds_sum{method="tools/call"}"#,
            0.00016,
        ),
        (
            r#"stoa_gateway_duration_seconds_bucket{le="0.000025"}"#,
            2.0,
        ),
        (
            r#"mcp_tool_invocations_total{tenant="acme",tool="get_order",status="success"}"#,
            1.0,
        ),
        (
            r#"mcp_tool_invocations_total{tenant="acme",tool="get_order",status="timeout"}"#,
            1.0,
        ),
        (
            r#"mcp_tool_invocations_total{tenant="acme",tool="with\"quote",status="success"}"#,
            0.0,
        ),
        (
            r#"stoa_tool_seconds_total{tenant="acme",tool="get_order"}"#,
            1.5,
        ),
        (r#"stoa_tool_cost_units_total{tenant="acme"}"#, 0.00125),
        (r#"mcp_errors_total{reason="auth_required"}"#, 2.0),
        (r#"stoa_limit_refusals_total{scope="tool"}"#, 2.0),
        ("stoa_connections_accepted_total", 5.0),
        ("stoa_connections_open", 3.0),
        ("stoa_catalog_problems", 1.0),
        (
            r#"stoa_meter_events_dropped_total{reason="queue_full"}"#,
            0.0,
        ),
        (r#"stoa_spool_state{state="ok"}"#, 1.0),
        (r#"stoa_kernel_opened_total{listener="9090"}"#, 5.0),
        ("stoa_kernel_attached", 1.0),
        (r#"stoa_build_info{version="0.1.0"}"#, 1.0),
        ("stoa_uptime_seconds", 7.0),
    ];
    for (name, value) in cases {
        assert_eq!(series.get(name), Some(&value), "{name} in\n{text}");
    }
    assert!(
        !text.contains(r#"tool="list_orders",status="timeout""#),
        "what did not happen is left out"
    );
}

#[test]
fn nothing_counted_is_still_whole() {
    let series = read(&String::from_utf8(scrape(Sources::default())).unwrap());
    assert_eq!(series["stoa_connections_open"], 0.0);
    assert!(
        !series.keys().any(|name| name.starts_with("stoa_spool")),
        "no spool, no series"
    );
}

#[test]
fn tools_beyond_the_bound_are_one() {
    let mut tools: Vec<ToolSeries> = (0..TOOL_SERIES_MAX + 2)
        .map(|number| tool("acme", &format!("tool_{number:06}")))
        .collect();
    for tool in &mut tools {
        tool.usage.add(Status::Error, 10, 1_000_000);
    }
    let count = tools.len() as f64;
    let series = read(
        &String::from_utf8(scrape(Sources {
            tools,
            ..Sources::default()
        }))
        .unwrap(),
    );
    let own = series
        .keys()
        .filter(|name| name.starts_with("mcp_tool_invocations_total{tenant=\"acme\""))
        .count();
    // `error` and the `success` that is always there.
    assert_eq!(own, TOOL_SERIES_MAX * 2);
    assert_eq!(
        series[r#"mcp_tool_invocations_total{tenant="_other",tool="_other",status="error"}"#],
        2.0
    );
    assert_eq!(
        series[r#"stoa_tool_cost_units_total{tenant="acme"}"#],
        count
    );
}

#[test]
fn a_scraper_is_answered_in_the_format_it_asked_for() {
    let cases = [
        (None, OPEN_METRICS),
        (Some("*/*"), OPEN_METRICS),
        (
            Some("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"),
            OPEN_METRICS,
        ),
        (Some("text/plain"), PROMETHEUS_TEXT),
    ];
    for (accept, expected) in cases {
        assert_eq!(
            content_type(accept.map(str::as_bytes)),
            expected,
            "{accept:?}"
        );
    }
}

#[test]
fn kafka_is_told_in_numbers() {
    let series = read(&String::from_utf8(scrape(sources())).unwrap());
    for (name, value) in [
        ("stoa_kafka_events_delivered_total", 64.0),
        ("stoa_kafka_events_failed_total", 1.0),
        ("stoa_kafka_faults_total", 3.0),
        ("stoa_kafka_lag_records", 7.0),
        ("stoa_kafka_lag_seconds", 2.5),
        ("stoa_kafka_up", 0.0),
        ("stoa_kafka_state{state=\"down\"}", 1.0),
        ("stoa_kafka_state{state=\"up\"}", 0.0),
    ] {
        assert_eq!(series.get(name), Some(&value), "{name}");
    }
    let without = Sources {
        kafka: None,
        ..sources()
    };
    let text = String::from_utf8(scrape(without)).unwrap();
    assert!(!text.contains("stoa_kafka"), "nothing of what is not there");
}
