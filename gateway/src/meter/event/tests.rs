use super::super::record::{Mode, Record, Status, Transport, codec};
use super::*;

const SCHEMA: &str = include_str!("../../../../deploy/schema/metering-event.schema.json");
/// 2026-06-15T10:20:30.007Z.
const UNIX_MS: u64 = 1_781_518_830_007;

fn json(record: &Record<'_>, event_id: [u8; 16]) -> String {
    let mut bytes = Vec::new();
    codec::encode(record, event_id, UNIX_MS, &mut bytes);
    let mut out = Vec::new();
    write_json(&codec::decode(&bytes).unwrap(), "gateway-1", &mut out);
    String::from_utf8(out).unwrap()
}

fn uuid() -> [u8; 16] {
    super::super::identifier::Identifiers::from_seed(3).uuid_v7(UNIX_MS)
}

fn full<'a>() -> Record<'a> {
    Record {
        tenant: "acme",
        project: Some("billing"),
        consumer: "agent-7",
        user_id: Some("key \"one\""),
        tool: "get_order",
        action: "tools/call",
        mode: Mode::EdgeMcp,
        transport: Transport::StreamableHttp,
        status: Status::Success,
        latency_us: 1_234,
        backend_us: 1_200,
        request_bytes: 188,
        response_bytes: 512,
        tokens_in: Some(12),
        tokens_out: Some(0),
        cost_microunits: 2_001_230,
        request_id: "req\\1",
        trace_id: Some(*b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"),
        metadata: &[("reason", "tool_limit"), ("é\u{1}", "\n")],
    }
}

#[test]
fn every_field_in_its_order() {
    let text = json(
        &full(),
        *b"\x01\x9e\xca\x4b\x12\x34\x70\x00\x80\x00\x00\x00\x00\x00\x00\x2a",
    );
    let expected = concat!(
        r#"{"event_id":"019eca4b-1234-7000-8000-00000000002a","timestamp":"2026-06-15T10:20:30.007Z","#,
        r#""gateway_id":"gateway-1","tenant":"acme","project":"billing","consumer":"agent-7","#,
        r#""user_id":"key \"one\"","tool":"get_order","action":"tools/call","mode":"edge-mcp","#,
        r#""transport":"streamable-http","status":"success","latency_us":1234,"gateway_us":34,"#,
        r#""backend_us":1200,"request_bytes":188,"response_bytes":512,"tokens_in":12,"tokens_out":0,"#,
        r#""cost_units":2.00123,"request_id":"req\\1","trace_id":"000102030405060708090a0b0c0d0e0f","#,
        r#""metadata":{"reason":"tool_limit","é\u0001":"\u000a"}}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn what_is_unknown_is_left_out() {
    let event: serde_json::Value = serde_json::from_str(&json(&Record::default(), uuid())).unwrap();
    for name in ["project", "user_id", "tokens_in", "tokens_out", "trace_id"] {
        assert!(event.get(name).is_none(), "{name}");
    }
    assert_eq!(event["consumer"], "unknown");
    assert_eq!(event["metadata"], serde_json::json!({}));
    // What nobody filled is not a success.
    assert_eq!(event["status"], "error");
}

#[test]
fn events_are_as_the_schema_says() {
    let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let long = "é".repeat(1_000);
    let pairs: Vec<(String, &str)> = (0..40)
        .map(|index| (format!("{index}{long}"), &long[..]))
        .collect();
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(key, value)| (&key[..], *value))
        .collect();
    let hostile = Record {
        tenant: &long,
        consumer: &long,
        tool: &long,
        request_id: &long,
        metadata: &pairs,
        ..full()
    };
    let mut records = vec![Record::default(), full(), hostile];
    records.extend(Status::ALL.map(|status| Record { status, ..full() }));
    records.extend(Transport::ALL.map(|transport| Record {
        transport,
        ..full()
    }));
    records.push(Record {
        latency_us: u64::MAX,
        cost_microunits: u64::MAX,
        ..Record::default()
    });
    for record in records {
        let event: serde_json::Value = serde_json::from_str(&json(&record, uuid())).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&event)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{event}: {errors:?}");
        let sum = event["gateway_us"].as_u64().unwrap() + event["backend_us"].as_u64().unwrap();
        assert_eq!(event["latency_us"].as_u64().unwrap(), sum);
    }
    // The schema can say no: each required member is missed.
    let event: serde_json::Value = serde_json::from_str(&json(&full(), uuid())).unwrap();
    for name in schema["required"].as_array().unwrap() {
        let mut without = event.clone();
        without
            .as_object_mut()
            .unwrap()
            .remove(name.as_str().unwrap());
        assert!(!validator.is_valid(&without), "{name}");
    }
}

#[test]
fn decimals_have_no_exponent() {
    let cases = [
        (0, "0"),
        (1, "0.000001"),
        (1_000, "0.001"),
        (2_034, "0.002034"),
        (1_000_000, "1"),
        (1_500_000, "1.5"),
        (u64::MAX, "18446744073709.551615"),
    ];
    for (microunits, expected) in cases {
        let mut out = Vec::new();
        put_decimal(&mut out, microunits);
        assert_eq!(out, expected.as_bytes());
    }
}

#[test]
fn times_are_rfc_3339() {
    assert_eq!(timestamp(0), "1970-01-01T00:00:00.000Z");
    assert_eq!(timestamp(UNIX_MS), "2026-06-15T10:20:30.007Z");
    assert_eq!(timestamp(u64::MAX), "9999-12-31T23:59:59.999Z");
}
