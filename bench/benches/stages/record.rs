//! A metering record into the worker's buffer, beside the JSON text that it becomes later.

use std::hint::black_box;

use criterion::Criterion;
use serde_json::json;
use stoa_gateway::meter::record::{Record, Status, Transport, codec};

use super::cpu::ThreadCpu;

pub(crate) fn record(criterion: &mut Criterion<ThreadCpu>) {
    let record = Record {
        tenant: "acme",
        consumer: "ci-agent",
        user_id: Some("ci-agent"),
        tool: "create_order",
        action: "tools/call",
        transport: Transport::StreamableHttp,
        status: Status::Success,
        latency_us: 1_834,
        backend_us: 1_790,
        request_bytes: 341,
        response_bytes: 612,
        cost_microunits: 1_000,
        request_id: "0192f0c1-7c1e-7b3a-9d55-6a2f3c1e8b10",
        ..Record::default()
    };
    let mut group = criterion.benchmark_group("record");
    let mut out = Vec::new();
    group.bench_function("ours", |bencher| {
        bencher.iter(|| {
            out.clear();
            codec::encode(black_box(&record), [9; 16], 1_795_000_000_000, &mut out);
        });
    });
    group.bench_function("serde_json text", |bencher| {
        bencher.iter(|| {
            out.clear();
            let record = black_box(&record);
            let value = json!({
                "event_id": "0192f0c1-7c1e-7b3a-9d55-6a2f3c1e8b10", "timestamp": 1_795_000_000_000_u64,
                "tenant": record.tenant, "consumer": record.consumer, "user_id": record.user_id,
                "tool": record.tool, "action": record.action, "transport": record.transport.as_str(),
                "status": record.status.as_str(), "latency_us": record.latency_us,
                "backend_us": record.backend_us, "request_bytes": record.request_bytes,
                "response_bytes": record.response_bytes, "request_id": record.request_id,
            });
            serde_json::to_writer(&mut out, &value).is_ok()
        });
    });
    group.finish();
}
