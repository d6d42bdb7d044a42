//! What both eras are told of the gateway.

use crate::json::raw::Raw;
use serde_json::{Value, json};

use super::*;
use crate::mcp::envelope::{Envelope, read};

fn result(write: impl FnOnce(&mut Vec<u8>, Id<'_>)) -> Value {
    let raw = Raw::parse("0").unwrap();
    let mut out = Vec::new();
    write(&mut out, Id::read(raw).unwrap());
    let answer: Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(
        (&answer["jsonrpc"], &answer["id"]),
        (&json!("2.0"), &json!(0))
    );
    answer["result"].clone()
}

fn server_info() -> Value {
    json!({"name": "stoa-gateway", "title": "STOA Gateway", "version": env!("CARGO_PKG_VERSION")})
}

#[test]
fn initialize() {
    let written = result(|out, id| write_initialize(out, id, Revision::V20250326, "Say \"hi\"."));
    assert_eq!(
        written,
        json!({"protocolVersion": "2025-03-26", "serverInfo": server_info(), "instructions": "Say \"hi\".",
            "capabilities": {"tools": {"listChanged": true}, "logging": {}}}),
    );
    let silent = result(|out, id| write_initialize(out, id, Revision::V20251125, ""));
    assert!(silent.get("instructions").is_none());
}

#[test]
fn discover() {
    let written = result(|out, id| write_discover(out, id, INSTRUCTIONS));
    assert_eq!(
        written,
        json!({"resultType": "complete", "supportedVersions": ["2026-07-28"], "cacheScope": "public",
            "ttlMs": DISCOVER_TTL_MS, "instructions": INSTRUCTIONS,
            "capabilities": {"tools": {"listChanged": true}},
            "_meta": {"io.modelcontextprotocol/serverInfo": server_info()}}),
    );
    assert!(
        result(|out, id| write_discover(out, id, ""))
            .get("instructions")
            .is_none()
    );
}

#[test]
fn openings() {
    let opening = |revision, sampling| {
        Ok(Opening {
            revision,
            declared: Declared {
                sampling,
                ..Declared::default()
            },
        })
    };
    for (params, expected) in [
        (
            r#"{"protocolVersion":"2025-06-18","capabilities":{"sampling":{}},"clientInfo":{"name":"c"}}"#,
            opening(Revision::V20250618, true),
        ),
        (
            r#"{"protocolVersion":"2025-06-18","capabilities":{}}"#,
            opening(Revision::V20250618, false),
        ),
        (
            r#"{"protocolVersion":"2024-11-05"}"#,
            opening(Revision::V20241105, false),
        ),
        (
            r#"{"protocolVersion":"someday","capabilities":null}"#,
            opening(Revision::V20251125, false),
        ),
        (
            r#"{"protocolVersion":20250618,"capabilities":{}}"#,
            Err(Refusal::ParamsInvalid),
        ),
        (
            r#"{"protocolVersion":"2025-06-18","capabilities":[]}"#,
            Err(Refusal::ParamsInvalid),
        ),
        (r#"{"capabilities":{}}"#, Err(Refusal::ParamsInvalid)),
        ("{}", Err(Refusal::ParamsInvalid)),
    ] {
        let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{params}}}"#);
        let Ok(Envelope::One(message)) = read(body.as_bytes()) else {
            panic!("{body}");
        };
        assert_eq!(read_initialize(&message.params), expected, "{params}");
    }
}
