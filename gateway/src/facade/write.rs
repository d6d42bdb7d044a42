//! Answers of the REST facade.

use std::collections::BTreeMap;

use crate::adapter::result::ToolResult;
use crate::json::write_string;
use crate::mcp::version::{Era, Revision};
use crate::refusal::Refusal;
use crate::snapshot::tool::Tool;

/// Appends a tool as an object: its name, then the definition as MCP shows it, then what only REST has.
pub fn tool(out: &mut Vec<u8>, name: &str, tool: &Tool) {
    out.extend_from_slice(b"{\"name\":");
    write_string(out, name);
    out.push(b',');
    out.extend_from_slice(tool.definition.for_era(Era::Modern).as_bytes());
    out.extend_from_slice(b",\"category\":");
    write_string(out, &tool.category);
    out.extend_from_slice(b",\"tags\":[");
    for (index, tag) in tool.tags.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(out, tag);
    }
    out.extend_from_slice(b"]}");
}

/// The facade's front page.
#[must_use]
pub fn information(version: &str) -> Vec<u8> {
    let mut out = br#"{"name":"stoa-gateway","version":"#.to_vec();
    write_string(&mut out, version);
    out.extend_from_slice(br#","protocolVersions":["#);
    for (index, revision) in Revision::ALL.iter().rev().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(&mut out, revision.as_str());
    }
    out.extend_from_slice(br#"],"capabilities":{"tools":{"listChanged":true}},"endpoints":{"mcp":"/mcp","tools":"/mcp/v1/tools"}}"#);
    out
}

/// Counts by name, most first: `{"categories":[{"name":..,"count":..}]}`.
#[must_use]
pub fn counts(member: &str, names: impl Iterator<Item = std::sync::Arc<str>>) -> Vec<u8> {
    let mut counted: BTreeMap<std::sync::Arc<str>, usize> = BTreeMap::new();
    for name in names {
        *counted.entry(name).or_default() += 1;
    }
    let mut sorted: Vec<_> = counted.into_iter().collect();
    sorted.sort_by(|(left, many), (right, more)| more.cmp(many).then_with(|| left.cmp(right)));
    let mut out = vec![b'{'];
    write_string(&mut out, member);
    out.extend_from_slice(b":[");
    for (index, (name, count)) in sorted.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"name\":");
        write_string(&mut out, name);
        out.extend_from_slice(b",\"count\":");
        out.extend_from_slice(itoa::Buffer::new().format(*count).as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

/// An invocation's answer.
pub fn invoked(
    out: &mut Vec<u8>,
    name: &str,
    result: &ToolResult,
    request_id: &str,
    latency_ms: u64,
    invoked_at: &str,
) {
    out.extend_from_slice(br#"{"result":{"content":"#);
    out.extend_from_slice(&result.content);
    out.extend_from_slice(br#","isError":"#);
    out.extend_from_slice(if result.is_error { b"true" } else { b"false" });
    if let Some(structured) = &result.structured {
        out.extend_from_slice(br#","structuredContent":"#);
        out.extend_from_slice(structured);
    }
    out.extend_from_slice(br#","request_id":"#);
    write_string(out, request_id);
    out.extend_from_slice(br#","latency_ms":"#);
    out.extend_from_slice(itoa::Buffer::new().format(latency_ms).as_bytes());
    out.extend_from_slice(br#","backend_status":"#);
    match result.backend_status {
        Some(status) => out.extend_from_slice(itoa::Buffer::new().format(status).as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(br#"},"toolName":"#);
    write_string(out, name);
    out.extend_from_slice(br#","invoked_at":"#);
    write_string(out, invoked_at);
    out.push(b'}');
}

/// An error: `{"error":{code,message,details,suggestion}}`. `explanation` replaces the row's detail where
/// the cause has one of its own (which argument is wrong).
#[must_use]
pub fn error(refusal: Refusal, explanation: Option<&str>, request_id: &str) -> Vec<u8> {
    let row = refusal.row();
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(br#"{"error":{"code":"#);
    write_string(&mut out, row.code);
    out.extend_from_slice(br#","message":"#);
    write_string(&mut out, row.message);
    out.extend_from_slice(br#","details":{"request_id":"#);
    write_string(&mut out, request_id);
    if let Some(reason) = explanation.or_else(|| refusal.detail()) {
        out.extend_from_slice(br#","reason":"#);
        write_string(&mut out, reason);
    }
    if let Some(seconds) = refusal.retry_after_s() {
        out.extend_from_slice(br#","retry_after_seconds":"#);
        out.extend_from_slice(itoa::Buffer::new().format(seconds).as_bytes());
    }
    out.extend_from_slice(br#"},"suggestion":"#);
    write_string(&mut out, row.suggestion);
    out.extend_from_slice(b"}}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn parse(text: &[u8]) -> Value {
        serde_json::from_slice(text).unwrap()
    }

    #[test]
    fn errors_name_code_reason_and_what_to_do() {
        let error = parse(&error(
            Refusal::ArgumentsInvalid,
            Some("order_id is \"missing\""),
            "r-1",
        ));
        assert_eq!(error["error"]["code"], "VALIDATION_ERROR");
        assert_eq!(
            error["error"]["details"],
            json!({"request_id": "r-1", "reason": "order_id is \"missing\""})
        );
        assert!(!error["error"]["suggestion"].as_str().unwrap().is_empty());
    }

    #[test]
    fn counts_are_sorted_by_number_then_name() {
        let names = ["b", "a", "c", "c"].map(std::sync::Arc::from);
        let expected = json!({"tags": [{"name": "c", "count": 2}, {"name": "a", "count": 1}, {"name": "b", "count": 1}]});
        assert_eq!(parse(&counts("tags", names.into_iter())), expected);
    }

    #[test]
    fn an_invocation_shows_result_and_timing() {
        let result = ToolResult {
            content: br#"[{"type":"text","text":"x"}]"#.to_vec(),
            structured: Some(br#"{"a":1}"#.to_vec()),
            structured_is_object: true,
            is_error: false,
            backend_status: Some(200),
        };
        let mut out = Vec::new();
        invoked(
            &mut out,
            "get_order",
            &result,
            "r-1",
            12,
            "2026-11-21T10:00:00.000Z",
        );
        let answer = parse(&out);
        assert_eq!(answer["toolName"], "get_order");
        assert_eq!(answer["result"]["structuredContent"], json!({"a": 1}));
        assert_eq!(
            (
                &answer["result"]["latency_ms"],
                &answer["result"]["backend_status"]
            ),
            (&json!(12), &json!(200))
        );
        assert_eq!(
            parse(&information("0.1.0"))["protocolVersions"][0],
            "2026-07-28"
        );
    }

    #[test]
    fn a_tool_is_its_definition_with_category_and_tags() {
        let mut found = crate::auth::fixture::tool(crate::auth::fixture::ACME, "own", true);
        found.category = "a \"b\"".into();
        for (tags, expected) in [(&[][..], json!([])), (&["x", "y\n"], json!(["x", "y\n"]))] {
            found.tags = tags.iter().map(|tag| (*tag).into()).collect();
            let mut out = Vec::new();
            tool(&mut out, "acme__own", &found);
            assert_eq!(
                parse(&out),
                json!({"name": "acme__own", "inputSchema": {"type": "object"}, "category": "a \"b\"", "tags": expected})
            );
        }
    }
}
