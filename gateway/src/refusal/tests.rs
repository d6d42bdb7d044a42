use std::collections::HashSet;

use super::*;
use crate::auth::scope::Scopes;
use crate::limit::LimitScope;

fn check(refusal: Refusal, http: u16, json_rpc: i32, code: &str, status: Status) {
    let row = refusal.row();
    assert_eq!(
        (row.http, row.json_rpc, row.code, row.status),
        (http, json_rpc, code, status),
        "{refusal:?}"
    );
}

fn rate_state() -> RateState {
    RateState {
        limit: 60,
        remaining: 0,
        reset_s: 12,
        retry_after_s: 3,
        scope: LimitScope::Tenant,
    }
}

#[test]
fn rows_are_what_the_documents_say() {
    check(
        Refusal::HeadTooLarge,
        431,
        431,
        "HEADERS_TOO_LARGE",
        Status::Error,
    );
    check(
        Refusal::ParseError,
        400,
        -32700,
        "INVALID_REQUEST",
        Status::Error,
    );
    check(
        Refusal::BatchRefused,
        400,
        -32600,
        "INVALID_REQUEST",
        Status::Error,
    );
    check(
        Refusal::MethodUnknown,
        404,
        -32601,
        "METHOD_NOT_FOUND",
        Status::NotFound,
    );
    check(
        Refusal::ToolUnknown,
        404,
        -32602,
        "TOOL_NOT_FOUND",
        Status::NotFound,
    );
    check(
        Refusal::ProtocolVersionUnsupported,
        400,
        -32022,
        "INVALID_REQUEST",
        Status::Error,
    );
    check(
        Refusal::CapabilityMissing,
        400,
        -32021,
        "INVALID_REQUEST",
        Status::Error,
    );
    for header in [MirroredHeader::Method, MirroredHeader::Parameter] {
        check(
            Refusal::HeaderMismatch(header),
            400,
            -32020,
            "INVALID_REQUEST",
            Status::Error,
        );
    }
    check(
        Refusal::SessionMissing,
        400,
        -32000,
        "INVALID_REQUEST",
        Status::Error,
    );
    check(
        Refusal::SessionUnknown,
        404,
        -32001,
        "SESSION_NOT_FOUND",
        Status::NotFound,
    );
    check(
        Refusal::CredentialsMissing,
        401,
        401,
        "AUTH_REQUIRED",
        Status::Unauthorized,
    );
    check(
        Refusal::CredentialsInvalid,
        401,
        401,
        "INVALID_TOKEN",
        Status::Unauthorized,
    );
    check(
        Refusal::CredentialsExpired,
        401,
        401,
        "TOKEN_EXPIRED",
        Status::Unauthorized,
    );
    check(
        Refusal::TenantUnknown,
        403,
        403,
        "TENANT_MISMATCH",
        Status::Unauthorized,
    );
    check(
        Refusal::RateLimited(rate_state()),
        429,
        429,
        "RATE_LIMITED",
        Status::RateLimited,
    );
    check(
        Refusal::ScopeInsufficient(Scopes::TOOLS_READ),
        403,
        403,
        "SCOPE_INSUFFICIENT",
        Status::PolicyDenied,
    );
    check(
        Refusal::PermissionRefused,
        403,
        403,
        "PERMISSION_DENIED",
        Status::PolicyDenied,
    );
    check(
        Refusal::ArgumentsInvalid,
        400,
        -32602,
        "VALIDATION_ERROR",
        Status::Error,
    );
    check(
        Refusal::UpstreamFailed,
        502,
        502,
        "BACKEND_ERROR",
        Status::Error,
    );
    check(
        Refusal::UpstreamTimeout,
        504,
        504,
        "BACKEND_TIMEOUT",
        Status::Timeout,
    );
    check(
        Refusal::UpstreamUnavailable,
        503,
        503,
        "SERVICE_UNAVAILABLE",
        Status::Error,
    );
    check(Refusal::Cancelled, 499, 499, "CANCELLED", Status::Cancelled);
    check(
        Refusal::Internal,
        500,
        -32603,
        "INTERNAL_ERROR",
        Status::Error,
    );
}

#[test]
fn codes_outside_the_specification_equal_the_http_status() {
    let specified = [
        -32700, -32603, -32602, -32601, -32600, -32022, -32021, -32020, -32001, -32000,
    ];
    for row in &ROWS {
        assert!(
            specified.contains(&row.json_rpc) || row.json_rpc == i32::from(row.http),
            "{}",
            row.label
        );
    }
}

#[test]
fn every_row_tells_what_happened_and_what_to_do() {
    let mut labels = HashSet::new();
    for row in &ROWS {
        assert!((400..=599).contains(&row.http), "{}", row.label);
        assert!(labels.insert(row.label), "label {} stands twice", row.label);
        for text in [row.message, row.suggestion] {
            assert!(
                text.len() > 20 && text.ends_with(['.', ')']),
                "{}: {text:?}",
                row.label
            );
        }
        assert!(
            row.code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte == b'2')
        );
    }
}

#[test]
fn challenges_are_on_every_401_and_only_where_other_credentials_help() {
    for (refusal, wanted) in [
        (Refusal::CredentialsMissing, r#"Bearer realm="stoa""#),
        (Refusal::CredentialsInvalid, r#"error="invalid_token""#),
        (Refusal::CredentialsExpired, r#"error="invalid_token""#),
        (Refusal::TokenAudience, r#"error="invalid_token""#),
        (
            Refusal::ScopeInsufficient(Scopes::TOOLS_READ),
            r#"error="insufficient_scope""#,
        ),
    ] {
        let challenge = refusal.challenge().unwrap();
        assert!(
            challenge.starts_with("Bearer realm=") && challenge.contains(wanted),
            "{challenge}"
        );
    }
    // The missing credential must not be called an invalid one: RFC 6750 section 3.1.
    assert!(
        !Refusal::CredentialsMissing
            .challenge()
            .unwrap()
            .contains("error")
    );
    assert_eq!(ROWS.iter().filter(|row| row.http == 401).count(), 4);
    assert_eq!(Refusal::TenantUnknown.challenge(), None);
    assert_eq!(Refusal::PermissionRefused.challenge(), None);
}

#[test]
fn payloads_show_in_detail_and_retry() {
    let limited = Refusal::RateLimited(rate_state());
    assert_eq!(limited.retry_after_s(), Some(3));
    assert!(limited.detail().unwrap().contains("tenant"));
    assert_eq!(
        Refusal::HeaderMismatch(MirroredHeader::Name).detail(),
        Some("Mcp-Name")
    );
    assert_eq!(Refusal::ToolUnknown.retry_after_s(), None);
    assert!(Refusal::Draining.retry_after_s().is_some());
}

#[test]
fn the_index_does_not_depend_on_the_payload() {
    let one = Refusal::HeaderMismatch(MirroredHeader::Method);
    let other = Refusal::HeaderMismatch(MirroredHeader::Name);
    assert_eq!(one.index(), other.index());
    assert_eq!(Refusal::HeadTooLarge.index(), 0);
    assert_eq!(Refusal::Internal.index(), ROWS.len() - 1);
}
