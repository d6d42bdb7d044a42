//! The REST adapter: a call written as an HTTP request, an answer read as a tool's result.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use stoa_gateway::adapter::rest::{self, CallContext, Reply};
use stoa_gateway::adapter::result::ToolResult;
use stoa_gateway::control::spec::{
    BodyPlan, BodySource, Credential, JsonBody, Location, ParameterPlan, RequestPlan,
};
use stoa_gateway::guard;
use stoa_gateway::guard::schema::ArgumentSchema;
use stoa_gateway::json::raw::Raw;
use stoa_gateway::snapshot::operation::RestOperation;
use stoa_gateway::snapshot::upstream::{Upstream, UpstreamId};

use super::cpu::ThreadCpu;
use super::input;

pub(crate) fn rest(criterion: &mut Criterion<ThreadCpu>) {
    let schema = ArgumentSchema::compile(&input::schema()).expect("a sound schema");
    let operation = RestOperation::compile(&plan(), UpstreamId(0)).expect("a sound plan");
    let upstream = upstream();
    let context = CallContext {
        request_id: "0192f0c1-7c1e-7b3a-9d55-6a2f3c1e8b10",
        traceparent: None,
    };
    let mut group = criterion.benchmark_group("rest");
    for bytes in input::SIZES {
        let text = input::arguments(bytes);
        let raw = Raw::parse(&text).expect("JSON");
        let arguments = guard::validate(&schema, Some(raw)).expect("valid arguments");
        let mut out = Vec::new();
        group.throughput(Throughput::Bytes(raw.get().len() as u64));
        group.bench_function(
            BenchmarkId::new("encode, path parameter and JSON body", bytes),
            |bencher| {
                bencher.iter(|| {
                    out.clear();
                    rest::encode(
                        &operation,
                        &upstream,
                        black_box(&arguments),
                        &context,
                        &mut out,
                    )
                    .is_ok()
                });
            },
        );
    }
    for bytes in [500, 16_000] {
        let body = input::arguments(bytes);
        let reply = Reply {
            status: 200,
            content_type: Some(b"application/json"),
            body: body.as_bytes(),
            truncated: false,
        };
        let mut result = ToolResult::default();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("decode a JSON answer", bytes), |bencher| {
            bencher.iter(|| rest::decode(black_box(&reply), &mut result));
        });
    }
    group.finish();
}

/// `POST /v1/orders/{order_id}` with the other arguments as its JSON body.
fn plan() -> RequestPlan {
    RequestPlan {
        method: "POST".to_owned(),
        path: "/v1/orders/{order_id}".to_owned(),
        parameters: vec![ParameterPlan {
            argument: "order_id".to_owned(),
            name: "order_id".to_owned(),
            location: Location::Path,
            style: Location::Path.default_style(),
            explode: false,
            allow_reserved: false,
            required: true,
            json_content: false,
        }],
        body: BodyPlan::Json(JsonBody {
            source: BodySource::WholeArguments,
            content_type: "application/json".to_owned(),
        }),
        fixed_headers: Vec::new(),
        credential: Credential::None,
    }
}

fn upstream() -> Upstream {
    Upstream {
        key: "http://api.example:80".into(),
        tls: false,
        host: "api.example".into(),
        port: 80,
        authority: "api.example".into(),
        allow: [].into(),
        addresses: Arc::default(),
    }
}
