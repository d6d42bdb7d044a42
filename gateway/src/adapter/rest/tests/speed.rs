//! A typical call's cost, so that a change for the worse is seen where it is made. The figures that
//! count come from `bench`; this one only keeps the order of magnitude, in whatever profile it runs.

use super::*;
use crate::adapter::result::ToolResult;

#[test]
#[allow(clippy::disallowed_methods, reason = "the test is about time")]
fn a_typical_call_costs_microseconds() {
    let schema = ArgumentSchema::compile(&json!({
        "type": "object",
        "properties": {
            "order_id": {"type": "string", "maxLength": 40},
            "amount": {"type": "integer", "minimum": 1},
            "note": {"type": "string"},
            "customer": {"type": "object", "properties": {"email": {"type": "string"}}, "required": ["email"]}
        },
        "required": ["order_id", "amount"],
        "additionalProperties": false
    }))
    .unwrap();
    let mut plan = plan("POST", "/v1/orders/{order_id}/refunds");
    plan.parameters = vec![parameter("order_id", Location::Path)];
    plan.body = BodyPlan::Json(JsonBody {
        source: BodySource::WholeArguments,
        content_type: "application/json".to_owned(),
    });
    let operation = RestOperation::compile(&plan, UpstreamId(0)).unwrap();
    let upstream = upstream();
    let raw = Raw::parse(
        r#"{"order_id":"ord_8f3a2c","amount":4200,"customer":{"email":"jane@example.com"},"note":"left at the door"}"#,
    )
    .unwrap();
    let body = br#"{"id":"re_1","status":"succeeded","amount":4200,"currency":"EUR"}"#;
    let reply = Reply {
        status: 200,
        content_type: Some(b"application/json"),
        body,
        truncated: false,
    };
    let mut out = Vec::new();
    let mut result = ToolResult::default();
    let mut call = || {
        let arguments = guard::validate(&schema, Some(raw)).unwrap();
        out.clear();
        encode(&operation, &upstream, &arguments, &CONTEXT, &mut out).unwrap();
        decode(&reply, &mut result);
    };
    let best_us = (0..20)
        .map(|_| {
            let start = std::time::Instant::now();
            (0..200).for_each(|_| call());
            start.elapsed().as_secs_f64() * 1e6 / 200.0
        })
        .fold(f64::MAX, f64::min);
    // 1.1 us optimised; up to 20 us in a test build without optimisation on a busy machine.
    let limit_us = if cfg!(debug_assertions) { 200.0 } else { 5.0 };
    assert!(best_us < limit_us, "{best_us:.2} us");
}
