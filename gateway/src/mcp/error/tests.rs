//! Codes, statuses and texts of errors.

use crate::json::raw::Raw;
use serde_json::{Value, json};

use super::*;
use crate::auth::scope::Scopes;
use crate::limit::{LimitScope, RateState};

fn written(id: Option<&str>, refused: &Refused<'_>) -> Value {
    let raw = id.map(|text| Raw::parse(text).unwrap());
    let mut out = b"before".to_vec();
    write(&mut out, raw.and_then(Id::read), refused);
    serde_json::from_slice(out.strip_prefix(b"before").unwrap()).unwrap()
}

#[test]
fn an_error_has_the_rows_code_message_and_suggestion() {
    for (id, expected_id) in [
        (None, Value::Null),
        (Some("7"), json!(7)),
        (Some(r#""a\"b""#), json!("a\"b")),
    ] {
        let row = Refusal::SessionUnknown.row();
        assert_eq!(
            written(id, &Refusal::SessionUnknown.into()),
            json!({"jsonrpc": "2.0", "id": expected_id, "error": {
                "code": row.json_rpc, "message": row.message, "data": {"suggestion": row.suggestion},
            }}),
        );
    }
}

#[test]
fn a_mirrored_header_is_named_with_its_fault() {
    use MirroredHeader::{Method, Name, Parameter, ProtocolVersion};
    for (header, parameter, fault, message) in [
        (
            ProtocolVersion,
            None,
            HeaderFault::Missing,
            "Header mismatch: MCP-Protocol-Version is missing",
        ),
        (
            Method,
            None,
            HeaderFault::Repeated,
            "Header mismatch: Mcp-Method is sent more than once",
        ),
        (
            Name,
            None,
            HeaderFault::Different,
            "Header mismatch: Mcp-Name does not match the body",
        ),
        (
            Parameter,
            Some("region"),
            HeaderFault::Malformed,
            "Header mismatch: Mcp-Param-region has characters or base64 that are not allowed",
        ),
    ] {
        let refused = Refused {
            refusal: Refusal::HeaderMismatch(header),
            detail: Detail::Header { parameter, fault },
        };
        let error = &written(Some("1"), &refused)["error"];
        assert_eq!(error["message"], message);
        assert_eq!(error["code"], -32020);
        let named = error["data"]["header"].as_str().unwrap();
        assert!(message.contains(named), "{named}");
    }
}

#[test]
fn a_requested_version_is_escaped_and_beside_it_stands_what_is_supported() {
    let refused = Refused {
        refusal: Refusal::ProtocolVersionUnsupported,
        detail: Detail::Requested("v9\"\n"),
    };
    let error = &written(Some("1"), &refused)["error"];
    assert_eq!(error["data"]["requested"], "v9\"\n");
    assert_eq!(error["data"]["supported"], json!(["2026-07-28"]));
}

#[test]
fn waiting_and_own_messages() {
    let state = RateState {
        limit: 60,
        remaining: 0,
        reset_s: 9,
        retry_after_s: 3,
        scope: LimitScope::Tenant,
    };
    let limited = written(Some("1"), &Refusal::RateLimited(state).into());
    assert_eq!(limited["error"]["data"]["retryAfterSeconds"], 3);
    let refused = Refused {
        refusal: Refusal::InvalidRequest,
        detail: Detail::Message("Say \"please\"."),
    };
    assert_eq!(
        written(Some("1"), &refused)["error"],
        json!({"code": -32600, "message": "Say \"please\"."}),
    );
}

#[test]
fn statuses_by_era() {
    for (refusal, legacy, modern) in [
        (Refusal::ParseError, 400, 400),
        (Refusal::TooDeep, 400, 400),
        (Refusal::InvalidRequest, 400, 400),
        (Refusal::BatchRefused, 400, 400),
        (Refusal::MethodUnknown, 200, 404),
        (Refusal::ParamsInvalid, 200, 200),
        (Refusal::CursorInvalid, 200, 200),
        (Refusal::ToolUnknown, 200, 200),
        (Refusal::ArgumentsInvalid, 200, 200),
        (Refusal::MetaMissing, 400, 400),
        (Refusal::HeaderMismatch(MirroredHeader::Name), 400, 400),
        (Refusal::ProtocolVersionUnsupported, 400, 400),
        (Refusal::CapabilityMissing, 400, 400),
        (Refusal::SessionMissing, 400, 400),
        (Refusal::SessionUnknown, 404, 404),
        (Refusal::CredentialsMissing, 401, 401),
        (Refusal::ScopeInsufficient(Scopes::TOOLS_READ), 403, 403),
        (Refusal::MethodNotAllowed, 405, 405),
        (Refusal::MeteringFull, 503, 503),
    ] {
        let statuses = (
            http_status(refusal, Era::Legacy),
            http_status(refusal, Era::Modern),
        );
        assert_eq!(statuses, (legacy, modern), "{refusal:?}");
    }
}

/// Codes of table 1.4, and application codes outside the range that JSON-RPC reserves.
#[test]
fn codes() {
    for (refusal, code) in [
        (Refusal::ParseError, -32700),
        (Refusal::InvalidRequest, -32600),
        (Refusal::MethodUnknown, -32601),
        (Refusal::ToolUnknown, -32602),
        (Refusal::CursorInvalid, -32602),
        (Refusal::MetaMissing, -32602),
        (Refusal::Internal, -32603),
        (Refusal::HeaderMismatch(MirroredHeader::Method), -32020),
        (Refusal::CapabilityMissing, -32021),
        (Refusal::ProtocolVersionUnsupported, -32022),
        (Refusal::SessionMissing, -32000),
        (Refusal::SessionUnknown, -32001),
        (Refusal::CredentialsMissing, 401),
        (Refusal::PermissionRefused, 403),
    ] {
        assert_eq!(
            written(None, &refusal.into())["error"]["code"],
            code,
            "{refusal:?}"
        );
    }
}
